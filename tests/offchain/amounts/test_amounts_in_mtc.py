"""R16: people write and read MTC, exactly; a number of before is refused with what was meant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.amounts import (
    SUPPLY,
    Amount,
    Coin,
    format_tokens,
    parse_tokens,
    write_tokens,
)
from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens

AMOUNTS = st.integers(0, SUPPLY)


@given(AMOUNTS)
def test_amount__that_is_written__is_read_again_to_the_last_unit(tokens: int) -> None:
    text = write_tokens(tokens)
    assert parse_tokens(text) == parse_tokens(Decimal(text)) == tokens
    assert format_tokens(tokens).replace(",", "") == text
    assert str(Amount(tokens)) == f"{format_tokens(tokens)} MTC"


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("1000", 1000 * TOKEN_UNIT),
        (1000, 1000 * TOKEN_UNIT),
        (0.1, TOKEN_UNIT // 10),
        ("0.000000000000000001", 1),
        ("1e-18", 1),
        (1e-18, 1),
        ("1000000000", SUPPLY),
        ("2.50", 25 * TOKEN_UNIT // 10),
        ("-0", 0),
        ("0e999999", 0),
        (" 7 ", 7 * TOKEN_UNIT),
    ],
)
def test_parse_tokens__in_mtc__is_smallest_units(value: object, tokens: int) -> None:
    assert parse_tokens(value) == tokens


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("ten", "is no amount"),
        ("", "is no amount"),
        ("1,000", "is no amount"),  # to some people that is one
        ("1000 MTC", "is no amount"),
        ("\u0661\u0660\u0660", "is no amount"),
        ("\uff11", "is no amount"),
        ("1_0", "is no amount"),
        ("_1", "is no amount"),
        ("1.2.3", "is no amount"),
        ("7\n", "is no amount"),
        ("nan", "is no amount"),
        (float("inf"), "is no amount"),
        (True, "is no amount"),
        ([1], "is no amount"),
        ("-1", "is out of range"),
        ("1e999999999", "is out of range"),
        ("1e9999999999999999999", "is out of range"),
        (1000000001, "is out of range"),
        (2**14_000, "is out of range"),
        ("0.0000000000000000001", "is finer than an amount can be"),
        ("1e-9999999999999999999", "is finer than an amount can be"),
        ("1e-999999", "is finer than an amount can be"),
        (f"1.{'0' * 17}01", "is finer than an amount can be"),
        (f"1000000000.{'0' * 17}01", "is finer than an amount can be"),
        (f"0.{'1' * 50_000}", "is finer than an amount can be"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_parse_tokens__of_anything_else__says_what_was_there(value: object, what: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        parse_tokens(value, who="--fee")
    assert (refused.value.what, refused.value.who) == (what, "--fee")
    assert len(str(refused.value)) < 250


@given(st.integers(10**9 + 1, SUPPLY))
def test_r16_amount_of_before__in_smallest_units__is_refused_with_the_same_in_mtc(
    before: int,
) -> None:
    for value in (before, str(before)):
        with pytest.raises(RefusedInput) as refused:
            parse_tokens(value)
        assert f"perhaps {write_tokens(before)} was meant" in refused.value.remedy
        perhaps = refused.value.remedy.split("perhaps ")[1].split()[0]
        assert parse_tokens(perhaps) == Tokens(before)


def test_coin__is_told_to_the_last_wei() -> None:
    assert str(Coin(1_250_000_000_000_000_001)) == "1.250000000000000001 coin"
    assert str(Coin(0).rounded()) == "0 coin"
    assert str(Coin(1_257_000_000_000_000_001).rounded()) == "1.26 coin"


def test_amount__of_less_than_nothing__has_its_sign() -> None:
    assert (format_tokens(-TOKEN_UNIT // 2), format_tokens(5, sign=True)) == (
        "-0.5",
        "+0.000000000000000005",
    )
    assert format_tokens(1234 * TOKEN_UNIT) == "1,234"
