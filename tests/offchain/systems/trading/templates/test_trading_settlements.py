"""What a buyer checks before it signs: whose, when, what the meter can show, which fee."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.templates.template_forms import (
    BUYER,
    SELLER,
    STRANGER,
    agree,
    claims_of_settlement,
)

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.readings import (
    MAX_SKEW_S,
    Interval,
    IntervalRefused,
    Meter,
    ReadingRefused,
    check_readings,
    check_times,
    compute_bounds,
)
from edgemark.systems.trading.templates.schema import ClaimsRefused
from edgemark.systems.trading.templates.settlement import (
    FeeWrong,
    Settled,
    SettlementRefused,
    begin,
    check_settlement,
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
NOW = OPENED + 61
NIGHT = TimeOfDay((Band(0, 500), Band(8 * 3600, 1000)))


def sign(
    agreed: InitiationClaims,
    last: Settled | None = None,
    now: int = NOW,
    counted: int = 1500,
    left: int | None = None,
    **changed: Any,
) -> Settled:
    """What the buyer answers to claims of the first interval that were changed so."""
    claims = parse_settlement(claims_of_settlement(**changed))
    begun = last or begin(agreed, OPENED)
    return check_settlement(agreed, claims, begun, now=now, counted=counted, left=left)


def shown(before: str, after: str) -> dict[str, list[str]]:
    return {"before": [before], "after": [after]}


def test_settlement_as_agreed__leads_to_the_amount_of_the_voucher() -> None:
    agreed = agree()
    first = sign(agreed)
    assert first == Settled(1, Tokens(2750), Timestamp(OPENED + 60), (1500,))
    times = {"start": OPENED + 60, "end": OPENED + 120}
    second = sign(
        agreed, first, OPENED + 120, 1000, **times, readings=shown("1500", "2500"), fee="1400"
    )
    assert second == Settled(2, Tokens(4150), Timestamp(OPENED + 120), (2500,))
    assert second.amount == agreed.tariff.compute_owed((2500,))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"fee": "2751"}, FeeWrong),
        ({"fee": "2749"}, FeeWrong),
        ({"fee": "0"}, FeeWrong),
        ({"fee": "2700"}, FeeWrong),  # without the first price
        ({"buyer": STRANGER}, SettlementRefused),
        ({"seller": STRANGER}, SettlementRefused),
        ({"encryption": "jwe"}, SettlementRefused),
        (
            {"template": {"kind": "settlement", "name": "products-settled", "version": 2}},
            SettlementRefused,
        ),
        ({"readings": shown("1", "1501")}, SettlementRefused),
        ({"readings": {"before": ["0", "0"], "after": ["1", "2"]}}, SettlementRefused),
        ({"readings": shown("0", "1501"), "fee": "2751"}, ReadingRefused),
        ({"end": OPENED + 61}, IntervalRefused),
        ({"end": OPENED}, IntervalRefused),
        ({"end": OPENED - 60}, IntervalRefused),
        ({"start": OPENED - 1, "end": OPENED + 59}, IntervalRefused),
        ({"start": OPENED + 30, "end": OPENED + 90}, IntervalRefused),
        ({"start": OPENED + DAY_S, "end": OPENED + DAY_S + 60}, IntervalRefused),
    ],
    ids=str,
)
def test_settlement_that_was_not_agreed__is_refused(
    changed: dict[str, Any], error: type[RefusedInput]
) -> None:
    with pytest.raises(error) as refused:
        sign(agree(), **changed)
    assert refused.value.who and refused.value.needed is not None


def test_same_identity_in_other_capitals__is_the_same_party() -> None:
    assert sign(agree(), buyer=BUYER[:18] + BUYER[18:].lower(), seller=SELLER).index == 1


def test_interval_above_its_cap__is_billed_with_the_cap_and_never_with_more() -> None:
    """Of units for 2,700, besides a first price of 50, which no cap is on."""
    assert sign(agree(intervalCap="2700")).amount == 2750
    assert sign(agree(intervalCap="2699"), fee="2749").amount == 2749
    assert sign(agree(intervalCap="0"), fee="50").amount == 50
    with pytest.raises(FeeWrong) as refused:
        sign(agree(intervalCap="2699"))
    assert str(refused.value.needed).startswith("2749")


def test_interval_beyond_the_deposit__is_billed_with_what_is_left() -> None:
    for left, fee in ((2750, 2750), (2749, 2749), (1, 1), (0, 0), (-5, 0)):
        assert sign(agree(), fee=str(fee), left=left).amount == fee
        with pytest.raises(FeeWrong):
            sign(agree(), fee=str(fee + 1), left=left)


def test_readings_that_go_back__are_refused_by_name() -> None:
    last = Settled(4, Tokens(2750), Timestamp(OPENED), (1500,))
    with pytest.raises(ReadingRefused, match="goes back"):
        sign(agree(), last, readings=shown("1500", "1499"), fee="0")


def test_amount_beyond_the_largest__is_refused() -> None:
    agreed = agree(
        "metered", unitPrice=str(MAX_AMOUNT), intervalCap=str(MAX_AMOUNT), firstPrice="0"
    )
    with pytest.raises(AmountTooLarge):
        sign(agreed, counted=MAX_COUNT, readings=shown("0", str(MAX_COUNT)))


def test_idle_interval__costs_nothing_and_is_settled() -> None:
    last = Settled(7, Tokens(2750), Timestamp(OPENED), (1500,))
    done = sign(agree(), last, readings=shown("1500", "1500"), fee="0", counted=0)
    assert (done.index, done.amount) == (8, 2750)


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


@pytest.mark.parametrize("leap", [-DAY_S, -60, 60, DAY_S, 10 * DAY_S, 2**39])
def test_clock_of_the_seller_that_leaps__moves_no_interval_past_the_buyers_own(leap: int) -> None:
    at = OPENED + leap
    with pytest.raises(IntervalRefused):
        check_times(interval(60, (0,), (1,), at), not_before=OPENED, most_s=60, now=NOW)


def test_clock_that_is_a_little_ahead__is_taken() -> None:
    for ahead in (0, MAX_SKEW_S):
        check_times(interval(60, (), (), OPENED), not_before=0, most_s=60, now=OPENED + 60 - ahead)
    with pytest.raises(IntervalRefused, match="has not been yet"):
        late = OPENED + 59 - MAX_SKEW_S
        check_times(interval(60, (), (), OPENED), not_before=0, most_s=60, now=late)
