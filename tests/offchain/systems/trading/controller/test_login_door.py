"""Access by a signature that is bound to everything (A55): relayed, replayed, late or strange, none
is admitted; and the paper's way, planted, admits a relay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    CHANNEL,
    CONTROLLER,
    DOMAIN,
    NEXT,
    PAYER_KEY,
    SELLER_KEY,
    THIEF,
)

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import EdgemarkError, Overloaded, RefusedInput
from edgemark.identifiers import Hash32, Timestamp
from edgemark.systems.trading.controller.door import (
    MAX_USED,
    NONCE_S,
    Door,
    Here,
    LoginRefused,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Login, Role

HERE = Here("controller.example:8443", CONTROLLER.address, Hash32(b"p" * 32))
ADMITTED = {Role.BUYER: [PAYER_KEY.address], Role.SELLER: [SELLER_KEY.address]}
DOOR = Door(b"s" * 32)
NONCE = DOOR.give_nonce(b"n" * 8, START)


def login(key: SecretKey = PAYER_KEY, **changes: Any) -> Login:
    """A signed login, in order but for the changes."""
    expiry = Timestamp(START + NONCE_S)
    told = Login(HERE.service, HERE.controller, HERE.pin, CHANNEL, NONCE, expiry)
    told = replace(told, **changes)
    return replace(told, signature=key.sign(DOMAIN.login(told)))


def enter(told: Login, door: Door = DOOR, now: int = START) -> tuple[Door, Role]:
    return door.admit(told, HERE, ADMITTED, DOMAIN, now)


@pytest.mark.parametrize(
    ("key", "role"), [(PAYER_KEY, Role.BUYER), (SELLER_KEY, Role.SELLER)], ids=["buyer", "seller"]
)
def test_a55_a_party_that_signs_for_all_of_it__enters_once(key: SecretKey, role: Role) -> None:
    door, who = enter(login(key))
    assert who is role
    with pytest.raises(LoginRefused, match="was used"):
        enter(login(key), door)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service": "relay.example:8443"}, "another service"),
        ({"controller": NEXT.address}, "another controller"),
        ({"pin": Hash32(b"q" * 32)}, "another TLS key"),
        ({"nonce": b"m" * 32}, "nonce was not given"),
        ({"expiry": Timestamp(START - 1)}, "too late"),
    ],
)
def test_a55_a_login_for_another__is_refused_by_name(changes: Any, said: str) -> None:
    with pytest.raises(LoginRefused, match=said) as caught:
        enter(login(**changes))
    assert caught.value.who == "login"


@pytest.mark.parametrize(
    ("name", "value"),
    [("service", "x"), ("channel", ChannelId(bytes(32))), ("expiry", Timestamp(START + 1))],
)
def test_a55_a_field_changed_behind_the_signature__is_nobodys_login(name: str, value: Any) -> None:
    with pytest.raises(EdgemarkError):
        enter(replace(login(), **{name: value}))


def test_a55_a_strangers_key__is_of_nobody_of_the_channel() -> None:
    with pytest.raises(LoginRefused, match="nobody of the channel"):
        enter(login(THIEF))


def test_a_nonce__is_over_in_time_and_after_a_restart() -> None:
    with pytest.raises(LoginRefused, match="too late"):
        enter(login(expiry=Timestamp(START + 10**6)), now=START + NONCE_S + 1)
    with pytest.raises(LoginRefused, match="not given"):
        enter(login(), Door(b"another secret, after a restart."))


@pytest.mark.parametrize("place", [0, 7, 8, 15, 16, 31])
def test_a_nonce_with_a_bit_changed__was_not_given(place: int) -> None:
    changed = bytearray(NONCE)
    changed[place] ^= 1
    with pytest.raises(LoginRefused, match="not given"):
        enter(login(nonce=bytes(changed)))


def test_nonces__fill_nothing_however_many_are_given() -> None:
    given = {DOOR.give_nonce(number.to_bytes(8, "big"), START) for number in range(10_000)}
    assert len(given) == 10_000
    assert DOOR.used == {}
    enter(login())
    with pytest.raises(RefusedInput, match="no nonce"):
        DOOR.give_nonce(b"short", START)
    with pytest.raises(RefusedInput, match="no secret"):
        Door(b"short")


def test_nonces_that_were_used__are_bounded_and_those_that_are_over_give_their_room() -> None:
    used = {number.to_bytes(32, "big"): START + 9 for number in range(MAX_USED)}
    full = replace(DOOR, used=used)
    with pytest.raises(Overloaded):
        enter(login(), full)
    door, _ = enter(login(), full, START + 10)
    assert [*door.used] == [NONCE]


class PlantedDoor(Door):
    """The paper's: whoever returns the challenge is in, wherever it was shown."""

    def admit(self, login: Login, *_: Any) -> tuple[Door, Role]:  # type: ignore[override]
        if self.until(login.nonce) is None:
            raise LoginRefused("not the challenge")
        return self, Role.BUYER


def test_a55_planted__the_papers_answer_to_a_challenge_admits_a_relay() -> None:
    relayed = login(THIEF, service="relay.example:8443")
    planted = PlantedDoor(DOOR.secret)
    assert planted.admit(relayed)[1] is Role.BUYER
    with pytest.raises(LoginRefused):
        enter(relayed)
