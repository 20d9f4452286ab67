"""In which order sellers are asked, how many at a time, and for how long each. Pure.

| step | what                                   | side by side    | each at most    |
|------|----------------------------------------|-----------------|-----------------|
| look | is it there, vouched for, at what cost | `AT_ONCE`       | `Paces.look_s`  |
| word | its word for the terms                 | `WORDS_AT_ONCE` | `Paces.word_s`  |

Law 1: the window slides: as one answers, or its time is over, the next begins.
Law 2: of those that may be taken the cheapest is asked first, once all have been looked at: what an
       order costs is not known before, so no number of dear ones that answer at once hides one.
       From when the last begins, the others have `Paces.settle_s` to answer; those that wait for
       what they share with one have no more.
Law 3: a word holds a place of its seller's. So the next one is asked at once when none is awaited,
       and else when the newest that is has taken `Paces.word_s / WORDS_AT_ONCE`.
Law 4: those that share anything (an account, an address) are looked at one after the other, and
       hold up nobody else.
Law 5: what comes late, twice or unasked is nothing.

So S sellers that answer nothing, or anything that cannot be taken, hold up one that answers by
S look_s / AT_ONCE + look_s + settle_s + S word_s / WORDS_AT_ONCE at most, wherever they stand.
`compute_paces` has that within the time of the buyer, up to the S of `compute_promised`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum

AT_ONCE = 16  # sellers that are looked at
WORDS_AT_ONCE = 4  # of which it is awaited
SETTLE_S = 5.0  # for a cheaper one to answer: a look takes a few round trips
LEAST_LOOK_S, MOST_LOOK_S = 4.0, 60.0  # a handful of requests, each with its own connection
LEAST_WORD_S, MOST_WORD_S = 2.0, 30.0  # a seller asks the chain before it signs


class Step(Enum):
    """What a seller is asked for."""

    LOOK = "look"
    WORD = "word"


@dataclass(frozen=True)
class Paces:
    """Seconds.

    Attributes:
        look_s, word_s: for one seller at most.
        settle_s: for which the first that may be taken waits for cheaper ones at most.
    """

    look_s: float
    word_s: float
    settle_s: float


def compute_paces(sellers: int, seconds: float, words: int = 1) -> Paces:
    """How long each of so many may take, so that all come within the time, where that is enough.

    Args:
        sellers: that are asked, however they answer.
        seconds: for all of them.
        words: that each is asked for, one after the other: each has its time.
    """
    settle_s, all_s = _settle(seconds), _compute_all_s(sellers, words)
    times = max(1.0, (seconds - settle_s) / all_s)
    word_s = words * min(times * LEAST_WORD_S, MOST_WORD_S)
    return Paces(min(times * LEAST_LOOK_S, MOST_LOOK_S), word_s, settle_s)


def compute_promised(seconds: float, words: int = 1) -> int:
    """S: behind so many sellers that stall, one that answers is asked for its word in time."""
    none_s, one_s = _compute_all_s(0, words), _compute_all_s(1, words)
    left = seconds - _settle(seconds) - none_s
    return max(0, math.floor(left / (one_s - none_s)))


def _settle(seconds: float) -> float:
    return min(SETTLE_S, seconds / 10)


def _compute_all_s(sellers: int, words: int) -> float:
    """The least in which so many, and one more, are asked: each for both."""
    looks, asked = sellers / AT_ONCE + 1, sellers / WORDS_AT_ONCE + 1
    return looks * LEAST_LOOK_S + asked * words * LEAST_WORD_S


@dataclass(frozen=True)
class Asked:
    """A step of one seller, by its place in the order."""

    step: Step
    seller: int


@dataclass
class Window:
    """Sellers, by their place in the order in which they are looked at.

    Args:
        shares: of each, what it may share with others: its account, its address.
        paces: for how long.
    """

    shares: Sequence[frozenset[Hashable]]
    paces: Paces
    _waiting: list[int] = field(init=False)
    _awaited: dict[Asked, float] = field(default_factory=dict)  # since when
    _ready: dict[int, int] = field(default_factory=dict)  # at what cost
    _settles_at: float = math.inf

    def __post_init__(self) -> None:
        self._waiting = list(range(len(self.shares)))

    @property
    def is_over(self) -> bool:
        """Whether nobody is left to be asked, and nothing is awaited."""
        return not self._waiting and not self._ready and not self._awaited

    def begin(self, now: float) -> list[Asked]:
        """What is asked for from now on; to be called again after whatever happened."""
        begun = []
        while True:
            while (seller := self._next_to_look_at()) is not None:
                self._waiting.remove(seller)
                begun.append(self._await(Asked(Step.LOOK, seller), now))
            if self._ready and self._has_begun_all:
                self._settles_at = min(self._settles_at, now + self.paces.settle_s)
            if not self._may_ask(now):
                return begun
            seller = min(self._ready, key=lambda each: (self._ready[each], each))
            del self._ready[seller]
            begun.append(self._await(Asked(Step.WORD, seller), now))

    def hear(self, asked: Asked) -> bool:
        """An answer came; whether it was awaited. One that may be taken is to be kept."""
        return self._awaited.pop(asked, None) is not None

    def keep(self, seller: int, cost: int) -> None:
        """A seller that was looked at may be taken: what is ordered costs so much there."""
        self._ready[seller] = cost

    def take_overdue(self, now: float) -> Asked | None:
        """One whose time is over, which is awaited no more; None: there is none."""
        for asked, since in self._awaited.items():
            if now >= self._ends_at(asked, since):
                del self._awaited[asked]
                return asked
        return None

    def look_no_more(self) -> None:
        """Those that were not looked at are not."""
        self._waiting.clear()

    def drop(self, is_out: Callable[[int], bool]) -> list[int]:
        """Ask those for nothing more that `is_out` says, and are not asked now; which they are."""
        out = [each for each in (*self._ready, *self._waiting) if is_out(each)]
        self._waiting = [each for each in self._waiting if each not in out]
        self._ready = {each: cost for each, cost in self._ready.items() if each not in out}
        return out

    def seconds_of(self, asked: Asked) -> float:
        """How long it is awaited."""
        return self.paces.look_s if asked.step is Step.LOOK else self.paces.word_s

    def wakes_at(self) -> float:
        """When something happens by itself; infinite: never."""
        times = [self._ends_at(each, since) for each, since in self._awaited.items()]
        if self._ready:
            times.append(max(self._asks_at(), self._settles_at if self._is_looking else 0.0))
        return min(times, default=math.inf)

    @property
    def _has_begun_all(self) -> bool:
        """Whether those that are not looked at yet wait for nothing but what they share."""
        looks = sum(each.step is Step.LOOK for each in self._awaited)
        return not self._waiting or looks < AT_ONCE

    @property
    def _is_looking(self) -> bool:
        return any(each.step is Step.LOOK for each in self._awaited)

    def _ends_at(self, asked: Asked, since: float) -> float:
        return since + self.seconds_of(asked)

    def _asks_at(self) -> float:
        """When the next may be asked for its word."""
        words = [since for each, since in self._awaited.items() if each.step is Step.WORD]
        return max(words) + self.paces.word_s / WORDS_AT_ONCE if words else -math.inf

    def _await(self, asked: Asked, now: float) -> Asked:
        self._awaited[asked] = now
        return asked

    def _next_to_look_at(self) -> int | None:
        looked_at = [each.seller for each in self._awaited if each.step is Step.LOOK]
        if len(looked_at) >= AT_ONCE:
            return None
        busy = frozenset[Hashable]().union(*(self.shares[each] for each in looked_at))
        return next((each for each in self._waiting if not busy & self.shares[each]), None)

    def _may_ask(self, now: float) -> bool:
        if not self._ready or now < self._asks_at():
            return False
        return now >= self._settles_at or not self._is_looking
