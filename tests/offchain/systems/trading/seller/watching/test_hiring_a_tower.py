"""T24: when a seller asks a tower by itself, and what it believes of one that does not take it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from tests.offchain.systems.trading.channel_cast import LIMITS
from tests.offchain.systems.trading.parties_cast import CHANNEL, TERMS
from tests.offchain.systems.trading.tower.tower_cast import CLAIM_S, TOWER

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Timestamp
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract.towers.records import Watching as Rules
from edgemark.systems.trading.seller.watching.events import (
    AskedFirstWatch,
    FoundUnwatched,
    Unwatched,
)
from edgemark.systems.trading.seller.watching.guard import Guard
from edgemark.systems.trading.seller.watching.retaining import unsuitable
from edgemark.systems.trading.seller.watching.watching import Watching, ask_for

DECIDED = SimpleNamespace(limits=LIMITS, watching=Rules(CLAIM_S))
ESCROW = SimpleNamespace(id_of=lambda _: CHANNEL)
STATION = cast(Any, SimpleNamespace(escrow=ESCROW, decided=DECIDED))
WANTED = ask_for(STATION, TERMS, TOWER.address)


def test_time_for_a_tower__is_a_retainer_and_a_cover_seen() -> None:
    watching = SimpleNamespace(station=SimpleNamespace(clock=lambda: 1000, bringing_s=lambda: 40))
    ends = [Timestamp(1080), Timestamp(1081)]
    assert [Watching.has_time(cast(Any, watching), each) for each in ends] == [False, True]

    def clock() -> int:
        raise LedgerUnavailable("answers nothing")

    watching.station.clock = clock
    assert not Watching.has_time(cast(Any, watching), ends[1]), "nobody can tell"


def test_tower_of_the_settings__is_asked_for_as_the_first_and_gives_way_to_one_by_hand() -> None:
    asked: list[object] = []

    def ask(channel: bytes, event: object) -> None:
        asked.append((channel, event))
        raise IllegalMove("was asked by hand", who="guard")

    watching = SimpleNamespace(station=STATION, runtime=SimpleNamespace(ask=ask))
    Watching.watch_first(cast(Any, watching), TERMS, TOWER.address)
    assert asked == [(CHANNEL, AskedFirstWatch(WANTED))]


def test_refusal_by_a_tower_that_was_asked_before__says_nothing_of_the_present_one() -> None:
    told: list[object] = []
    state = Guard(asked=WANTED, number=1, why=Unwatched.AWAITED)
    error = unsuitable(Unwatched.PLACES_TAKEN, "has no place left", 0, "one")
    for present, heard in (
        (None, []),
        (replace(state, number=2), []),
        (state, [FoundUnwatched(Unwatched.PLACES_TAKEN)]),
    ):
        told.clear()
        watching = SimpleNamespace(
            guard=lambda _, present=present: present,
            log=SimpleNamespace(debug=lambda *_, **__: None),
            tell=lambda _, events: told.extend(events),
        )
        Watching._note(cast(Any, watching), state, error)
        assert told == heard
