"""Base64url of which each byte string has one text (A56)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.identity.credentials.jose.tokens import VECTORS

from edgemark.identity.credentials.jose.base64url import (
    TokenInvalid,
    decode_base64url,
    encode_base64url,
)


def test_example_of_the_rfc__is_read_and_written() -> None:
    case = VECTORS["base64url"]
    raw, text = bytes.fromhex(case["bytes"]), case["text"].encode()
    assert encode_base64url(raw) == text
    assert decode_base64url(text, who="part") == raw


@given(st.binary(max_size=200))
def test_whatever_is_written__is_read_and_is_what_the_library_writes_without_padding(
    raw: bytes,
) -> None:
    text = encode_base64url(raw)
    assert text == urlsafe_b64encode(raw).rstrip(b"=")
    assert decode_base64url(text, who="part") == raw


@given(st.binary(max_size=12))
def test_whatever_is_read__is_the_one_text_of_its_bytes(text: bytes) -> None:
    try:
        raw = decode_base64url(text, who="part")
    except TokenInvalid:
        return
    assert encode_base64url(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        b"A",
        b"AAAAA",
        b"AA==",
        b"A-z_4ME=",
        b"A+z/4ME",
        b"A-z_4M\n",
        b" A-z_4ME",
        b"A-z_4ME\n",
        b"A-z_\x004ME",
        "Ä-z_4ME".encode(),
    ],
)
def test_a56_other_spelling__is_refused(text: bytes) -> None:
    with pytest.raises(TokenInvalid):
        decode_base64url(text, who="part")


@pytest.mark.parametrize("text", [b"A-z_4MF", b"AB", b"A-z_4D"])
def test_a56_bits_that_nobody_reads__have_to_be_zero(text: bytes) -> None:
    """The library reads these as the same bytes as another text: a second one for a signature."""
    read = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    assert encode_base64url(read) != text
    with pytest.raises(TokenInvalid):
        decode_base64url(text, who="part")
