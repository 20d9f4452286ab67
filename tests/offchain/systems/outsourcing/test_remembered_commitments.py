"""Commitments are asked for by every effect's thread at once, of more jobs than are remembered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.identifiers import Address, Hash32, JobId
from edgemark.systems.outsourcing.settlement import REMEMBERED_JOBS, SettlementContract

THREADS, EACH = 8, 2000
COMMITMENT = Hash32(b"c" * 32)


class Remembering(SettlementContract):
    """Of a chain on which every job has one commitment."""

    def __init__(self) -> None:
        contract = SimpleNamespace(address=Address("0x" + "11" * 20))
        chain: Any = SimpleNamespace(chain_id=1)
        deployment: Any = SimpleNamespace(contract=lambda _: contract)
        super().__init__(chain, deployment)
        self.reads: list[JobId] = []

    def _read_commitments(self, job: JobId) -> dict[int, Hash32]:
        self.reads.append(job)
        return {1: COMMITMENT}


class Interrupted(dict[JobId, dict[int, Hash32]]):
    """Lets another thread act once, between finding the oldest job and forgetting it."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Callable[[], object]] = []

    def __delitem__(self, key: JobId) -> None:
        if self.others:
            self.others.pop()()
        super().__delitem__(key)


class PlantedMemory(Remembering):
    """The flawed form: two threads may find the same oldest job, and one of them fails."""

    def __init__(self) -> None:
        super().__init__()
        self.planted = Interrupted()

    def commitment(self, job: JobId, index: int) -> Hash32:
        known = self.planted.get(job, {})
        if index not in known:
            known = self._read_commitments(job)
            while len(self.planted) >= REMEMBERED_JOBS:
                del self.planted[next(iter(self.planted))]
            self.planted[job] = known
        return known[index]


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def job(number: int) -> JobId:
    return JobId(number.to_bytes(32, "big"))


def ask_from_many_threads(settlement: SettlementContract) -> None:
    """Raises what any of the threads raised."""

    def ask(thread: int) -> None:
        for number in range(EACH):
            assert settlement.commitment(job(thread * EACH + number), 1) == COMMITMENT

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))


@pytest.mark.usefixtures("_switching_often")
def test_commitments__asked_for_by_many_threads__are_told() -> None:
    settlement = Remembering()
    ask_from_many_threads(settlement)
    assert len(settlement._commitments) == REMEMBERED_JOBS


def test_commitments__without_a_guard__fail() -> None:
    flawed = PlantedMemory()
    for number in range(REMEMBERED_JOBS):
        flawed.commitment(job(number), 1)
    flawed.planted.others.append(lambda: flawed.commitment(job(REMEMBERED_JOBS), 1))
    with pytest.raises(KeyError):
        flawed.commitment(job(REMEMBERED_JOBS + 1), 1)


def test_commitment__of_a_remembered_job__is_read_once() -> None:
    settlement = Remembering()
    for _ in range(2):
        settlement.commitment(job(1), 1)
    assert settlement.reads == [job(1)]
