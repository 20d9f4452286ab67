"""Folds the events of one job into its story, wherever they were read.

The chain itself also tells who sent each transaction and what it was called with; an index of
events does not, and then senders and signatures stay unknown. Everything else is the same.

Rule: what is paid out of a node's pot belongs to its index, what is paid out of the payer's pot to
the indices that ended since the payments before, in the order in which the contract pays
(`story.parting`): one account may be payer, node and pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from edgemark.chronicle.marks import Credit, Mark
from edgemark.chronicle.pots import Pots
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.outsourcing.contract import events as seen
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.parting import Parting
from edgemark.systems.outsourcing.story.story import (
    Charge,
    IndexStory,
    JobStory,
)

INDEX_PHASES: dict[type[ChainEvent], IndexPhase] = {
    seen.NodeAccepted: IndexPhase.ACCEPTED,
    seen.ResultCommitted: IndexPhase.COMMITTED,
    seen.NodeCharged: IndexPhase.CHARGED,
    seen.ChargeServed: IndexPhase.SERVED,
    seen.NodePaid: IndexPhase.PAID,
    seen.FeeUnearned: IndexPhase.UNEARNED,
    seen.NodeConvicted: IndexPhase.CONVICTED,
    seen.ChargeRefuted: IndexPhase.REFUTED,
    seen.ChargeAnswered: IndexPhase.ANSWERED,
    seen.ChargeVoided: IndexPhase.VOID,
    seen.ChargeLapsed: IndexPhase.LAPSED,
}
ENDS = {kind: phase for kind, phase in INDEX_PHASES.items() if phase.is_end}
FINDINGS = {seen.ChargeRefuted: Finding.RIGHT, seen.ChargeAnswered: Finding.RIGHT}
NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Court:
    """What holds for every job of a settlement; see `JobStory`."""

    chain_id: int
    judges: tuple[Address, ...]
    threshold: int
    pool: Address


def begin_story(
    court: Court, posting: seen.JobPosted, posted: Mark, as_of: int, now: Timestamp
) -> JobStory:
    """A job that was posted and nothing more.

    Args:
        court: of the settlement that says so.
        posting: the event.
        posted: its transaction.
        as_of: the last block that is looked at.
        now: its time.
    """
    return JobStory(
        chain_id=court.chain_id,
        settlement=posting.at.contract,
        job=JobId(posting.job),
        payer=posting.payer,
        root=posting.root,
        terms=Terms(*posting.terms),
        terms_hash=posting.terms_hash,
        judges=court.judges,
        threshold=court.threshold,
        pool=court.pool,
        posted=posted,
        indices=tuple(
            IndexStory(ShareIndex(j), node) for j, node in enumerate(posting.nodes, start=1)
        ),
        pots=(),
        as_of=as_of,
        now=now,
    )


class StoryFold:
    """A story in the making: one transaction after the other.

    Args:
        story: of the posting, by `begin_story`.
    """

    def __init__(self, story: JobStory) -> None:
        self._story = story
        self._indices = {int(place.index): place for place in self._story.indices}
        self._pots = Pots(story.settlement, story.job)
        self._ended: list[int] = []  # of the transaction that is taken, whose payments follow
        self._parting: Parting | None = None  # of these payments, once they have begun

    def take(
        self, mark: Mark, events: Sequence[ChainEvent], arguments: Mapping[str, Any] = NO_ARGUMENTS
    ) -> None:
        """Everything that a transaction says about this job.

        Args:
            mark: the transaction.
            events: of settlement and anchor in it, in order; those of other jobs too.
            arguments: what the settlement was called with; none where only events are known.
        """
        self._ended, self._parting = [], None
        for event in events:
            if getattr(event, "job", None) == self._story.job:
                self._take_event(event, mark, arguments)
            for credit in self._pots.take(mark, [event]):
                self._take_credit(credit)

    def finish(self) -> JobStory:
        """The whole story."""
        indices = tuple(self._indices[j] for j in sorted(self._indices))
        return replace(self._story, indices=indices, pots=self._pots.all)

    def _take_credit(self, credit: Credit) -> None:
        if self._story.cancelled is not None:
            self._story = replace(self._story, released=(*self._story.released, credit))
            return
        for index, amount in self._divide(credit).items():
            paid = self._indices[index]
            part = replace(credit, amount=amount)
            self._indices[index] = replace(paid, credits=(*paid.credits, part))

    def _divide(self, credit: Credit) -> dict[int, int]:
        """What of a payment is for the end of which index."""
        if self._parting is None:
            self._parting = Parting(self._story, [self._indices[index] for index in self._ended])
        return self._parting.divide(credit)

    def _take_event(self, event: ChainEvent, mark: Mark, arguments: Mapping[str, Any]) -> None:
        match event:
            case seen.JobStarted():
                self._story = replace(self._story, started=mark)
            case seen.JobCancelled():
                self._story = replace(self._story, cancelled=mark)
                for j, place in self._indices.items():
                    self._indices[j] = replace(place, phase=IndexPhase.RELEASED, ended=mark)
            case seen.NodeAccepted():
                self._accept(event, mark, arguments)
            case seen.NodeCharged():
                charge = Charge(ChargeKind(event.kind), mark, event.served_by)
                self._change(event.index, charge=charge)
            case seen.ResultCommitted():
                self._change(event.index, committed=mark, commitment=event.commitment)
            case seen.ChargeServed():
                self._serve(event, mark, arguments)
            case _ if type(event) in ENDS:
                self._end(event, mark, arguments)
            case _:
                pass
        if type(event) in INDEX_PHASES:
            of_index: Any = event
            self._change(of_index.index, phase=INDEX_PHASES[type(event)])

    def _accept(self, event: seen.NodeAccepted, mark: Mark, arguments: Mapping[str, Any]) -> None:
        brought: dict[int, Any] = {int(a.index): a for a in arguments.get("acceptances", ())}
        signed = brought.get(int(event.index))
        self._change(
            event.index,
            accepted=mark,
            acceptance=b"" if signed is None else signed.signature,
            valid_until=Timestamp(0 if signed is None else signed.valid_until),
        )

    def _serve(self, event: seen.ChargeServed, mark: Mark, arguments: Mapping[str, Any]) -> None:
        served = replace(
            _charge_of(self._indices[event.index]),
            served=mark,
            answer_by=event.answer_by,
            verdict_by=event.verdict_by,
            served_signatures=arguments.get("signatures", ()),
        )
        self._change(event.index, charge=served)

    def _end(self, event: Any, mark: Mark, arguments: Mapping[str, Any]) -> None:
        if self._parting is not None:  # another round of the same transaction
            self._ended, self._parting = [], None
        self._ended.append(int(event.index))
        place = self._indices[event.index]
        found = FINDINGS.get(type(event), Finding.NONE)
        if isinstance(event, seen.NodeConvicted):
            found = Finding(event.finding)
        charge = place.charge
        if charge is not None and found is not Finding.NONE:
            signatures = arguments.get("signatures", ())
            charge = replace(charge, finding=found, verdict_signatures=signatures)
        self._change(event.index, ended=mark, charge=charge)

    def _change(self, index: int, **changes: Any) -> None:
        self._indices[index] = replace(self._indices[index], **changes)


def _charge_of(place: IndexStory) -> Charge:
    if place.charge is None:
        raise LookupError("the chain served a charge that nobody filed")
    return place.charge
