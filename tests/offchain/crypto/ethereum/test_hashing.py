"""Both libraries give the same Keccak-256, and what is long is hashed by SHA-256."""

from __future__ import annotations

import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark import keccak
from edgemark.crypto.ethereum.hashing import hash_long, keccak256

RATE = 136  # octets that Keccak-256 takes at once: lengths around it show a wrong padding


@given(st.one_of(st.binary(max_size=3 * RATE), st.integers(RATE - 2, RATE + 2).map(bytes)))
def test_keccak__of_either_library__is_the_same(message: bytes) -> None:
    assert keccak.digest_of(message) == keccak.by_pycryptodome(message)


def test_keccak__with_safe_pysha3_and_without__chooses_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert keccak.choose().__name__ == "by_pysha3"
    monkeypatch.setitem(sys.modules, "sha3", None)  # as if it were not installed
    assert keccak.choose() is keccak.by_pycryptodome


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_hashes_of_parts__are_those_of_their_concatenation(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert keccak256(*parts) == keccak.by_pycryptodome(whole)
    assert hash_long(*parts) == sha256(whole).digest()
