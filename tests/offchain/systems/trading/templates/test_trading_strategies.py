"""T31: what strategies give, beside a second, plain model of each; rounding, caps, overflow."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.identifiers import Tokens
from edgemark.systems.trading.templates.strategies import (
    DAY_S,
    MAX_AMOUNT,
    MAX_COUNT,
    AmountTooLarge,
    Band,
    Bonus,
    Flat,
    Metered,
    Strategy,
    StrategyInvalid,
    Tariff,
    Tier,
    Tiers,
    TimeOfDay,
)

COUNTS = st.integers(0, 400)
WEIGHTS = st.integers(0, 3000)
PRICES = st.integers(0, 10**6)


@st.composite
def bands(draw: st.DrawFn) -> TimeOfDay:
    begins = sorted({0, *draw(st.lists(st.integers(1, DAY_S - 1), max_size=5))})
    return TimeOfDay(tuple(Band(each, draw(WEIGHTS)) for each in begins))


@st.composite
def tiers(draw: st.DrawFn) -> Tiers:
    ends = sorted(set(draw(st.lists(st.integers(1, 300), max_size=5))))
    return Tiers(tuple(Tier(end, draw(WEIGHTS)) for end in [*ends, None]))


STRATEGIES: st.SearchStrategy[Strategy] = st.one_of(
    st.just(Flat()),
    st.just(Metered()),
    bands(),
    tiers(),
    st.builds(Bonus, st.integers(1, 50), st.integers(0, 50)),
)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    return Tariff(
        Tokens(draw(PRICES)), draw(st.integers(1, 10**4)), Tokens(draw(PRICES)), draw(STRATEGIES)
    )


def readings_of(tariff: Tariff, many: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    """Readings that a meter shows one after the other, from the beginning on."""
    steps = st.tuples(*[COUNTS] * tariff.strategy.registers)

    def add_up(used: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        shown = [(0,) * tariff.strategy.registers]
        for step in used:
            shown.append(tuple(map(sum, zip(shown[-1], step, strict=True))))
        return shown

    return st.lists(steps, min_size=many, max_size=many).map(add_up)


def weigh_plainly(strategy: Strategy, registers: tuple[int, ...]) -> Fraction:
    """Units by their weights, one by one, as the page says it; whole units of the unit price."""
    match strategy:
        case Flat() | Metered():
            return Fraction(registers[0])
        case TimeOfDay():
            total = Fraction(0)
            for band, units in zip(strategy.bands, registers, strict=True):
                for _ in range(units):
                    total += Fraction(band.weight, 1000)
            return total
        case Tiers():
            total = Fraction(0)
            for unit in range(1, registers[0] + 1):
                tier = next(t for t in strategy.tiers if t.up_to is None or unit <= t.up_to)
                total += Fraction(tier.weight, 1000)
            return total
        case Bonus():
            paid = [
                u
                for u in range(registers[0])
                if u % (strategy.every + strategy.free) < strategy.every
            ]
            return Fraction(len(paid))


@given(st.data())
def test_t31_owed__is_that_of_the_plain_model_rounded_down_once(data: st.DataObject) -> None:
    tariff = data.draw(tariffs())
    registers = data.draw(readings_of(tariff, 1))[-1]
    exact = (
        tariff.first_price
        + weigh_plainly(tariff.strategy, registers) * tariff.unit_price / tariff.per
    )
    owed = tariff.compute_owed(registers)
    assert 0 <= exact - owed < 1  # for the buyer, and below one smallest unit
    assert owed == exact.__floor__()


@given(st.data())
def test_t31_fees_of_split_intervals__add_up_to_the_fee_of_the_whole(data: st.DataObject) -> None:
    tariff = data.draw(tariffs())
    shown = data.draw(readings_of(tariff, 6))
    fees = [
        tariff.compute_fee(before, after, is_first=number == 0)
        for number, (before, after) in enumerate(pairwise(shown))
    ]
    assert sum(fees) == tariff.compute_fee(shown[0], shown[-1], is_first=True)
    assert sum(fees) == tariff.compute_owed(shown[-1])
    assert min(fees) >= 0


@given(st.data())
def test_t31_what_is_owed__never_falls_when_any_register_grows(data: st.DataObject) -> None:
    tariff = data.draw(tariffs())
    (_, registers) = data.draw(readings_of(tariff, 1))
    place = data.draw(st.integers(0, len(registers) - 1))
    more = list(registers)
    more[place] += data.draw(st.integers(1, 10**9))
    assert tariff.compute_owed(more) >= tariff.compute_owed(registers)


@given(st.data())
def test_t31_rounding__loses_less_than_a_unit_over_any_number_of_intervals(
    data: st.DataObject,
) -> None:
    """Of a price far below one smallest unit a reading, where a fee rounded by itself is 0."""
    strategy = data.draw(STRATEGIES)
    tariff = Tariff(Tokens(1), 1000, Tokens(0), strategy)
    shown = data.draw(readings_of(tariff, 8))
    fees = [tariff.compute_fee(a, b) for a, b in pairwise(shown)]
    exact = weigh_plainly(strategy, shown[-1]) / 1000
    assert 0 <= exact - sum(fees) < 1


def test_planted_rounding_by_the_interval__loses_what_ours_does_not() -> None:
    tariff = Tariff(Tokens(1), 1000, Tokens(0), Metered())
    shown = [(999 * n,) for n in range(101)]
    planted = sum((after[0] - before[0]) // 1000 for before, after in pairwise(shown))
    ours = sum(tariff.compute_fee(a, b) for a, b in pairwise(shown))
    assert (planted, ours) == (0, 99)


def test_planted_rebate_in_tokens__lets_what_is_owed_fall_and_free_units_do_not() -> None:
    """A bonus of 100 tokens for each 10 units, at 20 a unit: the tenth unit would cost -80."""

    def planted(units: int) -> int:
        return 20 * units - 100 * (units // 10)

    assert planted(10) < planted(9)
    ours = Tariff(Tokens(20), 1, Tokens(0), Bonus(every=10, free=5))
    owed = [ours.compute_owed((units,)) for units in range(40)]
    assert owed == sorted(owed)
    assert owed[10:16] == [200] * 6


@pytest.mark.parametrize(
    ("strategy", "registers", "owed"),
    [
        (Flat(), (90,), 180),
        (Metered(), (1500,), 3000),
        (TimeOfDay((Band(0, 500), Band(28_800, 1200))), (100, 100), 340),
        (Tiers((Tier(1000, 1000), Tier(5000, 700), Tier(None, 333))), (6000,), 8266),
        (Bonus(100, 10), (225,), 410),
    ],
    ids=lambda each: getattr(each, "NAME", None),
)
def test_t31_strategy__gives_what_is_computed_by_hand(
    strategy: Strategy, registers: tuple[int, ...], owed: int
) -> None:
    """At 2 a unit: 333 thousandths of 1,000 units are 333, and 2 * (1000 + 2800 + 333) = 8,266."""
    assert Tariff(Tokens(2), 1, Tokens(0), strategy).compute_owed(registers) == owed


def test_first_price__is_owed_once_with_the_first_interval() -> None:
    tariff = Tariff(Tokens(3), 1, Tokens(50), Metered())
    fees = [tariff.compute_fee((0,), (4,), is_first=True), tariff.compute_fee((4,), (9,))]
    assert fees == [62, 15]
    assert tariff.compute_fee((0,), (0,), is_first=True) == 50


def test_t31_amounts__end_at_the_largest_and_a_unit_more_is_refused() -> None:
    price = MAX_AMOUNT // MAX_COUNT  # 2^64 + 1: exactly the largest amount
    assert price * MAX_COUNT == MAX_AMOUNT
    tariff = Tariff(Tokens(price), 1, Tokens(0), Metered())
    assert tariff.compute_owed((MAX_COUNT,)) == MAX_AMOUNT
    assert tariff.compute_fee((0,), (MAX_COUNT,), is_first=True) == MAX_AMOUNT
    more = Tariff(Tokens(price), 1, Tokens(1), Metered())
    with pytest.raises(AmountTooLarge) as refused:
        more.compute_owed((MAX_COUNT,))
    assert refused.value.needed == f"<= {MAX_AMOUNT}"


@given(
    start=st.integers(0, 40 * DAY_S),
    length=st.integers(0, 3 * DAY_S),
    strategy=bands(),
)
def test_seconds_of_bands__are_those_counted_day_by_day(
    start: int, length: int, strategy: TimeOfDay
) -> None:
    """The plain model walks over the bands of each day, and cuts each to the interval."""
    end = start + length
    begins = [band.begins for band in strategy.bands]
    counted = [0] * len(begins)
    for day in range(start // DAY_S, end // DAY_S + 1):
        for place, begin in enumerate(begins):
            until = begins[place + 1] if place + 1 < len(begins) else DAY_S
            first, last = day * DAY_S + begin, day * DAY_S + until
            counted[place] += max(0, min(end, last) - max(start, first))
    assert strategy.count_seconds(start, end) == tuple(counted)
    assert sum(counted) == length


def test_bands__are_of_utc_days_that_all_have_the_same_length() -> None:
    """29 March 2026, when clocks in Europe went from 02:00 to 03:00, and 25 October, back."""
    night = TimeOfDay((Band(0, 500), Band(8 * 3600, 1000)))
    for midnight in (1_774_742_400, 1_792_886_400):
        assert midnight % DAY_S == 0
        assert night.count_seconds(midnight, midnight + DAY_S) == (8 * 3600, 16 * 3600)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TimeOfDay(()),
        lambda: TimeOfDay((Band(1, 1000),)),
        lambda: TimeOfDay((Band(0, 1000), Band(0, 500))),
        lambda: TimeOfDay((Band(0, 1000), Band(9, 1), Band(5, 1))),
        lambda: TimeOfDay((Band(0, 1000), Band(DAY_S, 1))),
        lambda: TimeOfDay(tuple(Band(each, 1) for each in range(25))),
        lambda: TimeOfDay((Band(0, -1),)),
        lambda: TimeOfDay((Band(0, 1_000_001),)),
        lambda: Tiers(()),
        lambda: Tiers((Tier(5, 1000),)),
        lambda: Tiers((Tier(None, 1000), Tier(None, 1))),
        lambda: Tiers((Tier(5, 1000), Tier(5, 1), Tier(None, 1))),
        lambda: Tiers((Tier(0, 1000), Tier(None, 1))),
        lambda: Tiers((Tier(MAX_COUNT + 1, 1000), Tier(None, 1))),
        lambda: Tiers((*(Tier(each, 1) for each in range(1, 17)), Tier(None, 1))),
        lambda: Tiers((Tier(None, -5),)),
        lambda: Bonus(0, 1),
        lambda: Bonus(1, -1),
        lambda: Bonus(MAX_COUNT + 1, 0),
    ],
)
def test_strategy_out_of_bounds__is_refused(make: object) -> None:
    with pytest.raises(StrategyInvalid):
        make()  # type: ignore[operator]


@given(tariffs(), COUNTS)
def test_dearest__is_what_units_of_the_heaviest_weight_cost_rounded_up(
    tariff: Tariff, units: int
) -> None:
    match tariff.strategy:
        case TimeOfDay(bands=parts) | Tiers(tiers=parts):
            heaviest = max(part.weight for part in parts)
        case _:
            heaviest = 1000
    exact = Fraction(units * heaviest * tariff.unit_price, 1000 * tariff.per)
    assert tariff.compute_dearest(units) == ceil(exact)
