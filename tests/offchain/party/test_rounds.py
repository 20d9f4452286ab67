"""One round: news first, then what is due, all of it told or all of it read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import LedgerUnavailable
from edgemark.party.agenda import Agenda
from edgemark.party.rounds import Rounds

ONE, TWO, OVER = (bytes(31) + bytes([number]) for number in (1, 2, 3))


@dataclass(frozen=True)
class Matter:
    """As much of a state as a round looks at."""

    name: str
    phase: str = "open"
    is_finished: bool = False


class Party:
    """Two open matters and one that is over; notes what happens in which order.

    Attributes:
        news: of the next round.
        fails: raised where views are read, once.
        deaf: raised where news are heard, once.
        said: everything that happened.
    """

    def __init__(self) -> None:
        self.news: list[Any] = []
        self.fails: Exception | None = None
        self.deaf: Exception | None = None
        self.said: list[tuple[object, ...]] = []
        states = {ONE: Matter("one"), TWO: Matter("two"), OVER: Matter("over", is_finished=True)}
        self.runtime = SimpleNamespace(states=lambda: states)
        self.agenda = Agenda(self, lambda event: getattr(event, "about", None))
        self.cursor = 0
        self.rounds: Rounds[Matter, str] = Rounds(
            self, views_of=self.read, observe=self.observe, hear=self.hear
        )

    def poll(self) -> list[Any]:
        given, self.news = self.news, []
        self.cursor += 1
        return given

    def hear(self, events: Sequence[Any]) -> None:
        self.said.append(("heard", len(events)))
        fault, self.deaf = self.deaf, None
        if fault is not None:
            raise fault

    def read(self, states: Sequence[Matter], block: int) -> list[str]:
        self.said.append(("read", *(state.name for state in states), block))
        fault, self.fails = self.fails, None
        if fault is not None:
            raise fault
        return [f"view of {state.name}" for state in states]

    def observe(self, state: Matter, view: str) -> list[object]:
        return [f"{state.name} by {view}"]

    def tell(self, key: bytes, events: Sequence[object]) -> None:
        self.said.append((key, *events))

    def look(self) -> list[tuple[object, ...]]:
        """What one round did."""
        self.said.clear()
        self.rounds.look()
        return list(self.said)


def test_a_round__hears_the_news_reads_what_is_due_at_their_block_and_tells_each_its_own() -> None:
    party = Party()
    party.news = ["one"]
    assert party.look() == [
        ("heard", 1),
        ("read", "one", "two", 1),
        (ONE, "one by view of one"),
        (TWO, "two by view of two"),
    ]


def test_a_round_in_which_nothing_is_due__hears_the_news_and_reads_nothing() -> None:
    party = Party()
    party.look()
    assert party.look() == [("heard", 0)]


def test_a_round_that_fails__reads_the_same_again() -> None:
    party = Party()
    party.look()
    party.news, party.fails = [SimpleNamespace(about=TWO)], LedgerUnavailable("connection lost")
    with pytest.raises(LedgerUnavailable):
        party.look()
    assert party.said == [("heard", 1), ("read", "two", 2)]
    assert party.look() == [("heard", 0), ("read", "two", 3), (TWO, "two by view of two")]


def test_look_at__reads_what_is_not_due_too_at_the_block_that_is_named() -> None:
    party = Party()
    party.look()
    party.said.clear()
    party.rounds.look_at({TWO: Matter("two")}, 9)
    assert party.said == [("read", "two", 9), (TWO, "two by view of two")]


def test_views_that_are_too_few__end_the_round() -> None:
    party = Party()
    rounds: Rounds[Matter, str] = Rounds(
        party, views_of=lambda *_: ["one view"], observe=party.observe, hear=party.hear
    )
    with pytest.raises(ValueError, match="zip"):
        rounds.look()


def test_read_until__is_there_before_anything_is_told_and_never_goes_back() -> None:
    party, seen = Party(), list[int]()
    party.tell = lambda *_: seen.append(party.rounds.read_until)  # type: ignore[method-assign]
    matter = {ONE: Matter("one")}
    for block in (110, 105):
        party.rounds.look_at(matter, block)
    assert seen == [110, 110]


def test_news_that_were_not_heard__come_again_before_any_others() -> None:
    party = Party()
    party.news = [SimpleNamespace(about=ONE), SimpleNamespace(about=TWO)]
    party.deaf = LedgerUnavailable("one of them cannot be read now")
    with pytest.raises(LedgerUnavailable):
        party.look()
    party.news = [SimpleNamespace(about=ONE)]
    assert ("heard", 2) in party.look()
    assert ("heard", 1) in party.look()
    assert ("heard", 0) in party.look()
