"""A party that is killed between any two records of its journal goes on as if nothing had been."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import DeviceSide
from tests.offchain.systems.outsourcing.simulation.simulated_judges import DeadJudge, JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LyingNode,
    MuteNode,
    NodeSide,
    ShyNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import Side, World

from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.records import IndexPhase

pytestmark = pytest.mark.lasts(22)

FAULTY = 3  # index of the node that is not like the others
ENDS = {
    LyingNode: IndexPhase.CONVICTED,
    MuteNode: IndexPhase.CONVICTED,
    ShyNode: IndexPhase.ANSWERED,
}


def people(faulty: type[NodeSide]) -> World:
    """Five honest nodes, one that is not, a device, and as many judges as are needed."""
    world = World(seed=7)
    for index in range(1, cast.NODE_COUNT + 1):
        (faulty if index == FAULTY else NodeSide)(world, index)
    for key in cast.JUDGES[:3]:
        JudgeSide(world, key)
    DeadJudge(world, cast.JUDGES[3])
    DeviceSide(world)
    return world


def side_named(world: World, name: str) -> Any:
    """A party, as far as it is there at the start."""
    match name:
        case "device":
            return next(side for side in world.sides if isinstance(side, DeviceSide))
        case "charged node":
            return world.nodes[FAULTY]
        case "honest node":
            return world.nodes[1]
        case _:
            return world.judges[cast.JUDGE_ADDRESSES[0]]


def writer_named(world: World, name: str) -> Side[Any]:
    """Who wrote the party's journal: of a judge, its one case."""
    side = side_named(world, name)
    written: Side[Any] = side.cases[FAULTY] if isinstance(side, JudgeSide) else side
    return written


def outcome(world: World) -> tuple[list[IndexPhase], dict[Address, int]]:
    """How every index ended, and all balances."""
    view = world.view()
    assert view is not None
    return [index.phase for index in view.indices], dict(world.chain.free)


@pytest.mark.parametrize("name", ["device", "charged node", "honest node", "judge"])
@pytest.mark.parametrize("faulty", ENDS)
def test_kill_after_any_record__the_job_ends_the_same(faulty: type[NodeSide], name: str) -> None:
    calm = people(faulty)
    calm.run()
    assert calm.is_over()
    assert outcome(calm)[0][FAULTY - 1] is ENDS[faulty]
    records = len(writer_named(calm, name).journal)
    assert records >= 5
    for count in range(1, records + 1):
        world = people(faulty)
        side_named(world, name).kill_after = count
        world.run()
        assert writer_named(world, name).kill_after is None, "nobody was killed"
        assert world.is_over(), f"killed after record {count}"
        assert outcome(world) == outcome(calm), f"killed after record {count}"


@pytest.mark.parametrize("faulty", ENDS)
def test_replay_of_any_prefix__gives_the_same_state_and_owes_the_same(
    faulty: type[NodeSide],
) -> None:
    world = people(faulty)
    world.run()
    for side in world.sides:
        check_prefixes(side)


def check_prefixes(side: Side[Any]) -> None:
    """The journal alone leads to every state that the party ever was in."""
    assert len(side.trail) == len(side.journal)
    for count, state in enumerate(side.trail, start=1):
        replayed = side.replay(count)
        assert replayed == state
        assert replayed.owed() == state.owed()
        assert replayed.times() == state.times()
