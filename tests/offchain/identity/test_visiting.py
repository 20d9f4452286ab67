"""Cards: who asks, told before any body; good for one server, of an account that is expected."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address
from edgemark.identity import visiting
from edgemark.identity.statements import RegistryDomain
from edgemark.identity.visiting import EXPECTED_S, MOST_EXPECTED, Doorkeeper, Visitor

DOMAIN = RegistryDomain(31337, Address("0x" + "5E" * 20))
NODE, OUTSIDER = SecretKey(keccak256(b"node")), SecretKey(keccak256(b"outsider"))
JUDGE, OTHER_JUDGE = SecretKey(keccak256(b"judge")), SecretKey(keccak256(b"other judge"))
CARD = Visitor(NODE, DOMAIN).card_for(JUDGE.address)


def test_card__of_an_expected_account__is_recognised_until_it_is_long_ago() -> None:
    now = [1000.0]
    door = Doorkeeper(JUDGE.address, DOMAIN, lambda: now[0])
    assert door.recognise(CARD) is None
    door.expect(NODE.address)
    assert door.recognise(CARD) == NODE.address
    now[0] += EXPECTED_S
    assert door.recognise(CARD) == NODE.address
    now[0] += 1
    assert door.recognise(CARD) is None


def test_accounts__that_were_expected_long_ago__are_kept_no_more() -> None:
    now = [0.0]
    door = Doorkeeper(JUDGE.address, DOMAIN, lambda: now[0])
    door.expect(NODE.address, OUTSIDER.address)
    now[0] = EXPECTED_S + 1
    door.expect(OTHER_JUDGE.address)
    assert list(door._parties) == [OTHER_JUDGE.address]


def test_card__for_another_server_or_registry_or_by_another_key__is_a_strangers() -> None:
    door = Doorkeeper(JUDGE.address, DOMAIN)
    door.expect(NODE.address)
    elsewhere = RegistryDomain(1, Address("0x" + "5E" * 20))
    forged = NODE.address + Visitor(OUTSIDER, DOMAIN).card_for(JUDGE.address)[42:]
    for card in (
        Visitor(NODE, DOMAIN).card_for(OTHER_JUDGE.address),
        Visitor(NODE, elsewhere).card_for(JUDGE.address),
        Visitor(OUTSIDER, DOMAIN).card_for(JUDGE.address),
        forged,
        CARD.lower(),
    ):
        assert door.recognise(card) is None


@given(card=st.one_of(st.text(max_size=200), st.text("0123456789abcdef \xb2", min_size=130)))
def test_card__of_any_text__is_a_strangers(card: str) -> None:
    door = Doorkeeper(JUDGE.address, DOMAIN)
    door.expect(NODE.address)
    assert door.recognise(card) is None
    assert door.recognise(f"{NODE.address}:{card[:130]}") is None


def test_account__that_is_expected_for_longer__is_not_forgotten_for_a_shorter_time() -> None:
    now = [0.0]
    door = Doorkeeper(JUDGE.address, DOMAIN, lambda: now[0])
    door.invite(NODE.address, seconds=10 * EXPECTED_S)
    door.expect(NODE.address)
    door.invite(NODE.address)
    now[0] = 10 * EXPECTED_S
    assert door.recognise(CARD) == NODE.address
    now[0] += 1
    assert door.recognise(CARD) is None


def test_a_card__bears_an_expected_name_whoever_made_it() -> None:
    door = Doorkeeper(JUDGE.address, DOMAIN)
    forged = f"{NODE.address}:{'00' * 65}"
    assert door.named(forged) is None
    door.expect(NODE.address)
    assert door.named(forged) == NODE.address
    assert door.recognise(forged) is None
    assert door.named(forged[:-1]) is None


def test_f4_accounts_that_are_invited__have_no_part_and_push_out_nobody_who_has() -> None:
    now = [0.0]
    door = Doorkeeper(JUDGE.address, DOMAIN, lambda: now[0])
    door.invite(NODE.address)
    assert door.recognise(CARD) == NODE.address
    door.uninvite(NODE.address)
    assert door.recognise(CARD) is None
    door.expect(NODE.address)
    door.uninvite(NODE.address)
    for number in range(2 * MOST_EXPECTED):
        door.invite(Address(f"0x{number:040x}"))
    assert door.recognise(CARD) == NODE.address
    now[0] = EXPECTED_S + 1
    assert door.recognise(CARD) is None


def test_expected_accounts__are_bounded_and_the_oldest_goes() -> None:
    door = Doorkeeper(JUDGE.address, DOMAIN)
    door.expect(NODE.address)
    door.expect(*(Address(f"0x{number:040x}") for number in range(MOST_EXPECTED)))
    assert door.recognise(CARD) is None


def test_a_card_that_was_verified__is_seen_and_costs_no_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = Doorkeeper(JUDGE.address, DOMAIN)
    door.expect(NODE.address)
    assert not door.is_seen(CARD)
    assert door.recognise(CARD) == NODE.address
    monkeypatch.setattr(visiting, "check_signature", None)
    assert door.is_seen(CARD)
    assert door.recognise(CARD) == NODE.address
    forged = f"{NODE.address}:{'00' * 65}"
    assert not door.is_seen(forged)


def test_one_account_with_many_cards__pushes_out_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the planted table each card that was verified had a place, and 1,024 there were."""
    door, planted = Doorkeeper(JUDGE.address, DOMAIN), OrderedDict[str, str]()
    door.expect(NODE.address, OUTSIDER.address)
    monkeypatch.setattr(visiting, "check_signature", lambda *_: None)  # a key can sign so often
    cards = [CARD, *(f"{OUTSIDER.address}:{number:0130x}" for number in range(1024))]
    for card in cards:
        planted[card] = card
        if len(planted) > 1024:
            planted.popitem(last=False)
        assert door.recognise(card) is not None
    assert CARD not in planted
    assert door.is_seen(CARD)


@pytest.mark.parametrize("often", [1, 2])
def test_card__is_made_once_for_each_server(often: int) -> None:
    visitor = Visitor(NODE, DOMAIN)
    assert {visitor.card_for(JUDGE.address) for _ in range(often)} == {CARD}
