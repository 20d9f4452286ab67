"""F1: a part of an answer that its signature does not cover, and what follows from it.

A device that had an honest node's answer charged the node as silent and handed the judges that
answer with another salt. The salt was not signed, judges kept the first answer of the same outputs,
and what does not open the commitment was found wrong: the node lost its stake. Every salt is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import (
    DeviceSide,
    SlanderingDevice,
)
from tests.offchain.systems.outsourcing.simulation.simulated_judges import CaseSide, JudgeSide
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import NodeSide, ShyNode
from tests.offchain.systems.outsourcing.simulation.simulation import World

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import PeerFault
from edgemark.identifiers import Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import reach_time, step
from edgemark.systems.outsourcing.protocol.messages import SALT_BYTES, Answer, Evidence
from edgemark.systems.outsourcing.steps.accuse import check_evidence, hear_answer
from edgemark.systems.outsourcing.steps.decode import check_signed_answer, opens

VICTIM = 3
NODE = cast.NODES[VICTIM - 1]
ORDER = cast.small_order()
TASK = ORDER.tasks[VICTIM - 1]
SALTS = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
SEEDS = range(6)


def mix(salt: bytes, change: bytes) -> bytes:
    """Another salt, for any change but zeros."""
    return bytes(a ^ b for a, b in zip(salt, change, strict=True))


def salted(answer: Answer, salt: bytes) -> Answer:
    """The same answer with another salt, under the same signature."""
    return replace(answer, salt=salt)


# --- the attack, on judges as they were and as they are ---------------------------------------


class SaltingDevice(SlanderingDevice):
    """Charges an honest node, and hands judges that node's own answer with a salt of its own."""

    def perform(self, effect: Any) -> Sequence[object]:
        events = super().perform(effect)
        if isinstance(effect, do.SendEvidence):
            with suppress(PeerFault):
                self.world.judges[effect.judge].hear_answer(self._false().to_wire())
        return events

    def _false(self) -> Answer:
        answer = self.state.answer_of(self.victim[0])
        assert answer is not None
        return salted(answer, cast.seeded(f"false salt {self.world.seed}").octets(SALT_BYTES))

    def _evidence(self, _index: int) -> bytes:
        shown = self._false() if self.kind is ChargeKind.WRONG else None
        return Evidence(ORDER.terms, TASK, shown).to_wire()


class SaltBlindJudge(JudgeSide):
    """Planted: as judges were; a signature that does not cover the salt holds for any salt."""

    def hear_answer(self, raw: bytes) -> None:
        answer = Answer.from_wire(raw)
        case = self.case(answer.index)
        if not case.state.lacks(answer, counts=False) or case.state.task is None:
            return
        signed = salted(answer, self.world.nodes[answer.index].state.salt)
        check_signed_answer(signed, case.state.task, case.state.known.node, cast.DOMAIN)
        case.hear(on.HeardAnswer(answer))

    def reexecute(self, case: CaseSide) -> Finding:
        known, answer = case.state.known, case.state.answer
        assert answer is not None
        if not opens(answer, known.node, known.commitment, cast.DOMAIN):
            return Finding.WRONG
        return super().reexecute(case)


def play(
    seed: int,
    device: type[DeviceSide],
    *,
    kind: ChargeKind = ChargeKind.SILENT,
    judge: type[JudgeSide] = JudgeSide,
    node: type[NodeSide] = NodeSide,
) -> World:
    """A job in which nobody but these may be crooked."""
    world = World(seed)
    for index in range(1, cast.NODE_COUNT + 1):
        (node if index == VICTIM else NodeSide)(world, index)
    for key in cast.JUDGES:
        judge(world, key)
    if issubclass(device, SlanderingDevice):
        device(world, VICTIM, kind)
    else:
        device(world)
    world.run()
    assert world.is_over()
    return world


def phase_of(world: World) -> IndexPhase:
    """How the charged index ended."""
    view = world.view()
    assert view is not None
    return view.indices[VICTIM - 1].phase


def test_f1_planted_salt_outside_the_signature__takes_an_honest_nodes_stake() -> None:
    world = play(0, SaltingDevice, judge=SaltBlindJudge)
    assert phase_of(world) is IndexPhase.CONVICTED
    assert world.gain(NODE.address) == -ORDER.terms.stake
    assert world.gain(cast.PAYER.address) > -ORDER.terms.fee * ORDER.terms.node_count


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_answer_with_another_salt__costs_its_device_and_nobody_else(seed: int) -> None:
    world = play(seed, SaltingDevice)
    assert phase_of(world) is IndexPhase.ANSWERED
    assert world.gain(NODE.address) > 0
    assert world.gain(cast.PAYER.address) < -ORDER.terms.fee * ORDER.terms.node_count


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_f1_charge_as_wrong_with_another_salt__is_never_served(seed: int) -> None:
    world = play(seed, SaltingDevice, kind=ChargeKind.WRONG)
    assert phase_of(world) is IndexPhase.VOID
    assert world.gain(NODE.address) == 2 * ORDER.terms.fee


# --- nodes that sign more than one answer ------------------------------------------------------


class TwoSaltsNode(ShyNode):
    """Shows judges its answer with another salt first, signed too, and then the committed one."""

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SendAnswer):
            outputs, salt = self._answer().outputs, self.draw_salt("other")
            stray = cast.sign_answer(TASK, outputs, self.key, salt=salt)
            self.world.judges[effect.judge].hear_answer(stray.to_wire())
        return super().perform(effect)


class TwoAnswersNode(ShyNode):
    """Shows judges the right answer that it committed to, and a signed lie."""

    def perform(self, effect: Any) -> Sequence[object]:
        if isinstance(effect, do.SendAnswer):
            lie = cast.lie_about_values(self._answer().outputs, ORDER, self.index)
            stray = cast.sign_answer(TASK, lie, self.key, salt=self.state.salt)
            self.world.judges[effect.judge].hear_answer(stray.to_wire())
        return super().perform(effect)


class OtherAnswerNode(ShyNode):
    """Committed to nonsense; computes when charged."""

    def commitment(self) -> bytes:
        return self.draw_salt("nonsense")


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize(
    ("node", "end"),
    [
        (TwoSaltsNode, IndexPhase.ANSWERED),
        (TwoAnswersNode, IndexPhase.CONVICTED),
        (OtherAnswerNode, IndexPhase.CONVICTED),
    ],
)
def test_node_that_signs_more_than_it_committed_to__ends_as_its_outputs_deserve(
    seed: int, node: type[NodeSide], end: IndexPhase
) -> None:
    assert phase_of(play(seed, DeviceSide, node=node)) is end


# --- one judge, step by step -------------------------------------------------------------------


def silent_case(salt: bytes) -> on.SawCase:
    """The victim charged as silent; it committed to its right answer with this salt."""
    commitment = cast.commitment_to(cast.right_answer(ORDER, VICTIM, salt=salt), NODE)
    return cast.case_of(ORDER, VICTIM, ChargeKind.SILENT, commitment=commitment)


def judge_after(case: on.SawCase, *answers: Answer) -> JudgeCase:
    """A judge that holds the task and heard these answers after `served`."""
    state = JudgeCase(me=cast.JUDGE_ADDRESSES[0])
    evidence = on.HeardEvidence(ORDER.terms, TASK, None)
    for event in (case, evidence, on.SawServed(Timestamp(2_100), Timestamp(2_120))):
        state, _ = step(state, event)
    for answer in answers:
        state, _ = step(state, hear_answer(answer, TASK, case, cast.DOMAIN))
    return state


def findings_of(state: JudgeCase) -> list[type]:
    """How this judge comes to a finding now."""
    return [type(e) for e in state.owed() if isinstance(e, do.Reexecute | do.FindMissing)]


@given(salt=SALTS, other=SALTS)
def test_answer_with_a_changed_salt__is_not_signed(salt: bytes, other: bytes) -> None:
    answer = cast.right_answer(ORDER, VICTIM, salt=salt)
    if salt == other:
        return
    with pytest.raises(BadSignature):
        hear_answer(salted(answer, other), TASK, silent_case(salt), cast.DOMAIN)
    case = replace(silent_case(salt), kind=ChargeKind.WRONG)
    with pytest.raises(BadSignature):
        check_evidence(case, TASK, salted(answer, other), terms=ORDER.terms, domain=cast.DOMAIN)


@given(salt=SALTS, other=SALTS.filter(any))
def test_signed_answer_with_another_salt__is_none_and_displaces_none(
    salt: bytes, other: bytes
) -> None:
    case, own = silent_case(salt), cast.right_answer(ORDER, VICTIM, salt=salt)
    stray = cast.right_answer(ORDER, VICTIM, salt=mix(salt, other))
    alone = judge_after(case, stray)
    assert alone.answer is None
    assert findings_of(alone) == []
    assert alone.exhibits == ()
    for state in (judge_after(case, stray, own), judge_after(case, own, stray)):
        assert state.answer == own
        assert not state.is_contradicted
        assert findings_of(state) == [do.Reexecute]
        assert state.exhibits == (own,)


def test_only_a_stray_answer__is_found_missing_when_time_is_up() -> None:
    salts = cast.seeded("stray")
    case = silent_case(salts.octets(SALT_BYTES))
    stray = cast.right_answer(ORDER, VICTIM, salt=salts.octets(SALT_BYTES))
    late = reach_time(judge_after(case, stray), Timestamp(2_110))
    assert findings_of(late) == [do.FindMissing]
    own = cast.right_answer(ORDER, VICTIM)
    assert late.is_late(own)  # a stray answer buys no time for the other


def test_two_strays_with_different_outputs__are_a_lie_by_themselves() -> None:
    salts = cast.seeded("strays")
    case = silent_case(salts.octets(SALT_BYTES))
    right = cast.right_answer(ORDER, VICTIM, salt=salts.octets(SALT_BYTES))
    lie = cast.wrong_answer(ORDER, VICTIM)
    state = judge_after(case, right, lie)
    assert state.is_contradicted
    assert state.answer is None
    assert state.exhibits == (right, lie)
    assert findings_of(state) == [do.Reexecute]


def test_stray_salt_then_answer_then_lie__shows_the_answer_and_the_lie() -> None:
    salts = cast.seeded("three")
    salt = salts.octets(SALT_BYTES)
    own, stray = (
        cast.right_answer(ORDER, VICTIM, salt=each) for each in (salt, salts.octets(SALT_BYTES))
    )
    lie = cast.wrong_answer(ORDER, VICTIM)
    state = judge_after(silent_case(salt), stray, own, lie)
    assert state.exhibits == (own, lie)
    passed = {e.number for e in state.owed() if isinstance(e, do.PassAnswer)}
    assert passed == {0, 1, 2}
