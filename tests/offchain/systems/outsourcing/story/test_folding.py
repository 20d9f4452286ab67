"""A job's story, folded from the events of its transactions alone."""

from __future__ import annotations

from collections.abc import Sequence

from tests.offchain.systems.outsourcing import cast

from edgemark.anchoring.events import Locked, LockIncreased, Paid
from edgemark.chronicle.marks import Mark
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace
from edgemark.systems.outsourcing.contract.events import JobPosted, NodeAccepted, NodePaid
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.story.folding import Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.story import JobStory, check_amounts

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


def fold(*transactions: Sequence[ChainEvent]) -> JobStory:
    story = StoryFold(begin_story(COURT, POSTED, mark(1), 9, Timestamp(9)))
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
