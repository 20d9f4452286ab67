"""Is a process able to do its work? The answer is a list of reasons why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgemark.errors import EdgemarkError

STILL_S = 30.0  # a loop turns every second, a watcher every poll_s; longer than any pause of theirs


@dataclass(frozen=True)
class Beat:
    """When something last gave a sign of life.

    Attributes:
        at: monotonic seconds; None when it never did.
        bound_s: how old the sign may be.
    """

    at: float | None
    bound_s: float = STILL_S


def find_faults(
    beats: Mapping[str, Beat], ask_chain: Callable[[], object], now: float
) -> list[str]:
    """Everything that keeps the process from its work; empty when it is healthy.

    Args:
        beats: signs of life by name.
        ask_chain: one look at the chain, bounded in time by itself.
        now: monotonic seconds.
    """
    faults = []
    for name, beat in beats.items():
        if beat.at is None:
            faults.append(f"{name} has not begun")
        elif now - beat.at > beat.bound_s:
            faults.append(f"{name} stands still for {now - beat.at:.0f} s")
    try:
        ask_chain()
    except EdgemarkError as error:
        faults.append(f"chain: {error.what}")  # its address may carry a key: not told
    return faults
