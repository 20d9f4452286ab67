"""The ABI decoder against eth-abi, an independent one, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode as decode_by_eth_abi
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.ethereum.abi_parts import nested

from edgemark.crypto.ethereum.abi import WORD_BYTES, encode
from edgemark.crypto.ethereum.abi_decoding import decode
from edgemark.errors import RefusedInput


def word(number: int) -> bytes:
    return number.to_bytes(WORD_BYTES, "big")


@given(parts=st.lists(nested(3), max_size=4), more=st.binary(max_size=40))
def test_decode__what_was_encoded__is_what_eth_abi_gives(
    parts: list[tuple[str, Any]], more: bytes
) -> None:
    kinds = [kind for kind, _ in parts]
    data = encode(kinds, [value for _, value in parts]) + more
    assert decode(kinds, data) == decode_by_eth_abi(kinds, data)


@given(parts=st.lists(nested(2), min_size=1, max_size=3), data=st.data())
def test_decode__spoiled_bytes__gives_what_eth_abi_gives_or_refuses(
    parts: list[tuple[str, Any]], data: st.DataObject
) -> None:
    kinds = [kind for kind, _ in parts]
    whole = encode(kinds, [value for _, value in parts])
    at = WORD_BYTES * data.draw(st.integers(0, max(0, len(whole) // WORD_BYTES - 1)))
    numbers = st.sampled_from([0, 1, 31, 32, 64, 96, 2**31, 2**63, 2**255, 2**256 - 1])
    spoiled = whole[:at] + word(data.draw(numbers)) + whole[at + WORD_BYTES :]
    spoiled = spoiled[: data.draw(st.integers(0, len(spoiled)))]
    try:
        found = decode(kinds, spoiled)
    except RefusedInput:
        return
    try:
        assert found == decode_by_eth_abi(kinds, spoiled)
    except UnicodeDecodeError:
        assert "\ufffd" in repr(found)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("uint8", word(256)),
        ("uint256", bytes(31)),
        ("bool", word(2)),
        ("address", word(2**160)),
        ("bytes1", b"ab" + bytes(30)),
        ("bytes32", bytes(31)),
        ("bytes", word(32)),
        ("bytes", word(32) + word(2) + b"ab"),
        ("bytes", word(32) + word(1) + b"ab" + bytes(30)),
        ("string", word(32) + word(2**255)),
        ("uint8[]", word(32) + word(2) + word(1)),
        ("uint8[]", word(2**63)),
        ("bytes[]", word(32) + word(2**63)),
        ("uint8[2]", word(1)),
        ("(uint8,bytes)", word(32) + word(1) + word(0) + word(0)),
        ("int8", word(1)),
        ("", b""),
    ],
)
def test_decode__what_does_not_fit__is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(RefusedInput):
        decode([kind], data)
    if kind not in ("int8", ""):
        with pytest.raises((DecodingError, OverflowError)):
            decode_by_eth_abi([kind], data)


def test_decode__two_heads_to_one_place__is_refused() -> None:
    at_one_place = word(64) + word(64) + word(0)
    assert decode_by_eth_abi(["bytes", "bytes"], at_one_place) == (b"", b"")
    with pytest.raises(RefusedInput):
        decode(["bytes", "bytes"], at_one_place)


def test_decode__many_heads_to_one_long_value__is_refused_before_it_is_copied() -> None:
    many, length = 1000, 32 * 1000
    heads = b"".join(word(many * WORD_BYTES) for _ in range(many))
    with pytest.raises(RefusedInput):
        decode(["bytes[]"], word(32) + word(many) + heads + word(length) + bytes(length))


def test_decode__text_that_is_no_utf_8__has_replacements() -> None:
    assert decode(["string"], word(32) + word(2) + b"a\xff" + bytes(30)) == ("a\ufffd",)
