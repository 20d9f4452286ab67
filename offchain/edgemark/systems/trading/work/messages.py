"""Orders, answers and readings of a channel: canonical bytes, each of a fixed length. Pure.

| message   | says                                                                            |
|-----------|---------------------------------------------------------------------------------|
| `Order`   | what is to be done to which data: both by their digests, so it covers all of it |
| `Answer`  | how it ended, the digest of the output, and what was used for it                |
| `Reading` | all that was used in a channel until the end of an interval                     |

None is signed here: in a channel an order is the content of a request, its answer the content of
the answer to it (`protocol.messages`), and the letters around them are signed. What a bill counts
of an answer is `Usage.on` the meter of the channel's template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import TypeVar

from edgemark.confinement.limits import MAX_WALL_S, End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.templates.readings import Meter

MAX_PART_BYTES = 16 * 2**20  # a function, data, or an output: all lie in memory at once
MAX_COUNT = 2**63 - 1
VERSION = 1

ORDER_TAG, ANSWER_TAG, READING_TAG = b"EMWO", b"EMWA", b"EMWR"
DIGEST_BYTES = 32
USAGE_BYTES = 4 * 8
ORDER_BYTES = 5 + 32 + 8 + 1 + 32 + 32 + 4 + 4 + 8
ANSWER_BYTES = 5 + 32 + 1 + 1 + 32 + 4 + USAGE_BYTES
READING_BYTES = 5 + 32 + 8 + 8 + USAGE_BYTES


E = TypeVar("E", bound=IntEnum)


class OrderKind(IntEnum):
    """What is done."""

    POLYNOMIAL = 1
    PROGRAM = 2


COUNTED = {  # by each meter; where time is, whatever is done
    Meter.PRODUCTS: frozenset({OrderKind.POLYNOMIAL}),
    Meter.CPU_MILLISECONDS: frozenset({OrderKind.PROGRAM}),
    Meter.BYTES: frozenset({OrderKind.PROGRAM}),
    Meter.SECONDS: frozenset(OrderKind),
}


@dataclass(frozen=True)
class Usage:
    """What was used: none of it more than there was.

    Attributes:
        units: products.
        cpu_us: microseconds of processor time of programs.
        octets: bytes of data and output.
        wall_us: microseconds for which orders were worked at.
    """

    units: int = 0
    cpu_us: int = 0
    octets: int = 0
    wall_us: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def at_least(self, other: Usage) -> Usage:
        """The larger of both, field by field."""
        return Usage(*map(max, astuple(self), astuple(other)))

    def is_below(self, other: Usage) -> bool:
        """Whether a field is less than the other's."""
        return any(a < b for a, b in zip(astuple(self), astuple(other), strict=True))

    def on(self, meter: Meter) -> int:
        """What the meter of a template counts of it, rounded down."""
        match meter:
            case Meter.PRODUCTS:
                return self.units
            case Meter.CPU_MILLISECONDS:
                return self.cpu_us // 1000
            case Meter.BYTES:
                return self.octets
            case Meter.SECONDS:
                return self.wall_us // 1_000_000

    def write(self, writer: Writer) -> Writer:
        """Append the four numbers."""
        for number in astuple(self):
            writer.integer(number, 8)
        return writer

    @classmethod
    def read(cls, reader: Reader) -> Usage:
        """Take them from a message."""
        return cls(*(reader.integer(8, most=MAX_COUNT) for _ in range(4)))


NOTHING_USED = Usage()


@dataclass(frozen=True)
class Order:
    """A buyer's order.

    Args:
        channel: that it is paid in.
        number: of the order in its channel, ascending; 1 or more.
        kind: what `what` names.
        what: H(F) of a polynomial, or `ListedProgram.id`.
        what_bytes: length of the function; 0 for a program.
        data: SHA-256 of the data: a batch of packed inputs, or a program's standard input.
        data_bytes: its length.
        most: units, or microseconds of processor time, that the buyer will pay for it.
    """

    channel: ChannelId
    number: int
    kind: OrderKind
    what: Hash32
    what_bytes: int
    data: Hash32
    data_bytes: int
    most: int

    @cached_property
    def id(self) -> Hash32:
        """SHA-256 of its bytes: the same order twice is one order."""
        return hash_long(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Canonical bytes, `ORDER_BYTES` of them."""
        return (
            _begin(ORDER_TAG)
            .fixed(self.channel, DIGEST_BYTES)
            .integer(self.number, 8)
            .integer(self.kind, 1)
            .fixed(self.what, DIGEST_BYTES)
            .integer(self.what_bytes, 4)
            .fixed(self.data, DIGEST_BYTES)
            .integer(self.data_bytes, 4)
            .integer(self.most, 8)
            .finish()
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> Order:
        """Parse an order.

        Raises:
            MalformedMessage: no order, or a number is outside its bounds.
        """
        reader = _open(raw, ORDER_TAG, ORDER_BYTES, "order")
        order = cls(
            channel=ChannelId(reader.fixed(DIGEST_BYTES)),
            number=reader.integer(8, most=MAX_COUNT),
            kind=_member(OrderKind, reader.integer(1), "kind of order"),
            what=Hash32(reader.fixed(DIGEST_BYTES)),
            what_bytes=reader.integer(4, most=MAX_PART_BYTES),
            data=Hash32(reader.fixed(DIGEST_BYTES)),
            data_bytes=reader.integer(4, most=MAX_PART_BYTES),
            most=reader.integer(8, most=MAX_COUNT),
        )
        reader.finish()
        if order.number == 0:
            raise MalformedMessage("has no number", who="order", had=0, needed=">= 1")
        if (order.kind is OrderKind.PROGRAM) == (order.what_bytes > 0):
            raise MalformedMessage(
                "has no such length",
                who="order, function",
                had=order.what_bytes,
                needed="0 for a program, else the length of the function",
            )
        return order


def is_run(content: bytes) -> bool:
    """Whether the content of a request is the order of a program."""
    try:
        return Order.from_bytes(content).kind is OrderKind.PROGRAM
    except MalformedMessage:
        return False


def lasts_s(contents: Sequence[bytes], usual_s: int) -> int:
    """For how long work in hand as service stops may go on, in seconds; 0 for nothing.

    Args:
        contents: of requests that are not answered.
        usual_s: so long where no run is among them.
    """
    if not contents:
        return 0
    return MAX_WALL_S if any(is_run(each) for each in contents) else usual_s


@dataclass(frozen=True)
class Answer:
    """What became of an order.

    Attributes:
        order: id of it.
        end: of the program; of a polynomial `FINISHED`, or `OVER_TIME` with the first values alone.
        status: exit status, or number of the signal; 0 where neither is the reason.
        output: SHA-256 of the output.
        output_bytes: its length.
        used: what counts for this order.
    """

    order: Hash32
    end: End
    status: int
    output: Hash32
    output_bytes: int
    used: Usage

    def at_least(self, floor: Usage) -> Answer:
        """The same, for no less than readings told of it; what never began costs nothing."""
        if self.end is End.UNSTARTED:
            return self
        return replace(self, used=self.used.at_least(floor))

    def to_bytes(self) -> bytes:
        """Canonical bytes, `ANSWER_BYTES` of them."""
        writer = (
            _begin(ANSWER_TAG)
            .fixed(self.order, DIGEST_BYTES)
            .integer(self.end, 1)
            .integer(self.status, 1)
            .fixed(self.output, DIGEST_BYTES)
            .integer(self.output_bytes, 4)
        )
        return self.used.write(writer).finish()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Answer:
        """Parse an answer.

        Raises:
            MalformedMessage: no answer, or a number is outside its bounds.
        """
        reader = _open(raw, ANSWER_TAG, ANSWER_BYTES, "answer")
        answer = cls(
            order=Hash32(reader.fixed(DIGEST_BYTES)),
            end=_member(End, reader.integer(1), "end"),
            status=reader.integer(1),
            output=Hash32(reader.fixed(DIGEST_BYTES)),
            output_bytes=reader.integer(4, most=MAX_PART_BYTES),
            used=Usage.read(reader),
        )
        reader.finish()
        return answer


@dataclass(frozen=True)
class Reading:
    """All that was used in a channel, from its first order to the end of an interval.

    Attributes:
        interval: its number, ascending; the first is 1.
        answered: orders that were answered.
        used: by these, and so far by those that are open.
    """

    channel: ChannelId
    interval: int
    answered: int
    used: Usage

    def to_bytes(self) -> bytes:
        """Canonical bytes, `READING_BYTES` of them."""
        writer = _begin(READING_TAG).fixed(self.channel, DIGEST_BYTES)
        writer.integer(self.interval, 8).integer(self.answered, 8)
        return self.used.write(writer).finish()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Reading:
        """Parse a reading.

        Raises:
            MalformedMessage: no reading, or a number is outside its bounds.
        """
        reader = _open(raw, READING_TAG, READING_BYTES, "reading")
        reading = cls(
            channel=ChannelId(reader.fixed(DIGEST_BYTES)),
            interval=reader.integer(8, most=MAX_COUNT),
            answered=reader.integer(8, most=MAX_COUNT),
            used=Usage.read(reader),
        )
        reader.finish()
        if reading.interval == 0:
            raise MalformedMessage("has no interval", who="reading", had=0, needed=">= 1")
        return reading


def _begin(tag: bytes) -> Writer:
    return Writer().fixed(tag, len(tag)).integer(VERSION, 1)


def _open(raw: bytes, tag: bytes, length: int, who: str) -> Reader:
    if len(raw) != length:
        raise MalformedMessage("has the wrong length", who=who, had=len(raw), needed=length)
    reader = Reader(raw, who=who)
    had = reader.fixed(len(tag)), reader.integer(1)
    if had != (tag, VERSION):
        needed = f"{tag.decode()}, version {VERSION}"
        raise MalformedMessage("is no such message", who=who, had=raw[:5].hex(), needed=needed)
    return reader


def _member(kind: type[E], number: int, who: str) -> E:
    try:
        return kind(number)
    except ValueError:
        needed = ", ".join(str(each.value) for each in kind)
        raise MalformedMessage("is unknown", who=who, had=number, needed=needed) from None
