"""One round over what a party watches: the news, the matters worth a look, what their views tell.

Law 1: news are taken first, and views are read behind them (`Agenda.block`).
Law 2: a round that fails on the way is done again: only what was told has been read.
Law 3: news count as heard when `hear` has returned; until then no others are asked for, and it is
        told the same again.

`views_of` asks the world once for all matters of a round; `observe` is a party's own, pure at
heart, and says what a view holds that the party has not heard yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from edgemark.party.agenda import Agenda

P = TypeVar("P")
V = TypeVar("V")


class Watching(Protocol):
    """Whose rounds these are: a `PartyLoop`."""

    @property
    def runtime(self) -> Any:
        """Has the present `states()` by key."""

    @property
    def agenda(self) -> Agenda:
        """What is worth a look."""

    def tell(self, key: bytes, events: Sequence[object]) -> None:
        """Takes what was observed of a matter."""


class Rounds(Generic[P, V]):
    """One party's; one thread at a time for `look`, any for `look_at`.

    Args:
        party: whose matters they are.
        views_of: what is to be seen of matters in these states at a block, in their order.
        observe: the events that a view tells to a state.
        hear: takes the news of each round, before any matter of it is read.

    Attributes:
        read_until: the highest block at which any matter was read.
    """

    def __init__(
        self,
        party: Watching,
        *,
        views_of: Callable[[Sequence[P], int], Iterable[V]],
        observe: Callable[[P, V], Sequence[object]],
        hear: Callable[[Sequence[Any]], None],
    ) -> None:
        self._party = party
        self._views_of = views_of
        self._observe = observe
        self._hear = hear
        self._guard = threading.Lock()
        self._news: Sequence[Any] = ()  # that came, and were not heard
        self.read_until = 0

    def look(self) -> None:
        """One round.

        Raises:
            whatever kept a view from being read; the next round reads the same again.
        """
        party, agenda = self._party, self._party.agenda
        self._news = self._news or agenda.poll()
        self._hear(self._news)
        self._news = ()
        states: Mapping[bytes, P] = party.runtime.states()
        due = agenda.due(states)
        if due:
            self.look_at({key: states[key] for key in due}, agenda.block)
        agenda.note(due, states)

    def look_at(self, states: Mapping[bytes, P], block: int) -> None:
        """Read matters at a block, whether they are due or not, and tell the party what is new."""
        with self._guard:
            self.read_until = max(self.read_until, block)
        views = self._views_of(list(states.values()), block)
        for (key, state), view in zip(states.items(), views, strict=True):
            self._party.tell(key, self._observe(state, view))
