"""Logs that a chain's node leaves out, and how much of what is missing one round may read."""

from __future__ import annotations

import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing.contract.test_remembered_commitments import (
    COLLECTING,
    COMMIT_BLOCKS,
    JOB,
    NODES,
    OVER,
    POSTED,
    Asked,
    OneByOne,
    commitment,
    job,
    requests_of,
    settlement_over,
)

from edgemark.identifiers import Hash32
from edgemark.ledger.evm.reading.follower import LogFollower
from edgemark.systems.outsourcing.contract.committed import COMMITTED_TOPIC, PIECE_BLOCKS, Allowance
from edgemark.systems.outsourcing.contract.settlement import NotCommitted
from edgemark.systems.outsourcing.identifiers import JobId

# --- logs and views that contradict each other ---------------------------------------------------


class PlantedBelief(Asked):
    """As it was: that no commitment was read is believed for good."""

    def index(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(committed=False)


def lose_one(chain: OneByOne, times: int = 1) -> list[int]:
    """The next answers that would hold one commitment have no logs; all later ones are right."""
    lost: list[int] = []

    def lie(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        is_one = len(logs) == 1 and logs[0]["topics"][0] == "0x" + COMMITTED_TOPIC.hex()
        if not is_one or len(lost) == times:
            return logs
        lost.append(1)
        return []

    chain.lie = lie
    return lost


def settlement_whose_watch_lost_one(kind: type[Asked]) -> Asked:
    settlement = settlement_over(POSTED, kind)
    follower = LogFollower(settlement.chain, [settlement.contract], 0)
    settlement.chain.grow(OVER + COLLECTING)
    lost = lose_one(settlement.chain)
    settlement.note(follower.poll(), follower.cursor)
    assert lost
    return settlement


def settlement_that_lost_one_itself(kind: type[Asked]) -> Asked:
    settlement = settlement_over(kind=kind)
    assert lose_one(settlement.chain) == []
    return settlement


def settlement_that_saw_one_late_header(kind: type[Asked]) -> Asked:
    settlement = settlement_over(COMMIT_BLOCKS[0], kind)
    chain, real = settlement.chain, settlement.chain._header

    def late(at: str) -> dict[str, Any] | None:
        header = real(at)
        is_head = header and int(header["number"], 16) == chain.confirmed()
        return {**header, "timestamp": hex(2**40)} if header and is_head else header

    chain._header = late  # type: ignore[method-assign]
    with suppress(NotCommitted):
        settlement.commitment(JOB, 5)
    chain._header = real  # type: ignore[method-assign]
    chain.grow(OVER + COLLECTING)
    return settlement


@pytest.mark.parametrize(
    "lose",
    [
        settlement_whose_watch_lost_one,
        settlement_that_lost_one_itself,
        settlement_that_saw_one_late_header,
    ],
)
def test_a_commitment_that_one_answer_hid__is_found_as_its_view_says_so(lose: Any) -> None:
    as_it_was = lose(PlantedBelief)
    for _ in range(3):
        with pytest.raises(NotCommitted):
            as_it_was.commitment(JOB, 1)
        as_it_was.chain.mine([])
    assert lose(Asked).commitment(JOB, 1) == commitment(1)


def test_views_and_logs_that_stay_in_contradiction__are_read_again_ever_more_seldom() -> None:
    settlement = settlement_over(missing=(1,))
    now, committed_index = [1_000.0], SimpleNamespace(committed=True)
    settlement.index = lambda *_, **__: committed_index  # type: ignore[method-assign]
    settlement._committed._clock = lambda: now[0]
    readings: list[float] = []

    def read(job: JobId, first: int, last: int) -> dict[int, Hash32]:
        if first == POSTED:
            readings.append(now[0])
        return {}

    reader: Any = settlement._committed
    reader._read = read
    for _ in range(100):
        requests_of(settlement, 1)
        now[0] += 1.0
    assert readings == [1_000.0 + after for after in (0, 0, 1, 3, 7, 15, 31, 63, 95)]


# --- what a round of a watch may read ------------------------------------------------------------


def test_what_shares_an_allowance__reads_one_piece_and_no_more_when_its_time_is_over() -> None:
    settlement = settlement_over()
    chain, now = settlement.chain, [0.0]
    chain.before_request = lambda _: now.__setitem__(0, now[0] + 0.01)
    rounds = 0
    while True:
        rounds, before = rounds + 1, chain.requests
        allowance = Allowance(1.0, lambda: now[0])
        try:
            found = settlement.commitment(JOB, NODES, allowance)
            break
        except NotCommitted:
            assert chain.requests - before <= 2 * PIECE_BLOCKS + 50
            before = chain.requests
            with pytest.raises(NotCommitted):  # of another job: nothing is left to read
                settlement.commitment(job(8), 1, allowance)
            assert chain.requests == before
    assert (found, rounds) == (commitment(NODES), 3)
    assert chain.requests > 2 * (COMMIT_BLOCKS[-1] - POSTED)  # as it was: all in one round


def test_what_has_little_time__does_not_wait_for_others_that_read() -> None:
    settlement = settlement_over()
    known = settlement._committed._of(JOB)
    with known.reading, pytest.raises(NotCommitted):
        settlement.commitment(JOB, 1, Allowance(1.0, time.monotonic))
    assert settlement.commitment(JOB, 1, Allowance(1.0)) == commitment(1)
