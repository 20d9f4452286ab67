"""Messages on the wire: one encoding each, nothing longer than 64 KiB, nothing half understood."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, START
from tests.offchain.systems.trading.parties_cast import (
    CHANNEL,
    CONTROLLER,
    CONTROLLERS,
    DOMAIN,
    NEXT,
    PAYER_KEY,
    SELLER_KEY,
    SIGNER,
    TERMS,
    THIEF,
    draft_proposal,
    letter_of,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.encoding import MalformedMessage, Writer
from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.identifiers import Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.evidence.records import Claim
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.agreement import MAX_REGISTERS, Pause, Reason
from edgemark.systems.trading.protocol.letters import (
    FORMS,
    KIND_OF,
    WRITERS,
    ChannelDomain,
    Kind,
    Letter,
    Login,
    Role,
    StrangeLetter,
    check_credential,
    receipt_of,
)
from edgemark.systems.trading.protocol.messages import (
    MAX_CONTENT_BYTES,
    MAX_LETTER_BYTES,
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Request,
    Sealed,
    Settlement,
    Stop,
    Taken,
)

BILL = draft_proposal(30)
SIGNATURE = bytes(range(65))
SOON = Timestamp(START + 60)
NEXT_SIGNERS = replace(TERMS.signers, controller=NEXT.address, epoch=1)
MESSAGES: list[Any] = [
    Request(7, 9, b"work"),
    Answer(7, (1, 2, 3), b"done"),
    Refusal(7, Pause.OVERDRAWN),
    BILL,
    Countersigned(BILL.voucher, SIGNATURE, SIGNATURE[::-1]),
    Settlement(BILL, SIGNATURE),
    Settlement(BILL, SIGNATURE).hide(b"sealed"),
    Sealed(b"sealed"),
    Credential(BILL.voucher, b"credential", SIGNATURE),
    Overdraft(Tokens(1001), Tokens(90)),
    Stop(Reason.EXPIRED),
    Stop(Reason.ASKED_BY_BUYER, Timestamp(START + 9)),
    Closing(Tokens(30), SOON, SIGNATURE),
    Closing(Tokens(0), SOON),
    Amending(0, Tokens(30), NEXT_SIGNERS, SOON, SIGNATURE),
    Reducing(0, Tokens(30), SOON),
    Reducing(0, Tokens(30), SOON, SIGNATURE),
    Taken(Kind.VOUCHER, 3),
]
EACH = pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
OTHERS = {Role.BUYER: PAYER_KEY.address, Role.SELLER: SELLER_KEY.address}
KEYS = {**OTHERS, Role.CONTROLLER: CONTROLLER.address}


def writer_of(message: Any) -> Role:
    return min(WRITERS[KIND_OF[type(message)]], key=lambda role: role.value)


def test_every_kind__has_a_form_and_writers() -> None:
    assert {type(message) for message in MESSAGES} == set(FORMS.values())
    assert set(FORMS) == set(WRITERS) == set(Kind)


@EACH
def test_from_wire__of_what_was_written__is_the_same(message: Any) -> None:
    assert type(message).from_wire(message.to_wire()) == message


@EACH
def test_from_wire__of_a_part_or_more__is_refused(message: Any) -> None:
    raw = message.to_wire()
    for cut in {0, len(raw) // 2, len(raw) - 1}:
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


@given(raw=st.binary(max_size=300))
def test_from_wire__of_anything__raises_what_it_says(raw: bytes) -> None:
    for form in (*FORMS.values(), Letter):
        try:
            form.from_wire(raw)
        except RefusedInput as error:
            assert error.who


def test_content_beyond_the_bound__is_refused_before_it_is_read() -> None:
    """10 MB claim: neither written nor taken."""
    for form, head, used in ((Request, 16, 0), (Answer, 9, ())):
        largest = form(1, used, bytes(MAX_CONTENT_BYTES))
        assert form.from_wire(largest.to_wire()) == largest
        raw = form(1, used, bytes(MAX_CONTENT_BYTES + 1)).to_wire()
        with pytest.raises(MalformedMessage, match="too long"):
            form.from_wire(raw)
        with pytest.raises(MalformedMessage):
            form.from_wire(raw[:head] + (2**32 - 1).to_bytes(4, "big"))
    huge = Letter.of(CHANNEL, Request(1, 0, bytes(10 * 2**20)))
    with pytest.raises(MalformedMessage, match="too long"):
        replace(huge, signature=SIGNATURE).to_wire()
    with pytest.raises(MalformedMessage, match="too long"):
        Letter.from_wire(bytes(MAX_LETTER_BYTES + 1))


def test_largest_message_of_every_kind__fits_into_a_letter() -> None:
    for message in MESSAGES:
        more = {"content": bytes(MAX_CONTENT_BYTES)} if hasattr(message, "content") else {}
        if isinstance(message, Answer):
            more["used"] = (2**64 - 1,) * MAX_REGISTERS
        raw = letter_of(replace(message, **more), writer_of(message))
        assert len(raw) <= MAX_LETTER_BYTES


# --- what a signature covers -------------------------------------------------------------------


@EACH
def test_open__of_a_letter_by_who_may_write_it__is_its_message(message: Any) -> None:
    for role in WRITERS[KIND_OF[type(message)]]:
        letter = Letter.from_wire(letter_of(message, role))
        assert letter.open(DOMAIN, CHANNEL, KEYS) == (role, message)


@EACH
def test_open__of_a_letter_by_anybody_else__is_strange(message: Any) -> None:
    kind = KIND_OF[type(message)]
    for role in set(Role) - WRITERS[kind]:
        with pytest.raises(StrangeLetter):
            Letter.from_wire(letter_of(message, role)).open(DOMAIN, CHANNEL, KEYS)
    with pytest.raises(StrangeLetter):
        Letter.from_wire(letter_of(message, Role.BUYER, THIEF)).open(DOMAIN, CHANNEL, KEYS)
    for role in WRITERS[kind]:  # sent back to who wrote it
        rest = {other: key for other, key in KEYS.items() if other is not role}
        with pytest.raises(StrangeLetter):
            Letter.from_wire(letter_of(message, role)).open(DOMAIN, CHANNEL, rest)


def test_a28_a_letter__is_of_its_chain_its_escrow_its_channel_and_its_kind() -> None:
    letter = Letter.from_wire(letter_of(Stop(Reason.EXPIRED), Role.BUYER))
    elsewhere = ChannelDomain(CHAIN_ID + 1, ESCROW), ChannelDomain(CHAIN_ID, NEXT.address)
    for domain in elsewhere:
        with pytest.raises(StrangeLetter):
            letter.open(domain, CHANNEL, KEYS)
    other = ChannelId(bytes(32))
    with pytest.raises(StrangeLetter, match="another channel"):
        letter.open(DOMAIN, other, KEYS)
    with pytest.raises(StrangeLetter):
        replace(letter, channel=other).open(DOMAIN, other, KEYS)
    closing = Letter.from_wire(letter_of(Closing(Tokens(0), SOON), Role.BUYER))
    with pytest.raises(PeerFault):
        replace(letter, message=closing.message).open(DOMAIN, CHANNEL, KEYS)
    with pytest.raises(PeerFault):
        replace(letter, kind=Kind.CLOSING).open(DOMAIN, CHANNEL, KEYS)


def test_letter__of_no_kind__is_refused() -> None:
    for number in (0, 15, 16, 17, 255):
        raw = Writer().integer(number, 1).fixed(CHANNEL, 32).variable(b"").fixed(SIGNATURE, 65)
        with pytest.raises(MalformedMessage):
            Letter.from_wire(raw.finish())


LOGIN = Login("host:1", CONTROLLER.address, Hash32(bytes(32)), CHANNEL, bytes(32), SOON)


@pytest.mark.parametrize("name", [f.name for f in fields(Login) if f.name != "signature"])
def test_login__with_any_other_field__is_another_statement(name: str) -> None:
    others = {
        "service": "host:2",
        "controller": NEXT.address,
        "pin": Hash32(bytes([1]) * 32),
        "channel": ChannelId(bytes([1]) * 32),
        "nonce": bytes([1]) * 32,
        "expiry": Timestamp(SOON + 1),
    }
    assert DOMAIN.login(LOGIN) != DOMAIN.login(replace(LOGIN, **{name: others[name]}))


def test_a54_an_issuance__covers_channel_index_epoch_voucher_and_credential() -> None:
    voucher, content = BILL.voucher, b"credential"
    claim = Claim(CHANNEL, voucher, keccak256(content))
    digest = CONTROLLERS.issuance(claim, DOMAIN.voucher(CHANNEL, voucher))
    good = Credential(voucher, content, CONTROLLER.sign(digest))
    told = (CONTROLLER.address, DOMAIN, CONTROLLERS)
    check_credential(good, CHANNEL, *told)
    for bad in (
        replace(good, voucher=replace(voucher, index=2)),
        replace(good, voucher=replace(voucher, epoch=1)),
        replace(good, voucher=replace(voucher, amount=Tokens(31))),
        replace(good, content=b"another"),
        replace(good, signature=THIEF.sign(digest)),
    ):
        with pytest.raises(BadSignature):
            check_credential(bad, CHANNEL, *told)
    with pytest.raises(BadSignature):
        check_credential(good, ChannelId(bytes(32)), *told)


def test_receipts__are_of_what_is_kept_and_of_nothing_else() -> None:
    told = {type(m): receipt_of(m) for m in MESSAGES}
    acknowledged = {form for form, receipt in told.items() if receipt is not None}
    assert acknowledged == {Answer, Countersigned, Credential, Overdraft, Stop}


@EACH
def test_no_message__prints_a_signature_or_a_content(message: Any) -> None:
    told = repr(message)
    for each in fields(message):
        value = getattr(message, each.name)
        if each.name == "content" or "signature" in each.name:
            assert not value or repr(value) not in told
    assert is_dataclass(message)


def test_errors__say_who_and_what_was_needed() -> None:
    with pytest.raises(EdgemarkError) as caught:
        Letter.from_wire(letter_of(MESSAGES[0], Role.BUYER, THIEF)).open(DOMAIN, CHANNEL, KEYS)
    assert caught.value.who == "letter, request"
    assert (caught.value.had, caught.value.needed) == (THIEF.address, "buyer")
    assert set(SIGNER) == set(Role)


def test_flag_that_is_neither_yes_nor_no__is_refused() -> None:
    """Else one message had several forms, and a signature of twice the length."""
    closing = Closing(Tokens(5), Timestamp(9)).to_wire()
    reducing = Reducing(0, Tokens(5), Timestamp(9)).to_wire()
    for form, raw in ((Closing, closing), (Reducing, reducing)):
        assert raw[-1] == 0
        with pytest.raises(MalformedMessage):
            form.from_wire(raw[:-1] + b"\2" + bytes(130))
    bill = draft_proposal(30).to_wire()
    assert bill[-66] == 0
    with pytest.raises(MalformedMessage):
        Proposal.from_wire(bill[:-66] + b"\2" + bill[-65:])
