"""F2: of the peers of a lane, half of the threads go to the one with the earliest deadline.

The planted rules are what was, peers in turn whatever has to be there first, and the earliest
deadline alone, by which eight peers that name one leave nothing to the others.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import Any

import pytest

from edgemark.loop import errands
from edgemark.loop.errands import Desk, Errand, Pace, _Lane

PACE = Pace(workers=8, most_backoff_s=2.0)  # as a party has it
IN_TURN, EARLIEST = -math.inf, math.inf  # so many, it says, were given out in turn
SOON, LATE = 60.0, 3600.0
HOLDS_S = 1.9  # just not slow


@dataclass(frozen=True)
class Owed:
    """One effect.

    Attributes:
        takes_s: of the line that all share, or of its thread alone.
        refused: it is never done, and asked for again at once.
    """

    peer: str
    by: float
    takes_s: float
    shares_line: bool = False
    refused: bool = False


def play(
    owed: list[Owed], behind: list[Owed], planted: float | None = None, until_s: float = 400
) -> dict[Owed, float]:
    """When each was done: what shares the line has it one after the other, by deadline.

    Threads are given to what is `owed` first, then to what is owed `behind` it.
    """
    desk, now, done = Desk[Owed](PACE), 0.0, dict[Owed, float]()
    ends: list[tuple[float, int, Errand, Owed]] = []
    waiting: list[tuple[float, int, Errand, Owed]] = []
    order, line_is_free_at = itertools.count(), 0.0
    for one in owed:
        desk.put(Errand("lane", one.peer, one.by), one)
    if planted is not None:
        desk._lanes["lane"].in_turn = planted  # type: ignore[assignment]
    given = list(desk.take(now))
    for one in behind:
        desk.put(Errand("lane", one.peer, one.by), one)
    while now < until_s:
        for errand, one in (*given, *desk.take(now)):
            if one.shares_line:
                heapq.heappush(waiting, (one.by, next(order), errand, one))
            else:
                heapq.heappush(ends, (now + one.takes_s, next(order), errand, one))
        if waiting and line_is_free_at <= now:
            _, _, errand, one = heapq.heappop(waiting)
            line_is_free_at = now + one.takes_s
            heapq.heappush(ends, (line_is_free_at, next(order), errand, one))
        if not ends:
            return done
        given.clear()
        now, _, errand, one = heapq.heappop(ends)
        desk.end(errand, now, took_s=one.takes_s, failed=one.refused, mute=False)
        if one.refused:
            desk.put(Errand("lane", one.peer, one.by), one)
        else:
            done[one] = now
    return done


def bodies(name: str, count: int, by: float, takes_s: float) -> list[Owed]:
    return [Owed(f"{name} {n}", by, takes_s, shares_line=True) for n in range(count)]


@pytest.mark.parametrize(("count", "takes_s"), [(64, 1.06), (32, 4.25), (32, 8.5)])
def test_bodies_that_are_needed_soon__do_not_wait_behind_those_of_an_hour(
    count: int, takes_s: float
) -> None:
    """All threads are with long bodies of a long job when six short ones are owed."""
    long, short = bodies("long", count, LATE, takes_s), bodies("short", 6, SOON, 0.13)
    mended, planted = play(long, short), play(long, short, IN_TURN)
    assert max(mended[one] for one in short) <= 2 * takes_s + 6 * 0.13 + 0.01
    assert max(mended[one] for one in short) < SOON / 2 < max(planted[one] for one in short)
    assert max(mended.values()) == pytest.approx(max(planted.values()))


def test_peers_that_name_early_deadlines_and_refuse__leave_half_of_a_lane_in_turn() -> None:
    """As many as could hold all threads; each is asked again at once, as if for another job."""
    bad = [
        Owed(f"bad {peer}", 10.0 + number, HOLDS_S, refused=True)
        for peer in range(PACE.workers)
        for number in range(PACE.of_peer)
    ]
    good = [Owed(f"good {n}", LATE, 0.05) for n in range(100)]
    mended, in_turn, earliest = (play(bad, good, by) for by in (None, IN_TURN, EARLIEST))
    assert not earliest
    last = {name: max(done.values()) for name, done in (("now", mended), ("was", in_turn))}
    assert len(mended) == len(in_turn) == len(good)
    assert last["now"] <= 2 * last["was"] + HOLDS_S


def test_whoever_was_mute__is_not_first_for_the_deadlines_that_it_has() -> None:
    desk = Desk[str](PACE)
    for name in ("mute", "good"):
        desk.put(Errand("lane", name, SOON), name)
    for errand, what in list(desk.take(0.0)):
        failed = what == "mute"
        desk.end(errand, 10.0, took_s=10.0 * failed, failed=failed, mute=failed)
    for name, by in (("mute", SOON), ("good", LATE)):
        desk.put(Errand("lane", name, by), name)
    assert [what for _, what in desk.take(100.0)] == ["good", "mute"]


def test_what_is_given_back__leaves_its_place_to_another() -> None:
    desk = Desk[int](PACE)
    for number in range(PACE.of_lane):
        desk.put(Errand("lane", str(number)), number)
    given = list(desk.take(0.0))
    assert [errand.in_turn for errand, _ in given] == [False, True] * PACE.workers
    for errand, _ in given:
        desk.give_back(errand)
    assert desk._lanes["lane"].in_turn == 0


# --- beside peers that are slow -------------------------------------------------------------------

MUTE_S, BACK_S, LATER_S = 10.2, 2.0, 30.0


class OldLane(_Lane[Any]):
    """Planted: threads of slow peers count as given in turn."""

    def next(self, now: float) -> tuple[str | None, Any, bool] | None:
        count = sum(peer.under_way for peer in self.peers.values())
        slow = [peer for peer in self.peers.values() if peer.faults]
        is_half = sum(peer.under_way for peer in slow) >= PACE.workers
        may_go = [
            (name, peer)
            for name, peer in self.peers.items()
            if self._may_go(name, peer, now) and not (peer.faults and is_half)
        ]
        if count >= PACE.of_lane or not may_go:
            return None
        in_turn = self.in_turn < count - self.in_turn
        name, peer = may_go[0] if in_turn else min(may_go, key=lambda one: one[1].earliest)
        self.peers.move_to_end(name)
        peer.under_way += 1
        self.in_turn += in_turn
        return name, heapq.heappop(peer.waiting)[2], in_turn


def serve_late(refusers: int, mutes: int, good: int) -> float:
    """Seconds until the last of the good ones, who come later, is served beside these."""
    desk, order, now = Desk[Owed](PACE), itertools.count(), 0.0
    ends: list[tuple[float, int, Errand, Owed]] = []
    again: list[tuple[float, int, Owed]] = [(LATER_S, next(order), o) for o in _good(good)]
    bad = [(f"early {n}", 10.0 + k, HOLDS_S) for n in range(refusers) for k in (0, 1)]
    bad += [(f"mute {n}", LATE, MUTE_S) for n in range(mutes)]
    for one in (Owed(*each, refused=True) for each in bad):
        desk.put(Errand("lane", one.peer, one.by), one)
    left = good
    while left:
        for errand, one in desk.take(now):
            heapq.heappush(ends, (now + one.takes_s, next(order), errand, one))
        now = min([*(end[0] for end in ends[:1]), *(due[0] for due in again[:1])])
        while again and again[0][0] <= now:
            one = heapq.heappop(again)[2]
            desk.put(Errand("lane", one.peer, one.by), one)
        while ends and ends[0][0] <= now:
            _, _, errand, one = heapq.heappop(ends)
            is_mute = one.takes_s == MUTE_S
            desk.end(errand, now, took_s=one.takes_s, failed=one.refused, mute=is_mute)
            if one.refused:
                heapq.heappush(again, (now + BACK_S, next(order), one))
            left -= not one.refused
    return now - LATER_S


def _good(count: int) -> list[Owed]:
    return [Owed(f"good {n}", LATE, 0.1) for n in range(count)]


def test_refusers_beside_mute_peers__leave_a_quarter_of_a_lane_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fifteen bad nodes in each of two jobs of a device."""
    mended = serve_late(15, 15, 60)
    monkeypatch.setattr(errands, "_Lane", OldLane)
    assert 3 * mended < serve_late(15, 15, 60)
