"""What holds at either broker, whichever it is: the embedded one, and Mosquitto behind its face."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from benchmarks.mosquitto_process import a_mosquitto
from tests.offchain.transport.broker.raw_session import (
    DOWN,
    KEY,
    UP,
    Pump,
    RawSession,
    connect,
    packet,
    puback,
    publish,
    subscribe,
)
from tests.waiting import wait_until

from edgemark.errors import Overloaded
from edgemark.transport.broker.client import BrokerAway, BrokerClient
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Broker, SessionInvalid, Ticket, Topics
from edgemark.transport.limits import KIB, MIB, BrokerLimits, ClientLimits
from edgemark.transport.ports import hold_ports

LEFT, RIGHT = Topics.pair(UP, DOWN), Topics.pair(DOWN, UP)
QUICK = ClientLimits(least_pause_s=0.05, most_pause_s=0.5)


@dataclass
class House:
    """A broker that a test may kill.

    Attributes:
        broker: its face.
        port: where it listens.
        restart: kills it, and starts it again.
    """

    broker: Callable[[], Broker]
    port: int
    restart: Callable[[], None]

    def ticket(self, session: str, topics: Topics, s: float = 600) -> Ticket:
        return self.broker().admit(session, topics, time.time() + s)

    def client(self, session: str, topics: Topics) -> BrokerClient:
        return BrokerClient(lambda: self.ticket(session, topics), limits=QUICK)

    def raw(self, session: str, topics: Topics) -> RawSession:
        return RawSession(self).log_in(self.ticket(session, topics))


@contextlib.contextmanager
def embedded() -> Iterator[House]:
    with hold_ports(1) as ports, contextlib.ExitStack() as stack:
        port = ports.numbers[0]
        now = [EmbeddedBroker(KEY, port=port)]
        now[0].start()
        stack.callback(lambda: now[0].close())  # noqa: PLW0108 - whichever it is then

        def restart() -> None:
            now[0].close()
            now[0] = EmbeddedBroker(KEY, port=port)
            now[0].start()

        yield House(lambda: now[0], port, restart)


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    if request.param == "embedded":
        with embedded() as there:
            yield there
        return
    with a_mosquitto(tmp_path_factory.mktemp("mosquitto")) as (process, broker):

        def restart() -> None:
            process.kill()
            process.start()

        yield House(lambda: broker, process.port, restart)


def test_two_sessions__speak_to_each_other(house: House) -> None:
    with house.client("left", LEFT) as left, house.client("right", RIGHT) as right:
        right.wait(20)
        for payload in (b"", b"x", bytes(64 * KIB)):
            left.publish(UP, payload, timeout_s=20)
            came = right.receive(20)
            assert came is not None
            assert (came.topic, came.payload) == (UP, payload)


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_password__is_refused(house: House, password: str | None) -> None:
    ticket = house.ticket("left", LEFT)
    with RawSession(house) as stranger:
        stranger.send(connect("left" if password is not None else None, password))
        assert stranger.read() in {b"\x20\x02\x00\x04", b"\x20\x02\x00\x05"}
        assert stranger.is_ended()
    RawSession(house).log_in(ticket).close()


def test_a_session_that_is_admitted_anew__has_another_password(house: House) -> None:
    former = house.ticket("left", LEFT)
    latter = house.ticket("left", LEFT)
    with RawSession(house) as session:
        session.send(connect("left", former.password.reveal()))
        assert session.read() in {b"\x20\x02\x00\x04", b"\x20\x02\x00\x05"}
    RawSession(house).log_in(latter).close()


@pytest.mark.parametrize("topic", [UP, "c/2/down", "#", "+/+/+", "c/1/#", "$SYS/#"])
def test_another_s_topic__is_not_given_to_who_listens(house: House, topic: str) -> None:
    with house.raw("left", LEFT) as left, house.raw("right", RIGHT) as right:
        left.send(subscribe(topic))
        assert left.read() == packet(0x90, b"\x00\x01\x80")
        right.send(publish(DOWN, b"secret"))
        assert right.read() == puback(1)
        left.send(packet(0xC0, b""))
        assert left.read() == packet(0xD0, b"")  # nothing came before


@pytest.mark.parametrize("topic", [DOWN, "c/2/up"])
def test_another_s_topic__carries_nothing_of_who_publishes_there(house: House, topic: str) -> None:
    listening = Topics.many((), {topic})
    with house.raw("left", LEFT) as left, house.client("reader", listening) as reader:
        reader.wait(20)
        left.send(publish(topic, b"x"))
        assert left.read() in {b"", puback(1)}  # it is out, or was told nothing
        with house.client("rightful", Topics.pair(topic, "other")) as rightful:
            rightful.publish(topic, b"real", timeout_s=20)
        came = reader.receive(20)
        assert came is not None
        assert came.payload == b"real"


def test_a_packet_of_10_mb__ends_its_session(house: House) -> None:
    with house.raw("left", LEFT) as left:
        with contextlib.suppress(OSError):
            left.send(publish(UP, bytes(10 * MIB)))
        assert left.is_ended()
    with house.client("left", LEFT) as again:
        again.publish(UP, b"x", timeout_s=20)


def test_a_session_that_is_dismissed_or_over__ends(house: House) -> None:
    with house.raw("left", LEFT) as left:
        house.broker().dismiss("left")
        house.broker().dismiss("left")
        assert left.is_ended()
    with RawSession(house).log_in(house.ticket("left", LEFT, s=1.0)) as left:
        assert left.is_ended()
    with pytest.raises(SessionInvalid):
        house.broker().allow("left", LEFT)


def test_a_hub__speaks_to_whoever_is_let_in_later(house: House) -> None:
    up, down = "hub/1/up", "hub/1/down"
    with house.client("hub", Topics.many((), ())) as hub:
        hub.wait(20)
        house.broker().allow("hub", Topics.pair(down, up))
        hub.widen(Topics.pair(down, up), timeout_s=20)
        with house.client("left", Topics.pair(up, down)) as left:
            left.wait(20)
            left.publish(up, b"to the hub", timeout_s=20)
            assert hub.receive(20) is not None
            hub.publish(down, b"back", timeout_s=20)
            assert left.receive(20) is not None
        assert hub.logins == 1


def test_a_reader_that_reads_nothing__disturbs_no_other(house: House) -> None:
    with (
        RawSession(house, buffer_bytes=4096) as slow,
        house.client("writer", LEFT) as writer,
        house.client("asking", Topics.pair("h/up", "h/down")) as asking,
        house.client("answering", Topics.pair("h/down", "h/up")) as answering,
    ):
        slow.log_in(house.ticket("slow", RIGHT))
        slow.send(subscribe(UP))
        slow.read()
        answering.wait(20)
        over = threading.Event()

        def write() -> None:
            while not over.is_set():
                with contextlib.suppress(BrokerAway, Exception):
                    writer.publish(UP, bytes(64 * KIB), timeout_s=0.5)

        thread = threading.Thread(target=write)
        thread.start()
        for _ in range(40):
            asking.publish("h/up", b"question", timeout_s=20)
            assert answering.receive(20) is not None
        over.set()
        thread.join(30)


def test_a58_a_flood_of_messages__slows_nobody_but_who_sends_it(house: House) -> None:
    with (
        house.raw("left", LEFT) as flooding,
        house.client("right", RIGHT) as right,
        house.client("asking", Topics.pair("h/up", "h/down")) as asking,
        house.client("answering", Topics.pair("h/down", "h/up")) as answering,
    ):
        right.wait(20)
        answering.wait(20)
        over = threading.Event()

        def flood() -> None:
            pump = Pump(flooding)
            while not over.is_set() and not pump.is_over:
                if len(pump.to_send) < MIB:
                    pump.to_send += publish(UP, b"x" * 100) * 50
                pump.turn()

        thread = threading.Thread(target=flood)
        thread.start()
        for _ in range(20):
            asking.publish("h/up", b"question", timeout_s=20)
            assert answering.receive(20) is not None
            answering.publish("h/down", b"answer", timeout_s=20)
            assert asking.receive(20) is not None
        over.set()
        thread.join(30)
        assert right.logins == asking.logins == answering.logins == 1


def test_a58_connections_that_never_log_in__keep_nobody_out(house: House) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            plain = socket.create_connection(("127.0.0.1", house.port), timeout=20)
            stack.callback(plain.close)
        with house.client("left", LEFT) as left:
            left.publish(UP, b"x", timeout_s=20)


def test_a_broker_that_is_killed_and_back__is_found_again(house: House) -> None:
    with house.client("left", LEFT) as left, house.client("right", RIGHT) as right:
        left.wait(20)
        right.wait(20)
        house.restart()
        wait_until("they came again", lambda: left.logins > 1 and right.logins > 1)
        left.publish(UP, b"after", timeout_s=20)
        while (came := right.receive(20)) is not None and came.payload != b"after":
            pass
        assert came is not None


def test_logins_in_a_storm__all_come_in(house: House) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(house.client(f"s{n}", Topics.pair(f"{n}/a", f"{n}/b")))
            for n in range(16)
        ]
        for number, client in enumerate(clients):
            client.publish(f"{number}/a", b"x", timeout_s=60)
        for number in range(16):
            house.broker().dismiss(f"s{number}")
        for number, client in enumerate(clients):
            wait_until("it is in again", lambda client=client: client.logins > 1)
            client.publish(f"{number}/a", b"x", timeout_s=60)


def test_more_sessions_than_there_may_be__are_refused() -> None:
    with EmbeddedBroker(KEY, limits=BrokerLimits(most_sessions=1)) as broker:
        broker.admit("left", LEFT, time.time() + 60)
        with pytest.raises(Overloaded):
            broker.admit("right", RIGHT, time.time() + 60)
