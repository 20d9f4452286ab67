"""Steps of a world that are not played, since nobody has anything to do, change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.outsourcing.jobs.test_mixes import people
from tests.offchain.systems.outsourcing.jobs.test_restarts import people as people_of_restarts
from tests.offchain.systems.outsourcing.jobs.test_restarts import side_named
from tests.offchain.systems.outsourcing.simulation.simulated_judges import IdleJudge, JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import MuteNode, ShyNode
from tests.offchain.systems.outsourcing.simulation.simulation import World

KINDS = ["honest", "lying", "silent", "mute", "honest", "honest"]


def told(world: World) -> list[Any]:
    """All that happened, and when."""
    return [
        [(side.journal, side.trail) for side in world.sides],
        [view and view.time for view in world._views],
        world.now,
        world.chain.free,
    ]


def check_both_ways(played: World, skipping: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = skipping.now
    skipping.run()
    with monkeypatch.context() as without:
        without.setattr(World, "skip", lambda *_: None)
        played.run()
    assert told(played) == told(skipping)
    assert skipping.now > before


@pytest.mark.parametrize("judges", [JudgeSide, IdleJudge])
@pytest.mark.parametrize("device", ["honest", "leaving", "slandering"])
@pytest.mark.parametrize("faulty", range(4))
def test_mix__with_and_without_skipping__is_the_same(
    faulty: int, device: str, judges: type[JudgeSide], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [*KINDS[:faulty], *["honest"] * (6 - faulty)]
    played, skipping = (people(faulty, kinds, device, judges)[0] for _ in range(2))
    check_both_ways(played, skipping, monkeypatch)


@pytest.mark.parametrize("name", ["device", "charged node", "judge"])
@pytest.mark.parametrize("faulty", [MuteNode, ShyNode])
def test_killed_party__with_and_without_skipping__is_the_same(
    faulty: type[MuteNode], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds = [people_of_restarts(faulty) for _ in range(2)]
    for world in worlds:
        side_named(world, name).kill_after = 4
    check_both_ways(*worlds, monkeypatch)


def test_idle_steps__are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = people(1, ["silent", *["honest"] * 5], "leaving", JudgeSide)
    steps, advance = list[int](), World.advance

    def counting(self: World) -> None:
        steps.append(self.now)
        advance(self)

    monkeypatch.setattr(World, "advance", counting)
    world.run()
    assert len(steps) < len(world._views)
