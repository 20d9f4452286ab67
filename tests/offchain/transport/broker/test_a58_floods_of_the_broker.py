"""Floods of a broker: refused or slowed by name, memory bounded, whoever is honest goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from amqtt.broker import Broker
from tests.offchain.transport.broker.raw_session import (
    ACCEPTED,
    DOWN,
    KEY,
    UP,
    Pump,
    RawSession,
    a_broker,
    a_ticket,
    number_of,
    packet,
    puback,
    publish,
    subscribe,
    text,
    the_other,
)
from tests.waiting import wait_until

from edgemark.transport.broker.client import BrokerClient, BrokerSlow
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Topics
from edgemark.transport.limits import KIB, MIB, BrokerLimits

MESSAGE = bytes(64 * KIB)
LIMITS = BrokerLimits(stall_s=1.0, connect_s=2.0, handshake_s=2.0)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with a_broker(LIMITS) as there:
        yield there


def a_client(broker: EmbeddedBroker, session: str, topics: Topics) -> BrokerClient:
    return BrokerClient(lambda: a_ticket(broker, session, topics))


@contextlib.contextmanager
def honest_pair(broker: EmbeddedBroker) -> Iterator[Callable[[], None]]:
    """Two who speak to each other; gives one round trip."""
    topics = Topics.pair("h/up", "h/down")
    with (
        a_client(broker, "asking", topics) as asking,
        a_client(broker, "answering", Topics.pair("h/down", "h/up")) as answering,
    ):
        asking.wait(20)
        answering.wait(20)

        def round_trip() -> None:
            asking.publish("h/up", b"question", timeout_s=20)
            assert answering.receive(20) is not None
            answering.publish("h/down", b"answer", timeout_s=20)
            assert asking.receive(20) is not None

        yield round_trip


@contextlib.contextmanager
def meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Something goes on in a thread of its own."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
        assert not thread.is_alive()


def test_a_packet_of_10_mb__ends_its_session_before_it_came(broker: EmbeddedBroker) -> None:
    with honest_pair(broker) as round_trip, RawSession(broker) as session:
        session.log_in(a_ticket(broker))
        before = broker.read().bytes_in
        with contextlib.suppress(OSError):
            session.send(publish(UP, bytes(10 * MIB)))
        assert session.is_ended()
        assert broker.read().bytes_in - before < 2 * MIB
        assert broker.read().refused["too_large"] == 1
        round_trip()


@pytest.mark.parametrize("length", [64 * KIB, 64 * KIB + 1])
def test_the_longest_message__passes_and_one_byte_more_does_not(
    broker: EmbeddedBroker, length: int
) -> None:
    with RawSession(broker) as session:
        session.log_in(a_ticket(broker))
        session.send(publish(UP, bytes(length)))
        assert session.read() == (puback(1) if length == len(MESSAGE) else b"")


def test_a_reader_that_does_not_read__is_dropped_and_its_memory_is_free(
    broker: EmbeddedBroker,
) -> None:
    with (
        honest_pair(broker) as round_trip,
        RawSession(broker, buffer_bytes=4096) as reader,
        RawSession(broker) as writer,
    ):
        reader.log_in(the_other(broker))
        reader.send(subscribe(UP))
        assert reader.read() == packet(0x90, b"\x00\x01\x01")
        writer.log_in(a_ticket(broker))

        def write(over: threading.Event) -> None:
            number = 0
            with contextlib.suppress(OSError):
                while not over.is_set():
                    number = number % 60_000 + 1
                    writer.send(publish(UP, MESSAGE, number))

        with meanwhile(write):
            most = 0
            while not broker.read().refused.get("slow"):
                round_trip()
                most = max(most, broker.read().held_bytes)
            assert most <= LIMITS.most_in_flight_bytes + 17 * len(MESSAGE)
            round_trip()
    wait_until("nothing is held", lambda: broker.read().held_bytes == 0)


def test_a_reader_that_acknowledges_nothing__is_dropped(broker: EmbeddedBroker) -> None:
    with RawSession(broker) as reader, RawSession(broker) as writer:
        reader.log_in(the_other(broker))
        reader.send(subscribe(UP))
        reader.read()
        writer.log_in(a_ticket(broker))
        for number in range(1, 9):
            writer.send(publish(UP, b"x", number))
            assert writer.read() == puback(number)
        assert reader.is_ended()
        assert broker.read().refused == {"slow": 1}


def test_who_speaks_to_a_slow_reader__waits_and_stays_logged_in(broker: EmbeddedBroker) -> None:
    with RawSession(broker) as reader, a_client(broker, "left", Topics.pair(UP, DOWN)) as left:
        reader.log_in(the_other(broker))
        reader.send(subscribe(UP))
        reader.read()
        for _ in range(LIMITS.most_in_flight):
            left.publish(UP, b"x", timeout_s=20)
        with pytest.raises(BrokerSlow):
            for _ in range(20):  # as many as may be read before it waits
                left.publish(UP, b"x", timeout_s=0.3)
        assert reader.is_ended()
        left.publish(UP, b"x", timeout_s=20)
        assert left.logins == 1


def test_a_hub__does_not_wait_for_one_reader_that_stands_still(broker: EmbeddedBroker) -> None:
    hub_topics = Topics.many((DOWN, "d/2"), (UP,))
    with RawSession(broker) as slow, a_client(broker, "hub", hub_topics) as hub:
        slow.log_in(a_ticket(broker))
        slow.send(subscribe(DOWN))
        slow.read()
        for _ in range(LIMITS.most_outgoing + 1):
            hub.publish(DOWN, b"x", timeout_s=20)
        assert slow.is_ended()
        assert hub.logins == 1


def test_more_packets_than_may_come__wait_until_they_may() -> None:
    now = [1000.0]
    broker = EmbeddedBroker(KEY, limits=BrokerLimits(packets_per_s=20.0))
    broker.clock = lambda: now[0]
    with broker, RawSession(broker).log_in(a_ticket(broker)) as session:
        session.send(packet(0xC0, b"") * 50)
        for _ in range(19):  # the login was the first of 20
            assert session.read() == packet(0xD0, b"")
        for count in (20, 11):
            session.wire.settimeout(0.2)
            with pytest.raises(TimeoutError):
                session.read()
            session.wire.settimeout(20)
            now[0] += 1.0
            for _ in range(count):
                assert session.read() == packet(0xD0, b"")


def test_a_flood_of_messages__slows_its_own_session_only(broker: EmbeddedBroker) -> None:
    with honest_pair(broker) as round_trip, RawSession(broker) as flooding:
        flooding.log_in(a_ticket(broker))

        def flood(over: threading.Event) -> None:
            pump = Pump(flooding)
            while not over.is_set() and not pump.is_over:
                if len(pump.to_send) < MIB:
                    pump.to_send += publish(UP, b"x" * 100) * 50
                pump.turn()

        with meanwhile(flood):
            for _ in range(20):
                round_trip()


def test_what_is_acknowledged_in_a_flood__reaches_its_reader(broker: EmbeddedBroker) -> None:
    count = 300
    with contextlib.ExitStack() as stack:
        pairs = []
        for pair in range(3):
            up, down = f"{pair}/up", f"{pair}/down"
            left, right = (stack.enter_context(RawSession(broker)) for _ in range(2))
            left.log_in(a_ticket(broker, f"left-{pair}", Topics.pair(up, down)))
            right.log_in(a_ticket(broker, f"right-{pair}", Topics.pair(down, up)))
            right.send(subscribe(up))
            right.read()
            writer, reader = Pump(left), Pump(right)
            for number in range(1, count + 1):
                writer.to_send += publish(up, b"%d" % number, number)
            pairs.append((writer, list[bytes](), reader, list[bytes]()))
        while any(len(came) < count for _, _, _, came in pairs):
            for writer, heard, reader, came in pairs:
                heard.extend(writer.turn())
                for message in reader.turn():
                    came.append(message)
                    reader.to_send += puback(number_of(message))
                assert not writer.is_over
                assert not reader.is_over
        for _, heard, _, came in pairs:
            assert [int(each.split(b"/up")[1][2:]) for each in came] == list(range(1, count + 1))
            assert heard == [puback(number) for number in range(1, len(heard) + 1)]


def test_idle_strangers__give_way_to_who_logs_in() -> None:
    limits = BrokerLimits(most_sessions=4, most_sockets=8, connect_s=60.0)
    with (
        a_broker(limits) as broker,
        contextlib.ExitStack() as strangers,
        honest_pair(broker) as round_trip,
    ):
        for _ in range(20):
            plain = socket.create_connection(("127.0.0.1", broker.port), timeout=20)
            strangers.callback(plain.close)
            round_trip()
        with RawSession(broker).log_in(a_ticket(broker)):
            round_trip()


def test_a_storm_of_logins__lets_everybody_in_at_last(broker: EmbeddedBroker) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(a_client(broker, f"s{n}", Topics.pair(f"{n}/a", f"{n}/b")))
            for n in range(24)
        ]
        for client in clients:
            client.wait(60)
        for number in range(24):
            broker.dismiss(f"s{number}")
        for client in clients:
            wait_until("it is in again", lambda client=client: client.logins > 1)
        for number, client in enumerate(clients):
            client.publish(f"{number}/a", b"x", timeout_s=60)


@pytest.mark.parametrize("seed", range(6))
def test_malformed_packets__end_one_session_and_no_other(broker: EmbeddedBroker, seed: int) -> None:
    dice = random.Random(seed)
    good = [publish(UP, b"words", 5), subscribe(DOWN), puback(9), packet(0xC0, b"")]
    with honest_pair(broker) as round_trip:
        for _ in range(8):
            with RawSession(broker).log_in(a_ticket(broker)) as session:
                raw = bytearray(b"".join(dice.choices(good, k=6)))
                for _ in range(3):
                    raw[dice.randrange(len(raw))] = dice.randrange(256)
                with contextlib.suppress(OSError):
                    session.send(bytes(raw))
        round_trip()
        broker.check()


class Bare:
    """The library alone, on a port of its own: what it is not left to do."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.broker = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(20)
        server = self.broker._servers["default"].instance
        self.port = server.sockets[0].getsockname()[1]

    async def _start(self) -> Broker:
        plain = "amqtt.plugins.authentication.AnonymousAuthPlugin"
        config = {
            "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:0"}},
            "plugins": {plain: {"allow_anonymous": False}},
        }
        broker = Broker(config)
        await broker.start()
        return broker

    def close(self) -> None:
        async def stop() -> None:
            await self.broker.shutdown()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


def by_id(client_id: str, name: str | None) -> bytes:
    flags = 2 | (0x80 if name else 0)
    body = text("MQTT") + bytes([4, flags, 0, 0]) + text(client_id) + (text(name) if name else b"")
    return packet(0x10, body)


def test_planted__the_library_alone_lets_a_stranger_end_a_session() -> None:
    with contextlib.closing(Bare()) as bare:
        place = ("127.0.0.1", bare.port)
        with socket.create_connection(place) as victim, socket.create_connection(place) as stranger:
            victim.settimeout(20)
            stranger.settimeout(20)
            victim.sendall(by_id("left", "left"))
            assert victim.recv(4) == ACCEPTED
            before = bare.broker.sessions["left"][0]
            stranger.sendall(by_id("left", None))
            assert stranger.recv(4) == b"\x20\x02\x00\x05"  # refused, and yet
            assert bare.broker.sessions["left"][0] is not before


def test_planted__the_library_alone_takes_10_mb() -> None:
    with (
        contextlib.closing(Bare()) as bare,
        socket.create_connection(("127.0.0.1", bare.port)) as session,
    ):
        session.settimeout(20)
        session.sendall(by_id("left", "left"))
        assert session.recv(4) == ACCEPTED
        session.sendall(publish(UP, bytes(10 * MIB)))
        assert session.recv(4) == puback(1)
