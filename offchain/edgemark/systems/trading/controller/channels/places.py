"""Who has one of a number of places: whoever has most locked, for as long as it has. Pure.

Rule 1: a holder weighs what its channels lock on chain now, deposit and bond less what is paid:
        that is what a place costs it, every day. What is locked more counts at once, as it takes
        nothing from anybody, and so does what is locked less. Were it the least of a while, who
        came to a free place would weigh nothing at first, and give way to any dust that is older.
Rule 2: who has no place weighs the least that its channels had locked, while they named this
        controller, in the last `PROVEN_S` of chain time. Who so weighs more than the lightest
        holder has its place. Of two alike the one that is there stays, so nobody changes places
        with another for nothing.
Rule 3: a channel for which nobody logged in, or brought a voucher, for long weighs a tenth: it
        gives way to the next that works, and not to one that locks next to nothing.
Rule 4: `SMALL` counts at once, so that places held with less make nobody wait. Whatever a seller
        serves locks as much to its end: the bond.

Tokens that come back at once so take no place: those of one together weigh, where it has no place,
never more than it had locked at any moment of the last `PROVEN_S`. And of M places one who locks D
is kept out by nobody that locks, at the same time, less than D in each of all M; see
docs/trading.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from edgemark.amounts import Amount
from edgemark.errors import Overloaded
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.systems.trading.identifiers import ChannelId

IDLE_PART = 10
AGAIN_S = 15.0  # until who found no place is to ask again, as a place may be free
PROVEN_S = 600  # chain time; many blocks of any chain, and less than papers are looked after
SMALL = Tokens(TOKEN_UNIT // 10)  # the least bond that sellers take by their settings
MOST_STEPS = 16  # of one channel's rises; of more the oldest count as one, of its newer time
MOST_RISING = 16_384  # channels with a rise: as many as are named or have a place, and half more
POINT_S = PROVEN_S // 20  # chain time between two blocks that are remembered with their times
_ALL = 2**128  # more than any channel locks

K = TypeVar("K")


class NoPlace(Overloaded):
    """All places have holders that lock as much, or more, or for longer."""


@dataclass(frozen=True)
class Claim:
    """What who has no place brings.

    Attributes:
        locked: by its channels now.
        young: what of that came within `PROVEN_S`: seconds until it counts, and amount.
    """

    locked: int
    young: tuple[tuple[int, int], ...] = ()

    @property
    def weight(self) -> int:
        """By rules 2 and 4."""
        proven = self.locked - sum(amount for _, amount in self.young)
        return max(proven, min(self.locked, SMALL))

    def wait_s(self, least: int) -> int | None:
        """Seconds until it weighs more than that, as it is now; None: it does not lock so much."""
        weight = self.locked - sum(amount for _, amount in self.young)
        for left_s, amount in sorted(self.young):
            weight += amount
            if weight > least:
                return left_s
        return None

    @staticmethod
    def together(claims: Iterable[Claim]) -> Claim:
        """Of several channels."""
        each = list(claims)
        young = tuple(step for claim in each for step in claim.young)
        return Claim(sum(claim.locked for claim in each), young)


class Rises:
    """What channels lock since when, as far as that is younger than `PROVEN_S`.

    What is locked less is of what came last, so what is left is the least of the time since. One
    thread at a time changes it, any reads.

    Args:
        most: channels; with one more nothing counts as proven until its rise would.
    """

    def __init__(self, most: int = MOST_RISING) -> None:
        self._most = most
        self._steps: dict[ChannelId, tuple[tuple[int, int], ...]] = {}  # time, amount
        self._points: deque[tuple[int, int]] = deque()  # block, time
        self._now: int | None = None  # chain time up to which all was told
        self._blind_at: int | None = None  # when something rose that is not here

    def __len__(self) -> int:
        return len(self._steps)

    def begin(self, channel: ChannelId, at: int) -> None:
        """It names this controller from now on: all that it locks is new."""
        self.drop(channel)
        self.rise(channel, at, _ALL)

    def rise(self, channel: ChannelId, at: int, amount: int) -> None:
        """It locks more.

        Args:
            channel: which.
            at: chain time of the block.
            amount: so much.
        """
        steps = self._steps.get(channel, ())
        if not steps and len(self._steps) >= self._most:
            self._blind_at = max(self._blind_at or 0, at)
            return
        if len(steps) >= MOST_STEPS:
            (_, oldest), (time, next_), *newer = steps
            steps = ((time, oldest + next_), *newer)
        self._steps[channel] = (*steps, (at, amount))

    def fall(self, channel: ChannelId, amount: int) -> None:
        """It locks less."""
        left = list(self._steps.get(channel, ()))
        while left and amount > 0:
            at, had = left.pop()
            if had > amount:
                left.append((at, had - amount))
            amount -= had
        if left:
            self._steps[channel] = tuple(left)
        else:
            self.drop(channel)

    def drop(self, channel: ChannelId) -> None:
        """It is over, or names another."""
        self._steps.pop(channel, None)

    def look(self, block: int, now: int) -> None:
        """All up to a block was told.

        Args:
            block: number.
            now: its time.
        """
        for channel, steps in list(self._steps.items()):
            young = tuple(each for each in steps if each[0] + PROVEN_S > now)
            if not young:
                self.drop(channel)
            elif young != steps:
                self._steps[channel] = young
        self._now = now
        if not self._points or now >= self._points[-1][1] + POINT_S:
            self._points.append((block, now))
        while len(self._points) > 1 and self._points[1][1] + PROVEN_S <= now:
            self._points.popleft()

    def passed(self) -> int:
        """The block up to which a later life needs no events: those after it are read again."""
        if self._now is None or not self._points:
            return -1
        block, time = self._points[0]
        return block if time + PROVEN_S <= self._now else -1

    def claim(self, channel: ChannelId, locked: int) -> Claim:
        """What it weighs that locks so much now and has no place."""
        now, blind_at = self._now, self._blind_at
        if now is None:
            return Claim(locked, ((PROVEN_S, locked),))
        if blind_at is not None and now < blind_at + PROVEN_S:
            return Claim(locked, ((_left(blind_at, now), locked),))
        old, young = locked, list[tuple[int, int]]()
        for at, amount in reversed(self._steps.get(channel, ())):
            new = min(old, amount)
            old -= new
            young.append((_left(at, now), new))
        return Claim(locked, tuple(reversed(young)))


def _left(at: int, now: int) -> int:
    return max(1, at + PROVEN_S - now)


def weigh(locked: int, *, is_idle: bool) -> int:
    """What a channel weighs that has a place.

    Args:
        locked: deposit and bond, less what is paid.
        is_idle: nobody used its place for long.
    """
    return locked // IDLE_PART if is_idle else locked


def compute_hold(locked: int, places: int) -> int:
    """What who keeps out a channel that locks so much has locked in all, for as long as it does."""
    return places * (locked + 1)


def pause_after(full: Overloaded) -> float:
    """Seconds for which a channel that was refused is not looked at; a place may get free then."""
    return min(AGAIN_S, full.retry_after_s)


def find_leaving(held: Mapping[K, int], claim: Claim, most: int, *, what: str) -> K | None:
    """Which holder gives way to one more; None where there is room.

    Args:
        held: what each holder weighs.
        claim: of who wants a place and has none.
        most: places.
        what: they are, for the error.

    Raises:
        NoPlace: there is none, and nobody weighs less.
    """
    if len(held) < most:
        return None
    leaving = min(held, key=lambda each: held[each], default=None)
    if leaving is None or claim.weight <= held[leaving]:
        raise _refuse(claim, None if leaving is None else held[leaving], what)
    return leaving


def _refuse(claim: Claim, least: int | None, what: str) -> NoPlace:
    wait_s = None if least is None else claim.wait_s(least)
    remedy = "Lock more, wait for a place, or name another controller."
    if wait_s is not None:
        remedy = (
            f"It counts in {wait_s} s; a place that is free is given at once. "
            "Ask again, or name another controller."
        )
    had = f"{Amount(claim.locked)} locked, of which {Amount(claim.weight)} count by now"
    more = "any place" if least is None else f"more than {Amount(least)} locked for {PROVEN_S} s"
    retry_s = AGAIN_S if wait_s is None else float(wait_s)
    said = {"had": had, "needed": more, "remedy": remedy}
    return NoPlace("are all taken", who=what, retry_after_s=retry_s, **said)
