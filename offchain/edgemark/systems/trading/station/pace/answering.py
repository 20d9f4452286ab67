"""Which channels a party cannot answer for in time, once the pace of its chain is known.

A party begins on a chain that is too young to tell, or whose blocks come more slowly later. So what
it checked at its start, and of each channel before it took it, it looks at again in each round; it
then begins nothing more there, and does whatever it has taken on.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgemark.logs import EventLog
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.station import TradingStation

MAX_SAID = 8  # channels that one line names


class Answering:
    """For one party; one thread looks, any asks.

    Args:
        station: knows the pace.
        log: of the party.
    """

    def __init__(self, station: TradingStation, log: EventLog) -> None:
        self._station, self._log = station, log
        self._late: frozenset[ChannelId] = frozenset()

    @property
    def late(self) -> int:
        """Channels that leave too little time, as of the last look."""
        return len(self._late)

    def look(self, left: Mapping[ChannelId, int]) -> None:
        """Look at all that are open, and say once where the answer changed.

        Args:
            left: of each the seconds that it leaves to answer what is seen.
        """
        may = self._station.may_answer
        late = frozenset(channel for channel, seconds in left.items() if not may(seconds))
        ended = self._late & left.keys() - late
        for text, channels in (
            ("blocks come too slowly to answer in time: nothing more is begun", late - self._late),
            ("blocks come fast enough to answer in time again", ended),
        ):
            if channels:
                said = ", ".join(sorted(each.hex() for each in channels)[:MAX_SAID])
                needed = f"> {self._station.bringing_s()} s"
                self._log.warning(text, channels=said, in_all=len(channels), needed=needed)
        self._late = late
