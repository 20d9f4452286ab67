"""Makes the blocks of a stage: every block is one second of chain time after the one before.

On an idle machine it is also one second of the clock. On a busy one the blocks come more slowly,
and so do all deadlines, which are chain time: no job fails because of its neighbours.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgemark.closing import Closing
from edgemark.ledger.evm.reading.chain import EvmChain

BLOCK_S = 1.0
HURRY_S = 0.2  # while the stage fills and nobody has a deadline
SLOWEST = 4.0
LOOK_S = 0.1
MEMORY = 20  # looks over which the load is averaged
ENOUGH_IDLE = 0.15  # part of the processors' time; with as much to spare nobody is late
LOAD = Path("/proc/loadavg")  # "0.52 0.58 0.59 3/467 30120": 3 threads run or want to
TIMES = Path("/proc/stat")  # "cpu  user nice system idle iowait ...", in ticks since the start


class Metronome(Closing):
    """Mines in a thread of its own, from the start until it is closed.

    Args:
        chain: a development chain; its own mining is switched off.
    """

    def __init__(self, chain: EvmChain) -> None:
        self._chain = chain
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
            yield

    def skip_to(self, second: int) -> None:
        """Let chain time be `second` at once; for when nobody has anything to do before it."""
        with self._beat:
            if self._chain.now() < second:
                self._chain.rpc("anvil_setNextBlockTimestamp", second)
                self._chain.rpc("evm_mine")

    def _run(self) -> None:
        waited = 0.0
        while not self._stopping.wait(LOOK_S):
            waited += LOOK_S
            self._wanting += (_count_wanting() - self._wanting) / MEMORY
            self._ticks.append(_count_ticks())
            if waited >= (HURRY_S if self._hurrying else BLOCK_S * self._slowness()):
                with self._beat:
                    self._chain.rpc("evm_mine")
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
