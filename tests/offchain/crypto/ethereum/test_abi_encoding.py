"""The ABI encoder against eth-abi, an independent one, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode as encode_with_eth_abi
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.ethereum.abi_parts import nested

from edgemark.crypto.ethereum.abi import encode, encode_uint
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address

HERE = parse_address("0x" + "44" * 20)


@given(parts=st.lists(nested(3), max_size=4))
def test_encode__equals_eth_abi(parts: list[tuple[str, Any]]) -> None:
    kinds, values = [kind for kind, _ in parts], [value for _, value in parts]
    assert encode(kinds, values) == encode_with_eth_abi(kinds, values)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint256", "1"),
        ("bool", 1),
        ("bytes32", bytes(31)),
        ("bytes32", "00" * 32),
        ("address", HERE[:-1]),
        ("address", bytes(20)),
        ("bytes", "text"),
        ("string", b"text"),
        ("uint8[]", 5),
        ("uint8[]", {1: 2}),
        ("uint8[2]", [1]),
        ("(uint8,bool)", (1,)),
        ("(uint8,bool)", (True, 1)),
        ("int8", 1),
        ("uint8]", 1),
        ("", b""),
    ],
)
def test_encode__what_does_not_fit__is_refused(kind: str, value: object) -> None:
    with pytest.raises(RefusedInput):
        encode([kind], [value])


@pytest.mark.parametrize("values", [[], [1, 2]])
def test_encode__another_number_of_values__is_refused(values: list[int]) -> None:
    with pytest.raises(RefusedInput):
        encode(["uint8"], values)


def test_encode_uint__takes_a_whole_word_and_no_more() -> None:
    assert encode_uint(2**256 - 1) == b"\xff" * 32
    for value in (-1, 2**256):
        with pytest.raises(RefusedInput):
            encode_uint(value)
