"""Mixes of nodes, devices and judges, walked to the end in memory; in `make soak` every mix.

Nodes are honest, lying, silent or mute after their commitment; the device is honest, leaves, or
charges an honest node; judges rule or never do. For m = 6 (t = 1, d = 2, e = 1) there are 84 mixes
of nodes (which index has which node is drawn) and six of the rest. `make test` walks those with as
many faulty nodes as the job bears, and one more; of the others, whose result may be lost, a third.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement, product

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import (
    DeviceSide,
    LeavingDevice,
    SlanderingDevice,
    VanishingDevice,
)
from tests.offchain.systems.outsourcing.simulation.simulated_judges import (
    DeadJudge,
    IdleJudge,
    JudgeSide,
)
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LyingNode,
    MuteNode,
    NodeSide,
    SilentNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import World

from edgemark.systems.outsourcing.contract.records import ChargeKind, IndexPhase, JobPhase

pytestmark = pytest.mark.lasts(20)

KINDS: dict[str, type[NodeSide]] = {
    "honest": NodeSide,
    "lying": LyingNode,
    "silent": SilentNode,
    "mute": MuteNode,
}
DEVICES = ("honest", "leaving", "slandering")
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
PLACES = 60 if SOAK else 1  # drawn orders of each mix
ERRORS = 1  # e of the job
FEE, JUDGE_FEE = 1003, 263
STAKE = 6018  # m f / e
COMPENSATION = 5 * FEE  # (m - 1) f, less than S - g

# What node and payer gain by each end of an index, from the amounts of the protocol.
NODE_GAINS = {
    IndexPhase.PAID: FEE,
    IndexPhase.UNEARNED: 0,
    IndexPhase.CONVICTED: -STAKE,
    IndexPhase.REFUTED: 2 * FEE,
    IndexPhase.ANSWERED: FEE - JUDGE_FEE // 2,
    IndexPhase.VOID: 2 * FEE,
    IndexPhase.LAPSED: 0,
}
PAYER_GAINS = {
    IndexPhase.PAID: -FEE,
    IndexPhase.UNEARNED: -FEE,
    IndexPhase.CONVICTED: COMPENSATION,
    IndexPhase.REFUTED: -2 * FEE - JUDGE_FEE,
    IndexPhase.ANSWERED: -FEE - (JUDGE_FEE + 1) // 2,
    IndexPhase.VOID: -2 * FEE - JUDGE_FEE,
    IndexPhase.LAPSED: -FEE,
}
JUDGED = {IndexPhase.CONVICTED, IndexPhase.REFUTED, IndexPhase.ANSWERED}


def servers(seed: int, kinds: list[str], judges: type[JudgeSide]) -> World:
    """Nodes and judges, and nobody who orders anything."""
    world = World(seed)
    for index, kind in enumerate(kinds, start=1):
        KINDS[kind](world, index)
    for key in cast.JUDGES:
        judges(world, key)
    return world


def people(
    seed: int, kinds: list[str], device: str, judges: type[JudgeSide]
) -> tuple[World, DeviceSide]:
    """A world with these nodes at indices 1..6."""
    world = servers(seed, kinds, judges)
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
    verdicts = world.chain.verdicts
    assert {index for _, index in verdicts} == {
        index for index, phase in enumerate(phases, start=1) if phase in JUDGED
    }
    for judge in cast.JUDGE_ADDRESSES:  # a judge is paid for its signature, and for nothing else
        signed = sum(judge in signers for signers in verdicts.values())
        assert world.gain(judge) == signed * (JUDGE_FEE // 4)
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
    """A stranger ends whatever nobody who is left has to end."""
    chain = world.chain
    view = world.view()
    assert view is not None
    if view.job.phase is JobPhase.POSTED:
        world.send(chain.cancel_unstarted)
        view = replace(view, indices=())
    for index, seat in enumerate(view.indices, start=1):
        match seat.phase:
            case IndexPhase.ACCEPTED | IndexPhase.COMMITTED:
                world.send(chain.collect, [index])
            case IndexPhase.CHARGED:
                world.send(chain.void_charge, index)
            case IndexPhase.SERVED:
                world.send(chain.lapse_charge, index)
    for _ in range(5):
        world.advance()


def every_mix() -> Iterator[tuple[str, ...]]:
    """All multisets of six nodes."""
    return combinations_with_replacement(KINDS, cast.NODE_COUNT)


def mixes_to_walk() -> Iterator[tuple[int, tuple[str, ...]]]:
    """The mixes with their numbers; the last of them are those of one kind alone."""
    for number, mix in enumerate(every_mix()):
        if SOAK or number % 3 == 2 or len(mix) - mix.count("honest") <= ERRORS + 1:
            yield number, mix


@pytest.mark.parametrize("judges", [JudgeSide, IdleJudge])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("first", KINDS)
def test_every_mix__ends_with_the_right_balances(
    first: str, device: str, judges: type[JudgeSide]
) -> None:
    walked = 0
    for (number, mix), place in product(mixes_to_walk(), range(PLACES)):
        if mix[0] != first:
            continue
        kinds = list(mix)
        random.Random(number * PLACES + place).shuffle(kinds)
        check_mix(number * PLACES + place, kinds, device, judges)
        walked += 1
    assert walked >= 1


@pytest.mark.parametrize("faulty", ["lying", "silent", "mute", "honest"])
def test_device_that_vanishes_at_any_moment__costs_no_node_anything(faulty: str) -> None:
    kinds = [faulty, *["honest"] * 5]
    calm, device = people(5, kinds, "honest", JudgeSide)
    calm.run()
    ends = set()
    for records in range(1, len(device.journal) + 1):
        world = servers(5, kinds, JudgeSide)
        VanishingDevice(world, records)
        world.run()
        view = world.view()
        if view is None:  # it never posted, and nothing was locked
            assert world.gain(cast.PAYER.address) == 0
            continue
        if not world.is_over():
            sweep(world)
        if set(phases_in(world)) == {IndexPhase.RELEASED}:
            assert set(world.chain.free.items()) == set(world.start.items())
            continue
        phases = check_books(world)
        ends |= set(phases)
        for index, phase in enumerate(phases[1:], start=2):
            assert phase is not IndexPhase.CONVICTED, index
            assert world.gain(cast.NODE_ADDRESSES[index - 1]) >= 0
    assert {IndexPhase.PAID, IndexPhase.UNEARNED} <= ends


def test_stranger_alone__ends_every_charge_that_nobody_follows() -> None:
    for judges, end in ((DeadJudge, IndexPhase.VOID), (IdleJudge, IndexPhase.LAPSED)):
        world, _ = people(1, ["lying", *["honest"] * 5], "honest", judges)
        while not world.chain.job_view(world.order.job) or not charged_in(world):
            world.advance()
        if judges is IdleJudge:
            while IndexPhase.SERVED not in phases_in(world):
                world.advance()
        for side in world.sides:
            side.is_gone = True
        while world.now < world.chain_end():
            world.advance()
        sweep(world)
        assert phases_in(world)[0] is end
        assert world.chain.held == 0


def phases_in(world: World) -> list[IndexPhase]:
    """Phases of all indices."""
    return [seat.phase for seat in world.chain.index_views(world.order.job)]


def charged_in(world: World) -> bool:
    """Whether a charge stands on chain."""
    return IndexPhase.CHARGED in phases_in(world)
