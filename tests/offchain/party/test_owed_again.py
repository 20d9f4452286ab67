"""An effect that is owed, not owed, and owed again is carried out, whatever its thread saw between.

The planted rule is the one that was: what is not owed any more ends like what found nothing out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.offchain.loop.tally import Asked, Event, Fetch, Fetched, Padded, Tally, TallyMachine
from tests.waiting import LIMIT_S, wait_until

from edgemark.loop.machine import Tick
from edgemark.party.loop import PartyLoop
from edgemark.party.settings import PartySettings

KEY = b"\xab" * 32
NO_MORE = Padded(0)  # nothing is wanted any more


@dataclass(frozen=True)
class Wanting(Tally):
    """A tally as a party's state."""

    @property
    def phase(self) -> SimpleNamespace:
        return SimpleNamespace(value="open")

    def owed(self) -> list[Any]:
        return TallyMachine().resume(self)


class Wavering(TallyMachine):
    """What it asked for it may want no more, and ask for again."""

    def initial(self, key: bytes) -> Tally:  # noqa: ARG002
        return Wanting()

    def step(self, state: Tally, event: Event | Tick) -> tuple[Tally, list[Any]]:
        if event == NO_MORE:
            return replace(state, wanted=()), []
        return super().step(state, event)


class Party(PartyLoop[Any]):
    """Fetches numbers; the first thread stops before it looks whether it has to, and after it."""

    def __init__(self, home: Path, finds: bool = True) -> None:
        paces = PartySettings(poll_s=0.01, workers=2)
        station: Any = SimpleNamespace(
            paces=paces, home=home, clock=lambda: 7, keep_on=lambda: None
        )
        super().__init__(station, Wavering(), "party")
        self.fetched: list[Fetch] = []
        self.finds = finds
        self.begun, self.look, self.looked, self.go_on = (threading.Event() for _ in range(4))

    def perform(self, state: Any, effect: Any) -> Sequence[object]:  # noqa: ARG002
        self.fetched.append(effect)
        return [Fetched(effect.number)] if self.finds else []

    def _carry_out(self, key: bytes, effect: Any) -> Sequence[object]:
        self.begun.set()
        assert self.look.wait(LIMIT_S)
        try:
            return self.look_and_perform(key, effect)
        finally:
            self.looked.set()
            assert self.go_on.wait(LIMIT_S)

    def look_and_perform(self, key: bytes, effect: Any) -> Sequence[object]:
        return super()._carry_out(key, effect)


class OldParty(Party):
    """Planted: nothing to do and nothing found are one answer."""

    def look_and_perform(self, key: bytes, effect: Any) -> Sequence[object]:
        state = self.runtime.state(key)
        if state is None or effect not in state.owed():
            return []
        return self.perform(state, effect)


@contextmanager
def running(party: Party) -> Iterator[Party]:
    party.start()
    with party:
        yield party


def waver(party: Party) -> None:
    """It is wanted again after its thread saw that it was not."""
    party.runtime.ask(KEY, Asked(3))
    assert party.begun.wait(LIMIT_S)
    party.runtime.ask(KEY, NO_MORE)
    party.look.set()
    assert party.looked.wait(LIMIT_S)
    party.runtime.ask(KEY, Asked(3))
    party.go_on.set()


def test_what_is_owed_again__is_carried_out(tmp_path: Path) -> None:
    with running(Party(tmp_path)) as party:
        waver(party)
        assert party.runtime.wait_until(lambda states: states[KEY].got == (3,), LIMIT_S)
        assert party.fetched == [Fetch(3)]


def test_by_the_planted_rule__it_is_owed_and_never_begun(tmp_path: Path) -> None:
    with running(OldParty(tmp_path)) as party:
        waver(party)
        wait_until("nothing to be under way", lambda: party.runtime.count_effects() == (0, 0))
        state = party.runtime.state(KEY)
        assert state is not None and state.owed() == [Fetch(3)]
        assert party.fetched == []


def test_what_stays_owed_no_more__is_let_go(tmp_path: Path) -> None:
    with running(Party(tmp_path)) as party:
        party.runtime.ask(KEY, Asked(3))
        assert party.begun.wait(LIMIT_S)
        party.runtime.ask(KEY, NO_MORE)
        party.look.set()
        party.go_on.set()
        wait_until("nothing to be under way", lambda: party.runtime.count_effects() == (0, 0))
        assert party.fetched == []


def test_what_found_nothing_and_is_owed_until_the_chain_shows_it__is_not_begun_anew(
    tmp_path: Path,
) -> None:
    with running(Party(tmp_path, finds=False)) as party:
        party.look.set()
        party.go_on.set()
        party.runtime.ask(KEY, Asked(3))
        assert party.looked.wait(LIMIT_S)
        wait_until("nothing to be under way", lambda: party.runtime.count_effects() == (0, 0))
        for length in range(1, 10):
            party.runtime.ask(KEY, Padded(length))
        assert party.runtime.count_effects() == (0, 0)
        assert party.fetched == [Fetch(3)]
