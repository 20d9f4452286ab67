"""Channels that cannot be read, set apart by name: they hold up no other.

A channel is set apart when what the chain tells of it, or what is kept of it here, makes no sense;
it is let in again when it is read without a fault. Bounded; for any thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from edgemark.errors import EdgemarkError
from edgemark.logs import get_logger
from edgemark.systems.trading.identifiers import ChannelId

MOST_APART = 256  # that are remembered by name


class SetApart:
    """Of one party.

    Attributes:
        count: how often one was, since the start.
    """

    def __init__(self) -> None:
        self.count = 0
        self._guard = threading.Lock()
        self._why: OrderedDict[ChannelId, str] = OrderedDict()
        self._log = get_logger("trading.channels")

    def __len__(self) -> int:
        return len(self._why)

    def note(self, channel: ChannelId, error: EdgemarkError) -> None:
        """It is set apart, and why; said once for each reason."""
        with self._guard:
            is_news = self._why.get(channel) != error.what
            self._why[channel] = error.what
            self._why.move_to_end(channel)
            self.count += is_news
            while len(self._why) > MOST_APART:
                self._why.popitem(last=False)
        if is_news:
            self._log.error("channel is set apart", channel=channel, error=error)

    def drop(self, channel: ChannelId) -> None:
        """It can be read."""
        with self._guard:
            self._why.pop(channel, None)

    def names(self) -> dict[str, str]:
        """Which, and why."""
        with self._guard:
            return {channel.hex(): why for channel, why in self._why.items()}
