"""How long sellers that stall hold up one that answers: computed, at every place and kind."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from edgemark.systems.trading.buyer.market.picking.window import (
    AT_ONCE,
    WORDS_AT_ONCE,
    Asked,
    Paces,
    Step,
    Window,
    compute_paces,
    compute_promised,
)
from edgemark.systems.trading.contract.market.records import MAX_PLACES
from edgemark.systems.trading.settings import BuyerSettings

NEVER, ALMOST = math.inf, 0.999  # of its time: an answer that is taken just so
GOOD = 10**9  # what is ordered costs nowhere more


@dataclass(frozen=True)
class Nature:
    """How a seller behaves: parts of its time that a look and a word take."""

    look: float = NEVER
    word: float = NEVER


SILENT, STALLS_AT_ITS_WORD, QUICK_AND_STALLS = Nature(), Nature(ALMOST), Nature(0.001)
REFUSES = Nature(0.001, 0.001)
HONEST = Nature(ALMOST, ALMOST)


@dataclass
class Play:
    """Sellers of these natures, one of which is honest, asked by a window on a clock of its own."""

    natures: Sequence[Nature]
    honest: int
    seconds: float
    shares: Sequence[frozenset[Hashable]] | None = None
    now: float = 0.0
    begun: list[tuple[float, Asked]] = field(default_factory=list)

    def run(self) -> float:
        """When the honest one is asked for its word; infinite: it is not."""
        sellers = len(self.natures)
        shares = self.shares or [frozenset({each}) for each in range(sellers)]
        window = Window(shares, compute_paces(sellers, self.seconds))
        coming: list[tuple[float, Asked]] = []
        while not window.is_over:
            while window.take_overdue(self.now) is not None:
                pass
            for asked in window.begin(self.now):
                self.begun.append((self.now, asked))
                if asked == Asked(Step.WORD, self.honest):
                    return self.now
                nature = self.natures[asked.seller]
                part = nature.look if asked.step is Step.LOOK else nature.word
                coming.append((self.now + part * window.seconds_of(asked), asked))
            self.now = max(self.now, min(window.wakes_at(), *(at for at, _ in coming), NEVER))
            for at, asked in [each for each in coming if each[0] <= self.now]:
                coming.remove((at, asked))
                if window.hear(asked) and asked.step is Step.LOOK:
                    window.keep(asked.seller, GOOD * (asked.seller == self.honest))
            coming = [each for each in coming if each[0] < NEVER]
        return NEVER


@pytest.mark.parametrize("seconds", [10, 60, BuyerSettings().choose_s])
@pytest.mark.parametrize(
    "kinds",
    [
        (SILENT,),
        (STALLS_AT_ITS_WORD,),
        (QUICK_AND_STALLS,),
        (REFUSES, QUICK_AND_STALLS),
        (SILENT, STALLS_AT_ITS_WORD, QUICK_AND_STALLS, REFUSES),
    ],
)
def test_an_honest_seller__is_asked_in_time_behind_as_many_that_stall_as_are_promised(
    seconds: float, kinds: Sequence[Nature]
) -> None:
    stalling = min(MAX_PLACES - 1, compute_promised(seconds))
    lots = Random(stalling)
    for honest in {0, stalling, lots.randrange(stalling + 1)}:
        natures = [lots.choice(kinds) for _ in range(stalling)]
        natures.insert(honest, HONEST)
        play = Play(natures, honest, seconds)
        paces = compute_paces(stalling + 1, seconds)
        assert play.run() + paces.word_s <= seconds, "and has the whole time for its word"


def test_what_is_promised__is_a_whole_category_by_default_and_less_in_less_time() -> None:
    assert compute_promised(BuyerSettings().choose_s) >= MAX_PLACES - 1
    promised = [compute_promised(seconds) for seconds in (1, 10, 30, 60, 120, 203)]
    assert promised == [0, 4, 28, 65, 145, 256]
    assert [compute_promised(600, words) for words in (1, 2, 4, 32)] == [785, 469, 259, 32]
    assert compute_paces(1, 600, 4).word_s == 4 * compute_paces(1, 600).word_s


def test_sellers_of_one_account_or_address__are_looked_at_one_after_the_other() -> None:
    many = 3 * AT_ONCE
    of_one = [frozenset({"account" if each % 2 else "host", each}) for each in range(many)]
    shares = [*of_one, frozenset({"honest"})]
    play = Play([*[SILENT] * many, HONEST], many, 600, shares)
    paces = compute_paces(many + 1, 600)
    assert play.run() <= paces.look_s + paces.settle_s
    firsts = [asked.seller for at, asked in play.begun if at == 0]
    assert firsts == [0, 1, many]


def test_the_cheapest_of_those_that_are_there__is_asked_first() -> None:
    window = Window([frozenset({each}) for each in range(40)], Paces(10, 8, 5))
    begun = window.begin(0.0)
    assert begun == [Asked(Step.LOOK, each) for each in range(AT_ONCE)]
    cost = 100
    while begun := [each for each in begun if each.seller]:  # the first stalls
        assert {each.step for each in begun} == {Step.LOOK}
        for asked in begun:
            assert window.hear(asked)
            window.keep(asked.seller, cost)
            cost -= 1
        begun = window.begin(1.0)
    assert cost == 100 - 39, "all were looked at"
    assert window.begin(1.0) == [], "the first stalls: a cheaper one may be there"
    assert window.wakes_at() == 1.0 + 5
    assert window.begin(6.0) == [Asked(Step.WORD, 39)]


def test_dear_ones_that_answer_at_once__hide_no_cheap_one_behind_them() -> None:
    many = 4 * AT_ONCE
    window, now = Window([frozenset({each}) for each in range(many + 1)], Paces(10, 8, 5)), 0.0
    while (begun := window.begin(now))[0].step is Step.LOOK:
        now += 0.1
        for asked in begun:
            assert window.hear(asked)
            window.keep(asked.seller, 10**9 if asked.seller < many else 1)
    assert begun == [Asked(Step.WORD, many)]


def test_those_that_wait_for_what_they_share__have_others_wait_no_longer_than_settling() -> None:
    paces = Paces(10, 8, 5)
    window = Window([frozenset({"one address"})] * 50 + [frozenset({"another"})], paces)
    begun = window.begin(0.0)
    assert begun == [Asked(Step.LOOK, 0), Asked(Step.LOOK, 50)]
    assert window.hear(begun[1])
    window.keep(50, 7)
    assert window.begin(0.0) == []
    for number in range(1, 5):  # each answers at once, and cannot be taken
        assert window.hear(Asked(Step.LOOK, number - 1))
        assert window.begin(float(number)) == [Asked(Step.LOOK, number)]
    assert window.begin(5.0) == [Asked(Step.WORD, 50)]


def test_a_word__is_asked_of_a_next_one_only_when_one_stalls_or_refused() -> None:
    window = Window([frozenset({each}) for each in range(8)], Paces(10, 8, 5))
    for asked in window.begin(0.0):
        assert window.hear(asked)
        window.keep(asked.seller, asked.seller)
    assert window.begin(0.0) == [Asked(Step.WORD, 0)]
    assert window.begin(1.9) == []
    assert window.begin(2.0) == [Asked(Step.WORD, 1)], "the first stalls"
    assert window.hear(Asked(Step.WORD, 1))
    assert window.begin(2.1) == [Asked(Step.WORD, 2)], "the second refused"
    assert window.hear(Asked(Step.WORD, 2))
    assert window.hear(Asked(Step.WORD, 0))
    assert window.begin(2.2) == [Asked(Step.WORD, 3)], "none is awaited"


@pytest.mark.parametrize("seed", range(20))
def test_answers_late_twice_or_unasked__change_nothing_and_it_ends(seed: int) -> None:
    lots = Random(seed)
    many = lots.randrange(1, 80)
    groups = [frozenset({lots.randrange(many), (lots.randrange(many),)}) for _ in range(many)]
    paces = compute_paces(many, lots.choice((10, 60, 600)))
    window, now, awaited = Window(groups, paces), 0.0, dict[Asked, float]()
    steps: list[Asked] = []
    while not window.is_over:
        while (late := window.take_overdue(now)) is not None:
            assert now >= awaited.pop(late) + window.seconds_of(late)
            assert not window.hear(late), "its time was over"
        for asked in window.begin(now):
            assert asked not in steps
            steps.append(asked)
            awaited[asked] = now
        looks = [each.seller for each in awaited if each.step is Step.LOOK]
        assert len(looks) <= AT_ONCE
        assert sum(map(len, map(groups.__getitem__, looks))) == len(
            frozenset[Hashable]().union(*map(groups.__getitem__, looks))
        ), "none of them share"
        assert len(awaited) - len(looks) <= WORDS_AT_ONCE
        odd = Asked(lots.choice(list(Step)), lots.randrange(-2, many + 2))
        assert window.hear(odd) == (awaited.pop(odd, None) is not None)
        if lots.random() < 0.5 and awaited:
            asked = lots.choice(list(awaited))
            del awaited[asked]
            assert window.hear(asked)
            assert not window.hear(asked), "twice"
            if asked.step is Step.LOOK and lots.random() < 0.7:
                window.keep(asked.seller, lots.randrange(5))
        if lots.random() < 0.1:
            gone = lots.randrange(many)
            assert set(window.drop(lambda each, gone=gone: each == gone)) <= {gone}  # type: ignore[misc]
        if window.wakes_at() < NEVER:
            now = max(now, lots.choice((now, window.wakes_at())))
    assert window.begin(now) == []
    assert not window.hear(Asked(Step.LOOK, 0)), "after the end"
