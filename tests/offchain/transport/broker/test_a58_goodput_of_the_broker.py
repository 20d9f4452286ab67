"""What a broker carries when twice as much is offered as it can carry: nine tenths of that."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from functools import partial

import pytest
from tests.offchain.transport.broker.lone_broker import LIMITS, PAIRS, Lone, LoneBroker, topic
from tests.offchain.transport.broker.raw_session import (
    ACCEPTED,
    Pump,
    RawSession,
    connect,
    number_of,
    packet,
    puback,
    publish,
    subscribe,
)

from edgemark.transport.limits import KIB

SECONDS = 60.0
WINDOW = 4  # messages on their way, of a sender that waits
PAYLOAD = bytes(1024)
ON_THE_WAY = 96  # messages that were acknowledged last, of one sender, on their way to its reader

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]


class Run:
    """So many seconds of messages from the left ones to the right ones; none is lost.

    Args:
        broker: a fresh one.
        window: messages that a sender has on their way at most.

    Attributes:
        came: messages that readers have, within the time.
    """

    def __init__(self, broker: Lone, window: int) -> None:
        self._window = window
        self._acknowledged = [list[int]() for _ in range(PAIRS)]
        self._read = [list[int]() for _ in range(PAIRS)]
        self._over = threading.Event()
        with ExitStack() as stack:
            threads = []
            for pair in range(PAIRS):
                left, right = (
                    stack.enter_context(come_in(broker, f"{side}-{pair}"))
                    for side in ("left", "right")
                )
                right.send(subscribe(topic(pair)))
                assert right.read() == packet(0x90, b"\x00\x01\x01")
                for work in (partial(self._send, left, pair), partial(self._take, right, pair)):
                    threads.append(threading.Thread(target=work))
            for thread in threads:
                thread.start()
            time.sleep(SECONDS)
            self.came = sum(map(len, self._read))
            self._over.set()
            for thread in threads:
                thread.join(30)
        for acknowledged, read in zip(self._acknowledged, self._read, strict=True):
            both = min(len(acknowledged), len(read))
            assert acknowledged[:both] == read[:both]
            assert len(acknowledged) - both <= ON_THE_WAY

    def _send(self, left: RawSession, pair: int) -> None:
        pump, number, under_way = Pump(left), 0, 0
        while not self._over.is_set() and not pump.is_over:
            while under_way < self._window and self._is_short(pump):
                number, under_way = number % 0xFFFF + 1, under_way + 1
                pump.to_send += publish(topic(pair), number.to_bytes(2, "big") + PAYLOAD, number)
            for heard in pump.turn():
                under_way -= 1
                self._acknowledged[pair].append(int.from_bytes(heard[2:4], "big"))

    @staticmethod
    def _is_short(pump: Pump) -> bool:
        return len(pump.to_send) < 256 * KIB

    def _take(self, right: RawSession, pair: int) -> None:
        pump = Pump(right)
        while not self._over.is_set() and not pump.is_over:
            for message in pump.turn():
                pump.to_send += puback(number_of(message))
                end = message.index(topic(pair).encode()) + len(topic(pair)) + 2
                self._read[pair].append(int.from_bytes(message[end : end + 2], "big"))


def come_in(broker: Lone, session: str) -> RawSession:
    there = RawSession(broker)
    there.send(connect(session, broker.passwords[session], keep_alive=120))
    assert there.read() == ACCEPTED
    return there


def test_a58_twice_as_much_as_it_carries__costs_a_tenth_at_most_and_loses_nothing() -> None:
    with LoneBroker() as broker:
        peak = Run(broker, WINDOW)
    with LoneBroker() as broker:
        flooded = Run(broker, 0xFFFF)
        assert broker.grown() < LIMITS.memory_bytes
    assert flooded.came >= 0.9 * peak.came > 0
