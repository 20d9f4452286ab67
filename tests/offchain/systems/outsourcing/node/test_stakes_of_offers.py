"""Offers that come together at one node: each has its stake, and leave to lock it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.accounts import Allowance
from edgemark.identifiers import NO_TIME, ShareIndex, Timestamp, Tokens
from edgemark.journal.journal import Journal
from edgemark.loop.machine import TryAgain
from edgemark.loop.moves import TimeOver
from edgemark.loop.replay import encode_record
from edgemark.party.evm.settings import RegistrationSettings
from edgemark.party.settings import PartySettings
from edgemark.settings.settings import Settings
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.evidence.exporting import read_offered_stakes
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.admission import NodeBusy, OfferRefused, check_stakes
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Offer
from edgemark.systems.outsourcing.protocol.phases import JobTime, NodePhase
from edgemark.systems.outsourcing.settings import NodeSettings, OutsourcingSettings

ORDER = cast.small_order()
TERMS = ORDER.terms
STAKE = int(TERMS.stake)
OFFERED = NodeTask(phase=NodePhase.OFFERED, offer=cast.offer_to(ORDER, 1))
OFFER = Offer(ORDER.job, ShareIndex(1), TERMS, ORDER.nodes)
NOW = 1_007
ENDLESS = 2**40 - 1


class Anchor:
    """Keeps one allowance; an acceptance locks a stake of it, or is refused."""

    def __init__(self, free: int, allowed: int = 0, expires_at: int = ENDLESS) -> None:
        self.free, self.allowed, self.sent = free, allowed, 0
        self.expires_at, self.brought = expires_at, 0
        self.is_under_way = False

    def free_balance(self, *_: object, **__: object) -> int:
        return self.free

    def locker_allowance(self, *_: object) -> Allowance:
        return Allowance(Tokens(self.allowed), Timestamp(self.expires_at))

    def allow_locker(self, _: object, amount: int, __: int) -> int:
        return amount

    def send_many(self, calls: Sequence[int], **_: object) -> None:
        self.sent += len(calls)
        self.allowed = calls[-1]

    def accept(self, _: object) -> None:
        if self.allowed < STAKE:
            raise TryAgain("accept is refused for the moment", had="AllowanceTooLow")
        self.allowed -= STAKE
        self.free -= STAKE
        self.brought += 1

    def may_happen(self, _: object) -> bool:
        return self.is_under_way


def accepting(
    anchor: Anchor, offered: int, deposit: int = 0, phase: IndexPhase = IndexPhase.NAMED
) -> Accepting:
    """Of a node that took so many offers, none of whose acceptances is on chain."""
    station: Any = SimpleNamespace(
        deployment=cast.DEPLOYMENT,
        address=cast.NODE_ADDRESSES[0],
        allowing=threading.RLock(),
        functions=SimpleNamespace(make_free=lambda _: 2**50),
        lockers=["settlement"],
        clock=lambda: NOW,
        chain=SimpleNamespace(
            block=lambda _: SimpleNamespace(timestamp=1_000), confirmed=lambda: 100
        ),
        accounts=anchor,
        lane=anchor,
        settings=Settings(Path(), (RegistrationSettings(deposit=deposit), NodeSettings())),
        bounds=OutsourcingSettings(),
        paces=PartySettings(),
        block_s=lambda: 1,
        seeing_s=lambda: 3.0,
        submit=anchor.accept,
        registry=SimpleNamespace(is_active=lambda _: True),
        settlement=SimpleNamespace(
            address="settlement",
            domain=cast.DOMAIN,
            index=lambda *_, **__: SimpleNamespace(phase=phase),
            accept=lambda *_: None,
        ),
        keys=SimpleNamespace(account=cast.NODES[0]),
    )
    over = [NodeTask(), NodeTask(phase=NodePhase.ENDED, offer=OFFERED.offer)]
    speed: Any = SimpleNamespace(fastest=1e-9, of=lambda _: 1e-9)
    return Accepting(station, lambda: [OFFERED] * offered + over, speed, TurnBook())


def take(anchor: Anchor, offered: int) -> on.HeardOffer:
    """One offer more."""
    job: Any = SimpleNamespace(root=ORDER.root)
    return accepting(anchor, offered).take(OFFER, job, cast.JUDGE_ADDRESSES, 1e-9)


def test_offers_together__are_all_accepted_under_one_allowance() -> None:
    anchor = Anchor(free=6 * STAKE)
    accepting(anchor, offered=3).allow_stakes()
    for left in (2, 1, 0):
        anchor.accept(None)
        assert anchor.allowed == left * STAKE
    assert anchor.sent == 1


def test_an_acceptance__gives_leave_again_where_it_was_used_up() -> None:
    """As it was, leave was given when an offer came, and an acceptance without it never went."""
    anchor = Anchor(free=6 * STAKE)
    node = accepting(anchor, offered=2)
    with pytest.raises(TryAgain):
        anchor.accept(None)
    for _ in range(2):
        node.bring(OFFERED.known)
        anchor.allowed = 0  # replaced or used up by others meanwhile
    assert anchor.free == 4 * STAKE


def test_an_acceptance__that_is_under_way__gives_leave_once() -> None:
    """Others that became final meanwhile used it up; this one is sent, and needs no more."""
    anchor = Anchor(free=6 * STAKE)
    node = accepting(anchor, offered=2)
    node.bring(OFFERED.known)
    anchor.allowed, anchor.is_under_way = 0, True
    with pytest.raises(TryAgain):
        node.bring(OFFERED.known)
    assert anchor.sent == 1


def test_an_acceptance__that_somebody_brought_already__is_not_brought_again() -> None:
    anchor = Anchor(free=6 * STAKE)
    node = accepting(anchor, offered=1, phase=IndexPhase.ACCEPTED)
    with pytest.raises(TryAgain, match="not deep enough"):  # and again, until it is seen or gone
        node.bring(OFFERED.known)
    assert (anchor.sent, anchor.brought) == (0, 0)


def test_leave_to_lock__is_of_the_deposit_at_once() -> None:
    anchor = Anchor(free=9 * STAKE)
    node = accepting(anchor, offered=1, deposit=8 * STAKE)
    for _ in range(5):
        node.bring(OFFERED.known)
    assert (anchor.sent, anchor.allowed) == (1, 3 * STAKE)


def test_an_offer__beside_others_that_take_the_balance__is_put_off() -> None:
    for offered in (0, 1, 2):
        accepting(Anchor(3 * STAKE), offered).check_free(TERMS)
    with pytest.raises(NodeBusy, match="tokens in other jobs"):
        accepting(Anchor(3 * STAKE), offered=3).check_free(TERMS)
    with pytest.raises(NodeBusy):
        check_stakes(STAKE, STAKE, 2 * STAKE - 1, who="node")
    with pytest.raises(OfferRefused, match="does not cover the stake"):
        accepting(Anchor(STAKE - 1), offered=0).check_free(TERMS)


class PlantedAccepting(Accepting):
    """As it was: the balance first, and of whatever block the chain's node has."""

    def check_free(self, terms: Terms) -> None:
        free = self._station.accounts.free_balance(self._me, block="confirmed")
        check_stakes(terms.stake, self.offered_stakes(), free, who=self._me)


@pytest.mark.parametrize(("kind", "is_taken"), [(Accepting, False), (PlantedAccepting, True)])
def test_a_stake__that_is_accepted_while_an_offer_is_looked_at__counts(
    kind: type[Accepting], *, is_taken: bool
) -> None:
    anchor, tasks = Anchor(STAKE), [OFFERED]
    node = accepting(anchor, offered=0)
    node.__class__ = kind
    node._tasks = lambda: tuple(tasks)  # type: ignore[method-assign]

    def read(*_: object, **__: object) -> int:
        tasks[0] = replace(OFFERED, phase=NodePhase.ACCEPTED)
        return STAKE

    anchor.free_balance = read  # type: ignore[method-assign]
    with contextlib.nullcontext() if is_taken else pytest.raises(NodeBusy):
        node.check_free(TERMS)


def test_the_balance__is_of_no_block_before_the_one_the_tasks_are_known_by() -> None:
    anchor, asked = Anchor(9 * STAKE), list[object]()
    anchor.free_balance = lambda *_, block: asked.append(block) or STAKE  # type: ignore[method-assign,assignment,func-returns-value]
    node = accepting(anchor, offered=0)
    for looked in (99, 103):
        node._looked_until = lambda block=looked: block  # type: ignore[misc]
        node.check_free(TERMS)
    assert asked == [100, 103]


def test_the_handler_of_an_offer__sends_nothing() -> None:
    anchor = Anchor(9 * STAKE)
    take(anchor, offered=1)
    assert (anchor.sent, anchor.brought) == (0, 0)


# --- what is left to the device, and for how long ------------------------------------------------


def test_an_acceptance__is_left_to_the_device_for_half_of_what_is_left_of_the_window() -> None:
    half = NOW + (TERMS.accept_by - NOW) // 2
    assert take(Anchor(9 * STAKE, allowed=STAKE), offered=0).waits_until == half


@pytest.mark.parametrize(
    ("allowed", "expires_at", "offered"),
    [(STAKE - 1, ENDLESS, 0), (2 * STAKE, ENDLESS, 2), (STAKE, TERMS.accept_by - 1, 0)],
    ids=["too little", "promised to others", "too short"],
)
def test_an_acceptance__that_the_anchor_would_refuse__is_left_to_nobody(
    allowed: int, expires_at: int, offered: int
) -> None:
    anchor = Anchor(9 * STAKE, allowed, expires_at)
    assert take(anchor, offered).waits_until == NO_TIME
    least = Anchor(9 * STAKE, (offered + 1) * STAKE, TERMS.accept_by)
    assert take(least, offered).waits_until != NO_TIME


def test_the_stake__of_an_acceptance_that_was_given_away__stays_reserved() -> None:
    given = replace(OFFERED, offer=replace(OFFERED.known, waits_until=Timestamp(NOW + 1)))
    for task in (OFFERED, given, replace(given, over=frozenset({TimeOver(JobTime.BRINGING)}))):
        node = accepting(Anchor(9 * STAKE), offered=0)
        node._tasks = lambda kept=task: [kept]  # type: ignore[misc]
        assert node.offered_stakes() == STAKE


def test_a_node_that_withdraws__keeps_the_stakes_of_what_it_took(tmp_path: Path) -> None:
    assert read_offered_stakes(tmp_path) == 0
    machine, offer = PartyMachine(NodeTask), OFFERED.known
    tmp_path.chmod(0o700)
    with Journal.open(tmp_path / "node.journal") as journal:
        journal.append(encode_record(machine, key_of(offer.job, offer.index), offer))
    assert read_offered_stakes(tmp_path) == STAKE


def test_a_stake__that_a_request_saw_locked__is_not_promised_again_by_a_node_that_lags() -> None:
    """A request looked at block 110; the chain's node is asked next as of 105, before the lock."""
    asked = list[int]()

    def free_balance(_: object, *, block: int) -> int:
        asked.append(block)
        return 0 if block >= 108 else STAKE

    node: Any = ComputeNode.__new__(ComputeNode)
    node.agenda, node.rounds = SimpleNamespace(block=104), SimpleNamespace(read_until=110)
    accepted = NodeTask(phase=NodePhase.ACCEPTED, offer=OFFERED.offer)
    anchor: Any = SimpleNamespace(free_balance=free_balance)
    chain = SimpleNamespace(confirmed=lambda: 105)
    station: Any = SimpleNamespace(address="me", chain=chain, accounts=anchor)
    nothing: Any = None
    for until, is_taken in ((lambda: node.agenda.block, True), (node._read_until, False)):
        judging = Accepting(station, lambda: [accepted], nothing, nothing, until)
        with contextlib.nullcontext() if is_taken else pytest.raises(OfferRefused):
            judging.check_free(TERMS)
    assert asked == [105, 110]


def test_a_node__reckons_with_blocks_and_looks_until_it_sees_a_charge_served() -> None:
    judging = accepting(Anchor(free=STAKE), offered=0)._judging()
    assert judging.seen_s == 3.0
    assert judging.threads == 16
    assert judging.reserved_s == judging.seen_s + judging.bad * judging.pause_s
