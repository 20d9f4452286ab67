"""Which channels a controller takes up, and when, as the chain tells it.

Rule 1: a desk opens when the papers of its channel are here and the chain shows, at confirmed
        depth, that it is open and names this controller: also after a restart.
Rule 2: papers of a channel for which it never does are looked at for a while, and gone when its
        lock has expired, or the chain shows that it is over.
Rule 3: a channel that cannot be read is set apart by name; the others go on.
Rule 4: since when a channel has locked what it locks, the times of blocks say in which it rose; a
        later life reads those again that matter still (`passed`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from edgemark.errors import EdgemarkError, LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identifiers import NO_TIME, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.contract.escrow import StoredChannel, signers_of, terms_of
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.controller.channels.apart import SetApart
from edgemark.systems.trading.controller.channels.desks import Desks
from edgemark.systems.trading.controller.channels.known import KnownChannels
from edgemark.systems.trading.controller.channels.places import PROVEN_S
from edgemark.systems.trading.controller.desk import Desk, observe_desk
from edgemark.systems.trading.controller.recording.figures import PlaceReading
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import Agreement
from edgemark.systems.trading.protocol.views.view import ChannelView
from edgemark.systems.trading.station.deals import DealUnknown
from edgemark.systems.trading.station.station import TradingStation

LOOKED_FOR_S = 900.0  # for which a channel with papers is looked for on chain
MOST_TOGETHER = 256  # that are looked for in one round
MOST_EXPECTED = 4096  # whose papers are here, and which have no desk
RISING = (seen.ChannelOpened, seen.ChannelAmended, seen.DepositAdded)  # after which more counts


class ChannelWatch:
    """Of one controller; `expect` is for any thread, the rest for that of its rounds.

    Args:
        station: asks the chain.
        known: of channels.
        desks: that are open.
        apart: channels that cannot be read.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        station: TradingStation,
        known: KnownChannels,
        desks: Desks,
        apart: SetApart,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._station, self._known = station, known
        self._desks, self.apart, self._clock = desks, apart, clock
        self._rises = desks.rises
        self._expected: dict[ChannelId, float] = {}  # until when
        self._head = (-1, 0)  # block that was looked at last, and its time

    def __len__(self) -> int:
        return len(self._expected)

    def read_places(self) -> PlaceReading:
        """One look at who holds places, and who is set apart."""
        held, displaced = len(self._desks.open()), self._desks.displaced
        return PlaceReading(held, displaced, len(self.apart), self.apart.count)

    def check_room(self, channel: ChannelId) -> None:
        """Check that the papers of one more may wait.

        Raises:
            Overloaded: so many wait.
        """
        if channel not in self._expected and len(self._expected) >= MOST_EXPECTED:
            raise Overloaded("has many channels to look for", who="controller", retry_after_s=5)

    def expect(self, channel: ChannelId) -> None:
        """Its papers are here."""
        self._expected[channel] = self._clock() + LOOKED_FOR_S

    def hear(self, events: Sequence[ChainEvent], block: int) -> list[ChannelId]:
        """Note who is named from now on; channels that name this controller and did not before.

        Args:
            events: that were not heard before, in order.
            block: up to which they are all that there are.

        Raises:
            LedgerUnavailable: the chain does not say when that was; nothing was noted.
        """
        times = self._read_times(events, block)
        new: list[ChannelId] = []
        for event in events:
            try:
                self._station.marks.note([event])
                new += self._hear_one(event, times.get(event.at.block_number))
            except EdgemarkError as error:
                self.apart.note(ChannelId(getattr(event, "channel", b"")), error)
        self._rises.look(*self._head)
        return new

    def passed(self, cursor: int) -> int:
        """The block up to which a later life needs no events, when all up to `cursor` were read."""
        return min(self._known.named.passed(cursor), self._rises.passed())

    def _read_times(self, events: Sequence[ChainEvent], block: int) -> Mapping[int, int]:
        """Of blocks with rises that do not count yet; of the last one in any case."""
        if block != self._head[0]:
            self._head = (block, self._station.time_of(block))
        numbers = {event.at.block_number for event in events if isinstance(event, RISING)}
        times = dict[int, int]()
        for number in sorted(numbers, reverse=True):
            time_ = self._station.time_of(number)
            if time_ + PROVEN_S <= self._head[1]:
                break
            times[number] = time_
        return times

    def measure(self, block: int) -> None:
        """What channels lock of which no event tells it; then too many leave.

        Raises:
            LedgerUnavailable: the chain does not say; it is asked in the next round.
        """
        wanted = self._known.named.unmeasured()[:MOST_TOGETHER]
        if wanted:
            found = self._station.escrow.locked(wanted, block=block)
            for channel, (locked, paid) in zip(wanted, found, strict=True):
                self._known.named.measure(channel, locked, paid)
        for channel in self._known.named.trim():
            if not self._known.is_named(channel):  # it may not even log in
                self._rises.drop(channel)

    def take_up(self, block: int) -> None:
        """Open the desks of channels whose papers are here, where they find a place.

        Args:
            block: as of which the chain is read.

        Raises:
            LedgerUnavailable: it cannot be.
        """
        self._drop_late()
        agreements = self._agreements(list(self._expected)[:MOST_TOGETHER])
        if not agreements:
            return
        terms = [agreed.terms for agreed in agreements.values()]
        stored = self._station.escrow.channels(terms, block=block)
        for (channel, agreed), kept in zip(agreements.items(), stored, strict=True):
            try:
                self._take_up(agreed, kept)
                self.apart.drop(channel)
            except LedgerUnavailable:
                raise
            except Overloaded as full:
                self._leave(channel, full)
            except EdgemarkError as error:
                self._expected.pop(channel, None)
                self.apart.note(channel, error)

    def _drop_late(self) -> None:
        now = self._clock()
        for channel, until in list(self._expected.items()):
            if until < now or self._desks.find(channel) is not None:
                self._expected.pop(channel, None)

    def _agreements(self, wanted: Sequence[ChannelId]) -> Mapping[ChannelId, Agreement]:
        found = dict[ChannelId, Agreement]()
        for channel in wanted:
            try:
                found[channel] = self._known.agreement(channel)
            except DealUnknown:  # it was over, and a party may bring its papers again
                self._expected.pop(channel, None)
            except RefusedInput as error:
                self._expected.pop(channel, None)
                self.apart.note(channel, error)
        return found

    def _take_up(self, agreed: Agreement, kept: StoredChannel) -> None:
        if kept.phase not in (ChannelPhase.NONE, ChannelPhase.OPEN):
            self._known.forget(agreed.channel)
            return
        deposit = Tokens(kept.deposit(agreed.terms.bond))
        view = ChannelView(
            kept.phase, NO_TIME, deposit=deposit, paid=kept.paid, signers=kept.signers
        )
        for event in observe_desk(Desk(), agreed, view, self._station.address):
            if isinstance(event, at.SawNamed):
                self._desks.take_in(event)

    def _leave(self, channel: ChannelId, full: Overloaded) -> None:
        """It has no place; its party asks again, and has the papers."""
        self._expected.pop(channel, None)
        self._known.note_full(channel, full)

    def _hear_one(self, event: ChainEvent, at: int | None) -> list[ChannelId]:
        """Whether a channel names this controller by it; `at`: the time of a rise that is new."""
        named = self._known.named
        match event:
            case seen.ChannelOpened():
                return self._hear_opened(event, at)
            case seen.ChannelAmended():
                return self._hear_amended(event, at)
            case seen.ChannelClosed() | seen.ChannelEnded():
                named.drop(ChannelId(event.channel))
                self._rises.drop(ChannelId(event.channel))
                self._desks.floors.forget(ChannelId(event.channel))
            case seen.DepositAdded():
                named.deposit(ChannelId(event.channel), event.amount)
                if at is not None and self._known.is_named(ChannelId(event.channel)):
                    self._rises.rise(ChannelId(event.channel), at, event.amount)
            case seen.DepositReduced():
                named.deposit(ChannelId(event.channel), -event.amount)
                self._rises.fall(ChannelId(event.channel), event.amount)
            case seen.AmountPaid():
                self._rises.fall(ChannelId(event.channel), self._count_new(event))
                named.pay(ChannelId(event.channel), event.paid)
            case _:  # no business of a controller
                pass
        return []

    def _count_new(self, event: seen.AmountPaid) -> int:
        """What is paid more; 0 where nobody knows: then it may weigh less for a while, not more."""
        named = self._known.named.find(ChannelId(event.channel))
        desk = self._desks.find(ChannelId(event.channel))
        if named is not None and named.locked is not None:
            return event.paid - named.paid
        return 0 if desk is None else max(0, event.paid - desk.paid)

    def _hear_opened(self, event: seen.ChannelOpened, at: int | None) -> list[ChannelId]:
        terms = terms_of(event.terms)
        if terms.controller != self._station.address:
            return []
        self._known.named.note(event.channel, terms, event.at.block_number)
        if at is not None:
            self._rises.begin(event.channel, at)
        return [event.channel]

    def _hear_amended(self, event: seen.ChannelAmended, at: int | None) -> list[ChannelId]:
        """The terms of one that another had before come with a party's login.

        What a channel locked while it named another counts nothing: else one could leave a place,
        let another have it, and take the next one for that at once.
        """
        channel, signers = ChannelId(event.channel), signers_of(event.signers)
        if signers.controller != self._station.address:
            self._known.named.drop(channel)
            self._rises.drop(channel)
            return []
        has_place = self._desks.terms(channel) is not None
        is_here = self._known.named.find(channel) is not None or has_place
        if at is not None and (signers.epoch or not is_here):  # in epoch 0 it named no other
            self._rises.begin(channel, at)
        if is_here:
            return []
        self._known.named.note(channel, None, event.at.block_number)
        return [channel]
