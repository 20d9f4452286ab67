"""What both parties sign of a first credential, kept by a controller until it is recorded."""

from __future__ import annotations

import pytest
from tests.offchain.systems.trading.channel_cast import CHAIN_ID, ESCROW, START, draft_terms, key_of

from edgemark.crypto.ethereum.secp256k1 import BadSignature, SecretKey
from edgemark.identifiers import Address
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.controller.recording.firsts import FirstPiece, FirstRecorder
from edgemark.systems.trading.controller.recording.words import WordBook, Words, WordStrange
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role

DOMAIN = EvidenceDomain(CHAIN_ID, Address("0x" + "e0" * 20))
PEOPLE = {role: key_of(role).address for role in ("payer", "seller", "outsider")}
KEY_OF = {Role.BUYER: key_of("payer"), Role.SELLER: key_of("seller")}


def open_one(nonce: int) -> tuple[ChannelId, Terms]:
    terms = draft_terms(PEOPLE, START, nonce)
    return compute_channel_id(CHAIN_ID, ESCROW, terms), terms


def say(channel: ChannelId, terms: Terms, key: SecretKey) -> bytes:
    return key.sign(DOMAIN.initiation(channel, terms.initiation))


def note(book: WordBook, nonce: int, *roles: Role) -> ChannelId:
    channel, terms = open_one(nonce)
    for role in roles:
        book.note(channel, terms, role, say(channel, terms, KEY_OF[role]))
    return channel


def test_the_word_of_one__waits_for_that_of_the_other() -> None:
    book = WordBook(DOMAIN)
    channel = note(book, 1, Role.SELLER)
    assert list(book.take(lambda _: True)) == []
    note(book, 1, Role.BUYER)
    assert list(book.take(lambda _: False)) == [], "its desk is not there"
    ((found, said),) = book.take(lambda _: True)
    _, terms = open_one(1)
    both = (say(channel, terms, KEY_OF[role]) for role in (Role.BUYER, Role.SELLER))
    assert (found, said) == (channel, Words(*both))
    assert (len(book), list(book.take(lambda _: True))) == (0, [])


@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER])
@pytest.mark.parametrize("key", [key_of("outsider"), key_of("payer's key")])
def test_a_word_of_another_key__is_refused_by_name(role: Role, key: SecretKey) -> None:
    channel, terms = open_one(1)
    with pytest.raises(WordStrange, match="is not by the account in the terms"):
        WordBook(DOMAIN).note(channel, terms, role, say(channel, terms, key))


def test_a_word_of_another_channel_or_no_signature__is_refused() -> None:
    book, (channel, terms), (other, _) = WordBook(DOMAIN), open_one(1), open_one(2)
    with pytest.raises(WordStrange):
        book.note(channel, terms, Role.BUYER, say(other, terms, KEY_OF[Role.BUYER]))
    with pytest.raises(BadSignature):
        book.note(channel, terms, Role.BUYER, b"\xff" * 65)
    assert len(book) == 0


def test_so_many_channels_are_kept__and_the_oldest_gives_way() -> None:
    book = WordBook(DOMAIN, most=3)
    for nonce in range(1, 6):
        note(book, nonce, Role.SELLER)
    assert len(book) == 3
    note(book, 1, Role.BUYER)  # its seller's went
    assert list(book.take(lambda _: True)) == []
    kept = note(book, 5, Role.BUYER)
    assert [channel for channel, _ in book.take(lambda _: True)] == [kept]
    book.drop(open_one(4)[0])
    assert len(book) == 1


def test_pieces__come_back_from_the_disk_as_they_went() -> None:
    channel, terms = open_one(1)
    signed = [say(channel, terms, KEY_OF[role]) for role in (Role.BUYER, Role.SELLER)]
    pieces = [FirstPiece(channel, terms.initiation, *signed)]
    raw = FirstRecorder.encode(FirstRecorder.__new__(FirstRecorder), pieces)
    assert FirstRecorder.decode(FirstRecorder.__new__(FirstRecorder), raw) == pieces
