"""Claims of a settlement, what the meter can show, and which fee."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.templates.template_forms import (
    agree,
    claims_of_settlement,
)

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import (
    Interval,
    Meter,
    ReadingRefused,
    check_readings,
    compute_bounds,
)
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.settlement import (
    Readings,
    bill,
    parse_settlement,
)
from edgemark.systems.trading.templates.strategies import (
    DAY_S,
    MAX_AMOUNT,
    MAX_COUNT,
    AmountTooLarge,
    Band,
    Metered,
    TimeOfDay,
)

OPENED = Timestamp(1_800_000_000)
NIGHT = TimeOfDay((Band(0, 500), Band(8 * 3600, 1000)))


def shown(before: str, after: str) -> dict[str, list[str]]:
    return {"before": [before], "after": [after]}


def billed(agreed: InitiationClaims, *, is_first: bool = True, left: int | None = None) -> int:
    """1,500 units of the first interval, or of another."""
    return bill(agreed, Readings((0,), (1500,)), is_first=is_first, left=left)


def test_interval_above_its_cap__is_billed_with_the_cap_and_never_with_more() -> None:
    """Of units for 2,700, besides a first price of 50, which no cap is on."""
    assert billed(agree()) == 2750
    assert billed(agree(intervalCap="2700")) == 2750
    assert billed(agree(intervalCap="2699")) == 2749
    assert billed(agree(intervalCap="0")) == 50
    assert billed(agree(intervalCap="2699"), is_first=False) == 2699


def test_interval_beyond_the_deposit__is_billed_with_what_is_left() -> None:
    for left, fee in ((2751, 2750), (2750, 2750), (2749, 2749), (1, 1), (0, 0), (-5, 0)):
        assert billed(agree(), left=left) == fee


def test_intervals__add_up_to_what_all_units_cost() -> None:
    agreed = agree()
    second = bill(agreed, Readings((1500,), (2500,)), is_first=False)
    assert billed(agreed) + second == agreed.tariff.compute_owed((2500,)) == 4150
    assert bill(agreed, Readings((2500,), (2500,)), is_first=False) == 0


def test_amount_beyond_the_largest__is_refused() -> None:
    most = str(MAX_AMOUNT)
    agreed = agree("metered", unitPrice=most, intervalCap=most, firstPrice="0")
    with pytest.raises(AmountTooLarge):
        bill(agreed, Readings((0,), (MAX_COUNT,)), is_first=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"fee": 2750},
        {"fee": "02750"},
        {"fee": "-1"},
        {"fee": "+2750"},
        {"fee": "2_750"},
        {"fee": "٢"},
        {"fee": str(MAX_AMOUNT + 1)},
        {"start": "1800000000"},
        {"start": True},
        {"start": -1},
        {"end": 2**40},
        {"readings": ["0", "1"]},
        {"readings": {"before": ["0"], "after": ["1"], "during": ["2"]}},
        {"readings": {"before": ["0"], "after": ["1", "2"]}},
        {"readings": {"before": [], "after": []}},
        {"readings": {"before": ["0"] * 25, "after": ["0"] * 25}},
        {"readings": shown("0", str(MAX_COUNT + 1))},
        {"encryption": "rot13"},
        {"buyer": "did:web:buyer.example"},
        {"buyer": "a buyer"},
        {"seller": 7},
        {"template": {"kind": "initiation", "name": "products", "version": 1}},
        {"template": {"kind": "settlement", "name": "Products!", "version": 1}},
        {"template": {"kind": "settlement", "name": "products", "version": 0}},
        {"template": "products"},
    ],
    ids=str,
)
def test_claims_of_another_type_or_range__are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(RefusedInput):
        parse_settlement(claims_of_settlement(**changed))


def test_claims_that_lack_a_field__are_refused_with_its_name() -> None:
    for name in claims_of_settlement():
        claims = claims_of_settlement()
        del claims[name]
        with pytest.raises(ClaimsRefused) as refused:
            parse_settlement(claims)
        assert refused.value.needed == name


def interval(
    seconds: int, before: tuple[int, ...], after: tuple[int, ...], at: int = 0
) -> Interval:
    return Interval(Timestamp(at), Timestamp(at + seconds), before, after)


@pytest.mark.parametrize(
    ("meter", "cores", "counted", "most"),
    [
        (Meter.SECONDS, 8, 0, 60),
        (Meter.CPU_MILLISECONDS, 1, 0, 60_000),
        (Meter.CPU_MILLISECONDS, 8, 0, 480_000),
        (Meter.PRODUCTS, 1, 777, 777),
        (Meter.BYTES, 1, 0, 0),
    ],
)
def test_reading__may_grow_to_its_bound_and_no_further(
    meter: Meter, cores: int, counted: int, most: int
) -> None:
    for start in (0, 10**6):
        fine = interval(60, (start,), (start + most,))
        check_readings(fine, meter, Metered(), cores=cores, counted=counted)
        with pytest.raises(ReadingRefused):
            more = interval(60, (start,), (start + most + 1,))
            check_readings(more, meter, Metered(), cores=cores, counted=counted)


def test_cpu_by_time_of_day__is_bounded_band_by_band() -> None:
    """20 s before 08:00 and 40 s after it, on 2 cores."""
    at = 8 * 3600 - 20
    bounds = compute_bounds(
        interval(60, (0, 0), (0, 0), at), Meter.CPU_MILLISECONDS, NIGHT, cores=2
    )
    assert bounds == (40_000, 80_000)
    check = {"meter": Meter.CPU_MILLISECONDS, "strategy": NIGHT, "cores": 2}
    check_readings(interval(60, (0, 0), (40_000, 80_000), at), **check)  # type: ignore[arg-type]
    for used in ((40_001, 0), (0, 80_001)):
        with pytest.raises(ReadingRefused):
            check_readings(interval(60, (0, 0), used, at), **check)  # type: ignore[arg-type]


def test_products_by_time_of_day__fall_into_bands_of_the_interval_alone() -> None:
    check = {"meter": Meter.PRODUCTS, "strategy": NIGHT, "cores": 1, "counted": 100}
    night, edge = 3600, 8 * 3600 - 20
    check_readings(interval(60, (0, 0), (100, 0), night), **check)  # type: ignore[arg-type]
    check_readings(interval(60, (0, 0), (30, 70), edge), **check)  # type: ignore[arg-type]
    for used, at in (((0, 1), night), ((100, 1), edge), ((1, 100), edge)):
        with pytest.raises(ReadingRefused):
            check_readings(interval(60, (0, 0), used, at), **check)  # type: ignore[arg-type]


@given(st.integers(1, 3 * DAY_S), st.integers(0, 10 * DAY_S), st.integers(1, 64))
def test_bounds_of_bands__add_up_to_wall_time_by_cores(seconds: int, at: int, cores: int) -> None:
    bounds = compute_bounds(
        interval(seconds, (0, 0), (0, 0), at), Meter.CPU_MILLISECONDS, NIGHT, cores=cores
    )
    assert sum(bounds) == 1000 * cores * seconds
