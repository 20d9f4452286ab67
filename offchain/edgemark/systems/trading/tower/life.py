"""Life of one channel at its tower: phases, times and the table. Pure.

A tower is dismissed by nobody but time: what it gave a receipt for it brings until it may not.
"""

from __future__ import annotations

from enum import Enum

from edgemark.loop.moves import Moves, Table, stays
from edgemark.systems.trading.tower import events as on


class TowerPhase(Enum):
    """Life of a channel at a tower."""

    UNKNOWN = "unknown"
    COVERING = "covering"  # the retainer came; what it answers with is not on chain yet
    WATCHING = "watching"
    WINDOW = "window"  # somebody closed it
    ENDED = "ended"  # what is set aside stays as long as it may have to pay
    RELEASED = "released"


class WatchTime(Enum):
    """Chain times that a tower waits for; each is over one second later."""

    MARGIN = "margin"  # before `close_by`: what is not on chain is brought
    CLOSE_BY = "close by"  # nobody closes any more
    WINDOW = "window"
    LOCK = "lock"  # the escrow pays no more
    CLAIMS = "claims"  # no receipt counts any more


_TIMES = stays(WatchTime.MARGIN, WatchTime.CLOSE_BY, WatchTime.LOCK)
_OPEN = {
    on.SawWindow: TowerPhase.WINDOW,
    on.SawOver: TowerPhase.ENDED,
    WatchTime.CLAIMS: TowerPhase.ENDED,
    **stays(on.HeardState, on.SawFunds, on.SawSigners),
    **_TIMES,
}
TABLE: Table = {
    TowerPhase.UNKNOWN: {on.HeardPromise: TowerPhase.COVERING},
    TowerPhase.COVERING: {on.SawCovered: TowerPhase.WATCHING, **_OPEN},
    TowerPhase.WATCHING: _OPEN,
    TowerPhase.WINDOW: {
        on.SawOver: TowerPhase.ENDED,
        WatchTime.CLAIMS: TowerPhase.ENDED,
        **stays(on.SawCovered, on.SawResponse, WatchTime.WINDOW, WatchTime.LOCK),
    },
    TowerPhase.ENDED: {
        on.SawUncovered: TowerPhase.RELEASED,
        **stays(on.SawCovered, WatchTime.CLAIMS),
    },
}
TOWER_LIFE = Moves(TABLE)
