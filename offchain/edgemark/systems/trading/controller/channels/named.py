"""Channels that name one controller, as events of the escrow tell; those nobody logs in for too.

Rule 1: a channel is here from the event that names this controller to the one that names another,
        or that ends it.
Rule 2: nothing of it outlives the process. While a channel is here that is not written down
        elsewhere, its block is not passed over: a later life reads it again.
Rule 3: whoever opens channels that nobody logs in for displaces the oldest of such alone.

Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId

MOST_NAMED = 8192  # that nobody logged in for: some 5 MB


@dataclass(frozen=True)
class Named:
    """A channel that names this controller.

    Attributes:
        terms: that it was opened with.
        block: of the event that named it.
    """

    terms: Terms
    block: int


class NamedChannels:
    """One thread at a time changes it, any reads.

    Args:
        is_kept: whether what is known of a channel is written down elsewhere.
        most: that are not.
    """

    def __init__(self, is_kept: Callable[[ChannelId], bool], most: int = MOST_NAMED) -> None:
        self._is_kept = is_kept
        self._most = most
        self._named: OrderedDict[ChannelId, Named] = OrderedDict()
        self.displaced = 0

    def __len__(self) -> int:
        return len(self._named)

    def find(self, channel: ChannelId) -> Named | None:
        """A channel that names this controller; None for any other."""
        return self._named.get(channel)

    def note(self, channel: ChannelId, terms: Terms, block: int) -> None:
        """It does from now on."""
        self._named[channel] = Named(terms, block)
        self._named.move_to_end(channel)
        if len(self._named) > self._most:
            self._displace()

    def drop(self, channel: ChannelId) -> None:
        """It does so no more, or is over, or is written down."""
        self._named.pop(channel, None)

    def drop_lapsed(self, now: int, exit_grace: int) -> None:
        """Those whose lock has expired are over, also where nobody said so on the chain."""
        for channel, named in list(self._named.items()):
            if named.terms.lock_expiry(exit_grace) < now:
                self.drop(channel)

    def strangers(self) -> list[ChannelId]:
        """Those of which nothing is written down, the oldest first."""
        return [channel for channel in list(self._named) if not self._is_kept(channel)]

    def passed(self, block: int) -> int:
        """The block up to which a later life needs no events, when all up to `block` were read."""
        blocks = [self._named[each].block for each in self.strangers() if each in self._named]
        return min([block, *(each - 1 for each in blocks)])

    def _displace(self) -> None:
        for channel in self.strangers()[: len(self._named) - self._most]:
            del self._named[channel]
            self.displaced += 1
