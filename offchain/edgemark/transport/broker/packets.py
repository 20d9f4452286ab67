"""What a client sends to the broker, read strictly: MQTT 3.1.1, as far as it is taken here.

Source: OASIS MQTT 3.1.1 (2014): 2.2 heads, 1.5.3 texts, 3.1 CONNECT, 3.3 PUBLISH, 3.8 SUBSCRIBE.

Law 1: a packet is refused by its head when it is longer than may come; its body is not waited for.
Law 2: whatever passes is well formed to its last byte, so what reads it again finds nothing else.
Law 3: taken are CONNECT, PUBLISH and SUBSCRIBE at quality 1, UNSUBSCRIBE, PUBACK, PINGREQ and
       DISCONNECT. Kept sessions, wills, retained messages and other qualities are refused: each
       would have the broker hold something for somebody who is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.logs import Secret
from edgemark.transport.broker.refusals import PacketRefused, Reason
from edgemark.transport.limits import MOST_TOPIC_BYTES

PROTOCOL, LEVEL = "MQTT", 4
HIGHEST_LENGTH_BYTES = 4  # 2.2.3
MOST_NAME_BYTES = 64  # of a session, a client id, a password
MOST_CONNECT_BYTES = 512
MOST_FILTERS = 16  # of one SUBSCRIBE
HEAD_BYTES = 2 + MOST_TOPIC_BYTES + 2  # of a PUBLISH: topic and packet id

WILL, CLEAN, PASSWORD, NAME = 0x04, 0x02, 0x40, 0x80  # flags of CONNECT, 3.1.2.3
DUPLICATE, QUALITY, RETAIN = 0x08, 0x06, 0x01  # flags of PUBLISH, 3.3.1
AT_LEAST_ONCE = 1


class Kind(IntEnum):
    """Of a packet, 2.2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


PINGRESP = bytes([Kind.PINGRESP << 4, 0])
FLAGS = {Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}  # that a kind must have; else none


@dataclass(frozen=True)
class Packet:
    """One whole packet.

    Attributes:
        kind: 0 .. 15, whether we know it or not.
        flags: 0 .. 15.
        body: what follows the head.
        raw: all of it.
    """

    kind: int
    flags: int
    body: bytes
    raw: bytes


@dataclass(frozen=True)
class Connect:
    """Who wants to come in."""

    name: str
    password: Secret[str]
    keep_alive_s: int


@dataclass(frozen=True)
class Publish:
    """A message: where to, under which number, and how long it is."""

    topic: str
    number: int
    length: int


class Framer:
    """Cuts what comes into packets.

    Args:
        most_bytes: of a packet behind its head; may be changed between two packets.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held = bytearray()

    def __len__(self) -> int:
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        self._held += data

    def take(self) -> Packet | None:
        """The next whole packet; None while it is not there.

        Raises:
            PacketRefused: it is too long, or its length is none.
        """
        found = self._read_length()
        if found is None:
            return None
        length, begin = found
        if length > self.most_bytes:
            raise PacketRefused(Reason.TOO_LARGE, had=length, needed=f"<= {self.most_bytes} bytes")
        end = begin + length
        if len(self._held) < end:
            return None
        raw = bytes(self._held[:end])
        del self._held[:end]
        return Packet(raw[0] >> 4, raw[0] & 0x0F, raw[begin:], raw)

    def _read_length(self) -> tuple[int, int] | None:
        """The length behind the head, and where that begins; None while it is not there."""
        length = 0
        for place in range(HIGHEST_LENGTH_BYTES):
            if place + 1 >= len(self._held):
                return None
            byte = self._held[place + 1]
            length |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return length, place + 2
        raise PacketRefused(Reason.MALFORMED, had="a length of more than four bytes")


class _Body:
    """Reads a body from its beginning."""

    def __init__(self, packet: Packet) -> None:
        self._left = memoryview(packet.body)

    def octets(self, count: int) -> bytes:
        if len(self._left) < count:
            raise PacketRefused(Reason.MALFORMED, had="a packet that ends too early")
        part, self._left = self._left[:count], self._left[count:]
        return bytes(part)

    def number(self, count: int) -> int:
        return int.from_bytes(self.octets(count), "big")

    def text(self, most: int) -> str:
        raw = self.octets(self.number(2))
        if len(raw) > most:
            raise PacketRefused(
                Reason.MALFORMED, had=f"a text of {len(raw)} bytes", needed=f"<= {most}"
            )
        try:
            found = raw.decode()
        except UnicodeDecodeError:
            raise PacketRefused(Reason.MALFORMED, had="a text that is no UTF-8") from None
        if "\0" in found:
            raise PacketRefused(Reason.MALFORMED, had="a text with a zero")
        return found

    def packet_id(self) -> int:
        number = self.number(2)
        if not number:
            raise PacketRefused(Reason.MALFORMED, had="packet id 0")
        return number

    def __len__(self) -> int:
        return len(self._left)

    def end(self) -> None:
        if self._left:
            raise PacketRefused(Reason.MALFORMED, had=f"{len(self._left)} bytes too many")


def parse_connect(packet: Packet) -> Connect:
    """Read a CONNECT, 3.1.

    Raises:
        PacketRefused: it is malformed, of another version, without name and password, or wants
            something kept.
    """
    _check_kind(packet, Kind.CONNECT)
    body = _Body(packet)
    protocol, level = body.text(MOST_NAME_BYTES), body.number(1)
    if (protocol, level) != (PROTOCOL, LEVEL):
        raise PacketRefused(Reason.VERSION, had=f"{protocol[:16]!r} {level}", needed="MQTT 3.1.1")
    flags, keep_alive_s = body.number(1), body.number(2)
    if flags & 0x01:
        raise PacketRefused(Reason.MALFORMED, had="the reserved flag of CONNECT")
    if not flags & CLEAN:
        raise PacketRefused(Reason.UNSUPPORTED, had="a session that is kept", needed="a clean one")
    if flags & ~(CLEAN | PASSWORD | NAME):
        raise PacketRefused(Reason.UNSUPPORTED, had="a will", needed="none")
    if flags & (PASSWORD | NAME) != PASSWORD | NAME:
        raise PacketRefused(Reason.ANONYMOUS, needed="a name and a password")
    body.text(MOST_NAME_BYTES)  # the client id: a session is known by its name
    found = Connect(body.text(MOST_NAME_BYTES), Secret(body.text(MOST_NAME_BYTES)), keep_alive_s)
    body.end()
    return found


def parse_publish(packet: Packet) -> Publish:
    """Read a PUBLISH, 3.3.

    Raises:
        PacketRefused: it is malformed, of another quality than 1, or to be retained.
    """
    if packet.flags & QUALITY != AT_LEAST_ONCE << 1:
        quality = (packet.flags & QUALITY) >> 1
        raise PacketRefused(Reason.UNSUPPORTED, had=f"quality {quality}", needed="1")
    if packet.flags & RETAIN:
        raise PacketRefused(Reason.UNSUPPORTED, had="a message to be retained", needed="none")
    body = _Body(packet)
    return Publish(body.text(MOST_TOPIC_BYTES), body.packet_id(), len(body))


def parse_filters(packet: Packet) -> list[str]:
    """The topics of a SUBSCRIBE or UNSUBSCRIBE, 3.8 and 3.10.

    Raises:
        PacketRefused: it is malformed, names none or too many, or wants another quality than 1.
    """
    kind = Kind.SUBSCRIBE if packet.kind == Kind.SUBSCRIBE else Kind.UNSUBSCRIBE
    _check_kind(packet, kind)
    body, found = _Body(packet), list[str]()
    body.packet_id()
    while len(body):
        found.append(body.text(MOST_TOPIC_BYTES))
        quality = body.number(1) if kind is Kind.SUBSCRIBE else AT_LEAST_ONCE
        if quality != AT_LEAST_ONCE:
            raise PacketRefused(Reason.UNSUPPORTED, had=f"quality {quality}", needed="1")
    if not 1 <= len(found) <= MOST_FILTERS:
        raise PacketRefused(
            Reason.MALFORMED, had=f"{len(found)} topics", needed=f"1 .. {MOST_FILTERS}"
        )
    return found


def parse_puback(packet: Packet) -> int:
    """The number that a PUBACK acknowledges, 3.4.

    Raises:
        PacketRefused: it is malformed.
    """
    _check_kind(packet, Kind.PUBACK)
    body = _Body(packet)
    number = body.packet_id()
    body.end()
    return number


def check_empty(packet: Packet) -> None:
    """Check a PINGREQ or DISCONNECT, which have no body.

    Raises:
        PacketRefused: there is something in it.
    """
    _check_kind(packet, Kind(packet.kind))
    _Body(packet).end()


def read_given(raw: bytes) -> tuple[str, int]:
    """Topic and number of a message at quality 1 that we send ourselves."""
    begin = next(place for place in range(1, len(raw)) if raw[place] < 0x80) + 1
    end = begin + 2 + int.from_bytes(raw[begin : begin + 2], "big")
    return raw[begin + 2 : end].decode(), int.from_bytes(raw[end : end + 2], "big")


def write_connect(client_id: str, name: str) -> bytes:
    """A CONNECT of a clean session by this name, without a password, that may be silent."""
    body = _text(PROTOCOL) + bytes([LEVEL, CLEAN | NAME, 0, 0]) + _text(client_id) + _text(name)
    return bytes([Kind.CONNECT << 4, len(body)]) + body


def write_connack(code: int) -> bytes:
    """A CONNACK that says no, 3.2.2.3."""
    return bytes([Kind.CONNACK << 4, 2, 0, code])


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _check_kind(packet: Packet, kind: Kind) -> None:
    flags = FLAGS.get(kind, 0)
    if packet.kind != kind or packet.flags != flags:
        had = f"kind {packet.kind}, flags {packet.flags}"
        raise PacketRefused(Reason.MALFORMED, had=had, needed=f"{kind.name}, flags {flags}")
