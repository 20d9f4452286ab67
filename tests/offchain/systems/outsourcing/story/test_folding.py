"""A job's story, folded from the events of its transactions alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.events import Locked, LockIncreased, Paid
from edgemark.chronicle.marks import Mark
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace
from edgemark.systems.outsourcing.contract.amounts import compute_ending, share_out
from edgemark.systems.outsourcing.contract.events import (
    ChargeLapsed,
    ChargeServed,
    ChargeVoided,
    FeeUnearned,
    JobPosted,
    NodeAccepted,
    NodeCharged,
    NodePaid,
)
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.story import folding
from edgemark.systems.outsourcing.story.folding import Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.parting import Parting
from edgemark.systems.outsourcing.story.story import JobStory, check_amounts, list_payees

ORDER = cast.small_order()
JOB, TERMS = ORDER.job, ORDER.terms
AT = LogPlace(cast.SETTLEMENT, 1, Hash32(bytes(32)), Hash32(bytes(32)), 0)
COURT = Court(cast.CHAIN_ID, cast.JUDGE_ADDRESSES, 3, cast.POOL)
POSTED = JobPosted(
    JOB, cast.PAYER.address, ORDER.root, TERMS.hash, TERMS.as_abi(), cast.NODE_ADDRESSES, at=AT
)
EXPIRY = Timestamp(TERMS.collect_by + 1_000)
STRANGER = cast.OUTSIDER.address  # a contract that locks its own tokens for the same subject


def mark(number: int) -> Mark:
    return Mark(number, Timestamp(number), Hash32(number.to_bytes(32, "big")))


def lock(locker: Address, owner: Address, place: int, amount: int) -> Locked:
    return Locked(locker, Hash32(JOB), owner, place, Tokens(amount), EXPIRY, at=AT)


def pay(locker: Address, to: Address, place: int, amount: int) -> Paid:
    return Paid(locker, Hash32(JOB), to, place, Tokens(amount), at=AT)


def fold(
    *transactions: Sequence[ChainEvent], posted: JobPosted = POSTED, court: Court = COURT
) -> JobStory:
    story = StoryFold(begin_story(court, posted, mark(1), 9, Timestamp(9)))
    for number, events in enumerate(transactions, start=1):
        story.take(mark(number), events)
    return story.finish()


def honest() -> list[list[ChainEvent]]:
    """The job is posted; node 2 accepts, and is paid."""
    settlement, payer = cast.SETTLEMENT, cast.PAYER.address
    index, node = ShareIndex(2), cast.NODE_ADDRESSES[1]
    return [
        [POSTED, lock(settlement, payer, 0, 6 * TERMS.fee)],
        [NodeAccepted(JOB, index, node, at=AT), lock(settlement, node, 2, TERMS.stake)],
        [
            NodePaid(JOB, index, node, TERMS.fee, at=AT),
            pay(settlement, node, 0, TERMS.fee),
            pay(settlement, node, 2, TERMS.stake),
        ],
    ]


def test_story__of_a_paid_index__has_its_credits_and_what_is_left() -> None:
    story = fold(*honest())
    assert story.at(2).phase is IndexPhase.PAID
    assert all(check.agrees for check in check_amounts(story))
    assert [(pot.place, pot.amount, pot.remaining) for pot in story.pots] == [
        (0, 6 * TERMS.fee, 5 * TERMS.fee),
        (2, TERMS.stake, 0),
    ]
    assert (story.state, story.held) == ("posted", 5 * TERMS.fee)


def test_story__of_a_stranger_who_locks_and_pays_under_the_jobs_name__is_the_same() -> None:
    spoiled = honest()
    spoiled[0] = [lock(STRANGER, STRANGER, 0, 1), *spoiled[0], lock(STRANGER, STRANGER, 5, 1)]
    increase = LockIncreased(STRANGER, Hash32(JOB), STRANGER, 0, Tokens(1), at=AT)
    spoiled[2] = [pay(STRANGER, STRANGER, 0, 1), increase, *spoiled[2]]
    spoiled[2].append(pay(STRANGER, cast.PAYER.address, 9, 1))
    assert fold(*spoiled) == fold(*honest())


# --- several indices that end together -----------------------------------------------------------

ENDS = {
    IndexPhase.PAID: lambda j, node: NodePaid(JOB, j, node, TERMS.fee, at=AT),
    IndexPhase.UNEARNED: lambda j, node: FeeUnearned(JOB, j, node, TERMS.fee, at=AT),
    IndexPhase.VOID: lambda j, node: ChargeVoided(JOB, j, node, at=AT),
    IndexPhase.LAPSED: lambda j, node: ChargeLapsed(JOB, j, node, at=AT),
}
CHARGED = {IndexPhase.VOID, IndexPhase.LAPSED}


class OldParting(Parting):
    """Planted: a sum is divided if it is all that its account is due, whatever for."""

    def __init__(self, story: JobStory, ended: Sequence[folding.IndexStory]) -> None:
        super().__init__(story, ended)
        self._story, self._places = story, {int(place.index): place for place in ended}

    def divide(self, credit: folding.Credit) -> dict[int, int]:
        if credit.place or len(self._places) == 1:
            return {credit.place or self._ended[0]: credit.amount}
        due = {}
        for index, place in self._places.items():
            ending = compute_ending(place.phase, TERMS)
            amount = share_out(ending.deposit, list_payees(self._story, place)).get(credit.account)
            if amount:
                due[index] = amount
        return due if sum(due.values()) == credit.amount else {self._ended[-1]: credit.amount}


def begin(posted: JobPosted, ends: dict[int, IndexPhase]) -> list[list[ChainEvent]]:
    """All nodes accept; some are charged."""
    began: list[list[ChainEvent]] = [
        [posted, lock(cast.SETTLEMENT, posted.payer, 0, 6 * TERMS.fee)]
    ]
    for j, end in ends.items():
        node, index = posted.nodes[j - 1], ShareIndex(j)
        accepted = NodeAccepted(JOB, index, node, at=AT)
        began.append([accepted, lock(cast.SETTLEMENT, node, j, TERMS.stake)])
        if end in CHARGED:
            bond = Tokens(TERMS.bond)
            charged = NodeCharged(JOB, index, node, 1, Timestamp(5), at=AT)
            more = LockIncreased(cast.SETTLEMENT, Hash32(JOB), posted.payer, 0, bond, at=AT)
            began.append([charged, more])
        if end is IndexPhase.LAPSED:
            began.append([ChargeServed(JOB, index, Timestamp(6), Timestamp(7), at=AT)])
    return began


def close(posted: JobPosted, pool: Address, ends: dict[int, IndexPhase]) -> list[ChainEvent]:
    """A round as `Endings.sol` has it: all ends, then what nodes are paid, payer and pool last."""
    told: list[ChainEvent] = []
    paid: list[tuple[Address, int, int]] = []
    to_payer = to_pool = 0
    for j, end in ends.items():
        node, ending = posted.nodes[j - 1], compute_ending(end, TERMS)
        told.append(ENDS[end](ShareIndex(j), node))
        paid += [(node, 0, ending.deposit.node), (node, j, ending.stake.node)]
        to_payer, to_pool = to_payer + ending.deposit.payer, to_pool + ending.deposit.pool
    paid += [(posted.payer, 0, to_payer), (pool, 0, to_pool)]
    told += [pay(cast.SETTLEMENT, to, place, amount) for to, place, amount in paid if amount]
    return told


def differing(*rounds: dict[int, IndexPhase], payer: Address, pool: Address = cast.POOL) -> int:
    """How many ends do not agree with what was paid in one transaction of these rounds."""
    posted = replace(POSTED, payer=payer)
    court = replace(COURT, pool=pool)
    everything = {j: end for ends in rounds for j, end in ends.items()}
    last = [event for ends in rounds for event in close(posted, pool, ends)]
    story = fold(*begin(posted, everything), last, posted=posted, court=court)
    checks = check_amounts(story)
    assert len(checks) == len(everything)
    return sum(not check.agrees for check in checks)


PAYERS_NODE_IS_PAID = {1: IndexPhase.PAID, 2: IndexPhase.LAPSED}


def test_a_payer_that_is_a_node__is_paid_for_each_and_was_not_by_the_planted_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = cast.NODE_ADDRESSES[0]
    assert differing(PAYERS_NODE_IS_PAID, payer=cast.PAYER.address) == 0
    assert differing(PAYERS_NODE_IS_PAID, payer=node) == 0
    monkeypatch.setattr(folding, "Parting", OldParting)
    assert differing(PAYERS_NODE_IS_PAID, payer=cast.PAYER.address) == 0
    assert differing(PAYERS_NODE_IS_PAID, payer=node) == 2


@pytest.mark.parametrize("seed", range(40))
def test_whoever_is_payer_node_and_pool__every_end_agrees_with_its_payments(seed: int) -> None:
    draw = random.Random(seed)
    indices = draw.sample(range(1, 7), draw.randrange(1, 7))
    rounds = [{j: draw.choice([*ENDS]) for j in indices}]
    if draw.random() < 0.5:  # as a contract may that calls twice
        half = len(indices) // 2
        rounds = [{j: rounds[0][j] for j in part} for part in (indices[:half], indices[half:])]
    accounts = [cast.PAYER.address, *cast.NODE_ADDRESSES]
    payer, pool = draw.choice(accounts), draw.choice([cast.POOL, *accounts])
    assert differing(*rounds, payer=payer, pool=pool) == 0


def test_a_payment_of_another_amount__is_found() -> None:
    posted = replace(POSTED, payer=cast.NODE_ADDRESSES[0])
    last = close(posted, cast.POOL, PAYERS_NODE_IS_PAID)
    spoiled = [
        replace(event, amount=Tokens(event.amount - 1))
        if isinstance(event, Paid) and event.place == 0 and event.to == cast.POOL
        else event
        for event in last
    ]
    story = fold(*begin(posted, PAYERS_NODE_IS_PAID), spoiled, posted=posted)
    assert [check.agrees for check in check_amounts(story)] == [True, False]
