"""Whatever is handed in at a controller's doors: an error with a name, or an answer.

Small and seeded; what travels is bytes of any kind, and good ones with a part changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.systems.trading.controller.test_issuing_desk import (
    HEAD,
    credential,
    issuing,
    settlement,
)
from tests.offchain.systems.trading.parties_cast import (
    CHANNEL,
    CONTROLLER,
    DOMAIN,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
)
from tests.offchain.systems.trading.station.post import post_cast as cast

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.did.identifier import make_did
from edgemark.systems.trading.controller.door import SECRET_BYTES, Door
from edgemark.systems.trading.controller.issuance.hearing import Hearing
from edgemark.systems.trading.controller.issuance.issuing import Issuer
from edgemark.systems.trading.controller.reception import Reception
from edgemark.systems.trading.protocol.letters import Kind, Letter, Login, Role
from edgemark.systems.trading.protocol.messages import Taken
from edgemark.systems.trading.station.post.logins import Application, Papers
from edgemark.transport.serving.routes import Request

NOW = 1_000_000
FEW = settings(max_examples=60, deadline=None)


class Broker:
    """Lets in whoever is let in."""

    def check(self) -> None:
        """It serves."""

    def admit(self, session: str, topics: Any, until: float) -> Any:  # noqa: ARG002
        raise RefusedInput("has no place", who=session)  # the last thing that a login meets


def reception(table: cast.Table) -> Reception:
    """One without threads, whose hub takes every channel."""
    made: Any = object.__new__(Reception)
    here = cast.Here("127.0.0.1:1", cast.CONTROLLER.address, cast.KEY.pin)
    made._channels, made._here, made._domain = table, lambda: here, cast.DOMAIN
    made._broker, made._expect, made._clock = Broker(), lambda *_: None, lambda: float(NOW)
    made._log = SimpleNamespace(info=lambda *_, **__: None)
    made._randomness, made._visits = Randomness(), {}
    made._at_door, made._guard = threading.Lock(), threading.Lock()
    made._door = Door(bytes(SECRET_BYTES))
    made.hub = SimpleNamespace(join=lambda _: None)
    return made  # type: ignore[no-any-return]


def request(body: bytes, path: str = "/v1/logins") -> Request:
    return Request("POST", path, {}, body, "127.0.0.1")


def check_named(act: Callable[[], object]) -> None:
    """It answers, or says what is wrong by an error of ours; anything else fails the test."""
    try:
        act()
    except EdgemarkError as error:
        assert error.what


def change(good: bytes, place: int, with_: bytes, cut: int) -> bytes:
    """The same with a part written over, cut or longer."""
    place %= len(good)
    changed = good[:place] + with_ + good[place + len(with_) :]
    return changed[: len(changed) - cut] if cut > 0 else changed + bytes(-cut)


CHANGES = (st.integers(0, 4000), st.binary(max_size=40), st.integers(-8, 64))


def good_login(table: cast.Table, door: Door) -> bytes:
    channel = table.open()
    nonce, until = door.give_nonce(bytes(8), NOW), Timestamp(NOW + 60)
    place = ("127.0.0.1:1", cast.CONTROLLER.address, cast.KEY.pin, channel)
    login = cast.signed(Login(*place, nonce, until), cast.BUYER)
    return Application(login, replace(cast.PAPERS, terms=table.opened[channel])).to_wire()


@FEW
@given(st.binary(max_size=600))
def test_a58_any_bytes_for_a_login__are_refused_by_name(raw: bytes) -> None:
    check_named(lambda: reception(cast.Table())._take_login(request(raw)))


@FEW
@given(*CHANGES)
def test_a58_a_good_login_that_is_changed__is_refused_by_name(
    place: int, with_: bytes, cut: int
) -> None:
    table = cast.Table()
    there = reception(table)
    raw = change(good_login(table, there._door), place, with_, cut)
    check_named(lambda: there._take_login(request(raw)))


def test_the_good_login__meets_the_broker_at_the_end() -> None:
    table = cast.Table()
    there = reception(table)
    with pytest.raises(RefusedInput, match="has no place"):
        there._take_login(request(good_login(table, there._door)))


@FEW
@given(st.binary(max_size=64))
def test_a58_any_bytes_for_a_nonce__change_nothing(raw: bytes) -> None:
    there = reception(cast.Table())
    answer = there._give_nonce(request(raw, "/v1/nonces"))
    assert answer.status == 200
    assert dict(there._door.used) == {}


def issuer() -> Issuer:
    did = make_did(31337, CONTROLLER.address)
    domains: Any = (DOMAIN, DOMAIN)
    return Issuer(CONTROLLER, did, *domains)


def hear(raw: bytes) -> list[object]:
    """What a letter leads to at a desk that issued one credential."""
    posted: list[object] = []
    trade: Any = SimpleNamespace(template=None)
    made: Any = SimpleNamespace(check=lambda *_: None)
    hearing = Hearing(CONTROLLER, DOMAIN, lambda _: trade, made, POLICY.stale_after_s)
    post, send = (lambda *told: posted.append(told[1])), (lambda *_: None)
    check_named(lambda: hearing.take(issuing(1), raw, HEAD, post, send))
    return posted


def letters() -> list[bytes]:
    """Good ones of both parties."""
    said = [
        (SELLER_KEY, settlement(60, 2)),
        (PAYER_KEY, Taken(Kind.CREDENTIAL, 1)),
        (CONTROLLER, credential(1)),
    ]
    made = []
    for key, message in said:
        letter = Letter.of(CHANNEL, message)
        made.append(replace(letter, signature=key.sign(letter.digest(DOMAIN))).to_wire())
    return made


LETTERS = letters()


def test_good_letters__are_heard() -> None:
    assert [len(hear(raw)) for raw in LETTERS] == [1, 1, 0]


@FEW
@given(st.binary(max_size=400))
def test_a58_any_bytes_for_a_letter__post_nothing(raw: bytes) -> None:
    assert hear(raw) == []


@FEW
@given(st.sampled_from(LETTERS), *CHANGES)
def test_a58_a_good_letter_that_is_changed__posts_nothing(
    good: bytes, place: int, with_: bytes, cut: int
) -> None:
    raw = change(good, place, with_, cut)
    assert raw == good or hear(raw) == []


@FEW
@given(st.text('abcXYZ019-_.{}[]":,', max_size=300) | st.text(max_size=60))
def test_a58_any_text_for_the_1_1_form__is_refused_by_name(text: str) -> None:
    check_named(lambda: issuer().sign_legacy(text))


@FEW
@given(st.binary(max_size=30), st.binary(max_size=30), st.sampled_from(list(Role)))
def test_papers_of_any_bytes__are_read_or_refused(first: bytes, second: bytes, role: Role) -> None:
    papers = Papers(cast.PAPERS.terms, f"a.b.{role.value}", first, second)
    login = Login("h:1", CONTROLLER.address, cast.KEY.pin, CHANNEL, bytes(32), Timestamp(1))
    raw = Application(replace(login, signature=bytes(65)), papers).to_wire()
    assert Application.from_wire(raw).papers == papers
