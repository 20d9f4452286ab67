"""How long something takes, beside something else that does the same, in the same run.

Subjects take turns, one sample each a round, so that a busy minute of the machine falls on all of
them. A sample repeats its subject until the clock can tell the time; the median of the samples is
the figure, the quartiles are its noise.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

LEAST_SAMPLE_S = 0.005  # a thousand times what reading the clock costs
LEAST_ROUNDS = 5
MAX_REPEATS = 1_000_000


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: median of the samples, and their quartiles.

    Attributes:
        samples: how many.
    """

    median_s: float
    low_s: float
    high_s: float
    samples: int

    @staticmethod
    def from_samples(samples: list[float]) -> Timing:
        """Summarise seconds; at least two."""
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return Timing(statistics.median(samples), low, high, len(samples))


def measure_in_turn(
    subjects: Mapping[str, Callable[[], object]],
    *,
    rounds: int = LEAST_ROUNDS,
    least_sample_s: float = LEAST_SAMPLE_S,
) -> dict[str, Timing]:
    """Time every subject, taking turns.

    Args:
        subjects: what to call; each was called at least once before its first sample.
        rounds: samples of each, >= 2.
        least_sample_s: how long a sample lasts at least.
    """
    repeats = {name: _repeats_of(call, least_sample_s) for name, call in subjects.items()}
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, call in subjects.items():
            samples[name].append(_sample(call, repeats[name]))
    return {name: Timing.from_samples(taken) for name, taken in samples.items()}


def _repeats_of(call: Callable[[], object], least_sample_s: float) -> int:
    """How often to call within a sample; the first calls warm caches up."""
    repeats = 1
    while (took := _sample(call, repeats) * repeats) < least_sample_s and repeats < MAX_REPEATS:
        grow = least_sample_s / took if took > 0 else 10.0
        repeats = min(MAX_REPEATS, max(repeats + 1, int(repeats * min(10.0, grow * 1.2))))
    return repeats


def _sample(call: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


class Stopwatch:
    """Seconds of the parts of something that cannot be called again and again."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add one sample of the part `name`: what happens inside."""
        started = time.perf_counter()
        yield
        self.seconds.setdefault(name, []).append(time.perf_counter() - started)

    def timings(self) -> dict[str, Timing]:
        """What the parts came to."""
        return {name: Timing.from_samples(taken) for name, taken in self.seconds.items()}
