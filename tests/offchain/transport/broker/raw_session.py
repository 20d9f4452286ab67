"""A client of the broker by hand: every packet is what the test says, right or wrong."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from edgemark.closing import Closing
from edgemark.transport.asking.deadline import client_context
from edgemark.transport.broker.packets import Framer
from edgemark.transport.broker.server import EmbeddedBroker
from edgemark.transport.broker.tickets import Ticket, Topics
from edgemark.transport.limits import MIB, BrokerLimits
from edgemark.transport.tls import TlsKey

KEY = TlsKey.generate()
WAIT_S = 20.0
ACCEPTED = b"\x20\x02\x00\x00"
UP, DOWN = "c/1/up", "c/1/down"


def text(words: str) -> bytes:
    raw = words.encode()
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, part = divmod(left, 128)
        length.append(part | (0x80 if left else 0))
        if not left:
            return bytes([first]) + bytes(length) + body


def connect(
    name: str | None, password: str | None, *, flags: int = 2, level: int = 4, keep_alive: int = 30
) -> bytes:
    flags |= (0x80 if name is not None else 0) | (0x40 if password is not None else 0)
    body = text("MQTT") + bytes([level, flags]) + keep_alive.to_bytes(2, "big") + text("")
    shown = (word for word in (name, password) if word is not None)
    return packet(0x10, body + b"".join(map(text, shown)))


def publish(topic: str, payload: bytes, number: int = 1, *, first: int = 0x32) -> bytes:
    return packet(first, text(topic) + number.to_bytes(2, "big") + payload)


def subscribe(*topics: str, number: int = 1, quality: int = 1) -> bytes:
    wanted = b"".join(text(topic) + bytes([quality]) for topic in topics)
    return packet(0x82, number.to_bytes(2, "big") + wanted)


def puback(number: int) -> bytes:
    return packet(0x40, number.to_bytes(2, "big"))


class HasPort(Protocol):
    """A broker, here or in another process."""

    port: int


class RawSession(Closing):
    """A TLS connection to a broker.

    Args:
        broker: to connect to.
        buffer_bytes: of what the system takes for it before it is read; 0 leaves it as it is.
        context: TLS; that of every client when not given.
    """

    def __init__(
        self,
        broker: HasPort,
        *,
        buffer_bytes: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        plain = socket.socket()
        if buffer_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        plain.settimeout(WAIT_S)
        plain.connect(("127.0.0.1", broker.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = (context or client_context()).wrap_socket(plain)
        vars(self.wire)["deadline"] = time.monotonic() + 10 * WAIT_S
        self.wire.settimeout(WAIT_S)

    def close(self) -> None:
        self.wire.close()

    def send(self, raw: bytes) -> None:
        self.wire.sendall(raw)

    def log_in(self, ticket: Ticket, **how: int) -> RawSession:
        """Log in, and see that it went well."""
        self.send(connect(ticket.session, ticket.password.reveal(), **how))
        assert self.read() == ACCEPTED
        return self

    def read(self) -> bytes:
        """The next packet; nothing at the end of the connection."""
        head = self._read(1)
        if not head:
            return b""
        length = bytearray(self._read(1))
        while length[-1] & 0x80:
            length += self._read(1)
        count = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(length))
        return head + bytes(length) + self._read(count)

    def is_ended(self) -> bool:
        """Whether the broker ended it; waits until it does, whatever comes before."""
        while self.read():
            pass
        return True

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                part = self.wire.recv(count - len(found))
            except (ConnectionError, ssl.SSLError):
                return b""
            if not part:
                return b""
            found += part
        return found


class Pump:
    """Sends and reads on one connection in one thread: no two may use its TLS at a time.

    Args:
        session: that nobody else uses meanwhile.

    Attributes:
        to_send: bytes that are still to go.
        is_over: the connection was ended.
    """

    def __init__(self, session: RawSession) -> None:
        self.to_send = bytearray()
        self.is_over = False
        self._wire = session.wire
        self._wire.setblocking(False)
        self._framer = Framer(MIB)

    def turn(self) -> list[bytes]:
        """Send and read what can be sent and read now; the packets that came."""
        if not self._wire.pending():
            select.select([self._wire], [self._wire] if self.to_send else [], [], 0.1)
        try:
            if self.to_send:
                with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    del self.to_send[: self._wire.send(self.to_send[:16_384])]
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                while not self.is_over:
                    part = self._wire.recv(65_536)
                    self._framer.feed(part)
                    self.is_over = not part
        except OSError:
            self.is_over = True
        packets = []
        while (found := self._framer.take()) is not None:
            packets.append(found.raw)
        return packets


def number_of(message: bytes) -> int:
    """The number of a message at quality 1, whose body is shorter than 16 KiB."""
    begin = 2 if message[1] < 0x80 else 3
    end = begin + 2 + int.from_bytes(message[begin : begin + 2], "big")
    return int.from_bytes(message[end : end + 2], "big")


def a_ticket(
    broker: EmbeddedBroker, session: str = "left", topics: Topics | None = None, *, s: float = 600
) -> Ticket:
    """One that counts for ten minutes."""
    return broker.admit(session, topics or Topics.pair(UP, DOWN), time.time() + s)


def the_other(broker: EmbeddedBroker, session: str = "right") -> Ticket:
    """Who listens to what the first says, and the other way round."""
    return a_ticket(broker, session, Topics.pair(DOWN, UP))


@contextmanager
def a_broker(limits: BrokerLimits | None = None) -> Iterator[EmbeddedBroker]:
    """One that serves."""
    with EmbeddedBroker(KEY, limits=limits) as broker:
        yield broker
