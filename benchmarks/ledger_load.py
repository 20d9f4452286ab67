"""Puts a load on a consortium ledger and goes on through whatever happens to it.

So many calls are under way at any time; one that fails is counted under what it failed of, and the
next begins. A conflict is no failure of the ledger's: it said truly that another transaction came
first, and it is counted apart.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.faults import TransactionInvalid

Call = Callable[[int], Awaitable[object]]


@dataclass
class Load:
    """What became of a load.

    Attributes:
        latencies: seconds of each call that did what it should.
        conflicts: calls that were in a block and came second.
        failures: of every other kind, by the name of the error.
        seconds: from the first call to the end of the last.
    """

    latencies: list[float] = field(default_factory=list)
    conflicts: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Calls that did what they should."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Of these, a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def tail_s(self) -> float:
        """Time within which 95 of 100 of them were done, seconds."""
        ordered = sorted(self.latencies)
        return ordered[int(0.95 * (len(ordered) - 1))] if ordered else float("nan")

    @property
    def middle_s(self) -> float:
        """Median time of one, seconds."""
        return median(self.latencies) if self.latencies else float("nan")

    def tell(self) -> str:
        """One line."""
        failed = ", ".join(f"{count} {name}" for name, count in sorted(self.failures.items()))
        return (
            f"{self.rate:.0f} a second, median {1000 * self.middle_s:.0f} ms,"
            f" 95 of 100 within {1000 * self.tail_s:.0f} ms; {self.done} done,"
            f" {self.conflicts} conflicts, failed: {failed or 'none'}"
        )


async def put_load(call: Call, count: int, at_once: int) -> Load:
    """Make `count` calls, `at_once` of them under way at any time.

    Args:
        call: makes one, told its number from 0; raises an error of ours when it did not work.
        count: number of calls.
        at_once: >= 1.
    """
    load, numbers = Load(), iter(range(count))

    async def work() -> None:
        for number in numbers:
            began = time.perf_counter()
            try:
                await call(number)
            except TransactionInvalid as invalid:
                if invalid.is_conflict:
                    load.conflicts += 1
                else:
                    load.failures[invalid.code.name] += 1
            except EdgemarkError as error:
                load.failures[type(error).__name__] += 1
            else:
                load.latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    load.seconds = time.perf_counter() - began
    return load
