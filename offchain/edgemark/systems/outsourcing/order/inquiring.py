"""Asks nodes before a job is posted, and chooses those that it is posted for.

Nothing is reserved by it: a node that says yes and refuses the offer then costs what it costs when
one of them is gone, everything goes back at `accept_by`. Nobody is asked for longer than `ASKING_S`
in all, nor more than `AT_A_TIME` together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Address, Timestamp
from edgemark.identity.records import Participant
from edgemark.identity.registry import EndpointInvalid, ServerEntry, server_of
from edgemark.party.inquiry import AT_A_TIME, ask_each
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.limits import MAX_SMALL_BYTES
from edgemark.systems.outsourcing.offline.drafting import Wish, check_named, draft_terms_for
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, OutsourcingContracts
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.inquire import (
    Candidate,
    Inquiry,
    Readiness,
    choose,
    find_barred,
)
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import PeerRefused, from_peer

ASKING_S = 60.0  # from the first question to the last
AGAIN_WITHIN_S = 3.0  # a node that asks its chain just then is asked once more, so soon
MOST_SAID = 500  # characters that are kept of a stranger's words


class TooFewNodes(RefusedInput):
    """Fewer nodes than the job needs would accept it; nothing was posted.

    Args:
        found: how many would, of different providers.
        needed: m.
        said: by account, why each of the others is none of them.
    """

    def __init__(self, found: int, needed: int, said: Mapping[Address, str]) -> None:
        super().__init__(
            "too few nodes would accept it",
            who="job",
            had=f"{found} of different providers",
            needed=needed,
            remedy="Nothing was posted. Name more nodes, or wish for what they take.",
        )
        self.said = dict(said)

    def __str__(self) -> str:
        lines = [super().__str__(), *(f"  {node}: {words}" for node, words in self.said.items())]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """With what each node said."""
        said = [{"node": node, "said": words} for node, words in self.said.items()]
        return {**super().as_dict(), "nodes": said}


@dataclass(frozen=True)
class Asker:
    """Who asks nodes.

    Args:
        client: asks over TLS, each node by its pin.
        card_for: says who asks, for one server; empty for a stranger.
        ends_at: monotonic seconds; nobody is asked later.
    """

    client: HttpClient
    card_for: Callable[[Address], str]
    ends_at: float

    def ask(self, entry: ServerEntry, inquiry: Inquiry) -> Readiness:
        """What one node takes, and that it would accept what is asked about.

        Raises:
            PeerFault: it would not, cannot be reached, or answers what is no answer.
        """
        try:
            return self._ask(entry, inquiry)
        except PeerRefused as refused:
            pause_s = refused.retry_after_s
            if not 0 < pause_s <= AGAIN_WITHIN_S or time.monotonic() + pause_s > self.ends_at:
                raise
            time.sleep(pause_s)
            return self._ask(entry, inquiry)

    def ask_all(
        self, entries: Sequence[ServerEntry], inquiry: Inquiry
    ) -> dict[Address, Readiness | str]:
        """The same of each, in parallel; why one is not ready, in words: none is raised."""
        entry_of = {entry.address: entry for entry in entries}

        def ask(node: Address) -> Readiness | str:
            if time.monotonic() > self.ends_at:
                return "was not asked: the time was up"
            try:
                return self.ask(entry_of[node], inquiry)
            except (PeerFault, RefusedInput) as fault:
                return tell_fault(fault)

        return ask_each([*entry_of], ask)

    def _ask(self, entry: ServerEntry, inquiry: Inquiry) -> Readiness:
        raw = self.client.request(
            entry.endpoint,
            entry.pin,
            "POST",
            "/v1/inquiries",
            inquiry.to_wire(),
            most_bytes=MAX_SMALL_BYTES,
            card=self.card_for(entry.address),
        )
        with from_peer(entry.address):
            said = Readiness.from_wire(raw)
            if inquiry.terms is not None:
                said.check_fee(inquiry.terms.fee, who=entry.address)
        return said


def tell_fault(fault: PeerFault | RefusedInput) -> str:
    """What a node said or did that is no yes, in one line."""
    if isinstance(fault, PeerRefused) and fault.reason:
        return fault.reason[:MOST_SAID]
    had = "" if fault.had is None else f"; had {fault.had}"
    needed = "" if fault.needed is None else f"; needed {fault.needed}"
    return f"{fault.what}{had}{needed}"[:MOST_SAID]


def choose_nodes(
    station: OutsourcingStation,
    function: Polynomial,
    count: int,
    nodes: Sequence[Address],
    wish: Wish,
) -> list[Address]:
    """The first m of these nodes that would accept such a job now, of different providers.

    They are asked in their order, sixteen at a time, until there are enough; what is asked about
    is what will be posted, with another key and a little later.

    Args:
        station: who orders.
        function: F.
        count: inputs of the batch.
        nodes: m or more, those first that are preferred.
        wish: t, e, amounts and windows.

    Raises:
        TooFewNodes: fewer would; with what each said. Nothing was posted.
        RefusedInput: numbers are out of range, or a node is named twice.
    """
    choosing = _Choosing(station, function, count, wish)
    check_named(nodes, choosing.draft().node_count)
    return choosing.choose(nodes)


class _Choosing:
    """One choice."""

    def __init__(
        self, station: OutsourcingStation, function: Polynomial, count: int, wish: Wish
    ) -> None:
        self._station, self._order = station, (function, count, wish)
        self._key = SecretKey.generate(Randomness()).public_key  # of no job
        self._said: dict[Address, str] = {}

    def draft(self) -> Terms:
        """The terms as they would be posted now."""
        function, count, wish = self._order
        limits = self._station.deployment.group(OutsourcingContracts).limits
        now = Timestamp(self._station.chain.now())
        return draft_terms_for(function, count, self._key, wish, now, limits)

    def choose(self, nodes: Sequence[Address]) -> list[Address]:
        """Ask them, a few at a time, until there are enough."""
        station, needed = self._station, self.draft().node_count
        asker = Asker(station.client, station.visitor.card_for, time.monotonic() + ASKING_S)
        left = self._find_entries(nodes)
        chosen: list[Candidate] = []
        while left and len(chosen) < needed:
            asked, left = left[:AT_A_TIME], left[AT_A_TIME:]
            answers = asker.ask_all(asked, Inquiry(self.draft()))
            chosen = choose([*chosen, *self._hear(asked, answers)], needed)
        if len(chosen) < needed:
            raise TooFewNodes(len(chosen), needed, self._said)
        return [candidate.account for candidate in chosen]

    def _hear(
        self, asked: Sequence[ServerEntry], answers: Mapping[Address, Readiness | str]
    ) -> list[Candidate]:
        willing = []
        for entry in asked:
            answer = answers[entry.address]
            if isinstance(answer, Readiness):
                willing.append(Candidate(entry.address, entry.provider))
                self._said[entry.address] = "would accept it"
            else:
                self._said[entry.address] = answer
        return willing

    def _find_entries(self, nodes: Sequence[Address]) -> list[ServerEntry]:
        """Those of them that the contract would take, as the chain has them now."""
        registry, judges = self._station.registry, self._station.settlement.judges
        judges_providers = {found.provider for found in registry.participants(judges)}
        entries = []
        looked_at = zip(nodes, registry.participants(nodes), registry.standings(nodes), strict=True)
        for node, found, (_, _, is_good) in looked_at:
            barred = find_barred(
                is_node=found.role is COMPUTE_NODE,
                is_good=is_good,
                provider=found.provider,
                judges_providers=judges_providers,
            )
            entry = None if barred else self._entry_of(node, found)
            if barred:
                self._said[node] = barred
            elif entry is not None:
                entries.append(entry)
        return entries

    def _entry_of(self, node: Address, found: Participant) -> ServerEntry | None:
        try:
            return server_of(node, found)
        except EndpointInvalid as invalid:
            self._said[node] = tell_fault(invalid)
            return None
