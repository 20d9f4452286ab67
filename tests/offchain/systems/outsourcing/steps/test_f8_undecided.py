"""F8: whatever the mix of mute and lying nodes, who has not earned its fee loses on average.

Means are exact (`undecided.py`), in fees. The guarantee holds for any number of nodes that lie each
its own way and for fewer than t + e whose lies agree; t + e that agree can pass for right, and are
beyond what docs/outsourcing.md promises.
"""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import DeviceSide
from tests.offchain.systems.outsourcing.simulation.simulated_judges import JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    LyingNode,
    NodeSide,
    ShyNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import World
from tests.offchain.systems.outsourcing.undecided import (
    BAD,
    WRONG,
    Kind,
    Size,
    evaluate,
    every_mix,
)

from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.protocol.events import FoundResultUndecided, FoundResultValid
from edgemark.systems.outsourcing.steps.charging import Docket, Suspicion, choose_charges, draw
from edgemark.systems.outsourcing.steps.decode import decode_answers

IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
SMALL = (Size(1, 1, 2), Size(2, 1, 1), Size(1, 1, 1))
LARGE = (Size(2, 2, 1), Size(3, 2, 1), Size(2, 2, 2), Size(3, 3, 1))
MOST_FAULTY = 4  # of a size that is not walked whole


def check_mix(size: Size, mix: dict[Kind, int], *, stalls: bool) -> None:
    """Every kind that has not earned its fee loses; the payer loses no more than is stated.

    A proven liar is charged for certain, and takes a charge from the others: with one they lose
    together.
    """
    outcome = evaluate(size, mix, stalls=stalls)
    groups = [BAD] if mix.get(Kind.PROVEN) else [(kind,) for kind in BAD]
    for kinds in groups:
        heads = sum(mix.get(kind, 0) for kind in kinds)
        if heads:
            a_head = outcome.of(*kinds) / heads
            assert a_head <= -Fraction(size.errors, size.nodes), (size, mix, stalls, a_head)
    assert outcome.of(Kind.SHY) <= mix.get(Kind.SHY, 0)  # no more than by delivering
    least = -(size.nodes + size.errors * (1 + Fraction(1, 4)))  # m f and e (f + g)
    assert outcome.worst_payer >= least


@pytest.mark.parametrize("lie", WRONG, ids=lambda kind: str(kind.value))
@pytest.mark.parametrize("size", SMALL + (LARGE if IS_SOAK else ()), ids=str)
def test_f8_every_mix__whoever_has_not_earned_its_fee_loses(size: Size, lie: Kind) -> None:
    for mix in every_mix(size, lie):
        for stalls in (False, True):
            check_mix(size, mix, stalls=stalls)


@pytest.mark.parametrize("lie", WRONG, ids=lambda kind: str(kind.value))
def test_f8_mixes_just_beyond_e__whoever_has_not_earned_its_fee_loses(lie: Kind) -> None:
    size = Size(2, 2, 1)
    for mix in every_mix(size, lie):
        if sum(mix.values()) <= MOST_FAULTY:
            for stalls in (False, True):
                check_mix(size, mix, stalls=stalls)


def prefer_silent(suspicion: Suspicion, docket: Docket) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The planted rule of before: proven liars, then silent ones, then a draw; all at once."""
    silent = sorted(docket.open - suspicion.answered)
    proven = sorted(suspicion.proven)[: docket.left]
    mute = silent[: docket.left - len(proven)]
    rest = [j for j in sorted(suspicion.answered & docket.open) if j not in proven]
    return (*proven, *rest[: docket.left - len(proven) - len(mute)]), tuple(mute)


@pytest.mark.parametrize("size", [Size(1, 1, 2), Size(2, 2, 1)], ids=str)
def test_f8_planted_precedence_of_the_silent__pays_liars_behind_decoys(size: Size) -> None:
    mix = {Kind.LYING: size.errors + 1, Kind.SHY: size.errors}
    before = evaluate(size, mix, rule=prefer_silent)
    assert before.of(Kind.LYING) == mix[Kind.LYING]  # each is paid for nothing
    assert evaluate(size, mix).of(Kind.LYING) < 0


def test_f8_one_decoy_and_two_liars__the_decoy_is_charged_and_then_the_liars_are_known() -> None:
    """Real shares and answers: t = e = 2, m = 11."""
    wish = replace(cast.WISH, threshold=2, errors=2)
    order = cast.order_of(cast.dense_function(), cast.small_batch(), wish=wish)
    terms, liars, decoy = order.terms, (3, 7), 5
    answers = [
        (cast.wrong_answer if j in liars else cast.right_answer)(order, j)
        for j in range(1, terms.node_count + 1)
        if j != decoy
    ]
    challenge = cast.seeded("challenge").elements(terms.batch * terms.outputs)
    open_ = frozenset(range(1, terms.node_count + 1))
    docket = Docket(open_, errors=2, left=2, is_last=False, lot=b"\x01" * 32)
    found = decode_answers(order, answers, challenge, docket)
    assert isinstance(found, FoundResultUndecided)
    assert (found.suspects, found.silent) == ((), (decoy,))
    late = decode_answers(order, answers, challenge, replace(docket, is_last=True))
    assert isinstance(late, FoundResultUndecided)
    assert len({*late.suspects, *late.silent} & {*liars, decoy}) == 2
    found = decode_answers(order, [*answers, cast.right_answer(order, decoy)], challenge, docket)
    assert isinstance(found, FoundResultValid)
    assert found.liars == liars


@pytest.mark.parametrize("seed", range(3))
def test_f8_device_behind_a_decoy__has_its_result_and_convicts_a_liar(seed: int) -> None:
    """The real machines: the decoy's answer comes back by the judges, and a charge is left."""
    wish = replace(cast.WISH, threshold=2, errors=2, collect_s=400)
    order = cast.order_of(cast.dense_function(), cast.small_batch(), wish=wish)
    world = World(seed, order, cast.dense_function())
    device = DeviceSide(world)
    kinds = {3: LyingNode, 5: ShyNode, 7: LyingNode}
    for index in range(1, order.terms.node_count + 1):
        kinds.get(index, NodeSide)(world, index)
    for key in cast.JUDGES:
        JudgeSide(world, key)
    world.run()
    ends = [view.phase for view in world.chain.index_views(order.job)]
    assert device.state.result == cast.dense_function().evaluate(cast.small_batch())
    assert ends[4] is IndexPhase.ANSWERED
    assert sorted((ends[2], ends[6])) == [IndexPhase.PAID, IndexPhase.CONVICTED]
    liars = [cast.NODES[j - 1].address for j in (3, 7)]
    assert sum(world.gain(liar) for liar in liars) == order.terms.fee - order.terms.stake
    assert world.chain.held == 0


def test_draw__is_alike_for_all_places_and_never_the_same_for_another_lot() -> None:
    firsts = [draw(range(1, 7), bytes([lot]) * 32)[0] for lot in range(240)]
    assert all(20 <= firsts.count(j) <= 60 for j in range(1, 7))
    assert sorted(draw(range(1, 65), b"x")) == list(range(1, 65))


def test_choose_charges__nothing_left__charges_nobody() -> None:
    suspicion = Suspicion(frozenset({1, 2, 3}), frozenset({1}), None)
    for docket in (
        Docket(frozenset({1, 2, 3}), 1, 0, is_last=False, lot=b""),
        Docket(frozenset(), 1, 1, is_last=False, lot=b""),
    ):
        assert choose_charges(suspicion, docket) == ((), ())
