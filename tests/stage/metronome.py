"""Makes the blocks of a stage: every block is one second of chain time after the one before.

On an idle machine it is also one second of the clock. On a busy one the blocks come more slowly,
and so do all deadlines, which are chain time: none fails because of its neighbours. But they fall
behind the clock by `MOST_BEHIND_S` at most, well below the age at which parties hold that blocks
have stopped; from then on chain time goes as fast as the clock. While a test does nothing but wait
(`waiting`), and all parties wait for nothing but a time (`idling.py`), the next block is at that
time.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stage.idling import Report

from edgemark.closing import Closing
from edgemark.ledger.evm.reading.chain import EvmChain

BLOCK_S = 1.0
DEPTH = 2  # blocks without transactions, after which what came before is final for everybody
HURRY_S = 0.2  # while the stage fills and nobody has a deadline
SLOWEST = 4.0
MOST_BEHIND_S = 60  # parties that trade sign nothing once the newest block is 120 s old
LOOK_S = 0.1
MEMORY = 20  # looks over which the load is averaged
ENOUGH_IDLE = 0.15  # part of the processors' time; with as much to spare nobody is late
LOAD = Path("/proc/loadavg")  # "0.52 0.58 0.59 3/467 30120": 3 threads run or want to
TIMES = Path("/proc/stat")  # "cpu  user nice system idle iowait ...", in ticks since the start


FOREVER = 2**63
_WAITING: list[int] = []  # until which second, for each of the test's threads that waits


@contextmanager
def waiting(until: int = FOREVER) -> Iterator[None]:
    """Within this, the test does nothing but wait, and not longer than until this second."""
    _WAITING.append(until)
    try:
        yield
    finally:
        _WAITING.remove(until)


class Metronome(Closing):
    """Mines in a thread of its own, from the start until it is closed.

    Args:
        chain: a development chain; its own mining is switched off.

    Attributes:
        parties: how everybody who plays is now, by name; None who cannot say. Nothing is skipped
            unless all say that they are idle.
        skipped: seconds of chain time.
    """

    def __init__(self, chain: EvmChain) -> None:
        self.parties: dict[str, Callable[[], Report | None]] = {}
        self.skipped = 0
        self._chain = chain
        self._quiet, self._changed = 0, time.monotonic()
        self._wanting = 1.0
        self._ticks = deque([_count_ticks()], MEMORY)
        self._hurrying = True
        self._stopping = threading.Event()
        self._beat = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="metronome", daemon=True)
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", False)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        self._thread.start()

    def close(self) -> None:
        """Mine no more."""
        self._stopping.set()
        self._thread.join()

    def keep_time(self) -> None:
        """From now on a block a second."""
        self._hurrying = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """No block comes within this: what stood at the head still stands there."""
        with self._beat:
            try:
                yield
            finally:
                self._quiet = 0

    def skip_to(self, second: int) -> None:
        """Let chain time be `second` at once; for when nobody has anything to do before it."""
        with self._beat:
            if self._chain.now() < second:
                self._chain.rpc("anvil_setNextBlockTimestamp", second)
                self._mine()

    def skip_when_idle(self) -> bool:
        """Let chain time be what the parties wait for next, if they wait for nothing else.

        Nothing that a deadline still allows is late then: it is over in the second after it.
        """
        reports = [report() for report in list(self.parties.values())]
        known = [report for report in reports if report is not None]
        if self._quiet < DEPTH or not known or len(known) < len(reports):
            return False
        changed = max(self._changed, *(report.changed for report in known))
        dues = [report.due for report in known if report.due is not None]
        if min(report.seen for report in known) <= changed or not dues:
            return False
        now, due = self._chain.now(), min([*dues, *_WAITING])
        if due <= now + 1:  # some have still to hear the time, or it comes by itself
            return False
        if any(int(count, 16) for count in self._chain.rpc("txpool_status").values()):
            return False  # a transaction waits for a block, or for a lower fee
        self.skip_to(due)
        self._changed = time.monotonic()
        self.skipped += due - now
        return True

    def _beat_once(self) -> None:
        """A block a second after the last one, or later, if that is too far behind the clock."""
        least = int(time.time()) - MOST_BEHIND_S
        if self._chain.now() + 1 < least:
            self._chain.rpc("anvil_setNextBlockTimestamp", least)
        self._mine()

    def _mine(self) -> None:
        self._chain.rpc("evm_mine")
        count = int(self._chain.rpc("eth_getBlockTransactionCountByNumber", "latest"), 16)
        self._quiet = 0 if count else self._quiet + 1
        if self._quiet == DEPTH:
            self._changed = time.monotonic()

    def _run(self) -> None:
        waited = 0.0
        while not self._stopping.wait(LOOK_S):
            waited += LOOK_S
            self._wanting += (_count_wanting() - self._wanting) / MEMORY
            self._ticks.append(_count_ticks())
            if waited >= (HURRY_S if self._hurrying else BLOCK_S * self._slowness()):
                with self._beat:
                    self._beat_once()
                waited = 0.0
            elif _WAITING and not self._hurrying and self.skip_when_idle():
                waited = 0.0

    def _slowness(self) -> float:
        """1 while processors idle; else how many threads share one."""
        (idle_before, before), (idle, now) = self._ticks[0], self._ticks[-1]
        if idle - idle_before >= ENOUGH_IDLE * (now - before):
            return 1.0
        return min(SLOWEST, max(1.0, self._wanting / (os.cpu_count() or 1)))


def _count_wanting() -> int:
    """Threads that run or wait for a processor, this one apart."""
    running = LOAD.read_text().split()[3].partition("/")[0]
    return max(0, int(running) - 1)


def _count_ticks() -> tuple[int, int]:
    """Time of all processors that was to be had, and all time.

    What gives way to everybody (`nice`) takes nothing from anybody.
    """
    ticks = [int(word) for word in TIMES.read_text().partition("\n")[0].split()[1:]]
    return ticks[1] + ticks[3] + ticks[4], sum(ticks[:8])
