"""Every mix of nodes, devices and judges, walked to the end in memory.

Nodes are honest, lying, silent or mute after their commitment; the device is honest, leaves, or
charges an honest node; judges rule or never do. For m = 6 (t = 1, d = 2, e = 1) there are 84 mixes
of nodes (which index has which node is drawn) and six of the rest.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulated_device import (
    DeviceSide,
    LeavingDevice,
    SlanderingDevice,
)
from tests.offchain.systems.outsourcing.simulated_judges import IdleJudge, JudgeSide
from tests.offchain.systems.outsourcing.simulated_nodes import (
    LyingNode,
    MuteNode,
    NodeSide,
    SilentNode,
)
from tests.offchain.systems.outsourcing.simulation import World

from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind

KINDS: dict[str, type[NodeSide]] = {
    "honest": NodeSide,
    "lying": LyingNode,
    "silent": SilentNode,
    "mute": MuteNode,
}
DEVICES = ("honest", "leaving", "slandering")
PLACES = 60 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 1  # drawn orders of each mix
FEE, JUDGE_FEE, HARM = 1003, 103, 100
STAKE = 6018  # m f / e
COMPENSATION = 5 * FEE  # (m - 1) f, less than S - g

# What node and payer gain by each end of an index, from the amounts of the protocol.
NODE_GAINS = {
    IndexPhase.PAID: FEE,
    IndexPhase.EQUAL_HARM: -HARM,
    IndexPhase.CONVICTED: -STAKE,
    IndexPhase.REFUTED: 2 * FEE,
    IndexPhase.ANSWERED: FEE - JUDGE_FEE // 2,
    IndexPhase.VOID: 2 * FEE,
    IndexPhase.LAPSED: 0,
}
PAYER_GAINS = {
    IndexPhase.PAID: -FEE,
    IndexPhase.EQUAL_HARM: -HARM,
    IndexPhase.CONVICTED: COMPENSATION,
    IndexPhase.REFUTED: -2 * FEE - JUDGE_FEE,
    IndexPhase.ANSWERED: -FEE - (JUDGE_FEE + 1) // 2,
    IndexPhase.VOID: -2 * FEE - JUDGE_FEE,
    IndexPhase.LAPSED: -FEE,
}
JUDGED = (IndexPhase.CONVICTED, IndexPhase.REFUTED, IndexPhase.ANSWERED, IndexPhase.VOID)


def people(
    seed: int, kinds: list[str], device: str, judges: type[JudgeSide]
) -> tuple[World, DeviceSide]:
    """A world with these nodes at indices 1..6."""
    world = World(seed)
    for index, kind in enumerate(kinds, start=1):
        KINDS[kind](world, index)
    for key in cast.JUDGES:
        judges(world, key)
    honest = [index for index, kind in enumerate(kinds, start=1) if kind == "honest"]
    if device == "leaving":
        return world, LeavingDevice(world)
    if device == "slandering" and honest:
        kind = world.draw.choice((ChargeKind.WRONG, ChargeKind.SILENT))
        return world, SlanderingDevice(world, world.draw.choice(honest), kind)
    return world, DeviceSide(world)


def check_books(world: World) -> tuple[IndexPhase, ...]:
    """Everything ended, nothing is held, and every balance is what the ends say."""
    view = world.view()
    assert view is not None
    phases = tuple(index.phase for index in view.indices)
    assert world.is_over(), [side.state.phase for side in world.sides]
    assert world.chain.held == 0
    assert world.chain.total == sum(world.start.values())
    for node, phase in zip(cast.NODE_ADDRESSES, phases, strict=True):
        assert world.gain(node) == NODE_GAINS[phase], phase
    assert world.gain(cast.PAYER.address) == sum(PAYER_GAINS[phase] for phase in phases)
    verdicts = sum(phase in JUDGED for phase in phases)
    for judge in cast.JUDGE_ADDRESSES:
        assert world.gain(judge) == verdicts * (JUDGE_FEE // 4)
    return phases


def check_mix(seed: int, kinds: list[str], device: str, judges: type[JudgeSide]) -> None:
    """Walk one mix and check what must hold in it."""
    world, side = people(seed, kinds, device, judges)
    world.run()
    if side.is_gone and not world.is_over():
        sweep(world)
    phases = check_books(world)
    faulty = [index for index, kind in enumerate(kinds, start=1) if kind != "honest"]
    slanders = isinstance(side, SlanderingDevice)

    for index, phase in enumerate(phases, start=1):
        if index not in faulty:  # no honest node loses; without a verdict it may miss its fee
            allowed = {IndexPhase.PAID, IndexPhase.REFUTED, IndexPhase.ANSWERED}
            assert phase in allowed | ({IndexPhase.LAPSED} if judges is IdleJudge else set())
        charged = index in side.state.wrong + side.state.silent
        if judges is JudgeSide and charged and index in faulty:
            assert phase is IndexPhase.CONVICTED
    if not faulty and not slanders and device == "honest":
        assert set(phases) == {IndexPhase.PAID}
    if len(faulty) == 1 and device == "honest":  # e = 1: named exactly, and the result is there
        assert side.state.result == cast.dense_function().evaluate(cast.small_batch())
        assert side.state.wrong + side.state.silent == tuple(faulty)
        if judges is JudgeSide:
            assert world.gain(cast.PAYER.address) == COMPENSATION - 5 * FEE


def sweep(world: World) -> None:
    """A stranger ends what nobody who is left has to end."""
    view = world.view()
    assert view is not None
    left = [j for j, index in enumerate(view.indices, start=1) if not index.phase.is_end]
    world.send(world.chain.collect, left)
    for _ in range(5):
        world.advance()


def every_mix() -> Iterator[tuple[str, ...]]:
    """All multisets of six nodes."""
    return combinations_with_replacement(KINDS, cast.NODE_COUNT)


@pytest.mark.parametrize("judges", [JudgeSide, IdleJudge])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("first", KINDS)
def test_every_mix__ends_with_the_right_balances(
    first: str, device: str, judges: type[JudgeSide]
) -> None:
    walked = 0
    for number, (mix, place) in enumerate(product(every_mix(), range(PLACES))):
        if mix[0] != first:
            continue
        kinds = list(mix)
        random.Random(number * PLACES + place).shuffle(kinds)
        check_mix(number * PLACES + place, kinds, device, judges)
        walked += 1
    assert walked >= 1
