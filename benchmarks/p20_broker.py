"""P20: round trips a second through the embedded broker, by how many pairs speak at once.

A round trip is a message of 1 KiB to the other side of a pair and one back, each of them over TLS
through the broker at quality 1, and acknowledged on both hops: four messages and four
acknowledgements. The peer is an echo over the same TLS without any broker, in a thread a
connection. Without TCP_NODELAY an acknowledgement waits for the one of the network: shown beside.
All parties are on this machine, in one process; so is the embedded broker, while Mosquitto
(`mosquitto_process`) is a process of its own.

Beside the pairs, each with a session of its own, stands the post of trading: one seller and one
buyer with as many channels, all of them in one session each. A letter waits for its turn there, and
is handed over by a thread that may wait for a disk.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from benchmarks.command import Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import Timing, measure_in_turn
from benchmarks.mosquitto_process import a_mosquitto
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.station.post.session import Refuse, Session
from edgemark.systems.trading.station.post.topics import topics_of_all
from edgemark.transport.asking.deadline import DeadlineSocket, client_context, connect
from edgemark.transport.asking.endpoint import Endpoint
from edgemark.transport.broker import link
from edgemark.transport.broker.client import BrokerClient
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Broker, Ticket, Topics
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.tls import TlsKey

PAIRS = (1, 4, 16)
MESSAGE = bytes(1024)
BROKER, DELAYED, PEER = "embedded broker", "without TCP_NODELAY", "TLS echo, no broker"
MOSQUITTO = "Mosquitto"
POST, POST_MOSQUITTO = "post, embedded broker", "post, Mosquitto"
FOREVER_S = 3600.0
LEAST_SAMPLE_S = 0.5
LIMITS = replace(BrokerLimits(), packets_per_s=100_000.0)


def measure(findings: Findings, scale: Scale) -> None:
    """Take turns; seconds of one round trip, with as many pairs at once."""
    for count in PAIRS[:2] if scale.quick else PAIRS:
        scale.tell(f"{count} pairs")
        with ExitStack() as stack:
            subjects: dict[str, Callable[[], object]] = {
                BROKER: stack.enter_context(through_a_broker(count)),
                MOSQUITTO: stack.enter_context(through_mosquitto(count)),
                POST: stack.enter_context(by_post(count, an_embedded_one)),
                POST_MOSQUITTO: stack.enter_context(by_post(count, a_mosquitto_beside)),
                PEER: stack.enter_context(through_an_echo(count)),
            }
            if count == 1:
                subjects[DELAYED] = stack.enter_context(through_a_broker(count, delayed=True))
            least_s = 0.02 if scale.quick else LEAST_SAMPLE_S
            timings = measure_in_turn(subjects, rounds=scale.rounds, least_sample_s=least_s)
        findings.add(count, {name: _of_one(taken, count) for name, taken in timings.items()})
        for other in (PEER, MOSQUITTO, POST):
            findings.compare(f"a round trip, {count} at once", count, BROKER, other)
        findings.compare(f"a round trip, {count} at once", count, POST, POST_MOSQUITTO)
        rates = "; ".join(f"{name}: {count / t.median_s:,.0f}" for name, t in timings.items())
        findings.notes.append(f"round trips a second, {count} at once: {rates}")


def _of_one(taken: Timing, count: int) -> Timing:
    return Timing(taken.median_s / count, taken.low_s / count, taken.high_s / count, taken.samples)


@contextmanager
def through_a_broker(count: int, *, delayed: bool = False) -> Iterator[Callable[[], object]]:
    """One round trip of each of so many pairs."""
    options = [] if delayed else link.SOCKET_OPTIONS
    with EmbeddedBroker(TlsKey.generate(), limits=LIMITS) as broker, ExitStack() as stack:
        with patch.object(link, "SOCKET_OPTIONS", options):  # while they connect
            round_trips = stack.enter_context(between_pairs(broker, count))
        yield round_trips


@contextmanager
def through_mosquitto(count: int) -> Iterator[Callable[[], object]]:
    """The same through the other broker."""
    with a_mosquitto_beside() as broker, between_pairs(broker, count) as round_trips:
        yield round_trips


@contextmanager
def an_embedded_one() -> Iterator[Broker]:
    """In this process."""
    with EmbeddedBroker(TlsKey.generate(), limits=LIMITS) as broker:
        yield broker


@contextmanager
def a_mosquitto_beside() -> Iterator[Broker]:
    """In a process of its own."""
    with tempfile.TemporaryDirectory() as folder, a_mosquitto(Path(folder)) as (_, broker):
        yield broker


@dataclass(frozen=True)
class BrokerDoors:
    """Lets a session in without asking who it is."""

    broker: Broker
    role: Role

    def enter(
        self,
        channels: Sequence[ChannelId],
        refuse: Refuse,  # noqa: ARG002 - nobody is refused
    ) -> tuple[Ticket, frozenset[ChannelId]]:
        """With all channels."""
        topics = topics_of_all(channels, self.role)
        ticket = self.broker.admit(self.role.value, topics, time.time() + FOREVER_S)
        return ticket, frozenset(channels)

    def add(self, channel: ChannelId) -> None:
        """One more."""
        self.broker.allow(self.role.value, topics_of_all([channel], self.role))


@contextmanager
def by_post(
    count: int, a_broker: Callable[[], AbstractContextManager[Broker]]
) -> Iterator[Callable[[], object]]:
    """A letter and its answer in each of so many channels of one seller and one buyer."""
    channels = [ChannelId(number.to_bytes(32, "big")) for number in range(count)]
    came = {channel: queue.Queue[bytes]() for channel in channels}
    with ExitStack() as stack:
        broker = stack.enter_context(a_broker())
        asking = Session(
            BrokerDoors(broker, Role.BUYER),
            Role.BUYER,
            lambda channel, raw: came[channel].put(raw),
        )
        answering = Session(
            BrokerDoors(broker, Role.SELLER),
            Role.SELLER,
            lambda channel, raw: answering.send(channel, Role.BUYER, raw),
        )
        for session in (asking, answering):
            stack.callback(session.close)
            for channel in channels:
                session.join(channel)
            session.start()
        by = time.monotonic() + 30
        while not all(s.is_there(each) for s in (asking, answering) for each in channels):
            if time.monotonic() > by:
                raise RuntimeError("sessions are not there")
            time.sleep(0.01)

        def ask(n: int) -> None:
            asking.send(channels[n], Role.SELLER, MESSAGE)
            came[channels[n]].get(timeout=30)

        yield at_once(count, ask)


@contextmanager
def between_pairs(broker: Broker, count: int) -> Iterator[Callable[[], object]]:
    """Let so many pairs in; one of each answers."""
    with ExitStack() as stack:
        pairs = [
            (
                stack.enter_context(a_session(broker, f"{n}/up", f"{n}/down")),
                stack.enter_context(a_session(broker, f"{n}/down", f"{n}/up")),
            )
            for n in range(count)
        ]
        for each in (one for pair in pairs for one in pair):
            each.wait(30)
        for n, (_, answering) in enumerate(pairs):
            thread = threading.Thread(target=answer, args=(answering, f"{n}/down"), daemon=True)
            thread.start()

        def ask(n: int) -> None:
            asking = pairs[n][0]
            asking.publish(f"{n}/up", MESSAGE)
            if asking.receive(30) is None:
                raise RuntimeError("no answer")

        yield at_once(count, ask)


def a_session(broker: Broker, publish: str, subscribe: str) -> BrokerClient:
    """Logs in whenever it has to."""
    topics = Topics.pair(publish, subscribe)
    return BrokerClient(lambda: broker.admit(publish, topics, time.time() + FOREVER_S))


def answer(client: BrokerClient, topic: str) -> None:
    """Answer until the session ends."""
    with contextlib.suppress(Exception):
        while client.receive(30) is not None:
            client.publish(topic, MESSAGE)


@contextmanager
def through_an_echo(count: int) -> Iterator[Callable[[], object]]:
    """One round trip of each of so many connections."""
    key = TlsKey.generate()
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=count))
        context = key.server_context()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken, _ = listening.accept()
                    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    wire = context.wrap_socket(taken, server_side=True)
                    threading.Thread(target=echo, args=(wire,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        place = Endpoint("127.0.0.1", listening.getsockname()[1])
        wires = [
            stack.enter_context(connect(place, client_context(), time.monotonic() + FOREVER_S))
            for _ in range(count)
        ]

        def ask(n: int) -> None:
            wires[n].sendall(MESSAGE)
            receive_all(wires[n])

        yield at_once(count, ask)


def echo(wire: socket.socket) -> None:
    """Send back what comes until the connection ends."""
    with contextlib.suppress(OSError), wire:
        while data := wire.recv(len(MESSAGE)):
            wire.sendall(data)


def receive_all(wire: DeadlineSocket) -> None:
    """A whole message."""
    left = len(MESSAGE)
    while left:
        got = len(wire.recv(left))
        if not got:
            raise RuntimeError("the echo ended")
        left -= got


def at_once(count: int, ask: Callable[[int], None]) -> Callable[[], object]:
    """Does this for 0 .. count - 1 at once, and waits for all."""
    if count == 1:
        return lambda: ask(0)

    def all_of_them() -> None:
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_of_them


if __name__ == "__main__":
    sys.exit(
        main(
            "p20_broker",
            "round trips through the broker, by pairs that speak at once",
            "pairs at once",
            measure,
        )
    )
