"""Requests for a quote, quotes and slips: one encoding each, and every field is signed."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import KEYS, PEOPLE, START, key_of
from tests.offchain.systems.trading.credentials.asking_cast import (
    DOMAIN,
    QUOTE,
    REQUEST,
    SELLER_KEY,
    SLIP,
    sign_quote,
)
from tests.offchain.systems.trading.credentials.trade_cast import BUYER, SELLER, TIC

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.identity.did.identifier import parse_did
from edgemark.systems.trading.identifiers import ChannelId, OfferId, TemplateVersionId
from edgemark.systems.trading.protocol.agreement import Opening
from edgemark.systems.trading.protocol.asking.quotes import (
    MAX_QUOTE_BYTES,
    MAX_REQUEST_BYTES,
    Quote,
    QuoteRequest,
    QuoteStrange,
    check_opening,
    draft_terms,
)
from edgemark.systems.trading.protocol.asking.slips import (
    MAX_SLIP_S,
    SLIP_BYTES,
    Purpose,
    Slip,
    SlipRefused,
    join_part,
    split_part,
)
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.templates.fields import Encryption

MESSAGES: list[Any] = [REQUEST, QUOTE, SLIP]
EACH = pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
OTHER = Address("0x" + "77" * 20)
OTHERS: dict[str, Any] = {
    "seller": OTHER,
    "buyer": parse_did("did:ethr:0x7a69:" + PEOPLE["tower"]),
    "payer": OTHER,
    "payer_key": OTHER,
    "offer": OfferId(bytes([1]) * 32),
    "template": TemplateVersionId(bytes([1]) * 32),
    "controller": OTHER,
    "encryption": Encryption.JWE,
}


@EACH
def test_from_wire__of_what_was_written__is_the_same(message: Any) -> None:
    assert type(message).from_wire(message.to_wire()) == message


@EACH
def test_from_wire__of_a_part_or_more__is_refused(message: Any) -> None:
    raw = message.to_wire()
    for cut in range(len(raw)):
        with pytest.raises(RefusedInput):
            type(message).from_wire(raw[:cut])
    with pytest.raises(MalformedMessage):
        type(message).from_wire(raw + b"\0")


@EACH
@given(place=st.integers(0, 10**6), byte=st.integers(1, 255))
def test_from_wire__with_another_byte__is_another_message_or_refused(
    message: Any, place: int, byte: int
) -> None:
    raw = message.to_wire()
    place %= len(raw)
    changed = raw[:place] + bytes([raw[place] ^ byte]) + raw[place + 1 :]
    try:
        found = type(message).from_wire(changed)
    except RefusedInput:
        return
    assert found != message
    assert found.to_wire() == changed


@given(raw=st.binary(max_size=600))
def test_from_wire__of_anything__raises_what_it_says(raw: bytes) -> None:
    for form in (QuoteRequest, Quote, Slip):
        try:
            form.from_wire(raw)
        except RefusedInput as error:
            assert error.who


def test_from_wire__of_10_megabytes__is_refused_unread() -> None:
    for form, most in ((QuoteRequest, MAX_REQUEST_BYTES), (Quote, MAX_QUOTE_BYTES)):
        for length in (most + 1, 10 * 2**20):
            with pytest.raises(MalformedMessage, match="too long"):
                form.from_wire(bytes(length))
    with pytest.raises(MalformedMessage, match="is no slip"):
        Slip.from_wire(bytes(SLIP_BYTES + 1))


def test_quote__whose_credential_is_no_ascii__is_refused() -> None:
    with pytest.raises(MalformedMessage, match="no signed text"):
        Quote.from_wire(replace(QUOTE, token="é").to_wire())


@pytest.mark.parametrize("name", [f.name for f in fields(QuoteRequest) if f.name != "signature"])
def test_request__with_any_other_field__is_another_statement(name: str) -> None:
    changed = replace(REQUEST, **{name: OTHERS.get(name, 7)})
    assert changed.digest(DOMAIN) != REQUEST.digest(DOMAIN)
    assert changed.signer(DOMAIN) != BUYER.address
    assert REQUEST.signer(DOMAIN) == BUYER.address


def test_request__is_of_its_chain_and_its_escrow() -> None:
    for domain in (ChannelDomain(1, DOMAIN.contract), ChannelDomain(DOMAIN.chain_id, OTHER)):
        assert REQUEST.signer(domain) != BUYER.address


@pytest.mark.parametrize("raw", [bytes(65), b"\xff" * 65])
def test_request__without_a_signature__is_by_nobody(raw: bytes) -> None:
    with pytest.raises(BadSignature):
        replace(REQUEST, signature=raw).signer(DOMAIN)


# --- the seller's word for the terms -----------------------------------------------------------


def test_opening__of_the_very_terms__is_the_channel() -> None:
    channel, terms = check_opening(REQUEST, QUOTE, TIC.digest, DOMAIN, START)
    assert (
        terms.as_abi()
        == draft_terms(REQUEST, SELLER_KEY, QUOTE.settlement_template, TIC.digest).as_abi()
    )
    assert terms.seller_key == KEYS["seller's key"].address
    assert len(channel) == 32


@pytest.mark.parametrize(
    "changed",
    [
        {"deposit": Tokens(1)},
        {"bond": Tokens(10**6)},
        {"window": 1},
        {"close_by": Timestamp(START + 1)},
        {"controller": OTHER},
        {"nonce": 99},
        {"payer_key": OTHER},
    ],
)
def test_opening__of_other_terms_than_were_asked_for__is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        check_opening(replace(REQUEST, **changed), QUOTE, TIC.digest, DOMAIN, START)


def test_opening__of_another_credential_template_or_signer__is_refused() -> None:
    for quote, initiation in (
        (QUOTE, Hash32(bytes(32))),
        (replace(QUOTE, settlement_template=TemplateVersionId(bytes(32))), TIC.digest),
        (replace(QUOTE, seller_key=OTHER), TIC.digest),
        (sign_quote(REQUEST, key=key_of("rival")), TIC.digest),
    ):
        with pytest.raises(BadSignature):
            check_opening(REQUEST, quote, initiation, DOMAIN, START)


@pytest.mark.parametrize("late_by", [1, -1])
def test_opening__that_counts_no_more_or_for_longer__is_strange(late_by: int) -> None:
    until = QUOTE.opening.valid_until
    request, now = (REQUEST, until + 1) if late_by > 0 else (_until(until - 1), START)
    with pytest.raises(QuoteStrange, match="another time"):
        check_opening(request, QUOTE, TIC.digest, DOMAIN, now)


def _until(second: int) -> QuoteRequest:
    return replace(REQUEST, valid_until=Timestamp(second))


def test_repr__has_no_signature_and_no_credential() -> None:
    told = repr(QUOTE) + repr(REQUEST) + repr(SLIP)
    assert QUOTE.token not in told
    for signature in (REQUEST.signature, SLIP.signature, QUOTE.opening.signature):
        assert repr(signature) not in told
    assert isinstance(QUOTE.opening, Opening)


# --- slips -------------------------------------------------------------------------------------


def test_slip__of_the_payer__counts_until_its_second() -> None:
    for second in (START, SLIP.valid_until):
        SLIP.check(Purpose.PART, KEYS["payer's key"].address, DOMAIN, second)


@pytest.mark.parametrize(
    ("changed", "now", "needed"),
    [
        ({"purpose": Purpose.OUTPUT}, START, "part"),
        ({}, SLIP.valid_until + 1, str(SLIP.valid_until + 1 + MAX_SLIP_S)),
        ({"valid_until": Timestamp(START + MAX_SLIP_S + 1)}, START, str(START + MAX_SLIP_S)),
    ],
)
def test_slip__for_something_else_or_at_another_time__is_refused(
    changed: dict[str, Any], now: int, needed: str
) -> None:
    with pytest.raises(SlipRefused) as caught:
        replace(SLIP, **changed).check(Purpose.PART, KEYS["payer's key"].address, DOMAIN, now)
    assert needed in str(caught.value)


def test_slip__covers_channel_purpose_digest_time_and_escrow() -> None:
    payer = KEYS["payer's key"].address
    for changed in (
        replace(SLIP, channel=ChannelId(bytes(32))),
        replace(SLIP, digest=Hash32(bytes(32))),
        replace(SLIP, valid_until=Timestamp(SLIP.valid_until + 1)),
        SLIP.signed(SELLER.sign(SLIP.signed_digest(DOMAIN))),
    ):
        with pytest.raises(BadSignature):
            changed.check(changed.purpose, payer, DOMAIN, START)
    other = replace(SLIP, purpose=Purpose.OUTPUT)
    with pytest.raises(BadSignature):
        other.check(Purpose.OUTPUT, payer, DOMAIN, START)
    with pytest.raises(BadSignature):
        SLIP.check(Purpose.PART, payer, ChannelDomain(1, DOMAIN.contract), START)


@pytest.mark.parametrize("purpose", [0, 3, 255])
def test_slip__for_nothing__is_refused(purpose: int) -> None:
    raw = bytearray(SLIP.to_wire())
    raw[32] = purpose
    with pytest.raises(MalformedMessage, match="for nothing"):
        Slip.from_wire(bytes(raw))


def test_part__behind_its_slip__is_taken_apart() -> None:
    body = join_part(SLIP, b"data")
    assert split_part(body, SLIP.channel, hash_long(b"data")) == (SLIP, b"data")


@pytest.mark.parametrize(
    ("body", "who"),
    [
        (join_part(SLIP, b"other"), "part, digest"),
        (join_part(replace(SLIP, channel=ChannelId(bytes(32))), b"data"), "part, channel"),
        (join_part(replace(SLIP, digest=Hash32(bytes(32))), b"data"), "part, part"),
    ],
)
def test_part__of_another_channel_slip_or_digest__is_refused(body: bytes, who: str) -> None:
    with pytest.raises(SlipRefused) as caught:
        split_part(body, SLIP.channel, hash_long(b"data"))
    assert caught.value.who == who


def test_part__without_a_whole_slip__is_refused() -> None:
    for length in (0, 1, SLIP_BYTES - 1):
        with pytest.raises(MalformedMessage):
            split_part(bytes(length), SLIP.channel, hash_long(b"data"))
