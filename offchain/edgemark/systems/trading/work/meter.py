"""What a seller's engine remembers of orders and of what was used: a fold over its records. Pure.

| record      | when                                                | changes                |
|-------------|-----------------------------------------------------|------------------------|
| `TAKEN`     | an order is taken, its parts are on the disk        | held, open             |
| `TOLD`      | before readings leave                               | readings, floors       |
| `ANSWERED`  | before an answer leaves, its output is on the disk  | held, answered;        |
|             |                                                     | settled                |
| `DROPPED`   | an answer goes to make room                         | held no more           |
| `FORGOTTEN` | a channel ended                                     | the channel            |
| `ACCOUNT`,  | the state itself, when all records are written anew | as it was              |
| `HELD`      |                                                     |                        |

Law 1: what is settled grows by each order once, at `ANSWERED`; an order that is not open is not
       answered.
Law 2: the *floor* of an open order is what a reading told of it; its answer counts no less, unless
       it never began: then no bill counts it, and the readings after it still do.
Law 3: a channel takes a number above its highest once; an order with another is known, or refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from edgemark.encoding import MalformedMessage, Reader, Writer
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work.messages import (
    ANSWER_BYTES,
    DIGEST_BYTES,
    NOTHING_USED,
    ORDER_BYTES,
    READING_BYTES,
    Answer,
    Order,
    Reading,
    Usage,
)

MAX_CHANNELS = 1024
MAX_OPEN = 8  # orders of one channel that were not answered yet
MAX_KEPT = 1024  # orders in all, once there are answers that can go
ANSWER_WEIGHT = 4096  # bytes that an answer counts for beside its output: a file and a record
RETRY_S = 5.0


class OrderRefused(RefusedInput):
    """The order cannot be taken as it stands."""


class AnswerGone(OrderRefused):
    """The order was answered, and its answer went to make room; it is not worked at again."""


class IntervalRefused(RefusedInput):
    """Readings of another interval come next."""


class EngineBusy(Overloaded):
    """As many orders wait as there is room for."""


class RecordKind(IntEnum):
    """See the table of the module."""

    TAKEN = 1
    TOLD = 2
    ANSWERED = 3
    DROPPED = 4
    FORGOTTEN = 5
    ACCOUNT = 6
    HELD = 7


@dataclass
class Held:
    """An order that is known, and its answer once it has one."""

    order: Order
    floor: Usage = NOTHING_USED
    answer: Answer | None = None


@dataclass
class Account:
    """What a channel used.

    Attributes:
        highest: number of the last order taken.
        answered: how many were.
        settled: what the answered ones used.
        reading: the last one that was told.
    """

    highest: int = 0
    answered: int = 0
    settled: Usage = NOTHING_USED
    reading: Reading | None = None


@dataclass
class Meter:
    """Orders by their ids, oldest first, and accounts by their channels."""

    held: dict[Hash32, Held] = field(default_factory=dict)
    accounts: dict[ChannelId, Account] = field(default_factory=dict)

    def find(self, order: Order) -> Held | None:
        """The order if it is known; None if it may be taken.

        Raises:
            OrderRefused: its number was another order's, or lies behind.
            AnswerGone: it was answered long ago.
            EngineBusy: its channel has as many open orders as it may have.
        """
        known = self.held.get(order.id)
        if known is not None:
            return known
        account = self.accounts.get(order.channel)
        who = f"order {order.number} of channel {order.channel.hex()}"
        if account is not None and order.number <= account.highest:
            others = {
                h.order.number for h in self.held.values() if h.order.channel == order.channel
            }
            if order.number in others:
                raise OrderRefused(
                    "is another order than the one with this number",
                    who=who,
                    needed=f"a number above {account.highest}",
                )
            raise AnswerGone(
                "was answered and is here no more, or was passed over",
                who=who,
                had=order.number,
                needed=f"a number above {account.highest}",
                remedy="Order it anew if its answer was lost; it is paid anew.",
            )
        self._check_room(order.channel, who)
        return None

    def _check_room(self, channel: ChannelId, who: str) -> None:
        """A channel more, and an order more of it, are no more than there may be."""
        if channel not in self.accounts and len(self.accounts) >= MAX_CHANNELS:
            raise EngineBusy(
                "serves as many channels as it can",
                who=who,
                had=len(self.accounts),
                needed=f"< {MAX_CHANNELS}",
                retry_after_s=RETRY_S,
            )
        count = len(list(self.open_orders(channel)))
        if count >= MAX_OPEN:
            raise EngineBusy(
                "has too many open orders",
                who=f"channel {channel.hex()}",
                had=count,
                needed=f"< {MAX_OPEN}",
                retry_after_s=RETRY_S,
            )

    def open_orders(self, channel: ChannelId | None = None) -> Iterator[Held]:
        """Orders without an answer, oldest first; of one channel, or of all."""
        return (
            each
            for each in self.held.values()
            if each.answer is None and channel in (None, each.order.channel)
        )

    def first_to_go(self) -> Hash32 | None:
        """The order whose answer goes first to make room: the oldest of the channel with most.

        So whoever orders much pushes out its own answers, and not those of others.
        """
        weights: Counter[ChannelId] = Counter()
        oldest: dict[ChannelId, Hash32] = {}
        for key, held in self.held.items():
            if held.answer is not None:
                weights[held.order.channel] += held.answer.output_bytes + ANSWER_WEIGHT
                oldest.setdefault(held.order.channel, key)
        return oldest[weights.most_common(1)[0][0]] if oldest else None

    def read(self, channel: ChannelId, interval: int, running: Mapping[Hash32, Usage]) -> Reading:
        """What a reading says now; the one that was told, if it was of this interval.

        Args:
            channel: of the reading.
            interval: the one told last, or the next.
            running: what open orders used so far, by their ids.

        Raises:
            IntervalRefused: another interval.
        """
        account = self.accounts.get(channel) or Account()
        last = account.reading
        if last is not None and last.interval == interval:
            return last
        needed = 1 if last is None else last.interval + 1
        if interval != needed:
            who = f"channel {channel.hex()}"
            needs = f"{needed}, or {needed - 1} again" if last else "1"
            raise IntervalRefused("is not the next interval", who=who, had=interval, needed=needs)
        used = account.settled
        for each in self.open_orders(channel):
            used += each.floor.at_least(running.get(each.order.id, NOTHING_USED))
        return Reading(channel, interval, account.answered, used)

    # --- records -------------------------------------------------------------------------------

    def fold(self, record: bytes) -> None:
        """Let a record that is on the disk count.

        Raises:
            MalformedMessage: it is no record, or follows from none of those before.
        """
        reader = Reader(record, who="record of the engine")
        number = reader.integer(1)
        match number:
            case RecordKind.TAKEN:
                order = Order.from_bytes(reader.fixed(ORDER_BYTES))
                self.held[order.id] = Held(order)
                self.accounts.setdefault(order.channel, Account()).highest = order.number
            case RecordKind.TOLD:
                self._fold_told(reader)
            case RecordKind.ANSWERED:
                self._fold_answer(Answer.from_bytes(reader.fixed(ANSWER_BYTES)))
            case RecordKind.DROPPED:
                del self.held[Hash32(reader.fixed(DIGEST_BYTES))]
            case RecordKind.FORGOTTEN:
                self._fold_forgotten(ChannelId(reader.fixed(DIGEST_BYTES)))
            case RecordKind.ACCOUNT:
                self._fold_account(reader)
            case RecordKind.HELD:
                self._fold_held(reader)
            case _:
                raise MalformedMessage("is unknown", who="record of the engine", had=number)
        reader.finish()

    def _fold_told(self, reader: Reader) -> None:
        for _ in range(reader.integer(2)):
            reading = Reading.from_bytes(reader.fixed(READING_BYTES))
            self.accounts.setdefault(reading.channel, Account()).reading = reading
        for _ in range(reader.integer(4)):
            order = Hash32(reader.fixed(DIGEST_BYTES))
            held = self.held[order]
            held.floor = held.floor.at_least(Usage.read(reader))

    def _fold_answer(self, answer: Answer) -> None:
        held = self.held[answer.order]
        if held.answer is not None or answer != answer.at_least(held.floor):
            raise MalformedMessage("answers an order twice, or for less", who=answer.order.hex())
        held.answer = answer
        account = self.accounts[held.order.channel]
        account.answered += 1
        account.settled += answer.used.at_least(held.floor)

    def _fold_forgotten(self, channel: ChannelId) -> None:
        self.accounts.pop(channel, None)
        for each in [o for o, held in self.held.items() if held.order.channel == channel]:
            del self.held[each]

    def _fold_account(self, reader: Reader) -> None:
        channel = ChannelId(reader.fixed(DIGEST_BYTES))
        account = Account(reader.integer(8), reader.integer(8), Usage.read(reader))
        raw = reader.variable(most=READING_BYTES)
        account.reading = Reading.from_bytes(raw) if raw else None
        self.accounts[channel] = account

    def _fold_held(self, reader: Reader) -> None:
        order = Order.from_bytes(reader.fixed(ORDER_BYTES))
        floor = Usage.read(reader)
        raw = reader.variable(most=ANSWER_BYTES)
        self.held[order.id] = Held(order, floor, Answer.from_bytes(raw) if raw else None)

    def snapshot(self) -> Iterator[bytes]:
        """Records from which the same state folds."""
        for channel, account in self.accounts.items():
            writer = _begin(RecordKind.ACCOUNT).fixed(channel, DIGEST_BYTES)
            writer.integer(account.highest, 8).integer(account.answered, 8)
            reading = account.reading.to_bytes() if account.reading else b""
            yield account.settled.write(writer).variable(reading).finish()
        for held in self.held.values():
            writer = _begin(RecordKind.HELD).fixed(held.order.to_bytes(), ORDER_BYTES)
            answer = held.answer.to_bytes() if held.answer else b""
            yield held.floor.write(writer).variable(answer).finish()


def record_taken(order: Order) -> bytes:
    """An order is taken."""
    return _begin(RecordKind.TAKEN).fixed(order.to_bytes(), ORDER_BYTES).finish()


def record_told(readings: list[Reading], floors: Mapping[Hash32, Usage]) -> bytes:
    """Readings are told, and with them what open orders used so far."""
    writer = _begin(RecordKind.TOLD).integer(len(readings), 2)
    for reading in readings:
        writer.fixed(reading.to_bytes(), READING_BYTES)
    writer.integer(len(floors), 4)
    for order, used in floors.items():
        used.write(writer.fixed(order, DIGEST_BYTES))
    return writer.finish()


def record_answered(answer: Answer) -> bytes:
    """An order is answered."""
    return _begin(RecordKind.ANSWERED).fixed(answer.to_bytes(), ANSWER_BYTES).finish()


def record_dropped(order: Hash32) -> bytes:
    """An answer goes."""
    return _begin(RecordKind.DROPPED).fixed(order, DIGEST_BYTES).finish()


def record_forgotten(channel: ChannelId) -> bytes:
    """A channel goes, with all that is held of it."""
    return _begin(RecordKind.FORGOTTEN).fixed(channel, DIGEST_BYTES).finish()


def _begin(kind: RecordKind) -> Writer:
    return Writer().integer(kind, 1)
