"""When channels were opened, who closed them and how they ended: only events tell, none is stored.

Rule 1: the party's watch reads every event of the escrow anyway, and each is noted.
Rule 2: what is not known, as after a restart, is read from the newest block backwards, for all
        channels of a round at once, until it is found.
Rule 3: that a node told no event is no proof: where what the escrow keeps says that there is one,
        the view cannot be had yet (`MarksMissing`), and is asked for again.
Rule 4: what is read is as deep as the chain's confirmations. A deeper reorganisation is found by
        the watch, which ends the process (`ReorgTooDeep`); nothing here outlives it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import NO_TIME, Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.ledger.evm.reading.chain import LOG_CHUNK_BLOCKS, EvmChain
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId

NO_TOKENS = Tokens(0)
REMEMBERED = 4096  # channels; of what is forgotten, rule 2 holds
TOPICS = ("ChannelOpened", "ChannelClosed", "ChannelEnded")
CHANNELS_OF_ASKING = 64  # in the topics of one request; nodes bound those


class MarksMissing(LedgerUnavailable):
    """A node does not tell an event of which there has to be one. Retry later."""


@dataclass(frozen=True)
class Marks:
    """What events told of one channel.

    Attributes:
        opened_in: number of the block; None: not read.
        closed_by: phase of its window; NONE: none was read.
        closer: who began it; None likewise.
        deadline: of that window.
        ending, amount: how it ended; None: not read.
        penalty: what whoever closed lost.
    """

    opened_in: int | None = None
    closed_by: ChannelPhase = ChannelPhase.NONE
    closer: Address | None = None
    deadline: Timestamp = NO_TIME
    ending: ChannelEnding | None = None
    amount: Tokens = NO_TOKENS
    penalty: Tokens = NO_TOKENS

    def told(self, event: ChainEvent) -> Marks:
        """The same with what an event tells, if that is any of these."""
        match event:
            case seen.ChannelOpened():
                return replace(self, opened_in=event.at.block_number)
            case seen.ChannelClosed():
                phase = member_of(ChannelPhase, event.phase)
                told = replace(self, closed_by=phase, closer=event.closer)
                return replace(told, deadline=event.deadline)
            case seen.ChannelEnded():
                ending = member_of(ChannelEnding, event.ending)
                return replace(self, ending=ending, amount=event.amount, penalty=event.penalty)
            case _:
                return self


@dataclass(frozen=True)
class Sought:
    """What has to be known of a channel at least.

    Attributes:
        opening: when it was opened.
        end: how it ended, and who had closed it.
    """

    opening: bool = False
    end: bool = False

    def is_met(self, marks: Marks) -> bool:
        """Whether that is known."""
        if self.opening and marks.opened_in is None:
            return False
        if not self.end:
            return True
        match marks.ending:
            case None:
                return False
            case ChannelEnding.SETTLED:
                return marks.closed_by is not ChannelPhase.NONE
            case ChannelEnding.LAPSED:  # with a window or without
                return marks.closed_by is not ChannelPhase.NONE or marks.opened_in is not None
            case _:
                return True


class ChannelMarks:
    """Marks of the channels that were seen or asked for lately; safe for many threads.

    Args:
        chain: where the escrow is.
        escrow: its address, interface and events.
        first: the block of its deployment.
    """

    def __init__(self, chain: EvmChain, escrow: Contract, first: int) -> None:
        self._chain, self._escrow, self._first = chain, escrow, first
        self._guard = threading.Lock()
        self._marks: OrderedDict[ChannelId, Marks] = OrderedDict()

    def note(self, events: Iterable[ChainEvent]) -> None:
        """What the party's watch saw, in order."""
        with self._guard:
            for event in events:
                self._take(event)

    def find(self, wanted: Mapping[ChannelId, Sought], block: int) -> dict[ChannelId, Marks]:
        """What is known of channels, at least what is sought of each.

        Args:
            wanted: channels, which all stand on chain as of that block.
            block: the last that is read.

        Raises:
            MarksMissing: the node does not tell it.
            LedgerUnavailable: the chain does not answer; what was read until then is kept.
        """
        missing = self._missing(wanted)
        last, width = block, LOG_CHUNK_BLOCKS
        while missing and last >= self._first:
            start = max(self._first, last - width + 1)
            self._read(list(missing), start, last)
            missing = self._missing(missing)
            last, width = start - 1, 2 * width
        if missing:
            channel = next(iter(missing))
            raise MarksMissing(
                "does not tell an event of a channel that is there",
                who=self._chain.place,
                had=f"nothing up to block {block}",
                needed=f"how channel {channel.hex()} was opened or ended",
            )
        with self._guard:
            return {channel: self._marks.get(channel, Marks()) for channel in wanted}

    def _missing(self, wanted: Mapping[ChannelId, Sought]) -> dict[ChannelId, Sought]:
        with self._guard:
            known = self._marks
            return {
                channel: sought
                for channel, sought in wanted.items()
                if not sought.is_met(known.get(channel, Marks()))
            }

    def _read(self, channels: list[ChannelId], start: int, last: int) -> None:
        names = [self._escrow.interface.topic(name) for name in TOPICS]
        for at in range(0, len(channels), CHANNELS_OF_ASKING):
            topics: list[Sequence[bytes]] = [names, channels[at : at + CHANNELS_OF_ASKING]]
            logs = self._chain.logs([self._escrow.address], start, last, topics)
            with self._guard:
                for event in decode_logs([self._escrow], logs):
                    self._take(event)

    def _take(self, event: ChainEvent) -> None:
        if not isinstance(event, seen.ChannelOpened | seen.ChannelClosed | seen.ChannelEnded):
            return
        channel = ChannelId(event.channel)
        self._marks[channel] = self._marks.get(channel, Marks()).told(event)
        self._marks.move_to_end(channel)
        while len(self._marks) > REMEMBERED:
            self._marks.popitem(last=False)
