"""What strangers and parties may say at a controller's face, and what is said back (A55)."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.parties_cast import NEXT
from tests.offchain.systems.trading.station.post.post_cast import (
    BUYER,
    DIDS,
    KEY,
    PAPERS,
    SELLER,
    STRANGER,
    House,
    Party,
    a_channel,
    a_house,
    signed,
)
from tests.offchain.transport.broker.raw_session import RawSession, packet, publish, subscribe
from tests.waiting import wait_until

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import EdgemarkError
from edgemark.identifiers import TOKEN_UNIT, Hash32, Timestamp
from edgemark.systems.trading.contract.terms import TERMS_BYTES
from edgemark.systems.trading.controller.door import NONCE_S
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Login, Role
from edgemark.systems.trading.station.post.logins import (
    LOGINS,
    MAX_APPLICATION_BYTES,
    MAX_NONCE_BYTES,
    MAX_PASS_BYTES,
    NONCES,
    Application,
    Nonce,
    Pass,
)
from edgemark.systems.trading.station.post.topics import HUB, inbox
from edgemark.transport.asking.http import HttpClient
from edgemark.transport.faults import PeerRefused
from edgemark.transport.limits import MIB, ServerLimits


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with a_house() as there:
        yield there


CLIENT = HttpClient(timeout_s=20.0)


def post(house: House, path: str, body: bytes = b"", card: str = "") -> bytes:
    """By a stranger, unless it shows a card."""
    url = f"https://127.0.0.1:{house.ports[0]}"
    most = MAX_PASS_BYTES if path == LOGINS else MAX_NONCE_BYTES
    return CLIENT.request(url, KEY.pin, "POST", path, body, most_bytes=most, card=card)


def ask_nonce(house: House) -> Nonce:
    return Nonce.from_wire(post(house, NONCES))


def draft(house: House, channel: ChannelId, **changes: Any) -> Login:
    nonce = ask_nonce(house)
    place = house.here.service, house.here.controller, house.here.pin, channel
    return replace(Login(*place, nonce.nonce, nonce.until), **changes)


def log_in(house: House, login: Login, key: SecretKey = BUYER, **how: Any) -> Pass:
    told = {"papers": PAPERS, **how}
    return Pass.from_wire(post(house, LOGINS, Application(signed(login, key), **told).to_wire()))


def refusal_of(house: House, login: Login, key: SecretKey = BUYER, **how: Any) -> tuple[str, str]:
    with pytest.raises(PeerRefused) as caught:
        log_in(house, login, key, **how)
    return caught.value.error["error"], caught.value.error["what"]


@pytest.mark.parametrize(("key", "role"), [(BUYER, Role.BUYER), (SELLER, Role.SELLER)])
def test_a_party__is_let_in_to_its_two_topics(house: House, key: SecretKey, role: Role) -> None:
    channel = house.table.open()
    given = log_in(house, draft(house, channel), key)
    assert given.channels == {channel}
    other = Role.SELLER if role is Role.BUYER else Role.BUYER
    topics = given.ticket(role).topics
    assert topics.publish == {inbox(channel, other)}
    assert topics.subscribe == {inbox(channel, role)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service": "relay.example:8443"}, "another service"),
        ({"controller": NEXT.address}, "another controller"),
        ({"pin": Hash32(b"q" * 32)}, "another TLS key"),
        ({"nonce": b"m" * 32}, "nonce was not given"),
        ({"expiry": Timestamp(1_000_000)}, "too late"),
    ],
)
def test_a55_a_login_for_another__is_refused_by_name(house: House, changes: Any, said: str) -> None:
    channel = house.table.open()
    error, what = refusal_of(house, draft(house, channel, **changes))
    assert (error, said in what) == ("LoginRefused", True)


def test_a_word_for_evidence__is_told_with_the_role_of_who_logged_in(house: House) -> None:
    channel, word = house.table.open(), b"w" * 65
    for key, role in ((BUYER, Role.BUYER), (SELLER, Role.SELLER)):
        log_in(house, draft(house, channel), key, word=word)
        assert house.table.words[channel, role] == word
    refusal_of(house, draft(house, channel), STRANGER, word=b"x" * 65)
    assert set(house.table.words.values()) == {word}


def test_a55_a_login_shown_again__is_refused(house: House) -> None:
    login = draft(house, house.table.open())
    log_in(house, login)
    error, what = refusal_of(house, login)
    assert (error, "was used" in what) == ("LoginRefused", True)


def test_a55_a_signature_for_another_channel__lets_nobody_in(house: House) -> None:
    own, foreign = house.table.open(1), house.table.open(2)
    login = signed(draft(house, own), BUYER)
    moved = Application(replace(login, channel=foreign), PAPERS).to_wire()
    with pytest.raises(PeerRefused) as caught:
        post(house, LOGINS, moved)
    assert caught.value.error["what"] == "is by nobody of the channel"


@pytest.mark.parametrize("key", [STRANGER, NEXT])
def test_a55_a_stranger__is_of_nobody_of_the_channel(house: House, key: SecretKey) -> None:
    error, what = refusal_of(house, draft(house, house.table.open()), key)
    assert (error, what) == ("LoginRefused", "is by nobody of the channel")


def test_a_nonce__is_over_in_time(house: House) -> None:
    login = draft(house, house.table.open())
    clock = house.reception._clock
    house.reception._clock = lambda: clock() + NONCE_S + 1
    try:
        assert refusal_of(house, login)[1] == "is too late"
    finally:
        house.reception._clock = clock


def test_a_channel_of_another_controller__is_not_found(house: House) -> None:
    channel, _ = a_channel(99)
    error, _ = refusal_of(house, draft(house, channel))
    assert error == "ChannelUnknown"


def test_papers__are_asked_for_once_and_must_be_the_channels(house: House) -> None:
    channel = house.table.open(7)
    login = draft(house, channel)
    assert refusal_of(house, login, papers=None)[0] == "PapersMissing"
    others = replace(PAPERS, token="another.credential.here")
    assert refusal_of(house, login, papers=others) == (
        "RefusedInput",
        "is not the one that the terms name",
    )
    log_in(house, login)  # what was refused used nothing up
    log_in(house, draft(house, channel), SELLER, papers=None)


def test_a_deactivated_identity__opens_nothing_and_keeps_the_other_from_nothing(
    house: House,
) -> None:
    channel = house.table.open(8)
    keys = house.table.now.pop(DIDS[Role.BUYER])
    house.table.now[DIDS[Role.BUYER]] = []
    assert refusal_of(house, draft(house, channel))[0] == "LoginRefused"
    log_in(house, draft(house, channel), SELLER)
    house.table.now[DIDS[Role.BUYER]] = keys


def test_a_key_of_the_channel__lets_its_party_in_whatever_became_of_the_identity(
    house: House,
) -> None:
    new, open_, other = (house.table.open(number) for number in (60, 61, 62))
    keys = house.table.now[DIDS[Role.BUYER]]
    pinned = {Role.BUYER: BUYER.address, Role.SELLER: SELLER.address}
    house.table.signing[open_] = pinned
    house.table.signing[other] = {**pinned, Role.BUYER: STRANGER.address}
    by_identity = log_in(house, draft(house, open_))
    house.table.now[DIDS[Role.BUYER]] = []
    try:
        given = log_in(house, draft(house, open_))
        assert (given.channels, given.session == by_identity.session) == ({open_}, False)
        house.reception.look()
        assert by_identity.session not in house.reception._visits, "its key opens nothing more"
        assert given.session in house.reception._visits
        assert refusal_of(house, draft(house, new))[0] == "LoginRefused", "it is new here"
        assert refusal_of(house, draft(house, other))[0] == "LoginRefused"
        assert refusal_of(house, draft(house, open_), NEXT)[0] == "LoginRefused"
        of_other = log_in(house, draft(house, other), STRANGER)
        assert of_other.channels == {other}
        assert of_other.session != given.session, "each key has a session of its own"
        house.table.signing[open_] = {**pinned, Role.BUYER: NEXT.address}
        house.reception.look()
        assert given.session not in house.reception._visits, "both agreed on another key"
    finally:
        house.table.now[DIDS[Role.BUYER]] = keys
        house.table.signing.clear()


def test_a58_a_session_whose_channels_lock_least__gives_way_to_one_that_locks_more(
    house: House,
) -> None:
    house.reception._visits.clear()
    keys = [key_of(f"buyer of a place {number}") for number in range(4)]
    channels = [house.table.open(70 + number, key) for number, key in enumerate(keys)]
    locked = [number * TOKEN_UNIT for number in (50, 10, 10, 11)]
    house.table.locked = dict(zip(channels, locked, strict=True))
    house.table.young = {channels[3]: ((300, 11 * TOKEN_UNIT),)}
    admissions = house.broker.admissions  # type: ignore[attr-defined]
    most, had = admissions._most, dict(admissions._known)
    admissions._known = {name: each for name, each in had.items() if name == HUB}
    admissions._most = len(admissions._known) + 2
    try:
        first, second = (log_in(house, draft(house, channels[i]), keys[i]) for i in (0, 1))
        error, what = refusal_of(house, draft(house, channels[2]), keys[2])
        assert (error, what) == ("NoPlace", "are all taken")
        with pytest.raises(PeerRefused) as caught:  # it came a moment ago, and may go at once
            log_in(house, draft(house, channels[3]), keys[3])
        assert (caught.value.error["error"], caught.value.retry_after_s) == ("NoPlace", 300)
        assert set(house.reception._visits) == {first.session, second.session}
        house.table.young = {}
        third = log_in(house, draft(house, channels[3]), keys[3])
        assert set(house.reception._visits) == {first.session, third.session}
        assert admissions.topics_of(second.session) is None
        assert log_in(house, draft(house, channels[3]), keys[3]).session == third.session
    finally:
        admissions._most = most
        house.table.locked, house.table.young = {}, {}


def test_a_second_channel__is_added_and_a_new_login_has_both(house: House) -> None:
    first, second = house.table.open(20), house.table.open(21)
    log_in(house, draft(house, first))
    more = log_in(house, draft(house, second), is_more=True)
    assert more.is_more
    assert {first, second} <= more.channels
    again = log_in(house, draft(house, first))
    assert not again.is_more
    assert {first, second} <= again.channels


def test_a_ticket__opens_no_topic_of_another(house: House) -> None:
    own, foreign = house.table.open(30), house.table.open(31)
    house.reception._visits.clear()
    ticket = log_in(house, draft(house, own)).ticket(Role.BUYER)
    with RawSession(house.broker).log_in(ticket) as session:  # type: ignore[arg-type]
        for topic in (inbox(own, Role.SELLER), inbox(foreign, Role.BUYER), "hub/#", "#"):
            session.send(subscribe(topic))
            assert session.read() == packet(0x90, b"\x00\x01\x80")
        session.send(publish(inbox(foreign, Role.SELLER), b"x"))
        assert session.is_ended()


MALFORMED = [b"", b"\x00", b"\xff" * 300, b"\x00\x00\x00\x01x" + bytes(20), bytes(400)]


@pytest.mark.parametrize("raw", MALFORMED)
def test_what_is_no_login__is_refused_by_name(house: House, raw: bytes) -> None:
    with pytest.raises(PeerRefused) as caught:
        post(house, LOGINS, raw)
    assert caught.value.status == 400
    assert caught.value.error["error"] in {"MalformedMessage", "LoginRefused"}


def test_every_prefix_and_every_changed_byte_of_a_login__is_refused_by_name(house: House) -> None:
    raw = Application(signed(draft(house, house.table.open(50)), BUYER), PAPERS).to_wire()
    for place in range(len(raw)):
        with pytest.raises(EdgemarkError):
            Application.from_wire(raw[:place])
    papers_at = raw.index(PAPERS.token.encode()) - TERMS_BYTES  # the table knows the terms
    for place in range(0, papers_at - 4, 7):
        changed = bytearray(raw)
        changed[place] ^= 0x40
        with pytest.raises(PeerRefused) as caught:
            post(house, LOGINS, bytes(changed))
        assert caught.value.status in {400, 404, 409}, caught.value


@pytest.mark.parametrize("length", [MAX_APPLICATION_BYTES + 1, 10 * MIB])
def test_a_body_of_any_size__is_refused_before_it_is_read(house: House, length: int) -> None:
    with pytest.raises(PeerRefused) as caught:
        post(house, LOGINS, bytes(length))
    assert caught.value.error["error"] == "TooLarge"
    with pytest.raises(PeerRefused) as caught:
        post(house, NONCES, b"x")
    assert caught.value.error["error"] == "TooLarge"


def test_a58_strangers_that_ask_for_nonces_without_end__keep_no_party_out() -> None:
    limits = ServerLimits(per_s=50.0, per_s_of_peer=50.0)
    with a_house(limits) as house, Party(house, Role.BUYER) as buyer:
        channel = house.table.open()
        house.reception.serve(channel)
        house.reception.look()
        over, refused = threading.Event(), list[str]()

        def flood() -> None:
            while not over.is_set():
                with contextlib.suppress(EdgemarkError):
                    post(house, NONCES)
                    continue
                refused.append("no")

        threads = [threading.Thread(target=flood) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until("the flood is refused", lambda: len(refused) > 20)
        buyer.join(channel)
        wait_until("the party is in", lambda: buyer.post.is_there(channel))
        over.set()
        for thread in threads:
            thread.join(30)
        assert len(house.reception._door.used) == 1


def test_no_answer__has_a_secret_in_it(house: House) -> None:
    given = log_in(house, draft(house, house.table.open(40)))
    assert given.password.reveal() not in json.dumps({"pass": str(given), "repr": repr(given)})
