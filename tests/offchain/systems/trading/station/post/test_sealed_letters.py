"""Letters of a sealed channel: read by its two parties, downgraded by nobody."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.parties_cast import (
    CHANNEL,
    DOMAIN,
    PAYER_KEY,
    SELLER_KEY,
    draft_proposal,
)
from tests.offchain.systems.trading.station.test_speaking_of_channels import (
    ANSWER,
    STOP,
    Desk,
    state_of,
)

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address
from edgemark.identity.credentials.agreement import AgreementKeys, SealedForOthers
from edgemark.identity.credentials.jose.encryption import (
    AgreementKey,
    Reader,
    SealBroken,
    encrypt,
)
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.letters import (
    TO_BE_SEALED,
    Kind,
    Letter,
    Role,
    StrangeLetter,
    read_inner,
)
from edgemark.systems.trading.protocol.messages import Request, Sealed
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.speaking import Keys, LetterUnsealed

RANDOMNESS = Randomness()
DIDS = {
    role: make_did(31337, Address(f"0x{digit * 40}"))
    for role, digit in ((Role.SELLER, "1"), (Role.BUYER, "2"))
}
OWN = {Role.SELLER: AgreementKey(bytes([1]) * 32), Role.BUYER: AgreementKey(bytes([2]) * 32)}
READERS = [Reader(f"{DIDS[role]}#delegate-1", OWN[role].public_key) for role in OWN]


@dataclass
class Glass:
    """Keys of one party without a home and a deal: what seals is real, what is known is fixed."""

    keys: AgreementKeys
    is_on: bool = True

    def is_sealed(self, channel: ChannelId) -> bool:
        return self.is_on and channel == CHANNEL

    def seal(self, _: ChannelId, text: bytes) -> bytes:
        return encrypt(text, READERS, RANDOMNESS)

    def open(self, _: ChannelId, me: Role, raw: bytes) -> bytes:
        return self.keys.decrypt(raw, DIDS[me])


def desk_of(role: Role, *, is_on: bool = True, key: AgreementKey | None = None) -> Desk:
    seals = Glass(AgreementKeys((key or OWN[role],)), is_on)
    if role is Role.SELLER:
        return Desk(role, state_of(Sale, on.AskedSell), Keys(SELLER_KEY, seals=seals))
    return Desk(role, state_of(Purchase, on.AskedBuy), Keys(PAYER_KEY, seals=seals))


SELLER, BUYER = desk_of(Role.SELLER), desk_of(Role.BUYER)
BILL = draft_proposal(30)
REQUEST = Request(1, 9, b"what is to be done")
ENDS = {ANSWER: (SELLER, BUYER), BILL: (SELLER, BUYER), REQUEST: (BUYER, SELLER)}


def letter_of(message: Any, sender: Desk) -> bytes:
    other = Role.BUYER if sender.me is Role.SELLER else Role.SELLER
    sender.letters.send(sender.state, message, other)
    return sender.sent[-1][2]


@pytest.mark.parametrize("message", ENDS, ids=lambda each: type(each).__name__)
def test_what_was_done__is_sealed_and_heard_by_the_other_alone(message: Any) -> None:
    sender, hearer = ENDS[message]
    raw = letter_of(message, sender)
    assert Letter.from_wire(raw).kind is Kind.SEALED
    assert message.to_wire() not in raw
    hearer.letters.hear(CHANNEL, raw)
    assert hearer.taken[-1] == (sender.me, message)
    strange = desk_of(hearer.me, key=AgreementKey(bytes([7]) * 32))
    with pytest.raises(SealBroken):
        strange.letters.hear(CHANNEL, raw)
    assert strange.taken == []
    with pytest.raises(LetterUnsealed):
        desk_of(hearer.me, is_on=False).letters.hear(CHANNEL, raw)


def test_other_letters__travel_as_they_are() -> None:
    raw = letter_of(STOP, SELLER)
    assert Letter.from_wire(raw).kind is Kind.STOP
    BUYER.letters.hear(CHANNEL, raw)
    assert BUYER.taken[-1] == (Role.SELLER, STOP)


@pytest.mark.parametrize("message", ENDS, ids=lambda each: type(each).__name__)
def test_a56_letter_in_the_clear__is_no_letter_of_a_sealed_channel(message: Any) -> None:
    sender, hearer = ENDS[message]
    raw = letter_of(message, desk_of(sender.me, is_on=False))
    before = list(hearer.taken)
    with pytest.raises(LetterUnsealed, match="in the clear"):
        hearer.letters.hear(CHANNEL, raw)
    assert hearer.taken == before


def sealed_by(sender: Desk, inner: bytes) -> bytes:
    """A letter with anything sealed in it, under the sender's own signature."""
    letter = Letter.of(CHANNEL, Sealed(encrypt(inner, READERS, RANDOMNESS)))
    key = sender.letters.key(sender.state)
    return replace(letter, signature=key.sign(letter.digest(DOMAIN))).to_wire()


@pytest.mark.parametrize("kind", sorted(set(Kind) - TO_BE_SEALED))
def test_a56_kind_that_is_not_sealed__is_not_hidden_from_its_readers(kind: Kind) -> None:
    with pytest.raises(StrangeLetter, match="another kind"):
        BUYER.letters.hear(CHANNEL, sealed_by(SELLER, bytes([kind]) + STOP.to_wire()))


def test_a56_word_of_the_other__is_not_said_in_its_name() -> None:
    for message, (sender, hearer) in ENDS.items():
        inner = Letter.of(CHANNEL, message).inner
        assert read_inner(inner, sender.me)[1] == message
        with pytest.raises(StrangeLetter):
            sender.letters.hear(CHANNEL, sealed_by(hearer, inner))


def test_letter_sealed_for_others__is_refused_by_name() -> None:
    reader = Reader(f"{DIDS[Role.SELLER]}#delegate-1", OWN[Role.SELLER].public_key)
    letter = Letter.of(CHANNEL, Sealed(encrypt(b"x", [reader], RANDOMNESS)))
    raw = replace(letter, signature=SELLER_KEY.sign(letter.digest(DOMAIN))).to_wire()
    with pytest.raises(SealedForOthers):
        BUYER.letters.hear(CHANNEL, raw)


def test_request_too_long_to_be_sealed__is_refused_before_it_is_sent() -> None:
    before = len(BUYER.sent)
    with pytest.raises(EdgemarkError, match="too l"):
        letter_of(Request(1, 1, bytes(60 * 2**10)), BUYER)
    assert len(BUYER.sent) == before


@given(st.binary(max_size=120))
def test_door__whatever_is_sealed__raises_typed_errors_alone(inner: bytes) -> None:
    with pytest.raises(EdgemarkError):
        BUYER.letters.hear(CHANNEL, sealed_by(SELLER, b"\x04" + inner))


PARTS = ["protected", "recipients", "iv", "ciphertext", "tag"]
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=9), st.lists(st.text(max_size=3)))


@given(st.sampled_from(PARTS), VALUES)
def test_door__a_part_that_is_anything__raises_typed_errors_alone(part: str, value: Any) -> None:
    whole = json.loads(encrypt(b"x", READERS, RANDOMNESS)) | {part: value}
    letter = Letter.of(CHANNEL, Sealed(json.dumps(whole).encode()))
    raw = replace(letter, signature=SELLER_KEY.sign(letter.digest(DOMAIN))).to_wire()
    with pytest.raises(EdgemarkError):
        BUYER.letters.hear(CHANNEL, raw)
