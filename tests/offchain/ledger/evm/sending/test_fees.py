"""Fees stay below the cap, and a raised pair replaces the old one in every node's pool."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.evm.faults import FeeAboveCap
from edgemark.ledger.evm.sending.fees import Fees, choose_fees, raise_fees
from edgemark.ledger.evm.sending.intent import LaneLimits

WEI = st.integers(0, 10**13)


@given(base_fee=WEI, tip=WEI, cap=WEI)
def test_choose_fees__any_prices__covers_the_base_fee_below_the_cap(
    base_fee: int, tip: int, cap: int
) -> None:
    if base_fee > cap:
        with pytest.raises(FeeAboveCap):
            choose_fees(base_fee, tip, cap)
        return
    fees = choose_fees(base_fee, tip, cap)
    assert base_fee <= fees.most <= cap
    assert 0 <= fees.tip <= min(tip, fees.most)


@given(base_fee=st.integers(1, 10**12), tip=st.integers(1, 10**10))
def test_choose_fees__room_below_the_cap__carries_through_five_full_blocks(
    base_fee: int, tip: int
) -> None:
    fees = choose_fees(base_fee, tip, cap=10**15)
    for _ in range(5):  # the most that a base fee can rise, EIP-1559
        base_fee += max(1, base_fee // 8)
        if base_fee < 100:
            return  # rounding up by 1 wei grows faster than an eighth down here
        assert fees.most >= base_fee


@given(
    tip=WEI,
    over=WEI,
    base_fee=WEI,
    suggested=WEI,
    cap=WEI,
)
def test_raise_fees__any_prices__grows_by_a_tenth_or_stays_below_the_cap(
    tip: int, over: int, base_fee: int, suggested: int, cap: int
) -> None:
    old = Fees(tip, tip + over)
    new = raise_fees(old, base_fee, suggested, cap)
    if new is None:
        return
    assert 10 * new.tip >= 11 * old.tip
    assert 10 * new.most >= 11 * old.most
    assert new.tip > old.tip
    assert new.tip <= new.most <= cap


@given(tip=WEI, over=WEI, base_fee=WEI)
def test_raise_fees__room_below_the_cap__is_never_refused(
    tip: int, over: int, base_fee: int
) -> None:
    new = raise_fees(Fees(tip, tip + over), base_fee, tip, cap=10**15)
    assert new is not None
    assert new.most >= base_fee


def test_choose_fees__base_fee_above_the_cap__says_both_in_gwei() -> None:
    with pytest.raises(FeeAboveCap) as refused:
        choose_fees(101 * 10**9, 0, 100 * 10**9)
    assert refused.value.had == "a base fee of 101 gwei"
    assert refused.value.needed == "<= 100 gwei"


def test_limit_of_gas__has_room_for_what_a_second_changes_and_is_never_above_the_cap() -> None:
    limits, rewritten, changed = LaneLimits(), 100, 2_900  # a slot's cost (EIP-2200), both warm
    least = 21_000 + 3 * rewritten  # of a call that writes three slots with what they hold
    assert limits.limit_of(least) >= least + 3 * (changed - rewritten)
    assert limits.limit_of(limits.max_gas) == limits.max_gas
