"""Which channels a controller takes up, and when, as the chain tells it.

Rule 1: a desk opens when the papers of its channel are here and the chain shows, at confirmed
        depth, that it is open and names this controller: also after a restart.
Rule 2: papers of a channel for which it never does are looked at for a while and then no more,
        until somebody logs in for it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.systems.trading.contract import events as seen
from edgemark.systems.trading.contract.escrow import signers_of, terms_of
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.known import KnownChannels
from edgemark.systems.trading.controller.desk import Desk, observe_desk
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.station.seeing import see
from edgemark.systems.trading.station.station import TradingStation

LOOKED_FOR_S = 900.0  # for which a channel with papers is looked for on chain
MOST_TOGETHER = 256  # that are looked for in one round


class ChannelWatch:
    """Of one controller; `expect` is for any thread, the rest for that of its rounds.

    Args:
        station: asks the chain.
        known: of channels.
        is_open: whether a channel has a desk.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        station: TradingStation,
        known: KnownChannels,
        is_open: Callable[[ChannelId], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._station, self._known = station, known
        self._is_open, self._clock = is_open, clock
        self._expected: dict[ChannelId, float] = {}  # until when

    def expect(self, channel: ChannelId) -> None:
        """Its papers are here."""
        self._expected[channel] = self._clock() + LOOKED_FOR_S

    def hear(self, events: Sequence[ChainEvent]) -> list[ChannelId]:
        """Note who is named from now on; channels that name this controller and did not before.

        Raises:
            LedgerUnavailable: the chain does not tell the terms of one that named another before.
        """
        self._station.marks.note(events)
        new: list[ChannelId] = []
        for event in events:
            if isinstance(event, seen.ChannelOpened):
                new += self._hear_opened(event)
            elif isinstance(event, seen.ChannelAmended):
                new += self._hear_amended(event)
            elif isinstance(event, seen.ChannelEnded):
                self._known.named.drop(event.channel)
        return new

    def take_up(self, block: int) -> list[tuple[ChannelId, Sequence[at.ControllerEvent]]]:
        """What opens the desks of channels whose papers are here.

        Args:
            block: as of which the chain is read.

        Raises:
            LedgerUnavailable: it cannot be.
        """
        now = self._clock()
        for channel, until in list(self._expected.items()):
            if until < now or self._is_open(channel):
                self._expected.pop(channel, None)
        wanted = list(self._expected)[:MOST_TOGETHER]
        if not wanted:
            return []
        agreements, me = [self._known.agreement(each) for each in wanted], self._station.address
        views = see(self._station, agreements, block, told=wanted)
        seen_of = zip(wanted, agreements, views, strict=True)
        told = [(each, observe_desk(Desk(), agreed, view, me)) for each, agreed, view in seen_of]
        return [(channel, events) for channel, events in told if events]

    def _hear_opened(self, event: seen.ChannelOpened) -> list[ChannelId]:
        terms = terms_of(event.terms)
        if terms.controller != self._station.address:
            return []
        self._known.named.note(event.channel, terms, event.at.block_number)
        return [event.channel]

    def _hear_amended(self, event: seen.ChannelAmended) -> list[ChannelId]:
        channel = ChannelId(event.channel)
        if signers_of(event.signers).controller != self._station.address:
            self._known.named.drop(channel)
            return []
        if self._known.terms(channel) is not None:
            return []
        deal = self._station.deals.find(channel)
        terms = find_terms(self._station, channel) if deal is None else deal.terms
        self._known.named.note(channel, terms, event.at.block_number)
        if deal is not None:
            self.expect(channel)
        return [channel]


def find_terms(station: TradingStation, channel: ChannelId) -> Terms:
    """What a channel was opened with, whichever controller it named then.

    Raises:
        RefusedInput: no event tells of its opening.
        LedgerUnavailable: the chain does not answer.
    """
    contract = station.escrow.contract
    topics: list[list[bytes]] = [[contract.interface.topic("ChannelOpened")], [channel]]
    until = station.chain.confirmed()
    logs = station.chain.logs([contract.address], station.deployment.block, until, topics)
    for event in decode_logs([contract], logs):
        if isinstance(event, seen.ChannelOpened):
            return terms_of(event.terms)
    raise RefusedInput("was never opened", who=f"channel {channel.hex()}")
