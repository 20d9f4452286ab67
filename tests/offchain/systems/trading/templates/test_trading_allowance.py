"""T18, T20, T3: when service stops and when it is announced; N between its bounds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.templates.allowance import (
    ALARM_INTERVALS,
    LONG_QUEUE,
    SHORT_QUEUE,
    Outlook,
    Standing,
    Stop,
    adapt_cycles,
    compute_least_cycles,
    compute_outlook,
    find_stop,
    is_evidence_due,
)

AMOUNTS = st.integers(0, 10**24)
COUNTS = st.integers(0, 10**6)


def stand(deposit: int, signed: int, owed: int, due_at: int | None = None) -> Standing:
    due = None if due_at is None else Timestamp(due_at)
    return Standing(Tokens(deposit), Tokens(signed), Tokens(owed), due)


@pytest.mark.parametrize(
    ("standing", "now", "stop"),
    [
        (stand(1000, 100, 100), 10**9, None),
        (stand(1000, 100, 150), 0, None),
        (stand(1000, 100, 151), 0, Stop.CREDIT_USED),
        (stand(1000, 960, 999), 0, None),
        (stand(1000, 960, 1000), 0, Stop.OVERDRAWN),
        (stand(1000, 1000, 1000), 0, Stop.OVERDRAWN),
        (stand(1000, 100, 140, 500), 560, None),
        (stand(1000, 100, 140, 500), 561, Stop.VOUCHER_LATE),
    ],
)
def test_t20_new_work__stops_behind_deposit_credit_and_grace(
    standing: Standing, now: int, stop: Stop | None
) -> None:
    assert find_stop(standing, credit=50, grace_s=60, now=now) is stop


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, COUNTS)
def test_t18_what_may_be_served__is_never_more_than_was_deposited(
    deposit: int, signed: int, owed: int, credit: int, now: int
) -> None:
    stop = find_stop(stand(deposit, signed, owed), credit=credit, grace_s=0, now=now)
    assert (stop is None) == (owed < deposit and owed - signed <= credit)


def ask(left: int, spent: int, seconds: int = 60, cap: int = 100) -> Outlook:
    return compute_outlook(left, spent=spent, seconds=seconds, interval_cap=cap, interval_s=60)


@pytest.mark.parametrize(
    ("left", "spent", "seconds", "surely", "is_alarm"),
    [
        (6000, 60, 6000, 3600, False),
        (601, 60, 601, 360, False),
        (600, 60, 600, 360, True),
        (599, 60, 599, 300, True),
        (99, 60, 99, 0, True),
        (0, 60, 0, 0, True),
        (-5, 60, 0, 0, True),
        (10_000, 0, None, 6000, False),
        (0, 0, None, 0, True),
    ],
)
def test_t18_overdraft__is_told_in_seconds_and_announced_before(
    left: int, spent: int, seconds: int | None, surely: int, is_alarm: bool
) -> None:
    assert ask(left, spent) == Outlook(seconds, surely, is_alarm)


def test_t18_without_a_cap_or_a_time__nothing_is_sure() -> None:
    assert ask(500, 5, cap=0).surely is None
    for seconds in (0, -60):
        with pytest.raises(RefusedInput):
            ask(500, 5, seconds=seconds)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**5))
def test_t18_time_to_overdraft__is_the_last_second_that_is_covered(
    left: int, spent: int, seconds: int
) -> None:
    """Spending the same amount every second, as a plain model counts it."""
    found = ask(left, spent, seconds)
    assert found.seconds is not None
    assert Fraction(spent, seconds) * found.seconds <= left
    assert Fraction(spent, seconds) * (found.seconds + 1) > left
    assert found.is_alarm == (found.seconds <= 60 * ALARM_INTERVALS or left == 0)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.lists(st.integers(0, 10**6), max_size=30))
def test_t18_what_is_sure__lasts_whatever_intervals_cost_below_their_cap(
    left: int, cap: int, fees: list[int]
) -> None:
    surely = ask(left, 1, cap=cap).surely
    assert surely is not None
    covered = [min(fee, cap) for fee in fees][: surely // 60]
    assert sum(covered) <= left


def test_t3_least_n__is_that_of_the_paper() -> None:
    """V-C: 11,000 credentials and 1,200 evidences a second, so n >= 10."""
    assert compute_least_cycles(Fraction(11_000), Fraction(1200)) == 10


@given(st.fractions(0, 10**6), st.fractions(Fraction(1, 1000), 10**6))
def test_t3_least_n__is_sustained_and_one_less_is_not(issued: Fraction, recorded: Fraction) -> None:
    least = compute_least_cycles(issued, recorded)
    assert least >= 1
    assert issued / least <= recorded
    assert least == 1 or issued / (least - 1) > recorded


def test_t3_chain_that_records_nothing__sustains_no_n() -> None:
    with pytest.raises(RefusedInput):
        compute_least_cycles(Fraction(5), Fraction(0))


@pytest.mark.parametrize(
    ("cycles", "waiting", "least", "most", "after"),
    [
        (10, LONG_QUEUE, 1, 100, 20),
        (10, LONG_QUEUE - 1, 1, 100, 10),
        (10, SHORT_QUEUE + 1, 1, 100, 10),
        (10, SHORT_QUEUE, 1, 100, 9),
        (1, 0, 1, 100, 1),
        (60, LONG_QUEUE, 1, 100, 100),
        (100, LONG_QUEUE, 1, 100, 100),
        (10, 0, 10, 100, 10),
        (3, 20, 10, 100, 10),
        (3, 20, 10, 5, 5),
    ],
)
def test_t3_n__rises_with_a_long_queue_and_falls_with_a_short_one(
    cycles: int, waiting: int, least: int, most: int, after: int
) -> None:
    assert adapt_cycles(cycles, waiting, least=least, most=most) == after


@given(st.integers(1, 10**6), COUNTS, COUNTS, st.integers(1, 10**6))
def test_t3_n__is_never_above_the_templates_nor_below_one(
    cycles: int, waiting: int, least: int, most: int
) -> None:
    after = adapt_cycles(cycles, waiting, least=least, most=most)
    assert 1 <= after <= most
    assert after >= min(least, most)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_t3_no_more_than_n_intervals__are_ever_without_evidence(queues: list[int]) -> None:
    """Walks a channel whose N follows the queue; the end records what is left."""
    cycles, recorded = 8, 0
    for index, waiting in enumerate(queues, start=1):
        cycles = adapt_cycles(cycles, waiting, least=1, most=32)
        if is_evidence_due(index, recorded, cycles, is_over=False):
            recorded = index
        assert index - recorded < 32
    last = len(queues)
    assert is_evidence_due(last, recorded, cycles, is_over=True) == (recorded < last)


def test_t3_end_of_a_channel_without_a_credential__records_nothing() -> None:
    assert not is_evidence_due(0, 0, 1, is_over=True)
