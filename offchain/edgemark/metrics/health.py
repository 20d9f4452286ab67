"""Is a process able to do its work? The answer is a list of reasons why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import Metric

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


class Dependency(Protocol):
    """What a process cannot work without, as its chain; also a collector of a registry."""

    @property
    def name(self) -> str:
        """As its faults are told by."""

    def ask(self) -> None:
        """One look at it, bounded in time by itself.

        Raises:
            EdgemarkError: it does not answer.
        """

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not ask it."""

    def collect(self) -> Iterable[Metric]:
        """Its lines of one scrape; one that does not answer costs no others."""


def find_faults(
    beats: Mapping[str, Beat], dependencies: Iterable[Dependency], now: float
) -> list[str]:
    """Everything that keeps the process from its work; empty when it is healthy.

    Args:
        beats: signs of life by name.
        dependencies: each is asked once.
        now: monotonic seconds.
    """
    faults = []
    for name, beat in beats.items():
        if beat.at is None:
            faults.append(f"{name} has not begun")
        elif now - beat.at > beat.bound_s:
            faults.append(f"{name} stands still for {now - beat.at:.0f} s")
    for dependency in dependencies:
        try:
            dependency.ask()
        except EdgemarkError as error:
            # its address may carry a key: not told
            faults.append(f"{dependency.name}: {error.what}")
    return faults
