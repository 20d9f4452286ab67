"""Makes the blocks of a stage: every block is one second of chain time after the one before.

On an idle machine it is also one second of the clock. On a busy one the blocks come more slowly,
and so do all deadlines, which are chain time: no job fails because of its neighbours.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

from edgemark.ledger.evm import EvmChain

BLOCK_S = 1.0
HURRY_S = 0.2  # while the stage fills and nobody has a deadline
BEARABLE = 1.5  # threads a processor that want to run without a job being late
SLOWEST = 4.0
LOOK_S = 0.1
MEMORY = 20  # looks over which the load is averaged
LOAD = Path("/proc/loadavg")  # "0.52 0.58 0.59 3/467 30120": 3 threads run or want to


class Metronome:
    """Mines in a thread of its own until it is closed.

    Args:
        chain: a development chain; its own mining is switched off.
    """

    def __init__(self, chain: EvmChain) -> None:
        self._chain = chain
        self._busy = 1.0
        self._hurrying = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metronome", daemon=True)

    def __enter__(self) -> Metronome:
        self._chain.rpc("evm_setIntervalMining", 0)
        self._chain.rpc("evm_setAutomine", False)
        self._chain.rpc("anvil_setBlockTimestampInterval", 1)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def keep_time(self) -> None:
        """From now on a block a second."""
        self._hurrying = False

    def _run(self) -> None:
        waited = 0.0
        while not self._stopping.wait(LOOK_S):
            waited += LOOK_S
            self._busy += (_count_wanting() / (os.cpu_count() or 1) - self._busy) / MEMORY
            pace = min(SLOWEST, max(1.0, self._busy / BEARABLE))
            if waited >= (HURRY_S if self._hurrying else BLOCK_S * pace):
                self._chain.rpc("evm_mine")
                waited = 0.0


def _count_wanting() -> int:
    """Threads that run or wait for a processor, this one apart."""
    running = LOAD.read_text().split()[3].partition("/")[0]
    return max(0, int(running) - 1)
