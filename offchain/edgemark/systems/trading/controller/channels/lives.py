"""Keys of the desks of a controller: a channel that gave its place up, and comes back, has another.

What is over changes no more, so a channel that is taken up again has a desk of its own. The key of
the first is the channel, of each later one the channel and two bytes more: an event about the
channel is about all of them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgemark.errors import Overloaded
from edgemark.systems.trading.identifiers import ChannelId

CHANNEL_BYTES, NUMBER_BYTES = 32, 2
MOST_LIVES = 256**NUMBER_BYTES - 1  # of one channel; more is nobody's need


class Lives:
    """One thread at a time begins one, any asks.

    Args:
        keys: of all desks that there ever were.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._last: dict[ChannelId, int] = {}
        for key in keys:
            channel = channel_of(key)
            number = int.from_bytes(key[CHANNEL_BYTES:], "big")
            self._last[channel] = max(number, self._last.get(channel, 0))

    def knows(self, channel: ChannelId) -> bool:
        """Whether the channel has, or had, a desk."""
        return channel in self._last

    def key(self, channel: ChannelId) -> bytes:
        """Of its newest desk, or the first that it would have."""
        number = self._last.get(channel, 0)
        return channel + number.to_bytes(NUMBER_BYTES, "big") if number else channel

    def begin(self, channel: ChannelId) -> bytes:
        """Of one more desk, which is the newest from now on.

        Raises:
            Overloaded: it had as many as one may have.
        """
        number = self._last[channel] + 1 if channel in self._last else 0
        if number > MOST_LIVES:
            raise Overloaded("came back too often", who=f"channel {channel.hex()}", had=number)
        self._last[channel] = number
        return self.key(channel)


def channel_of(key: bytes) -> ChannelId:
    """Whose desk a key is of."""
    return ChannelId(key[:CHANNEL_BYTES])
