"""Addresses: the capitals of EIP-55, and everything that is no address."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address

# From EIP-55, "Test Cases".
CAPITALS = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("address", CAPITALS)
def test_address__in_any_single_case_or_as_bytes__gets_its_capitals(address: str) -> None:
    digits = address.removeprefix("0x")
    for text in (address, f"0x{digits.lower()}", f"0x{digits.upper()}", bytes.fromhex(digits)):
        assert parse_address(text) == address


@given(st.binary(min_size=20, max_size=20))
def test_capitals__are_those_of_another_library(raw: bytes) -> None:
    assert parse_address(raw) == to_checksum_address(raw)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0x",
        CAPITALS[2].removeprefix("0x"),
        CAPITALS[2] + "\n",
        CAPITALS[2][:-1],
        CAPITALS[2] + "0",
        CAPITALS[2].replace("5", "g", 1),
        bytes(19),
        bytes(32),
        None,
        5,
    ],
)
def test_what_is_no_address__is_refused_with_what_it_should_be(value: object) -> None:
    with pytest.raises(RefusedInput, match="0x and 40 hex digits") as refused:
        parse_address(value, who="payee")  # type: ignore[arg-type]
    assert refused.value.who == "payee"


def test_address_with_one_letter_of_the_other_case__is_refused_as_mistyped() -> None:
    mistyped = CAPITALS[2].replace("A", "a", 1)
    with pytest.raises(RefusedInput, match="EIP-55"):
        parse_address(mistyped)
