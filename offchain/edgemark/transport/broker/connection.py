"""One connection of the broker: reads and counts what comes, and hands on what may pass.

Between the network and the library stands this: the library (`amqtt`) takes packets and queues of
any size, takes a session over before its password is looked at, and never ends a silent one.

Law 1: until a login is there only a CONNECT is read; the library hears of a connection after its
       login, under a name of ours, and without its password.
Law 2: the library gets whole packets, one when it asks for one. What waits for it is bounded, and
       then the sender waits; acknowledgements pass what waits.
Law 3: what a reader has not acknowledged is bounded; a reader that stands still is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from edgemark.transport.broker.admissions import Admissions
from edgemark.transport.broker.backlog import Backlog
from edgemark.transport.broker.packets import (
    HEAD_BYTES,
    MOST_CONNECT_BYTES,
    PINGRESP,
    Framer,
    Kind,
    Packet,
    check_empty,
    parse_connect,
    parse_filters,
    parse_puback,
    parse_publish,
    read_given,
    write_connack,
    write_connect,
)
from edgemark.transport.broker.refusals import CONNACK_CODES, PacketRefused, Reason
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.crowd import group_of

RATE_BURST_S = 1.0
MOST_PASSING = 8  # messages of one session that the library has and has not passed on
HUB_PARTS = 16  # a reader of many topics may have as many times as much ahead of it


class House(Protocol):
    """The broker, as its connections see it."""

    limits: BrokerLimits
    admissions: Admissions
    backlog: Backlog
    clock: Callable[[], float]

    def let_in(self, connection: Connection) -> None:
        """It has logged in: whoever is in by its name leaves, and the library hears of it."""

    def note(self, *, bytes_in: int = 0, bytes_out: int = 0) -> None:
        """So many bytes came and went."""

    def refuse(self, connection: Connection, reason: Reason, had: object, needed: object) -> None:
        """It is ended, or something of it was not done; to be told and counted."""

    def join(self, connection: Connection) -> None:
        """It is there."""

    def leave(self, connection: Connection) -> None:
        """It is no more."""


class Connection(asyncio.Protocol):
    """Belongs to the event loop.

    Args:
        house: the broker.
        number: its own.

    Attributes:
        transport: once it is there.
        session: whose it is, once somebody logged in.
        peer: address group that it comes from.
    """

    def __init__(self, house: House, number: int) -> None:
        self.transport: asyncio.Transport | None = None
        self.session: str | None = None
        self.peer = ""
        self.client_id = f"{number}"
        self._house = house
        self._framer = Framer(MOST_CONNECT_BYTES)
        self._rate = RateLimit(house.limits.packets_per_s, house.limits.packets_per_s, RATE_BURST_S)
        self._first: deque[bytes] = deque()  # pass what waits
        self._letters: deque[tuple[bytes, str]] = deque()  # with the topic of a message
        self._waiting_bytes = 0
        self._passing = 0  # messages that the library has
        self._came = asyncio.Event()
        self._given: dict[int, tuple[str, int]] = {}  # by packet id: topic and bytes
        self._given_bytes = 0
        self._holds: set[str] = set()  # why nothing is read now
        self._is_over = False
        self._is_leaving = False
        self._keep_alive_s = 0.0
        self._began = self._heard = self._moved = self._blocked = house.clock()

    # What the event loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It has shaken hands."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
        address = transport.get_extra_info("peername") or ("",)
        self.peer = group_of(str(address[0]))
        self._began = self._heard = self._house.clock()
        self._house.join(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """It is over, whoever ended it."""
        self._is_over = True
        for topic, count in self._given.values():
            self._house.backlog.settle(topic, count)
        self._given.clear()
        self._house.backlog.forget(self._came)
        self._came.set()
        self._house.leave(self)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._is_over or self._is_leaving:
            return
        self._house.note(bytes_in=len(data))
        self._heard = self._house.clock()
        self._framer.feed(data)
        self._read()

    def pause_writing(self) -> None:
        """It does not take what it is sent: it gets no chance to ask for more."""
        self._blocked = self._house.clock()
        self._hold("writing", True)

    def resume_writing(self) -> None:
        """It does."""
        self._hold("writing", False)
        self._read()

    # What comes.

    def _read(self) -> None:
        try:
            while not (self._is_over or self._is_leaving or self._is_full or self._is_too_fast()):
                packet = self._framer.take()
                if packet is None:
                    break
                self._hear(packet)
        except PacketRefused as refused:
            self.end(refused.reason, refused.had, refused.needed)
        self._hold("letters", self._is_full)

    @property
    def _is_full(self) -> bool:
        limits = self._house.limits
        waiting = len(self._letters) + len(self._first)
        return waiting >= limits.most_letters or self._waiting_bytes >= limits.most_letter_bytes

    def _is_too_fast(self) -> bool:
        if "rate" in self._holds:
            return True
        topics = self._house.admissions.topics_of(self.session) if self.session else None
        if not len(self._framer) or (topics is not None and topics.is_hub):
            return False
        pause_s = self._rate.take("", self._house.clock())
        if pause_s:
            self._hold("rate", True)
            asyncio.get_running_loop().call_later(pause_s, self._go_on)
        return pause_s > 0

    def _go_on(self) -> None:
        self._hold("rate", False)
        self._read()

    def _hold(self, why: str, on: bool) -> None:
        before = bool(self._holds)
        (self._holds.add if on else self._holds.discard)(why)
        if self.transport is None or self._is_over or before == bool(self._holds):
            return
        if self._holds:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _hear(self, packet: Packet) -> None:
        if self.session is None:
            self._log_in(packet)
            return
        match packet.kind:
            case Kind.PUBLISH:
                self._hear_message(packet)
            case Kind.PUBACK:
                self._settle(parse_puback(packet))
                self._pass_first(packet.raw)
            case Kind.SUBSCRIBE | Kind.UNSUBSCRIBE:
                parse_filters(packet)
                self._pass_first(packet.raw)
            case Kind.PINGREQ:
                check_empty(packet)
                self.send(PINGRESP)
            case Kind.DISCONNECT:
                check_empty(packet)
                self._is_leaving = True
                self._pass(packet.raw, "")
            case Kind.CONNECT:
                raise PacketRefused(Reason.ORDER, had="a second CONNECT")
            case _:
                raise PacketRefused(Reason.MALFORMED, had=f"a packet of kind {packet.kind}")

    def _log_in(self, packet: Packet) -> None:
        if packet.kind != Kind.CONNECT:
            had = f"a packet of kind {packet.kind}"
            raise PacketRefused(Reason.ORDER, had=had, needed="a CONNECT first")
        connect, limits = parse_connect(packet), self._house.limits
        if not self._house.admissions.take(connect.name, connect.password):
            raise PacketRefused(
                Reason.PASSWORD, had=connect.name, needed="a password that was not used yet"
            )
        self.session = connect.name
        self._keep_alive_s = min(connect.keep_alive_s or limits.keep_alive_s, limits.keep_alive_s)
        self._framer.most_bytes = HEAD_BYTES + limits.most_message_bytes
        self._pass_first(write_connect(self.client_id, connect.name))
        self._house.let_in(self)

    def _hear_message(self, packet: Packet) -> None:
        message = parse_publish(packet)
        topics = self._house.admissions.topics_of(self.session or "")
        if topics is None:
            raise PacketRefused(Reason.OVER)
        if message.topic not in topics.publish:
            raise PacketRefused(Reason.FOREIGN, had=message.topic, needed="a topic of its own")
        if message.length > self._house.limits.most_message_bytes:
            most = self._house.limits.most_message_bytes
            raise PacketRefused(Reason.TOO_LARGE, had=message.length, needed=f"<= {most} bytes")
        self._pass(packet.raw, "" if topics.is_hub else message.topic)

    def _pass_first(self, raw: bytes) -> None:
        self._first.append(raw)
        self._waiting_bytes += len(raw)
        self._came.set()

    def _pass(self, raw: bytes, topic: str) -> None:
        self._letters.append((raw, topic))
        self._waiting_bytes += len(raw)
        self._came.set()

    async def next_letter(self) -> bytes:
        """The next packet for the library, as soon as it may have it; nothing when all is over."""
        while not self._is_over:
            raw = self._take_letter()
            if raw is not None:
                self._waiting_bytes -= len(raw)
                self._read()  # there may be more, now that there is room
                return raw
            self._came.clear()
            await self._came.wait()
        return b""

    def _take_letter(self) -> bytes | None:
        if self._first:
            return self._first.popleft()
        # The library takes a packet after the other and looks at none before it has them all.
        if not self._letters or self._passing >= MOST_PASSING:
            return None
        topic = self._letters[0][1]
        if topic and self._house.backlog.is_full(topic):
            self._house.backlog.wake(topic, self._came)
            return None
        raw = self._letters.popleft()[0]
        self._passing += raw[0] >> 4 == Kind.PUBLISH
        return raw

    def note_passed(self) -> None:
        """The library has passed a message of it on, or thrown it away."""
        self._passing -= 1
        self._came.set()

    # What goes.

    def send(self, data: bytes) -> None:
        """Send a whole packet."""
        if self._is_over or self.transport is None or self.transport.is_closing():
            return
        if data[0] >> 4 == Kind.PUBLISH:
            self._note_given(data)
        self.transport.write(data)
        self._house.note(bytes_out=len(data))
        ahead = self.transport.get_write_buffer_size()
        if len(self._given) > self._most_given or max(ahead, self._given_bytes) > self._most_bytes:
            had = f"{len(self._given)} messages, {max(ahead, self._given_bytes)} bytes"
            self.end(Reason.SLOW, had, f"<= {self._most_given}, {self._most_bytes} bytes")

    @property
    def _parts(self) -> int:
        topics = self._house.admissions.topics_of(self.session or "")
        return 1 if topics is None else max(1, min(len(topics.subscribe), HUB_PARTS))

    @property
    def _most_bytes(self) -> int:
        return self._house.limits.most_outgoing_bytes * self._parts

    @property
    def _most_given(self) -> int:
        return self._house.limits.most_outgoing * self._parts

    def _note_given(self, data: bytes) -> None:
        topic, number = read_given(data)
        if not self._given:
            self._moved = self._house.clock()
        self._settle(number)  # one that was given up
        self._given[number] = topic, len(data)
        self._given_bytes += len(data)
        self._house.backlog.add(topic, len(data))

    def _settle(self, number: int) -> None:
        topic, count = self._given.pop(number, ("", 0))
        if count:
            self._moved = self._house.clock()
            self._given_bytes -= count
            self._house.backlog.settle(topic, count)

    # How it ends.

    def end(self, reason: Reason, had: object = None, needed: object = None) -> None:
        """End it, and say why."""
        if self._is_over:
            return
        self._is_over = True
        self._came.set()
        self._house.refuse(self, reason, had, needed)
        code = CONNACK_CODES.get(reason) if self.session is None else None
        if self.transport is None:
            return
        if code is None:
            self.transport.abort()
        else:
            self.transport.write(write_connack(code))
            self.transport.close()

    def close(self) -> None:
        """End it in peace: what is on its way may still go, for a second."""
        self._is_over = True
        self._came.set()
        if self.transport is not None:
            self.transport.close()

    def look(self, now: float) -> None:
        """End it when it should have done something by now (seconds, monotonic)."""
        limits = self._house.limits
        if self.session is None:
            if now - self._began > limits.connect_s:
                self.end(Reason.NO_CONNECT, needed=f"within {limits.connect_s:g} s")
        elif self._house.admissions.topics_of(self.session) is None:
            self.end(Reason.OVER)
        elif self._given and now - self._moved > limits.stall_s:
            self.end(Reason.SLOW, f"{len(self._given)} messages", f"one in {limits.stall_s:g} s")
        elif "writing" in self._holds and now - self._blocked > limits.stall_s:
            self.end(Reason.SLOW, "nothing that it took", f"something in {limits.stall_s:g} s")
        elif not self._holds and now - self._heard > 1.5 * self._keep_alive_s:  # 3.1.2.10
            self.end(Reason.SILENT, needed=f"something in {self._keep_alive_s:g} s")
