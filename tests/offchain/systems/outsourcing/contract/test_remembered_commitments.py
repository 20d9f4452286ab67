"""Commitments are asked for by every effect's thread at once, of more jobs than are remembered.

What is counted is requests to a chain's node that takes no batches: two a block, as one of the
nodes behind an address may lag and answer a range with no logs at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.ledger.fake_chain import GENESIS_AT, Event, FakeChain, deployment_of, person
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.faults import ChainBusy
from edgemark.ledger.evm.reading.follower import LogFollower
from edgemark.systems.outsourcing.contract.committed import (
    COMMITTED_TOPIC,
    ENDS,
    PIECE_BLOCKS,
    REMEMBERED_JOBS,
    Allowance,
)
from edgemark.systems.outsourcing.contract.events import JobPosted, NodePaid, ResultCommitted
from edgemark.systems.outsourcing.contract.settlement import NotCommitted, SettlementContract
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.folding import ENDS as ENDS_OF_INDICES

THREADS, EACH = 8, 1000
WINDOW = 600  # blocks in which nodes may commit
COLLECTING = 300  # blocks since, until somebody asks
POSTED, NODES = 10, 6
COMMIT_BLOCKS = [POSTED + 90 * j for j in range(1, NODES + 1)]
OVER = POSTED + WINDOW  # the last block that may hold a commitment


def job(number: int) -> JobId:
    return JobId(number.to_bytes(32, "big"))


JOB = job(7)


def commitment(index: int) -> Hash32:
    return Hash32(bytes([index]) * 32)


def committed(index: int, of: JobId = JOB) -> Event:
    return "JobSettlement", "ResultCommitted", (of, index, person(index), commitment(index))


def started(of: JobId) -> Event:
    return "JobSettlement", "JobStarted", (of, GENESIS_AT)


def posted(of: JobId) -> Event:
    order = cast.small_order()
    facts = (of, person(1), order.root, order.terms.hash, order.terms.as_abi(), list(order.nodes))
    return "JobSettlement", "JobPosted", facts


class OneByOne(FakeChain):
    """Takes no batches; counts what it is asked."""

    def ask_together(self, _: Sequence[tuple[str, Sequence[object]]]) -> None:
        self.requests += 1  # refused

    def grow(self, blocks: int, missing: tuple[int, ...] = ()) -> None:
        """Up to a height: the job is posted, and all its nodes but some commit."""
        for number in range(len(self.blocks), blocks):
            index = COMMIT_BLOCKS.index(number) + 1 if number in COMMIT_BLOCKS else 0
            news = [posted(JOB), started(JOB)] if number == POSTED else []
            news += [committed(index)] if index and index not in missing else []
            self.mine(news)


class Asked(SettlementContract):
    """Sees a job in the view; each view is a request."""

    def __init__(self, chain: OneByOne) -> None:
        super().__init__(chain, chain.deployment, judges=())
        self.chain = chain
        self.started_at = GENESIS_AT + 12 * POSTED

    def job(self, job: JobId, *, block: int | str = "confirmed") -> Any:  # noqa: ARG002 - one job
        self.chain.requests += 1
        by = GENESIS_AT + 12 * OVER + 2
        return SimpleNamespace(posted_block=POSTED, started_at=self.started_at, compute_by=by)

    def index(self, job: JobId, index: int, *, block: int | str = "confirmed") -> Any:
        self.chain.requests += 1
        assert isinstance(block, int)
        wanted = committed(index, job)
        return SimpleNamespace(
            committed=any(wanted in each.events for each in self.chain.blocks[: block + 1])
        )


class PlantedReading(Asked):
    """As it was: the whole job up to the confirmed head, whenever one is missing."""

    def commitment(
        self,
        job: JobId,
        index: int,
        allowance: Allowance | None = None,  # noqa: ARG002 - read whole
    ) -> Hash32:
        head = self.chain.confirmed()
        first = self.job(job, block=head).posted_block
        topics: list[list[bytes]] = [[COMMITTED_TOPIC], [job]]
        events = decode_logs([self.contract], self.chain.logs([self.address], first, head, topics))
        known = {e.index: e.commitment for e in events if isinstance(e, ResultCommitted)}
        if index not in known:
            raise NotCommitted("commitment is not on chain yet")
        return known[index]


def settlement_over(
    blocks: int = OVER + COLLECTING, kind: type[Asked] = Asked, missing: tuple[int, ...] = ()
) -> Asked:
    chain = OneByOne(deployment_of())
    chain.grow(blocks, missing)
    return kind(chain)


def requests_of(settlement: Asked, index: int) -> int:
    """How many requests one question takes, whether it is answered or not."""
    before = settlement.chain.requests
    with suppress(NotCommitted):
        assert settlement.commitment(JOB, index) == commitment(index)
    return settlement.chain.requests - before


# --- how much is asked --------------------------------------------------------------------------


def test_every_block_of_a_job__is_read_once_and_none_behind_its_window() -> None:
    """A job of six, one of which never commits; 600 blocks to commit in, and 300 more since."""
    settlement = settlement_over(missing=(NODES,))
    asked = [requests_of(settlement, index) for index in (*range(1, NODES), NODES, NODES)]
    assert sum(asked) <= 1_265
    assert asked[-1] == 2  # the head and the view: its window is over, and was read
    as_it_was = settlement_over(kind=PlantedReading, missing=(NODES,))
    assert [requests_of(as_it_was, NODES) for _ in range(2)] == [1_799, 1_799]


def test_a_job_that_the_watch_saw_posted__is_asked_for_nothing() -> None:
    settlement = settlement_over(POSTED)
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.chain.grow(OVER + COLLECTING, missing=(NODES,))
    settlement.note(follower.poll(), follower.cursor)
    assert [requests_of(settlement, index) for index in range(1, NODES)] == [0] * (NODES - 1)
    assert requests_of(settlement, NODES) == 2  # the head and the view: no block is behind it


def test_a_commitment_behind_the_watch__is_read_from_there() -> None:
    settlement = settlement_over(COMMIT_BLOCKS[-1])
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.note(follower.poll(), follower.cursor)
    settlement.chain.grow(COMMIT_BLOCKS[-1] + 3)
    assert 0 < requests_of(settlement, NODES) < 20


def test_a_job_from_before_the_watch__is_read_from_its_posting() -> None:
    settlement = settlement_over(OVER)
    follower = LogFollower(settlement.chain, [settlement.contract], COMMIT_BLOCKS[2])
    settlement.note(follower.poll(), follower.cursor)
    assert requests_of(settlement, NODES) == 0
    assert requests_of(settlement, 1) > 0
    assert settlement.commitment(JOB, 2) == commitment(2)


def test_reading__goes_on_from_where_a_node_failed() -> None:
    settlement = settlement_over(missing=(NODES,))
    chain = settlement.chain
    most, total = 2 * PIECE_BLOCKS + 50, 0

    def fail(number: int) -> None:
        if number > limit:
            raise ChainBusy("takes no more requests", who="node", retry_after_s=1.0)

    chain.before_request = fail
    for _ in range(OVER // PIECE_BLOCKS + 1):
        limit = chain.requests + most
        try:
            total += requests_of(settlement, NODES)
            break
        except LedgerUnavailable:
            total += most
    assert requests_of(settlement, NODES) == 2
    assert settlement.commitment(JOB, 5) == commitment(5)
    assert total <= 2 * (2 * WINDOW + 50)


def test_a_job_that_has_not_started__is_read_when_it_has() -> None:
    settlement = settlement_over()
    started_at, settlement.started_at = settlement.started_at, 0
    assert requests_of(settlement, 1) == 2  # the head and the view
    settlement.started_at = started_at
    assert settlement.commitment(JOB, 1) == commitment(1)


def test_a_commitment_that_is_not_deep_enough__is_told_when_it_is() -> None:
    settlement = settlement_over(COMMIT_BLOCKS[0] + 1)
    for _ in range(settlement.chain.confirmations):
        with pytest.raises(NotCommitted):
            settlement.commitment(JOB, 1)
        settlement.chain.mine([])
    assert settlement.commitment(JOB, 1) == commitment(1)


def test_the_last_block_of_the_window__is_read() -> None:
    for last in (OVER - 1, OVER):
        chain = OneByOne(deployment_of())
        for number in range(OVER + COLLECTING):
            chain.mine([committed(1)] if number + 1 == last else [])
        assert Asked(chain).commitment(JOB, 1) == commitment(1)


# --- many threads, many jobs --------------------------------------------------------------------


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def note_one(
    settlement: SettlementContract, number: int, kind: type[ChainEvent] = ResultCommitted
) -> None:
    event: Any = kind.__new__(kind)
    vars(event).update(job=job(number), index=1, commitment=commitment(1))
    settlement.note([event], number)


@pytest.mark.usefixtures("_switching_often")
def test_commitments__asked_for_and_noted_by_many_threads__are_told() -> None:
    settlement = settlement_over(POSTED)
    read: Any = lambda _, index, known, __: known.by_index.update({index: commitment(index)})  # noqa: E731
    settlement._committed._read_on = read  # type: ignore[method-assign]

    def ask(thread: int) -> None:
        for number in range(EACH):
            note_one(settlement, thread * EACH + number)
            assert settlement.commitment(job(thread * EACH + number), 1) == commitment(1)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    assert len(settlement._committed._jobs) == REMEMBERED_JOBS < THREADS * EACH


def test_threads_that_ask_for_one_job__read_it_once() -> None:
    settlement = settlement_over()
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda j: settlement.commitment(JOB, j), [*range(1, 7)] * 4))
    assert found == [commitment(j) for j in range(1, 7)] * 4
    assert settlement.chain.requests <= 2 * WINDOW + 100


def test_a_job_that_was_forgotten__is_read_again() -> None:
    settlement = settlement_over()
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.note(follower.poll(), follower.cursor)
    for number in range(100, 100 + REMEMBERED_JOBS):
        note_one(settlement, number)
    assert requests_of(settlement, NODES) > WINDOW


def test_postings_that_never_start__take_no_place() -> None:
    settlement = settlement_over()
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.note(follower.poll(), follower.cursor)
    for number in range(100, 100 + REMEMBERED_JOBS):
        note_one(settlement, number, JobPosted)
    assert [*settlement._committed._jobs] == [JOB]
    assert requests_of(settlement, NODES) == 0


def test_jobs_whose_committed_indices_ended__make_room_first() -> None:
    settlement = settlement_over()
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.note(follower.poll(), follower.cursor)
    for number in range(100, 100 + 2 * REMEMBERED_JOBS):
        note_one(settlement, number)
        note_one(settlement, number, NodePaid)
    assert len(settlement._committed._jobs) == REMEMBERED_JOBS
    assert requests_of(settlement, NODES) == 0


def test_a_job_that_has_not_started__keeps_no_place_when_it_was_asked_for() -> None:
    settlement = settlement_over()
    settlement.started_at = 0
    assert requests_of(settlement, 1) > 0
    assert not settlement._committed._jobs


def test_every_end_of_an_index__is_known() -> None:
    assert set(ENDS) == set(ENDS_OF_INDICES)
