"""What computes for long: as many at a time as there are threads, the earliest deadline first."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from edgemark.loop.errands import Pace
from edgemark.loop.moves import name_key
from edgemark.loop.threads import EffectPool, Performed


class Bench:
    """A pool whose effects are numbers, each due at that second, that run until all are let go."""

    def __init__(self, computers: int) -> None:
        self.begun, self.done = queue.Queue[int](), queue.Queue[Performed[Any, int]]()
        self.may_end = threading.Semaphore(0)
        self.pool: EffectPool[Any, int] = EffectPool(
            name_key,
            self._compute,
            self.done.put,
            lambda *_: True,
            Pace(computers=computers),
            "test",
        )
        self.pool.due = lambda _, second: float(second)

    def _compute(self, _: bytes, second: int) -> Iterable[Any]:
        self.begun.put(second)
        self.may_end.acquire(timeout=10)
        return ()

    def next_begun(self) -> int:
        """What begins next."""
        return self.begun.get(timeout=10)


@pytest.mark.parametrize("computers", [1, 3])
def test_f4_computing__takes_as_many_at_a_time_as_there_are_threads(computers: int) -> None:
    """Before it was one, whatever the machine."""
    bench = Bench(computers)
    bench.pool.begin(b"", range(10, 10 + computers))
    first = {bench.next_begun() for _ in range(computers)}
    assert first == set(range(10, 10 + computers))
    bench.pool.begin(b"", [9, 7, 8])
    with pytest.raises(queue.Empty):
        bench.begun.get(timeout=0.05)
    for second in (7, 8, 9):
        bench.may_end.release()
        assert bench.next_begun() == second
    bench.pool.close()
    bench.may_end.release(computers)
    for thread in bench.pool._computers:
        thread.join(10)
        assert not thread.is_alive()
    assert len(bench.pool._computers) == computers
