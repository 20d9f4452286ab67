"""Which texts are DIDs of accounts, and which versions a DID URL may ask for (T12)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.identity.did.attributes import NameInvalid, decode_name, encode_name
from edgemark.identity.did.identifier import (
    DidInvalid,
    DidUrlInvalid,
    MethodUnknown,
    NetworkUnknown,
    format_second,
    make_did,
    parse_did,
    parse_did_url,
    parse_second,
)

KEY = SecretKey(bytes(31) + b"\7")
ADDRESS, PUBLIC = KEY.address, "0x" + KEY.public_key.hex()
DID = f"did:ethr:0x7a69:{ADDRESS}"


@pytest.mark.parametrize(
    ("text", "chain_id"),
    [
        (DID, 31337),
        (f"did:ethr:0x7a69:{ADDRESS.lower()}", 31337),
        (f"did:ethr:0x7a69:{PUBLIC}", 31337),
        (f"did:ethr:{ADDRESS}", 1),
        (f"did:ethr:mainnet:{ADDRESS}", 1),
        (f"did:ethr:0x1:{ADDRESS}", 1),
        (f"did:ethr:sepolia:{ADDRESS}", 11155111),
    ],
)
def test_did__names_an_account_on_a_chain_and_stays_as_it_was_written(
    text: str, chain_id: int
) -> None:
    did = parse_did(text)
    assert (did.chain_id, did.identity, str(did)) == (chain_id, ADDRESS, text)
    assert did.public_key == (KEY.public_key if text.endswith(PUBLIC) else b"")


@given(chain_id=st.integers(1, 2**64 - 1), raw=st.binary(min_size=20, max_size=20))
def test_did__as_it_is_made__is_parsed_back(chain_id: int, raw: bytes) -> None:
    did = make_did(chain_id, parse_address(raw))
    assert parse_did(did.text) == did


@pytest.mark.parametrize(
    "text",
    [
        "",
        "did",
        "did:ethr:",
        "DID:ethr:" + ADDRESS,
        "did:ETHR:" + ADDRESS,
        "did:ethr:" + ADDRESS[2:],
        "did:ethr:" + ADDRESS[:-1],
        "did:ethr:" + ADDRESS + "0",
        "did:ethr:" + ADDRESS.swapcase().replace("0X", "0x"),
        "did:ethr:" + ADDRESS + ":",
        "did:ethr::" + ADDRESS,
        f"{DID}\n",
        f" {DID}",
        f"did:ethr:0x07a69:{ADDRESS}",
        f"did:ethr:0x7A69:{ADDRESS}",
        f"did:ethr:0x0:{ADDRESS}",
        f"did:ethr:0x{'1' * 17}:{ADDRESS}",
        f"did:ethr:{PUBLIC.replace('0x0', '0x1')}",
        "did:ethr:0x02" + "ff" * 32,
        f"did:ethr:0x7a69:{ADDRESS}é",
        "did:ethr:" + "a" * 5000,
    ],
)
def test_text_that_is_no_did__is_refused(text: str) -> None:
    with pytest.raises(DidInvalid) as refused:
        parse_did(text)
    assert refused.value.who == "DID"
    assert refused.value.needed


@pytest.mark.parametrize("text", ["did:web:example.org", "did:key:z6Mk"])
def test_did_of_another_method__is_refused_by_its_name(text: str) -> None:
    with pytest.raises(MethodUnknown) as refused:
        parse_did(text)
    assert refused.value.had == text.split(":")[1]


def test_did_on_a_chain_with_another_name__is_refused_by_it() -> None:
    with pytest.raises(NetworkUnknown) as refused:
        parse_did(f"did:ethr:rsk:testnet:{ADDRESS}")
    assert refused.value.had == "rsk:testnet"


def test_did_url__asks_for_one_version_at_most() -> None:
    assert parse_did_url(DID).version_id is None
    assert parse_did_url(f"{DID}?versionId=0").version_id == 0
    assert parse_did_url(f"{DID}?versionId={2**63 - 1}").version_id == 2**63 - 1
    at = parse_did_url(f"{DID}?versionTime=2027-01-15T08:00:00Z")
    assert (at.version_id, at.version_time) == (None, 1_800_000_000)
    assert parse_did_url(f"{DID}?versionTime=2027-01-15T08%3A00%3A00Z") == at


@pytest.mark.parametrize(
    "rest",
    [
        "?",
        "?versionId=",
        "?versionId=-1",
        "?versionId=01",
        "?versionId=1.5",
        "?versionId=latest",
        f"?versionId={2**63}",
        "?versionId=1&versionId=2",
        "?versionId=1&versionTime=2027-01-15T08:00:00Z",
        "?versionTime=2027-01-15",
        "?versionTime=2027-13-15T08:00:00Z",
        "?versionTime=2027-01-15T08:00:00+01:00",
        "?versionTime=2027-01-15T08:00:00.5Z",
        "?versionTime=2027-01-15T08:00:60Z",
        "?service=files",
        "#controller",
        "/path",
        "?versionId=1#controller",
    ],
)
def test_did_url_that_asks_for_something_else__is_refused(rest: str) -> None:
    with pytest.raises(DidUrlInvalid):
        parse_did_url(DID + rest)


@given(st.text(max_size=120))
def test_any_text__is_a_did_url_or_refused(text: str) -> None:
    for candidate in (text, f"did:ethr:{text}", DID + text, f"{DID}?versionTime={text}"):
        try:
            parse_did_url(candidate)
        except RefusedInput as refused:
            assert str(refused).isprintable()


@given(st.integers(0, 253402300799))
def test_second__as_it_is_written__is_parsed_back(second: int) -> None:
    assert parse_second(format_second(second)) == second


@given(st.text(min_size=1, max_size=40))
def test_name__as_it_is_encoded__is_decoded_or_refused(text: str) -> None:
    try:
        name = encode_name(text)
    except NameInvalid:
        return
    assert len(name) == 32
    assert decode_name(name) == text


@pytest.mark.parametrize("text", ["", "a" * 33, "é" * 17, "a\0", "\ud800"])
def test_name_that_does_not_fit__is_refused(text: str) -> None:
    with pytest.raises(NameInvalid):
        encode_name(text)
