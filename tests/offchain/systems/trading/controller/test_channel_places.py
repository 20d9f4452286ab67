"""Who has a place at a controller: the largest case, all of it dealt by one with itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.controller.recording.evidence_cast import channel_of
from tests.offchain.systems.trading.controller.test_issuing_desk import credential, settlement
from tests.offchain.systems.trading.parties_cast import AGREEMENT, TERMS

from edgemark.errors import Overloaded
from edgemark.identifiers import Tokens
from edgemark.systems.trading.controller.channels.desks import Desks
from edgemark.systems.trading.controller.channels.floors import Floors
from edgemark.systems.trading.controller.channels.lives import Lives
from edgemark.systems.trading.controller.channels.places import (
    IDLE_PART,
    Claim,
    NoPlace,
    find_leaving,
    weigh,
)
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.life import step
from edgemark.systems.trading.settings import ControllerSettings
from edgemark.transport.limits import BrokerLimits

MOST = ControllerSettings().max_channels
SESSIONS = BrokerLimits().most_sessions - 1  # one is the hub's
IDLE_S = 100.0


class Loop:
    """The desks of a controller, without a disk; a finished one may leave, as to an archive."""

    def __init__(self, folder: Path, most: int = MOST, most_floors: int = 10**6) -> None:
        self.desks: dict[bytes, Desk] = {}
        self.now = 0.0
        self.floors = Floors(folder / "floors", most_floors)
        self.matters = SimpleNamespace(
            states=lambda: dict(self.desks),
            state_at_hand=self.desks.get,
            all_keys=lambda: list(self.desks),
        )
        self.places = self.again(most)

    def again(self, most: int = MOST) -> Desks:
        """The next life."""
        clock = lambda: self.now  # noqa: E731
        places = {"most": most, "idle_s": IDLE_S, "clock": clock}
        desks = Desks(lambda: self.matters, self.tell, self.floors, **places)  # type: ignore[arg-type]
        desks.rises.look(1, START)  # all is locked for long, unless a test says otherwise
        return desks

    def tell(self, key: bytes, events: Sequence[object]) -> None:
        for event in events:
            desk, owed = step(self.desks.get(key, Desk()), event)
            self.desks[key] = desk
            for effect in owed:
                if type(effect).__name__ == "KeepFloor":
                    self.floors.keep(desk.known.channel, effect.index, 10**9)
                    self.desks[key], _ = step(self.desks[key], at.FoundFloorKept())

    def archive(self) -> None:
        """What is over has left."""
        for key in [key for key, desk in self.desks.items() if desk.is_finished]:
            del self.desks[key]

    def come(self, channel: ChannelId, locked: int) -> None:
        agreement = replace(AGREEMENT, channel=channel)
        deposit = Tokens(locked - TERMS.bond)
        self.places.take_in(at.SawNamed(agreement, TERMS.signers, deposit))

    def issue(self, channel: ChannelId, index: int = 1) -> None:
        key = self.places.key(channel)
        self.tell(key, [at.HeardSettlement(settlement(30 * index, index))])
        self.tell(key, [at.FoundIssued(credential(index))])
        self.tell(key, [at.SawEvidence(index)])


def test_all_places_of_one_that_deals_with_itself__keep_out_nobody_that_locks_more(
    tmp_path: Path,
) -> None:
    loop, d = Loop(tmp_path), 10_000
    for number in range(MOST):
        loop.come(channel_of(number), d)
    honest = [channel_of(10**5 + number) for number in range(MOST // 2)]
    for channel in honest:
        loop.come(channel, d + 1)
    assert len(loop.places.open()) == MOST
    assert all(loop.places.terms(channel) is not None for channel in honest)
    with pytest.raises(NoPlace, match="taken"):
        loop.come(channel_of(10**6), d)
    for number in range(MOST):  # it comes again and again, with as much as before
        with pytest.raises(NoPlace):
            loop.come(channel_of(2 * 10**6 + number), d)
    assert all(loop.places.terms(channel) is not None for channel in honest)


def test_who_locks_most__keeps_the_place_that_it_had_whoever_comes_later(tmp_path: Path) -> None:
    loop = Loop(tmp_path, most=3)
    heavy, light, middle, next_ = map(channel_of, range(4))
    for channel, locked in ((heavy, 9000), (light, 3000), (middle, 5000)):
        loop.come(channel, locked)
    loop.come(next_, 4000)
    assert {each.known.channel for each in loop.places.open().values()} == {heavy, middle, next_}
    for number in range(10, 40):  # each leaves for the next, that has as much and a little more
        loop.come(channel_of(number), 5000 + number)
    assert loop.places.terms(heavy) is not None
    assert (
        find_leaving({"heavy": 9, "light": 3, "middle": 5}, Claim(4), 3, what="places") == "light"
    )


def test_all_sessions_of_one_that_deals_with_itself__cost_more_than_the_honest_lock_each() -> None:
    """Each channel has two sessions; whoever comes with more has a place, whatever was before."""
    drawn, d = random.Random(11), 1000
    held: dict[object, int] = {("attacker", i, side): d for i in range(96) for side in "ab"}
    held.pop(("attacker", 0, "a"))
    assert len(held) == SESSIONS
    for number in range(95):
        weight = d + 1 + drawn.randrange(d)
        leaving = find_leaving(held, Claim(weight), SESSIONS, what="sessions")
        assert leaving is not None
        assert isinstance(leaving, tuple)
        assert held.pop(leaving) == min([d, *held.values()])
        held["honest", number] = weight
    assert sum(1 for each in held if isinstance(each, tuple) and each[0] == "honest") == 95
    assert find_leaving({"one": 1}, Claim(0), 2, what="there is room") is None
    for weight in (d, 0):
        with pytest.raises(NoPlace) as caught:
            find_leaving(dict.fromkeys(held, d), Claim(weight), SESSIONS, what="sessions")
        assert caught.value.retry_after_s > 0
    with pytest.raises(NoPlace):
        find_leaving({}, Claim(10**9), 0, what="none at all")


def test_a_place_that_nobody_uses__gives_way_to_a_tenth_and_to_nothing_less(
    tmp_path: Path,
) -> None:
    loop = Loop(tmp_path, most=2)
    idle, working, small, dust = map(channel_of, range(4))
    loop.come(idle, 5000)
    loop.come(working, 1200)
    loop.now = IDLE_S + 1
    loop.places.note_used(working)
    with pytest.raises(NoPlace):
        loop.come(dust, 5000 // IDLE_PART)
    loop.come(small, 5000 // IDLE_PART + 1)
    assert loop.places.find(idle) is None
    assert loop.places.had(idle)
    assert {each.known.channel for each in loop.places.open().values()} == {working, small}
    assert weigh(5000, is_idle=True) == 500


def test_a_channel_that_comes_back__goes_on_above_the_last_index_whatever_was_forgotten(
    tmp_path: Path,
) -> None:
    loop = Loop(tmp_path, most=1)
    first, second = channel_of(1), channel_of(2)
    loop.come(first, 2000)
    loop.issue(first, 3)
    loop.come(second, 3000)
    assert loop.floors.find(first) == 3
    loop.archive()
    assert loop.places.terms(first) is None
    loop.come(first, 4000)
    assert loop.places.key(first) == first + b"\x00\x01"
    desk = loop.places.find(first)
    assert desk is not None
    assert (desk.last, desk.index, desk.is_finished) == (3, 0, False)
    assert Floors(tmp_path / "floors").find(first) == 3, "it is on the disk"
    loop.archive()
    loop.places = loop.again(1)
    loop.come(second, 5000)
    assert loop.places.key(second) == second, "nothing of it is known any more"
    loop.floors.forget_lapsed(10**9 + 1)
    assert (len(loop.floors), list((tmp_path / "floors").iterdir())) == (0, [])


def test_a_desk_that_nobody_would_remember__keeps_its_place(tmp_path: Path) -> None:
    loop = Loop(tmp_path, most=2, most_floors=0)
    issued, fresh, more = map(channel_of, range(3))
    loop.come(issued, 1200)
    loop.issue(issued)
    loop.come(fresh, 1300)
    loop.come(more, 1400)
    assert {each.known.channel for each in loop.places.open().values()} == {issued, more}
    loop.issue(more)
    with pytest.raises(NoPlace):
        loop.come(fresh, 10**6)


def test_a_former_desk_with_evidence_that_is_not_on_chain__is_waited_for(tmp_path: Path) -> None:
    loop = Loop(tmp_path, most=1)
    first, second = channel_of(1), channel_of(2)
    loop.come(first, 2000)
    loop.tell(first, [at.HeardSettlement(settlement(30, 1)), at.FoundIssued(credential(1))])
    loop.come(second, 3000)
    with pytest.raises(Overloaded, match="evidence"):
        loop.come(first, 4000)
    loop.tell(first, [at.SawEvidence(1)])
    loop.come(first, 4000)


def test_lives__are_told_from_keys_and_begin_in_order() -> None:
    one, two = channel_of(1), channel_of(2)
    lives = Lives([one, one + b"\x00\x02", one + b"\x00\x01"])
    assert (lives.key(one), lives.key(two)) == (one + b"\x00\x02", two)
    assert (lives.knows(one), lives.knows(two)) == (True, False)
    assert lives.begin(two) == two
    assert lives.begin(two) == two + b"\x00\x01"
    with pytest.raises(Overloaded):
        Lives([one + b"\xff\xff"]).begin(one)


def test_floors__count_the_highest_and_take_no_name_that_is_none(tmp_path: Path) -> None:
    floors, channel = Floors(tmp_path / "f", most=1), channel_of(1)
    for index in (4, 3, 7):
        floors.keep(channel, index, 50)
    assert len(list((tmp_path / "f").iterdir())) == 1
    for name in ("notes", f"{channel.hex()}-x-1", f"{channel.hex()}-50-2"):
        (tmp_path / "f" / name).touch()
    assert Floors(tmp_path / "f").find(channel) == 7
    with pytest.raises(Overloaded):
        floors.keep(channel_of(2), 1, 50)
    floors.forget_lapsed(50)
    assert floors.find(channel) == 7
