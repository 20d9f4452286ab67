"""What either broker holds stays below one bound, whoever reads nothing and whatever is sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

import pytest
from tests.offchain.transport.broker.lone_broker import LIMITS, LONE, PAIRS, Lone, topic
from tests.offchain.transport.broker.raw_session import (
    ACCEPTED,
    RawSession,
    connect,
    packet,
    publish,
    subscribe,
)

from edgemark.transport.limits import KIB, MIB

MESSAGE = bytes(64 * KIB)


def come_in(broker: Lone, session: str, buffer_bytes: int = 0) -> RawSession:
    there = RawSession(broker, buffer_bytes=buffer_bytes)
    there.send(connect(session, broker.passwords[session], keep_alive=120))
    assert there.read() == ACCEPTED
    return there


def send_what_it_takes(session: RawSession, raw: bytes) -> None:
    """Until nothing of it is taken any more, or the connection was ended."""
    vars(session.wire)["deadline"] = time.monotonic() + 3.0
    with contextlib.suppress(OSError, ssl.SSLError):
        while True:
            session.wire.sendall(raw)


@pytest.mark.parametrize("kind", LONE)
def test_a58_everybody_sends_and_nobody_reads__the_memory_is_bounded(kind: str) -> None:
    with LONE[kind]() as broker, contextlib.ExitStack() as stack:
        senders = []
        for number in range(PAIRS):
            right = stack.enter_context(come_in(broker, f"right-{number}", 4096))
            right.send(subscribe(topic(number)))
            assert right.read() == packet(0x90, b"\x00\x01\x01")
            left = stack.enter_context(come_in(broker, f"left-{number}"))
            senders.append((left, publish(topic(number), MESSAGE)))
        for _ in range(PAIRS):
            stranger = stack.enter_context(RawSession(broker))
            senders.append((stranger, publish(topic(0), bytes(10 * MIB))))
        for _ in range(2 * PAIRS):  # beyond what there are places for
            plain = socket.create_connection(("127.0.0.1", broker.port), timeout=20)
            stack.callback(plain.close)
        threads = [threading.Thread(target=send_what_it_takes, args=each) for each in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert PAIRS * LIMITS.most_in_flight_bytes < broker.grown() < LIMITS.memory_bytes
