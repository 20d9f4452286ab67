"""Readings of a meter, and what they can be at most: computed by whoever is to pay. Pure.

Source: EFSC IV-B.1 (settlement "every 1 minute or 5 minutes"); the paper trusts the meter.

| meter              | counts                       | bound for t seconds                     |
|--------------------|------------------------------|-----------------------------------------|
| `seconds`          | seconds of service           | t                                       |
| `cpu-milliseconds` | of the operating system      | 1000 * t * cores, t from the opening    |
| `products`         | of polynomials, in the field | what the buyer counts of its own jobs    |
| `bytes`            | of data in and out           | what the buyer counts                   |

What ran is counted when it is done, so processor time of one interval may be shown in a later one:
all that is ever shown is bounded by all seconds since the opening, and by the answers that came.
By time of day each register has a bound of its own, by the seconds of its band in the interval.
What a buyer counts itself may fall into a band only if it was there since the opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.systems.trading.templates.strategies import MAX_COUNT, Strategy, TimeOfDay

MAX_CORES = 4096
MAX_SKEW_S = 5  # that the other side's clock may be ahead; twice what a chain's blocks differ by


class ReadingRefused(RefusedInput):
    """A reading cannot be right."""


class Meter(Enum):
    """What is counted."""

    SECONDS = "seconds"
    CPU_MILLISECONDS = "cpu-milliseconds"
    PRODUCTS = "products"
    BYTES = "bytes"

    @property
    def is_counted_by_both(self) -> bool:
        """Whether the buyer counts the same; else time bounds it."""
        return self in (Meter.PRODUCTS, Meter.BYTES)


@dataclass(frozen=True)
class Interval:
    """A time of service with what the meter showed at both ends.

    Attributes:
        start, end: Unix seconds; [start, end).
        before, after: registers, counted from the beginning of the channel.
    """

    start: Timestamp
    end: Timestamp
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def used(self) -> tuple[int, ...]:
        """Units, by register."""
        return tuple(after - before for before, after in zip(self.before, self.after, strict=True))


def check_readings(
    interval: Interval,
    meter: Meter,
    strategy: Strategy,
    *,
    cores: int,
    counted: int = 0,
    since: int | None = None,
) -> None:
    """Check that a meter can show this.

    Args:
        interval: that is to be paid.
        meter: what is counted.
        strategy: of the template; how many registers there are.
        cores: of the specification, 1 .. `MAX_CORES`.
        counted: units that the buyer counted itself since `before`, where both count.
        since: when the channel was opened; None: when the interval begins.

    Raises:
        ReadingRefused: another number of registers, one that goes back, is too large, or grew by
            more than there can be.
    """
    needed = strategy.registers
    for registers in (interval.before, interval.after):
        if len(registers) != needed or not all(0 <= each <= MAX_COUNT for each in registers):
            raise _refuse(list(registers), f"{needed} of 0 .. {MAX_COUNT}")
    used = interval.used
    if min(used) < 0:
        raise _refuse(list(interval.after), f"none below {list(interval.before)}", "goes back")
    bounds = compute_bounds(interval, meter, strategy, cores=cores, counted=counted, since=since)
    if any(had > most for had, most in zip(used, bounds, strict=True)):
        raise _refuse(list(used), f"at most {list(bounds)}", "grew by more than there can be")
    if meter.is_counted_by_both and sum(used) > counted:
        raise _refuse(sum(used), f"<= {counted}, counted here", "grew by more than was used")


def compute_bounds(
    interval: Interval,
    meter: Meter,
    strategy: Strategy,
    *,
    cores: int,
    counted: int = 0,
    since: int | None = None,
) -> tuple[int, ...]:
    """By how much each register can have grown at most; arguments as of `check_readings`."""
    if meter is Meter.SECONDS:
        return tuple(split_seconds(interval.start, interval.end, strategy))
    seconds = split_seconds(interval.start if since is None else since, interval.end, strategy)
    if meter.is_counted_by_both:
        return tuple(counted if each else 0 for each in seconds)
    shown = (0,) * len(seconds) if since is None else interval.before
    return tuple(
        max(0, 1000 * cores * each - had) for each, had in zip(seconds, shown, strict=True)
    )


def split_seconds(start: int, end: int, strategy: Strategy) -> Sequence[int]:
    """Seconds of [start, end), by register."""
    if isinstance(strategy, TimeOfDay):
        return strategy.count_seconds(start, end)
    return (end - start,)


def _refuse(had: object, needed: str, what: str = "is none of this meter") -> ReadingRefused:
    return ReadingRefused(what, who="reading", had=had, needed=needed)
