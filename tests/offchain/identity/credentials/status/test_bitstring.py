"""Bits of status as they travel (T14)."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.identity.credentials.jose.base64url import encode_base64url
from edgemark.identity.credentials.status.bitstring import (
    LEAST_ENTRIES,
    MAX_BYTES,
    Bitstring,
    StatusListInvalid,
    decode_bitstring,
)

INDICES = st.integers(0, LEAST_ENTRIES - 1)


def pack(raw: bytes) -> str:
    return "u" + encode_base64url(raw).decode()


def test_new_list__has_131072_entries_and_none_is_set() -> None:
    bits = Bitstring()
    assert len(bits) == LEAST_ENTRIES == 131_072
    assert bits.count() == 0
    assert gzip.decompress(gzip.compress(bits.octets())) == bytes(16_384)


def test_index_0__is_the_left_most_bit() -> None:
    """Bitstring Status List 1.0, 3.2: bits are counted from the left."""
    bits = Bitstring()
    bits[0] = bits[9] = bits[LEAST_ENTRIES - 1] = True
    assert bits.octets()[:2] == b"\x80\x40"
    assert bits.octets()[-1] == 1
    assert bits.count() == 3


@given(st.sets(INDICES, max_size=40), st.sets(INDICES, max_size=10))
def test_list__says_what_was_set_and_travels(indices: set[int], others: set[int]) -> None:
    bits = Bitstring()
    for index in indices:
        bits[index] = True
    for index in others:
        bits[index] = False
    left = indices - others
    found = decode_bitstring(bits.encode())
    assert found == bits
    assert found.encode() == bits.encode()
    assert found.count() == len(left)
    assert all(found[index] is (index in left) for index in indices | others)


def test_larger_list_of_another_issuer__is_read() -> None:
    octets = bytes(MAX_BYTES - 1) + b"\x01"
    found = decode_bitstring(pack(gzip.compress(octets)))
    assert len(found) == 8 * MAX_BYTES
    assert found[8 * MAX_BYTES - 1]


@pytest.mark.parametrize("index", [-1, LEAST_ENTRIES, 2**64])
def test_index_that_there_is_not__is_refused(index: int) -> None:
    bits = Bitstring()
    with pytest.raises(StatusListInvalid):
        bits[index]
    with pytest.raises(StatusListInvalid):
        bits[index] = True


@pytest.mark.parametrize("size", [0, 1, LEAST_ENTRIES // 8 - 1, MAX_BYTES + 1])
def test_list_of_another_size__is_refused(size: int) -> None:
    with pytest.raises(StatusListInvalid):
        decode_bitstring(pack(gzip.compress(bytes(size))))
    with pytest.raises(StatusListInvalid):
        Bitstring(bytes(size))


def test_bomb__is_not_unpacked_beyond_the_most() -> None:
    """64 MiB of zeros are 64 KiB: what is unpacked ends at the most, not where the stream does."""
    bomb = pack(gzip.compress(bytes(64 * MAX_BYTES)))
    with pytest.raises(StatusListInvalid) as refused:
        decode_bitstring(bomb)
    assert refused.value.had == f"more than {MAX_BYTES} bytes"


GOOD = gzip.compress(bytes(LEAST_ENTRIES // 8), mtime=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u",
        None,
        1,
        GOOD.hex(),
        "f" + GOOD.hex(),
        pack(GOOD)[1:],
        "z" + pack(GOOD)[1:],
        pack(GOOD) + "=",
        pack(GOOD) + "é",
        pack(GOOD[:-1]),
        pack(GOOD[:-8]),
        pack(GOOD + GOOD),
        pack(GOOD + b"\0"),
        pack(GOOD[:-8] + bytes(8)),
        pack(b"\x78\x9c" + GOOD[2:]),
        pack(bytes(LEAST_ENTRIES // 8)),
    ],
)
def test_other_forms__are_refused(text: object) -> None:
    with pytest.raises(StatusListInvalid):
        decode_bitstring(text)


@given(st.one_of(st.text(max_size=40), st.binary(max_size=60).map(pack)))
def test_door__whatever_comes__is_refused(text: str) -> None:
    with pytest.raises(StatusListInvalid):
        decode_bitstring(text)
