"""Who is let in, what a session may do, and how each refusal ends: by name, and for one alone."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from tests.offchain.transport.broker.raw_session import (
    ACCEPTED,
    DOWN,
    KEY,
    UP,
    RawSession,
    a_broker,
    a_ticket,
    connect,
    packet,
    puback,
    publish,
    subscribe,
    the_other,
)
from tests.waiting import wait_until

from edgemark.transport.asking.deadline import client_context
from edgemark.transport.broker.server import BrokerFailed, EmbeddedBroker
from edgemark.transport.broker.tickets import Topics
from edgemark.transport.limits import BrokerLimits

REFUSED = 0x80
LIMITS = BrokerLimits(connect_s=1.0, handshake_s=1.0)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with a_broker(LIMITS) as there:
        yield there


def refusals(broker: EmbeddedBroker, reason: str) -> int:
    return broker.read().refused.get(reason, 0)


def carries(left: RawSession, right: RawSession, words: bytes, number: int) -> bool:
    """Whether a message of one comes to the other."""
    left.send(publish(UP, words, number))
    came = right.read()
    right.send(puback(int.from_bytes(came[4 + len(UP) : 6 + len(UP)], "big")))
    return came.endswith(words) and left.read() == puback(number)


def test_two_sessions__speak_to_each_other(broker: EmbeddedBroker) -> None:
    left = RawSession(broker).log_in(a_ticket(broker))
    right = RawSession(broker).log_in(the_other(broker))
    with left, right:
        right.send(subscribe(UP))
        assert right.read() == packet(0x90, b"\x00\x01\x01")
        for number in range(1, 20):
            assert carries(left, right, b"%d" % number, number)


def test_a_password__counts_once(broker: EmbeddedBroker) -> None:
    ticket, before = a_ticket(broker), refusals(broker, "password")
    with RawSession(broker).log_in(ticket), RawSession(broker) as second:
        second.send(connect(ticket.session, ticket.password.reveal()))
        assert second.read() == b"\x20\x02\x00\x05"
        assert second.is_ended()
    assert refusals(broker, "password") == before + 1


def test_each_refusal__is_a_line_that_says_why_and_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("DEBUG", "edgemark"), a_broker() as broker:
        ticket = a_ticket(broker)
        with RawSession(broker) as stranger:
            stranger.send(connect("left", "a wrong one"))
            assert stranger.is_ended()
        with RawSession(broker).log_in(ticket) as session:
            session.send(publish("another's", b"a message"))
            assert session.is_ended()
    told = [vars(record)["edgemark_facts"] for record in caplog.records if record.levelno >= 30]
    assert [(each["why"], each["had"]) for each in told] == [
        ("no such login", "left"),
        ("another's topic", "another's"),
    ]
    events = {record.getMessage() for record in caplog.records}
    assert events >= {"broker started", "session logged in", "connection refused", "broker stopped"}
    everything = " ".join(f"{vars(record)}" for record in caplog.records)
    for secret in ("a wrong one", ticket.password.reveal(), "a message"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (connect("left", "wrong"), b"\x20\x02\x00\x05"),
        (connect("nobody", "wrong"), b"\x20\x02\x00\x05"),
        (connect(None, None), b"\x20\x02\x00\x04"),
        (connect("left", "wrong", level=5), b"\x20\x02\x00\x01"),
        (connect("left", "wrong", flags=0), b""),
        (publish(UP, b"x"), b""),
        (packet(0x10, b"\x00\x04MQTT\x04"), b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
    ],
)
def test_who_does_not_log_in__is_out_and_disturbs_nobody(
    broker: EmbeddedBroker, raw: bytes, answer: bytes
) -> None:
    left = RawSession(broker).log_in(a_ticket(broker))
    right = RawSession(broker).log_in(the_other(broker))
    with left, right, RawSession(broker) as stranger:
        right.send(subscribe(UP))
        right.read()
        stranger.send(raw)
        assert stranger.read() == answer
        assert stranger.is_ended()
        assert carries(left, right, b"still there", 1)


def test_a_new_login__replaces_the_former(broker: EmbeddedBroker) -> None:
    former = RawSession(broker).log_in(a_ticket(broker))
    latter = RawSession(broker).log_in(a_ticket(broker))
    with former, latter:
        assert former.is_ended()
        latter.send(packet(0xC0, b""))
        assert latter.read() == packet(0xD0, b"")


@pytest.mark.parametrize("topic", [DOWN, "c/2/up", "c/1/up/", "#", "c/+/up", "$SYS/x", "", "é"])
def test_another_s_topic__ends_who_publishes_there(broker: EmbeddedBroker, topic: str) -> None:
    with RawSession(broker).log_in(a_ticket(broker)) as session:
        before = refusals(broker, "foreign")
        session.send(publish(topic, b"x"))
        assert session.is_ended()
    assert refusals(broker, "foreign") == before + 1


@pytest.mark.parametrize("topic", [UP, "c/2/down", "#", "+/+/+", "c/1/#", "$SYS/#", "$share/a/b"])
def test_another_s_topic__is_not_given_to_who_listens(broker: EmbeddedBroker, topic: str) -> None:
    left = RawSession(broker).log_in(a_ticket(broker))
    right = RawSession(broker).log_in(the_other(broker))
    with left, right:
        before = refusals(broker, "foreign")
        left.send(subscribe(topic))
        assert left.read() == packet(0x90, b"\x00\x01" + bytes([REFUSED]))
        assert refusals(broker, "foreign") == before + 1
        right.send(publish(DOWN, b"secret"))
        assert right.read() == puback(1)
        left.send(packet(0xC0, b""))
        assert left.read() == packet(0xD0, b"")  # nothing came before


@pytest.mark.parametrize(
    "raw",
    [
        publish(UP, b"x", first=0x33),
        publish(UP, b"x", first=0x30),
        publish(UP, b"x", first=0x34),
        connect("left", "again"),
        packet(0x50, b"\x00\x01"),
        packet(0xF0, b""),
        packet(0x82, b"\x00\x01\x00"),
        packet(0x40, b"\x00"),
    ],
)
def test_what_is_not_taken__ends_the_session(broker: EmbeddedBroker, raw: bytes) -> None:
    with RawSession(broker).log_in(a_ticket(broker)) as session:
        session.send(raw)
        assert session.is_ended()


def test_a_session_that_is_dismissed__ends(broker: EmbeddedBroker) -> None:
    with RawSession(broker).log_in(a_ticket(broker)) as session:
        broker.dismiss("left")
        broker.dismiss("left")
        assert session.is_ended()


def test_a_session_whose_time_is_over__ends(broker: EmbeddedBroker) -> None:
    with RawSession(broker).log_in(a_ticket(broker, s=0.5)) as session:
        assert session.is_ended()
    assert refusals(broker, "over") > 0


def test_a_session__is_given_topics_and_loses_them_while_it_is_connected(
    broker: EmbeddedBroker,
) -> None:
    hub = RawSession(broker).log_in(a_ticket(broker, "hub", Topics.many((), ())))
    left = RawSession(broker).log_in(a_ticket(broker))
    with hub, left:
        broker.allow("hub", Topics.pair(DOWN, UP))
        hub.send(subscribe(UP))
        assert hub.read() == packet(0x90, b"\x00\x01\x01")
        assert carries(left, hub, b"to the hub", 1)
        broker.forbid("hub", Topics.pair(DOWN, UP))
        left.send(publish(UP, b"to nobody", 2))
        assert left.read() == puback(2)
        hub.send(publish(DOWN, b"x"))
        assert hub.is_ended()


def test_a_silent_session__ends_and_one_that_asks_does_not() -> None:
    with (
        a_broker() as broker,
        RawSession(broker).log_in(a_ticket(broker), keep_alive=1) as silent,
        RawSession(broker).log_in(the_other(broker), keep_alive=1) as other,
    ):

        def ask_until_it_ends() -> bool:
            other.send(packet(0xC0, b""))
            return other.read() == packet(0xD0, b"") and refusals(broker, "silent") == 1

        wait_until("it is ended", ask_until_it_ends, look_s=0.1)
        assert silent.is_ended()
        assert broker.read().sessions == 1


def test_who_drips__is_let_go_at_its_deadline(broker: EmbeddedBroker) -> None:
    raw, before = connect("left", "x" * 60), refusals(broker, "no_connect")
    with RawSession(broker) as slow:
        slow.send(raw[:1])
        for place in range(1, len(raw) - 1):
            try:
                slow.send(raw[place : place + 1])
            except OSError:
                break
            time.sleep(0.05)  # a byte now and then is the attack
        assert slow.is_ended()
    assert refusals(broker, "no_connect") == before + 1


def test_tls_1_2__is_refused(broker: EmbeddedBroker) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        RawSession(broker, context=context)


def test_an_answer__waits_for_no_acknowledgement_of_the_network(broker: EmbeddedBroker) -> None:
    with RawSession(broker).log_in(a_ticket(broker)):
        (connection,) = broker._sessions.values()
        assert connection.transport is not None
        wire = connection.transport.get_extra_info("socket")
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken__is_said() -> None:
    with a_broker() as broker, pytest.raises(BrokerFailed) as caught:
        EmbeddedBroker(KEY, port=broker.port).start()
    assert caught.value.who == f"127.0.0.1:{broker.port}"
    assert "broker.listen_port" in caught.value.remedy


def test_login_again_and_again__leaves_nothing() -> None:
    with a_broker() as broker:
        for _ in range(30):
            with RawSession(broker) as session:
                ticket = a_ticket(broker)
                session.send(connect(ticket.session, ticket.password.reveal()))
                assert session.read() == ACCEPTED
                session.send(subscribe(DOWN))
        wait_until("all have gone", lambda: broker.read().connections == 0)
        router = broker._router
        assert router is not None
        wait_until("the library forgets", lambda: not router.sessions and not router.subscriptions)
        assert broker.read().held_bytes == 0
