"""Settlement strategies: what a reading of a meter costs in all. Pure, whole numbers only.

Source: EFSC IV-B.2, "offering different quotations for different time periods, adding some
motivational factors, specific billing strategy"; the paper gives no formula.

A meter counts from the beginning of a channel and never back; by time of day it has a register for
each band. A strategy weighs what the registers show: W, in thousandths of units, so that every
unit has the unit price P or some thousandths of it.

    owed(reading) = first price + floor(W(reading) * P / (1000 * per))      smallest units of tokens
    fee(interval) = owed(after) - owed(before)

| strategy      | W of the registers                                              |
|---------------|-----------------------------------------------------------------|
| `flat`        | 1000 a second of service, whatever was used                     |
| `metered`     | 1000 a unit                                                     |
| `time-of-day` | a unit weighs what the band weighs in which it fell             |
| `tiers`       | the first units weigh this, the next ones that                  |
| `bonus`       | 1000 a unit, but of `every` + `free` in a row the last are free |

Rule 1: rounding is always down, for the buyer, and below one smallest unit in a whole channel: a
        fee is a difference of rounded sums, so each strategy is additive over split intervals, and
        no splitting gains anybody anything.
Rule 2: no weight is negative, so what is owed never falls when a reading grows.
Rule 3: a time is a Unix second; a day is 86,400 of them, in UTC: no zone, no summer time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens

MAX_AMOUNT = 2**128 - 1  # of any sum of tokens that is computed here
MAX_COUNT = 2**64 - 1  # of a register
THOUSAND = 1000  # the unit price itself
MAX_WEIGHT = 1_000_000  # thousandths: a thousand times the unit price
MAX_BANDS, MAX_TIERS = 24, 16
DAY_S = 86_400


class StrategyInvalid(RefusedInput):
    """The parts of a strategy are out of their bounds."""


class AmountTooLarge(RefusedInput):
    """What is owed is more than an amount can be."""


@dataclass(frozen=True)
class Flat:
    """So much a second of service; the register counts seconds."""

    NAME = "flat"
    registers = 1

    def weigh(self, registers: Sequence[int]) -> int:
        """Thousandths of units."""
        return THOUSAND * registers[0]


@dataclass(frozen=True)
class Metered:
    """So much a unit."""

    NAME = "metered"
    registers = 1

    def weigh(self, registers: Sequence[int]) -> int:
        """Thousandths of units."""
        return THOUSAND * registers[0]


@dataclass(frozen=True)
class Band:
    """A part of each UTC day, to the beginning of the next one or to midnight.

    Attributes:
        begins: second of the day, 0 .. 86,399.
        weight: thousandths of the unit price.
    """

    begins: int
    weight: int


@dataclass(frozen=True)
class TimeOfDay:
    """A unit costs what the band costs in which it fell.

    Attributes:
        bands: by their beginnings; the first begins at 0.
    """

    bands: tuple[Band, ...]

    NAME = "time-of-day"

    def __post_init__(self) -> None:
        begins = [band.begins for band in self.bands]
        is_day = bool(begins) and begins[0] == 0 and begins[-1] < DAY_S
        if len(begins) > MAX_BANDS or not is_day or sorted(set(begins)) != begins:
            raise _invalid(self.NAME, begins, f"1..{MAX_BANDS} bands from 0 on, each later")
        _check_weights(self.NAME, [band.weight for band in self.bands])

    @property
    def registers(self) -> int:
        """One a band."""
        return len(self.bands)

    def weigh(self, registers: Sequence[int]) -> int:
        """Thousandths of units."""
        pairs = zip(self.bands, registers, strict=True)
        return sum(band.weight * units for band, units in pairs)

    def count_seconds(self, start: int, end: int) -> tuple[int, ...]:
        """How many seconds of [start, end) fall into each band."""
        ends = [*(band.begins for band in self.bands[1:]), DAY_S]
        return tuple(
            _seconds_before(end, band.begins, until) - _seconds_before(start, band.begins, until)
            for band, until in zip(self.bands, ends, strict=True)
        )


def _seconds_before(second: int, begins: int, until: int) -> int:
    """How many seconds before this one lie in [begins, until) of their day."""
    days, into = divmod(second, DAY_S)
    return days * (until - begins) + min(max(into - begins, 0), until - begins)


@dataclass(frozen=True)
class Tier:
    """Units up to a number.

    Attributes:
        up_to: the last unit of it, counted from the beginning; None: all that follow.
        weight: thousandths of the unit price.
    """

    up_to: int | None
    weight: int


@dataclass(frozen=True)
class Tiers:
    """The first units cost this, the next ones that; no earlier unit changes its price.

    Attributes:
        tiers: by `up_to`, the last of them without end.
    """

    tiers: tuple[Tier, ...]

    NAME = "tiers"
    registers = 1

    def __post_init__(self) -> None:
        ends = [tier.up_to for tier in self.tiers]
        bounds = [0, *(end for end in ends if end is not None)]
        is_whole = len(bounds) == len(ends) and bool(ends) and ends[-1] is None
        is_rising = sorted(set(bounds)) == bounds and bounds[-1] <= MAX_COUNT
        if not is_whole or not is_rising or len(ends) > MAX_TIERS:
            needed = f"1..{MAX_TIERS} tiers, each up to more, the last without an end"
            raise _invalid(self.NAME, [str(end) for end in ends], needed)
        _check_weights(self.NAME, [tier.weight for tier in self.tiers])

    def weigh(self, registers: Sequence[int]) -> int:
        """Thousandths of units."""
        weighed, begins, units = 0, 0, registers[0]
        for tier in self.tiers:
            until = units if tier.up_to is None else min(units, tier.up_to)
            weighed += tier.weight * max(until - begins, 0)
            begins = max(begins, until)
        return weighed


@dataclass(frozen=True)
class Bonus:
    """After each `every` units that were paid, `free` units cost nothing.

    A rebate in tokens would let what is owed fall; free units never do.
    """

    every: int
    free: int

    NAME = "bonus"
    registers = 1

    def __post_init__(self) -> None:
        if not (1 <= self.every <= MAX_COUNT and 0 <= self.free <= MAX_COUNT):
            raise _invalid(self.NAME, [self.every, self.free], f"1 and 0 .. {MAX_COUNT}")

    def weigh(self, registers: Sequence[int]) -> int:
        """Thousandths of units."""
        rounds, rest = divmod(registers[0], self.every + self.free)
        return THOUSAND * (rounds * self.every + min(rest, self.every))


Strategy = Flat | Metered | TimeOfDay | Tiers | Bonus


@dataclass(frozen=True)
class Tariff:
    """What units cost.

    Attributes:
        unit_price: P, of `per` units; smallest units of tokens.
        per: how many units have the unit price, >= 1.
        first_price: owed once, with the first interval.
        strategy: how units are weighed.
    """

    unit_price: Tokens
    per: int
    first_price: Tokens
    strategy: Strategy

    def compute_dearest(self, units: int) -> Tokens:
        """What so many units cost where each has the dearest weight; rounded up, no first price.

        Raises:
            AmountTooLarge: above `MAX_AMOUNT`.
        """
        weighed = find_heaviest(self.strategy) * units
        dearest = -(-weighed * self.unit_price // (THOUSAND * self.per))
        return _check_amount(dearest)

    def compute_owed(self, registers: Sequence[int]) -> Tokens:
        """All that is owed for a reading, the first price included; rounded down.

        Args:
            registers: as many as the strategy has, each 0 .. `MAX_COUNT`, from the beginning on.

        Raises:
            AmountTooLarge: above `MAX_AMOUNT`.
        """
        weighed = self.strategy.weigh(registers)
        return _check_amount(self.first_price + weighed * self.unit_price // (THOUSAND * self.per))

    def compute_fee(
        self, before: Sequence[int], after: Sequence[int], *, is_first: bool = False
    ) -> Tokens:
        """What an interval costs.

        Args:
            before: registers at its start.
            after: registers at its end; none goes back.
            is_first: of its channel; the first price is owed with it.

        Raises:
            AmountTooLarge: as `compute_owed`.
        """
        earlier = 0 if is_first else self.compute_owed(before)
        return Tokens(self.compute_owed(after) - earlier)


def find_heaviest(strategy: Strategy) -> int:
    """What a unit weighs at most, thousandths of the unit price."""
    match strategy:
        case TimeOfDay():
            return max(band.weight for band in strategy.bands)
        case Tiers():
            return max(tier.weight for tier in strategy.tiers)
        case Flat() | Metered() | Bonus():
            return THOUSAND


def find_edges(strategy: Strategy, least: int, most: int) -> set[int]:
    """Units between these two, behind which the next one weighs something else; of a round one."""
    match strategy:
        case Tiers():
            edges = [tier.up_to for tier in strategy.tiers if tier.up_to is not None]
        case Bonus():
            length = strategy.every + strategy.free
            rounds = {least // length, least // length + 1, most // length}
            edges = [each * length + part for each in rounds for part in (0, strategy.every)]
        case Flat() | Metered() | TimeOfDay():
            edges = []
    return {edge for edge in edges if least <= edge <= most}


def describe(strategy: Strategy) -> str:
    """A strategy in words, for people."""
    match strategy:
        case Flat():
            return "the unit price for seconds of service"
        case Metered():
            return "the unit price for every unit"
        case TimeOfDay():
            bands = [f"from {_hour(b.begins)} {_times(b.weight)}" for b in strategy.bands]
            return f"by UTC time of day, {', '.join(bands)}"
        case Tiers():
            tiers = [
                _times(tier.weight) + ("" if tier.up_to is None else f" up to unit {tier.up_to}")
                for tier in strategy.tiers
            ]
            return ", then ".join(tiers)
        case Bonus():
            return f"the unit price; after each {strategy.every} units {strategy.free} are free"


def _check_amount(owed: int) -> Tokens:
    if owed > MAX_AMOUNT:
        raise AmountTooLarge(
            "is more than an amount can be", who="tariff", had=owed, needed=f"<= {MAX_AMOUNT}"
        )
    return Tokens(owed)


def _hour(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _times(weight: int) -> str:
    return f"{weight / THOUSAND:g} times the unit price"


def _check_weights(name: str, weights: Sequence[int]) -> None:
    if not all(0 <= weight <= MAX_WEIGHT for weight in weights):
        raise _invalid(name, list(weights), f"thousandths of the unit price, 0 .. {MAX_WEIGHT}")


def _invalid(name: str, had: object, needed: str) -> StrategyInvalid:
    return StrategyInvalid("is no strategy", who=name, had=had, needed=needed)
