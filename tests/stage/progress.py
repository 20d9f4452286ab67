"""How far a soak run has come, for whoever waits for it; and the seed that it was drawn from."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

SEED = "EDGEMARK_SOAK_SEED"
BAR_WIDTH = 40
LINE_EVERY_S = 30.0  # when nobody sits at a terminal


def usual_seed() -> int:
    """The environment's; 1 where it has none."""
    return int(os.environ.get(SEED, "1"))


def show_progress(counted: str, beside: str) -> Callable[[int, int, int], None]:
    """A bar at a terminal, a line now and then elsewhere.

    Args:
        counted: what fills the bar: "matters ended".
        beside: what else is told: "kills".

    Returns:
        What takes (how many there are, how many there are to be, how many of the others).
    """
    began = last = time.monotonic()

    def tell(done: int, wanted: int, others: int) -> None:
        nonlocal last
        now = time.monotonic()
        at_terminal = sys.stderr.isatty()
        if not at_terminal and now - last < LINE_EVERY_S:
            return
        last = now
        filled = BAR_WIDTH * min(done, wanted) // wanted
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        line = f"[{bar}] {done}/{wanted} {counted}, {others} {beside}, {now - began:.0f} s"
        sys.stderr.write(f"\r{line}" if at_terminal else f"{line}\n")
        sys.stderr.flush()

    return tell
