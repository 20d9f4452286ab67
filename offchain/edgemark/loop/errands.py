"""Whose turn it is, of all that a process has to ask its peers and its chain. Pure.

Law 1: each lane has threads of its own, so that nothing waits behind what is of another kind.
Law 2: no peer has more than `of_peer` threads of a lane, one when it was slow or mute lately; and
       all that were have half of them together. So bad peers, however many effects are owed to
       them, leave threads for the others, who take turns.
Law 3: a peer that just failed is asked again after a pause, with whatever is owed to it: longer
       and longer, up to a bound. Each answer in time halves what is held against it.
Law 4: of what is owed to one peer in a lane, what has to be done earliest goes first. Of all peers
       that are not slow or mute, half of the threads go to the one whose earliest is first; the
       others are given in turn. So whoever names early deadlines keeps nobody from half of a lane.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MAX_DOUBLINGS = 30  # keeps the powers below from growing without end; pauses have caps of their own
MOST_REMEMBERED = 1024  # peers of a lane that failed lately and to whom nothing is owed

T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """How often and how much at a time.

    Args:
        poll_s: seconds between ticks, > 0.
        workers: effects at a time that talk to nobody, and half the threads of each lane, >= 1.
        computers: effects at a time that compute for long, >= 1.
        max_open: open matters at most.
        archive_after: finished matters at least before they leave memory.
        backoff_s: seconds before the first repetition of a failed effect; doubles each time.
        most_backoff_s: seconds between repetitions at most. Whoever takes longer than that to
            answer is slow.
        of_peer: effects at a time that talk to one peer, of each lane.
        most_pause_s: seconds between two attempts at a peer at most, when it is slow to fail: it
            stays well below every window in which an honest one must be served.
    """

    poll_s: float = 1.0
    workers: int = 8
    computers: int = 1
    max_open: int = 10_000
    archive_after: int = 32
    backoff_s: float = 0.2
    most_backoff_s: float = 10.0
    of_peer: int = 2
    most_pause_s: float = 8.0

    @property
    def of_lane(self) -> int:
        """Threads of a lane: more than any tolerated number of bad peers can hold."""
        return 2 * self.workers

    def doubled(self, failures: int) -> float:
        """Seconds to wait after so many failures, 0 for the first one, without a bound."""
        return self.backoff_s * 2.0 ** min(failures, MAX_DOUBLINGS)


@dataclass(frozen=True)
class Errand:
    """What an effect needs that others want too.

    Attributes:
        lane: effects of one kind; each lane has threads of its own.
        peer: who is asked; None when no single one is waited for.
        by: when it has to be done, on one clock; without, it goes after all that have to be.
        in_turn: given out as its peer's turn had come, whatever its deadline.
    """

    lane: str
    peer: str | None = None
    by: float = math.inf
    in_turn: bool = False


@dataclass
class _Peer(Generic[T]):
    """What is owed to one peer in one lane, and what is held against it."""

    waiting: list[tuple[float, int, T]] = field(default_factory=list)  # a heap
    under_way: int = 0
    faults: int = 0
    not_before: float = -math.inf

    @property
    def is_idle(self) -> bool:
        return not self.waiting and not self.under_way

    @property
    def earliest(self) -> float:
        """Its first deadline; who is slow or mute has none before anybody else's."""
        return math.inf if self.faults else self.waiting[0][0]


class _Lane(Generic[T]):
    """Peers in the order of their turns."""

    def __init__(self, pace: Pace) -> None:
        self.peers: OrderedDict[str | None, _Peer[T]] = OrderedDict()
        self.in_turn = 0  # under way, given out so, and not for who is slow or mute
        self._pace = pace

    def next(self, now: float) -> tuple[str | None, T, bool] | None:
        """Whose turn it is, what for, and whether for its turn alone; None when nobody's."""
        held = [(peer.under_way, peer.faults) for peer in self.peers.values()]
        count = sum(under_way for under_way, _ in held)
        if count >= self._pace.of_lane:
            return None
        slow = sum(under_way for under_way, faults in held if faults)
        is_half = slow >= self._pace.workers
        may_go = [
            (name, peer)
            for name, peer in self.peers.items()
            if self._may_go(name, peer, now) and not (peer.faults and is_half)
        ]
        if not may_go:
            return None
        is_turn = self.in_turn < count - slow - self.in_turn
        name, peer = may_go[0] if is_turn else min(may_go, key=lambda one: one[1].earliest)
        in_turn = is_turn and not peer.faults  # those that are slow or mute have their own half
        self.peers.move_to_end(name)
        peer.under_way += 1
        self.in_turn += in_turn
        return name, heapq.heappop(peer.waiting)[2], in_turn

    def _may_go(self, name: str | None, peer: _Peer[T], now: float) -> bool:
        if not peer.waiting or now < peer.not_before:
            return False
        return name is None or peer.under_way < (1 if peer.faults else self._pace.of_peer)

    def take_back(self, errand: Errand) -> _Peer[T]:
        """What was given out is not under way any more; whom it was for."""
        peer = self.peers[errand.peer]
        peer.under_way -= 1
        self.in_turn -= errand.in_turn
        return peer

    def forget(self) -> None:
        """Forget whom nothing is owed to, unless it failed lately."""
        idle = [name for name, peer in self.peers.items() if peer.is_idle]
        spare = len(idle) - MOST_REMEMBERED
        for place, name in enumerate(idle):
            if place < spare or not self.peers[name].faults:
                del self.peers[name]


class Desk(Generic[T]):
    """Gives out what is owed; belongs to one thread.

    Args:
        pace: sizes and pauses.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lanes: dict[str, _Lane[T]] = {}
        self._order = itertools.count()

    def put(self, errand: Errand, what: T) -> None:
        """Something is owed."""
        lane = self._lanes.setdefault(errand.lane, _Lane(self._pace))
        waiting = lane.peers.setdefault(errand.peer, _Peer()).waiting
        heapq.heappush(waiting, (errand.by, next(self._order), what))

    def take(self, now: float) -> Iterator[tuple[Errand, T]]:
        """What can begin now; each is under way until its `end`."""
        for name, lane in self._lanes.items():
            while (found := lane.next(now)) is not None:
                peer, what, in_turn = found
                yield Errand(name, peer, in_turn=in_turn), what

    def give_back(self, errand: Errand) -> None:
        """What was given out is not needed any more: it was not begun."""
        self._lanes[errand.lane].take_back(errand)

    def end(self, errand: Errand, now: float, *, took_s: float, failed: bool, mute: bool) -> None:
        """What was under way has ended.

        Args:
            errand: as it was given out.
            now: seconds, on the clock of `take`.
            took_s: how long a thread was held.
            failed: it has to be repeated, or was refused.
            mute: because the peer could not be reached, or not in time.
        """
        lane = self._lanes[errand.lane]
        peer = lane.take_back(errand)
        if errand.peer is not None:
            self._judge(peer, now, took_s > self._pace.most_backoff_s, failed=failed, mute=mute)
        lane.forget()

    def _judge(
        self, peer: _Peer[T], now: float, is_slow: bool, *, failed: bool, mute: bool
    ) -> None:
        if mute or (failed and is_slow):
            most = self._pace.most_pause_s if is_slow else self._pace.most_backoff_s
            peer.not_before = now + min(most, self._pace.doubled(peer.faults))
            peer.faults += 1
        elif is_slow:  # served, and at the cost of those that are slow only
            peer.faults = max(1, peer.faults)
        else:
            peer.faults //= 2
            peer.not_before = -math.inf

    def seconds_to_next(self, now: float) -> float:
        """Seconds until a pause of somebody who is owed something is over; infinite if none."""
        pauses = [
            peer.not_before - now
            for lane in self._lanes.values()
            for peer in lane.peers.values()
            if peer.waiting and peer.not_before > now
        ]
        return min(pauses, default=math.inf)
