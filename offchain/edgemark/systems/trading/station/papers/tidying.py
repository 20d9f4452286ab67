"""Agreements of channels that are over leave a home, a few at a time.

What a dispute may need stays: of a channel that is open here everything, of one that ended its
agreement until the lock has expired, and for as long as a tower can be claimed from after that. Of
more than `MOST_ENDED` that ended some leave before: what ended on chain moves no token of the
escrow any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.logs import get_logger
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.station.station import TradingStation

SWEEP_S = 60.0  # between two looks
LOOKED_AT = 16  # files of a look, each some milliseconds
MOST_ENDED = 4096  # that are kept of channels which are not open here
LOOKED_AT_OF_MANY = 256  # while there are more


class Matters(Protocol):
    """What a loop remembers of channels: a `Runtime`."""

    def state_at_hand(self, key: bytes) -> Any:
        """Of one that is open, or ended lately; else None."""

    def is_archived(self, key: bytes) -> bool:
        """Whether it is over, and has left."""


class Tidying:
    """Of one home; for one thread.

    Args:
        book: of the deals.
        stays_s: seconds from the last close of a channel's terms, for which its deal stays: both
            windows come on top of it.
        is_open: whether a channel goes on here.
        is_over: whether one ended here; of what is neither nobody here knows but the file.
        most: that are kept of those that ended.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        book: DealBook,
        stays_s: int,
        is_open: Callable[[ChannelId], bool],
        is_over: Callable[[ChannelId], bool],
        *,
        most: int = MOST_ENDED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book, self._stays_s = book, stays_s
        self._is_open, self._is_over = is_open, is_over
        self._most, self._clock = most, clock
        self._looked_at: float | None = None
        self._left: list[ChannelId] = []
        self._surplus = 0
        self._log = get_logger("trading.deals")

    @classmethod
    def of_party(cls, station: TradingStation, matters: Matters) -> Tidying:
        """Of seller or buyer, whose loop remembers its channels."""
        decided = station.decided
        stays_s = decided.limits.exit_grace + decided.watching.claim_seconds

        def is_open(channel: ChannelId) -> bool:
            state = matters.state_at_hand(channel)
            return state is not None and not state.is_finished

        def is_over(channel: ChannelId) -> bool:
            state = matters.state_at_hand(channel)
            return matters.is_archived(channel) if state is None else state.is_finished

        return cls(station.deals, stays_s, is_open, is_over)

    def look(self, now: int) -> Sequence[ChannelId]:
        """What left; nothing when the last look was a moment ago.

        Args:
            now: chain time.
        """
        if self._looked_at is not None and self._clock() < self._looked_at + SWEEP_S:
            return ()
        self._looked_at = self._clock()
        if not self._left:
            self._left = [each for each in self._book.channels() if not self._is_open(each)]
            over = [each for each in self._left if self._is_over(each)]
            self._surplus = max(0, len(over) - self._most)
        count = LOOKED_AT_OF_MANY if self._surplus else LOOKED_AT
        looked, self._left = self._left[:count], self._left[count:]
        gone = [each for each in looked if not self._is_open(each) and self._may_go(each, now)]
        for channel in gone:
            self._book.forget(channel)
            self._log.debug("agreement left", channel=channel)
        return gone

    def forget_strays(self, known: Collection[bytes], seller: Address) -> None:
        """What was written down for a seller and never promised goes: nobody has it."""
        for channel in set(self._book.channels()).difference(known):
            try:
                if self._book.get(channel).terms.seller == seller:
                    self._book.forget(channel)
            except RefusedInput as damaged:
                self._log.error("agreement is set apart", channel=channel, error=damaged)

    def _may_go(self, channel: ChannelId, now: int) -> bool:
        if self._surplus and self._is_over(channel):
            self._surplus -= 1
            return True
        try:
            deal = self._book.find(channel)
        except RefusedInput:  # an operator may have a copy
            return False
        return deal is not None and deal.terms.lock_expiry(self._stays_s) < now
