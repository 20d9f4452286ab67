"""CIDs against vectors of others; whatever is another form is refused with what it is."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.architecture.checkout import ROOT

from edgemark.storage.cid import (
    MAX_BLOCK_BYTES,
    Cid,
    CidInvalid,
    ContentTooLarge,
    cid_of,
    decode_base32,
    encode_base32,
    parse_cid,
)

VECTORS = json.loads((ROOT / "tests" / "vectors" / "cids.json").read_text())
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def plain_base32(octets: bytes) -> str:
    """RFC 4648, 6, bit by bit."""
    bits = "".join(f"{octet:08b}" for octet in octets)
    bits += "0" * (-len(bits) % 5)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(letters[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


def decode_base58(text: str) -> bytes:
    number = 0
    for letter in text:
        number = 58 * number + BASE58.index(letter)
    return number.to_bytes(36, "big")


@pytest.mark.parametrize("vector", VECTORS["ours"], ids=lambda v: v["source"])
def test_cid__is_that_of_others(vector: dict[str, str]) -> None:
    digest = bytes.fromhex(vector["digest"])
    cid = parse_cid(vector["cid"])
    assert (cid.digest, str(cid)) == (digest, vector["cid"])
    assert parse_cid(cid.octets) == cid
    if "base58btc" in vector:
        assert decode_base58(vector["base58btc"][1:]) == cid.octets
    if "content" in vector:
        assert cid_of(vector["content"].encode()) == cid


@pytest.mark.parametrize("vector", VECTORS["base32"], ids=lambda v: v["text"])
def test_base32__is_that_of_multibase(vector: dict[str, str]) -> None:
    octets = bytes.fromhex(vector["hex"])
    assert "b" + encode_base32(octets) == vector["text"]
    assert decode_base32(vector["text"][1:]) == octets


@pytest.mark.parametrize("vector", VECTORS["texts"], ids=lambda v: v["cid"])
def test_cid_of_another_form__is_refused_with_what_it_is(vector: dict[str, str]) -> None:
    with pytest.raises(CidInvalid) as refused:
        parse_cid(vector["cid"])
    assert vector["is"] in str(refused.value)


@pytest.mark.parametrize("vector", VECTORS["octets"], ids=lambda v: v["is"])
def test_octets_of_another_form__are_refused_with_what_they_are(vector: dict[str, str]) -> None:
    with pytest.raises(CidInvalid) as refused:
        parse_cid(bytes.fromhex(vector["hex"]))
    assert vector["is"] in str(refused.value)


@pytest.mark.parametrize("vector", VECTORS["multihashes"], ids=lambda v: v["hex"])
def test_broken_multihash__is_refused_behind_any_codec(vector: dict[str, str]) -> None:
    for before in (b"\x01\x71", b"\x01\x55"):
        with pytest.raises(CidInvalid):
            parse_cid(before + bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize(
    ("octets", "had"),
    [
        (b"", "no version"),
        (b"\x81\x00" + bytes(34), "no version"),  # 1, in two bytes
        (b"\x02\x55\x12\x20" + bytes(32), "version 2"),
        (b"\x01\x55\x13\x20" + bytes(32), "hash 0x13"),
        (b"\x01\x55\x12\x1f" + bytes(32), "said to be 31"),
        (b"\x01\x55\x12\x20" + bytes(31), "digest of 31 bytes"),
        (b"\x01\x55\x12\x20" + bytes(33), "digest of 33 bytes"),
        (b"\xff" * 36, "no version"),
        (b"\x01\xa9\x02\x12\x20" + bytes(32), "codec dag-json"),
    ],
)
def test_planted_octets__are_refused(octets: bytes, had: str) -> None:
    for value in (octets, "b" + encode_base32(octets)):
        with pytest.raises(CidInvalid) as refused:
            parse_cid(value)
        assert had in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        EMPTY.upper(),
        "B" + EMPTY[1:].upper(),
        EMPTY + "=",
        EMPTY[:-1] + "v",  # one of the two bits that no byte has
        EMPTY[:-1],
        EMPTY + "a",
        f" {EMPTY}",
        f"{EMPTY}\n",
        f"ipfs://{EMPTY}",
        f"../{EMPTY}",
        EMPTY.replace("b", "8", 1),
        EMPTY.replace("k", "\u0138"),
        "b" * 100_000,
        "",
    ],
)
def test_text_that_is_nearly_a_cid__is_refused(text: str) -> None:
    with pytest.raises(CidInvalid):
        parse_cid(text)


@given(st.binary(max_size=40))
def test_base32__is_its_plain_twin(octets: bytes) -> None:
    assert encode_base32(octets) == plain_base32(octets)
    assert decode_base32(plain_base32(octets)) == octets


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", max_size=70))
def test_base32__has_one_text_for_one_value(text: str) -> None:
    try:
        octets = decode_base32(text)
    except ValueError:
        return
    assert plain_base32(octets) == text


@given(st.binary(max_size=200))
def test_cid__is_found_again_and_differs_for_other_content(content: bytes) -> None:
    cid = cid_of(content)
    assert cid.digest == sha256(content).digest()
    assert parse_cid(str(cid)) == parse_cid(cid.octets) == cid
    assert len(str(cid)) == 59
    assert cid_of(content + b"\0") != cid


def test_content_of_one_block__has_a_cid_and_a_byte_more_has_none() -> None:
    cid_of(bytes(MAX_BLOCK_BYTES))
    with pytest.raises(ContentTooLarge) as refused:
        cid_of(bytes(MAX_BLOCK_BYTES + 1))
    assert (refused.value.had, refused.value.needed) == ("262145 bytes", "<= 262144 bytes")


def test_cid_of_a_digest_of_another_length__is_refused() -> None:
    with pytest.raises(CidInvalid):
        Cid(bytes(31))  # type: ignore[arg-type]
