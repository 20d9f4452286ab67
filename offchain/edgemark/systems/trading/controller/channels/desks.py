"""The desks of a controller: which channels have one, and who gives its place up for another.

Law 1: at most so many channels have a place; who has one, `places` says, by what the chain shows
       at confirmed depth.
Law 2: a channel that gave its place up comes back as any other comes, with papers, to a desk of
       its own (`lives`), above the last index that was issued (`floors`). It lost no money: its
       vouchers are payable, and the last credential's evidence is recorded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from edgemark.errors import Overloaded
from edgemark.identifiers import Address
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.controller.channels.floors import Floors
from edgemark.systems.trading.controller.channels.lives import Lives
from edgemark.systems.trading.controller.channels.places import Rises, find_leaving, weigh
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import ControllerPhase

OPEN = (ControllerPhase.ISSUING, ControllerPhase.CLOSED)


class Matters(Protocol):
    """Whose desks they are: a `Runtime`."""

    def states(self) -> dict[bytes, Any]:
        """Of all that are open, and of those that ended lately."""

    def state_at_hand(self, key: bytes) -> Any:
        """Of one for which nothing has to be read."""

    def all_keys(self) -> list[bytes]:
        """Of all that there ever were."""


class Desks:
    """Of one controller; `take_in` is for the thread of its rounds, the rest for any.

    Args:
        matters: the loop's memory; its journal is replayed before anybody asks.
        tell: lets events happen in one, which are on the disk when it returns.
        floors: of desks that are over.
        most: places.
        idle_s: for which a channel may bring no voucher before it weighs less.
        clock: monotonic seconds.

    Attributes:
        rises: since when channels have locked what they lock, by the chain; its watch tells it.
    """

    def __init__(
        self,
        matters: Callable[[], Matters],
        tell: Callable[[bytes, Sequence[object]], None],
        floors: Floors,
        *,
        most: int,
        idle_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._matters, self._tell, self.floors = matters, tell, floors
        self.rises = Rises()
        self._most, self._idle_s, self._clock = most, idle_s, clock
        self._guard = threading.Lock()
        self._known: Lives | None = None
        self._began = clock()
        self._used: dict[ChannelId, float] = {}  # when a channel was used last
        self._over: set[bytes] = set()
        self.displaced = 0

    @property
    def _lives(self) -> Lives:
        with self._guard:
            if self._known is None:
                self._known = Lives(each for each in self._matters().all_keys() if each)
            return self._known

    def key(self, channel: ChannelId) -> bytes:
        """Of the newest desk of a channel."""
        return self._lives.key(channel)

    def find(self, channel: ChannelId) -> Desk | None:
        """Of a channel that has a place, or ended not long ago."""
        desk: Desk | None = self._matters().state_at_hand(self.key(channel))
        has_one = desk is not None and desk.agreement is not None
        return desk if has_one and desk and desk.phase is not ControllerPhase.DISPLACED else None

    def had(self, channel: ChannelId) -> bool:
        """Whether it had one once, and is not seen here any more."""
        return self._lives.knows(channel) and self.find(channel) is None

    def open(self) -> dict[bytes, Desk]:
        """Those that hold a place."""
        states = self._matters().states().items()
        return {key: desk for key, desk in states if desk.phase in OPEN}

    def terms(self, channel: ChannelId) -> Terms | None:
        """Of a channel that holds a place."""
        desk = self.find(channel)
        return desk.known.terms if desk is not None and desk.phase in OPEN else None

    def pinned(self, channel: ChannelId) -> Mapping[Role, Address]:
        """Keys with which the parties of such a channel sign now; none of another."""
        desk = self.find(channel)
        if desk is None or desk.phase not in OPEN:
            return {}
        return {Role.BUYER: desk.in_force.payer_key, Role.SELLER: desk.in_force.seller_key}

    def note_used(self, channel: ChannelId) -> None:
        """A voucher of it came, or it was taken in."""
        self._used[channel] = self._clock()

    def weight(self, channel: ChannelId) -> int | None:
        """What a channel weighs that has a place, or ended not long ago; None of any other."""
        desk = self.find(channel)
        return None if desk is None else self._weigh(desk)

    def take_in(self, named: at.SawNamed) -> None:
        """Open a desk for a channel that has none, where it finds a place.

        Raises:
            NoPlace: all are held by channels that lock as much; or its floor would cost too little.
            Overloaded: its former desk is not done with.
        """
        channel, matters = named.agreement.channel, self._matters()
        former = matters.state_at_hand(self.key(channel))
        if former is not None and former.agreement is not None and not former.is_finished:
            raise Overloaded(
                "has evidence that is not on the chain yet", who=f"channel {channel.hex()}"
            )
        terms = named.agreement.terms
        self.floors.check_bond(channel, terms.bond)
        held = {key: self._weigh(desk) for key, desk in self.open().items()}
        claim = self.rises.claim(channel, named.deposit + terms.bond - named.paid)
        leaving = find_leaving(self._may_leave(held), claim, self._room(held), what="places")
        if leaving is not None:
            self._tell(leaving, [at.FoundDisplaced()])
            self.displaced += 1
        self.note_used(channel)
        floor = max(self.floors.find(channel), 0 if former is None else former.last)
        self._tell(self._lives.begin(channel), [replace(named, floor=floor)])

    def find_over(self) -> list[ChannelId]:
        """Channels of which nothing is owed since the last call; nobody else has their desk."""
        over = {
            key: desk.known.channel
            for key, desk in self._matters().states().items()
            if desk.agreement is not None and desk.is_finished
        }
        new = [each for key, each in over.items() if key not in self._over]
        self._over = set(over)
        return [each for each in new if self.terms(each) is None]

    def forget(self, channel: ChannelId) -> None:
        """Nothing is used of it any more."""
        self._used.pop(channel, None)

    def _may_leave(self, held: Mapping[bytes, int]) -> Mapping[bytes, int]:
        """Without those that nobody would remember."""
        if not self.floors.is_full:
            return held
        states = self.open()
        return {key: each for key, each in held.items() if key in states and not states[key].last}

    def _room(self, held: Mapping[bytes, int]) -> int:
        """Of those that may leave: as many as leave room for one more of all."""
        return self._most - len(held) + len(self._may_leave(held))

    def _weigh(self, desk: Desk) -> int:
        """One whose channel needs nothing any more but its end weighs nothing."""
        if desk.phase is not ControllerPhase.ISSUING:
            return 0
        since = self._clock() - self._used.get(desk.known.channel, self._began)
        return weigh(desk.locked, is_idle=since > self._idle_s)
