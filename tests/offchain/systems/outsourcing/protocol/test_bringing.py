"""Acceptances come in one call of the device; nobody who keeps one back gains more than half of the
window by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.simulated_device import (
    DeviceSide,
    HoardingDevice,
)
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import (
    CrookedNode,
    NodeSide,
    OwnWayNode,
    PennilessNode,
    TrustingNode,
)
from tests.offchain.systems.outsourcing.simulation.simulation import World
from tests.stage.memory.worlds import STEP_S

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import PeerFault
from edgemark.identifiers import Hash32, ShareIndex, Timestamp, Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import IndexPhase, JobPhase
from edgemark.systems.outsourcing.device.beginning import Offering
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import reach_time, step
from edgemark.systems.outsourcing.protocol.phases import DevicePhase, Refusing
from edgemark.systems.outsourcing.steps.accept import (
    WrongAcceptance,
    check_acceptance,
    compute_waiting,
)

ORDER = cast.small_order()
TERMS = ORDER.terms
SIX = tuple(map(ShareIndex, range(1, 7)))
HALF = Timestamp(1_015)
WAITING = cast.offer_to(ORDER, 3, cast.START)
BRINGS = do.SubmitAcceptances()


# --- whole jobs, in memory -----------------------------------------------------------------------


def people(
    seed: int,
    odd: type[NodeSide] = NodeSide,
    others: type[NodeSide] = NodeSide,
    device: type[DeviceSide] = DeviceSide,
) -> World:
    """Six nodes, of which the third is odd, and a device."""
    world = World(seed)
    for index in SIX:
        (odd if index == 3 else others)(world, index)
    device(world)
    return world


def play(seed: int, **odd: Any) -> tuple[World, list[int]]:
    """A job of these people; how many indices each call brought that changed something."""
    world = people(seed, **odd)
    return world, play_on(world)


def play_on(world: World) -> list[int]:
    """How many indices each call brought that changed something, until the job starts or cannot."""
    brought, accept = list[int](), world.chain.accept

    def counting(now: int, job: JobId, signers: Any, **more: Any) -> None:
        before = accepted(world)
        accept(now, job, signers, **more)
        if accepted(world) != before:
            brought.append(accepted(world) - before)

    world.chain.accept = counting  # type: ignore[method-assign]
    while world.now < TERMS.accept_by + 8 * STEP_S and accepted(world) < len(SIX):
        world.advance()
    return brought


def accepted(world: World) -> int:
    view = world.chain.job_view(world.order.job)
    return 0 if view is None else view.accepted


def started_at(world: World) -> int:
    view = world.view()
    assert view is not None
    assert view.job.phase is JobPhase.STARTED
    return view.job.started_at


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_job__starts_by_one_call_before_anybody_would_bring_its_own(seed: int) -> None:
    world, brought = play(seed)
    assert brought == [6]
    assert started_at(world) <= compute_waiting(cast.START, TERMS.accept_by)


@pytest.mark.parametrize("seed", range(3))
def test_a_device__that_keeps_acceptances_back__gains_half_of_the_window_at_most(seed: int) -> None:
    world, brought = play(seed, device=HoardingDevice)
    assert brought == [1] * 6
    taken = cast.START + 4 * STEP_S  # posted, seen and offered by then, however far behind
    assert started_at(world) <= compute_waiting(taken, TERMS.accept_by) + 2 * STEP_S


@pytest.mark.parametrize("odd", [CrookedNode, PennilessNode])
def test_one_crooked_acceptance__keeps_the_others_for_half_of_the_window_at_most(
    odd: type[NodeSide],
) -> None:
    world, brought = play(seed=3, odd=odd)
    assert brought == [1] * 6
    taken = cast.START + 4 * STEP_S
    assert started_at(world) <= compute_waiting(taken, TERMS.accept_by) + 2 * STEP_S


def test_a_node__that_has_to_allow_more_first__brings_its_own_and_the_device_the_rest() -> None:
    world, brought = play(seed=3, odd=OwnWayNode)
    assert Counter(brought) == {1: 1, 5: 1}
    assert started_at(world) <= compute_waiting(cast.START, TERMS.accept_by)


@pytest.mark.parametrize(
    ("records", "device", "calls"),
    [(1, DeviceSide, [6]), (1, HoardingDevice, [1] * 6), (2, HoardingDevice, [1] * 6)],
    ids=["took the offer", "took the offer, kept back", "waited long enough"],
)
def test_a_node__killed_after_a_record__keeps_its_promise(
    records: int, device: type[DeviceSide], calls: list[int]
) -> None:
    world = people(seed=4, device=device)
    world.nodes[3].kill_after = records
    assert play_on(world) == calls
    assert world.nodes[3].kill_after is None


@pytest.mark.parametrize("records", range(1, 9))
def test_a_device__killed_after_a_record__brings_all_in_one_call(records: int) -> None:
    world = people(seed=4)
    device = next(side for side in world.sides if isinstance(side, DeviceSide))
    device.kill_after = records
    assert play_on(world) == [6]
    assert device.kill_after is None


def test_the_planted_nodes__that_bring_their_own_at_once__take_six_calls() -> None:
    world = people(seed=4, odd=OwnWayNode, others=OwnWayNode)
    assert play_on(world) == [1] * 6


def test_the_planted_nodes__that_wait_for_the_device_alone__never_start() -> None:
    world = people(seed=4, odd=TrustingNode, others=TrustingNode, device=HoardingDevice)
    assert play_on(world) == []
    assert {seat.phase for seat in world.chain.index_views(ORDER.job)} == {IndexPhase.RELEASED}


# --- the node ------------------------------------------------------------------------------------


def test_a_node__waits_through_the_last_second_of_its_half_and_no_longer() -> None:
    node, owed = step(NodeTask(), WAITING)
    assert node.leaves_bringing and not owed
    assert reach_time(node, HALF) == node
    late = reach_time(node, Timestamp(HALF + 1))
    assert not late.leaves_bringing
    assert late.owed() == (do.SubmitAcceptance(),)
    over = reach_time(late, Timestamp(TERMS.accept_by + 1))
    assert over.owed() == ()


def test_a_node__whose_acceptance_the_device_brought__owes_none() -> None:
    node, _ = step(NodeTask(), WAITING)
    node, _ = step(node, on.SawAccepted())
    assert reach_time(node, Timestamp(HALF + 1)).owed() == ()


def test_a_node__that_left_it_to_nobody__brings_it_at_once() -> None:
    node, owed = step(NodeTask(), cast.offer_to(ORDER, 3))
    assert owed == (do.SubmitAcceptance(),) and not node.leaves_bringing


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (1_000, 1_015),
        (1_001, 1_015),
        (1_028, 1_029),
        (1_029, 1_029),
        (1_030, 1_030),
        (1_099, 1_099),
    ],
)
def test_the_wait__is_half_of_what_is_left_and_nothing_when_it_is_over(
    now: int, until: int
) -> None:
    assert compute_waiting(now, Timestamp(1_030)) == until


# --- the device ----------------------------------------------------------------------------------


def posted(*events: object) -> DeviceJob:
    state = DeviceJob()
    for event in (on.AskedSubmit(ORDER), on.SawPosted(), *events):
        state, _ = step(state, event)
    return state


def given(*indices: int) -> list[object]:
    return [on.HeardAcceptance(cast.acceptance_of(ORDER, j)) for j in indices]


def test_a_device__brings_once_all_who_are_awaited_have_signed() -> None:
    almost = posted(*given(1, 2, 4, 5, 6))
    assert almost.owed() == (do.SendOffer(ShareIndex(3)),)
    whole, owed = step(almost, *given(3))
    assert owed == (BRINGS,) == whole.owed()


@pytest.mark.parametrize("own", [on.SawIndexPhase(ShareIndex(3), IndexPhase.ACCEPTED)])
def test_a_device__brings_the_rest_when_one_has_brought_its_own(own: object) -> None:
    almost = posted(*given(1, 2, 4, 5, 6), on.HeardOfferTaken(ShareIndex(3)))
    assert almost.owed() == ()
    assert step(almost, own)[1] == (BRINGS,)


def test_a_device__that_was_refused__leaves_it_to_the_nodes() -> None:
    refused = posted(*given(*SIX), on.FoundAcceptancesRefused("AllowanceTooLow"))
    assert refused.owed() == ()
    own, _ = step(refused, on.SawIndexPhase(ShareIndex(1), IndexPhase.ACCEPTED))
    assert own.owed() == ()


def test_a_device__that_sees_the_start__owes_no_acceptance_on_the_way() -> None:
    state = posted(*given(*SIX))
    for event in (
        on.SawStarted(Timestamp(1_010)),
        *(on.SawIndexPhase(j, IndexPhase.ACCEPTED) for j in SIX),
    ):
        state, _ = step(state, event)
        assert state.phase is DevicePhase.STARTED
        assert BRINGS not in state.owed()


# --- what a node leaves to the device ------------------------------------------------------------

RIGHT = cast.acceptance_of(ORDER, 3)


@pytest.mark.parametrize(
    ("acceptance", "fault"),
    [
        (replace(RIGHT, job=JobId(bytes(32))), WrongAcceptance),
        (cast.acceptance_of(ORDER, 2), WrongAcceptance),
        (replace(RIGHT, valid_until=Timestamp(TERMS.accept_by - 1)), WrongAcceptance),
        (replace(RIGHT, valid_until=Timestamp(TERMS.accept_by + 1)), WrongAcceptance),
        (cast.acceptance_of(ORDER, 3, cast.OUTSIDER), BadSignature),
        (cast.acceptance_of(replace(ORDER, root=Hash32(bytes(32))), 3), BadSignature),
        (
            cast.acceptance_of(
                replace(ORDER, terms=replace(TERMS, stake=Tokens(TERMS.stake - 1))), 3
            ),
            BadSignature,
        ),
        (replace(RIGHT, signature=bytes(65)), BadSignature),
    ],
    ids=["job", "index", "too early", "too late", "signer", "root", "stake", "no signature"],
)
def test_an_acceptance__that_the_contract_would_refuse__is_none(
    acceptance: Any, fault: type[PeerFault]
) -> None:
    check_acceptance(RIGHT, ORDER, ShareIndex(3), cast.DOMAIN)
    with pytest.raises(fault):
        check_acceptance(acceptance, ORDER, ShareIndex(3), cast.DOMAIN)


class Chain:
    """A settlement that shows these phases and takes, or refuses, what is brought."""

    domain = cast.DOMAIN

    def __init__(self, awaited: tuple[int, ...] = SIX, refusal: Exception | None = None) -> None:
        self.awaited, self.refusal, self.brought = awaited, refusal, list[list[int]]()

    def views(self, *_: object, **__: object) -> list[Any]:
        phases = [IndexPhase.NAMED if j in self.awaited else IndexPhase.ACCEPTED for j in SIX]
        return [(None, [SimpleNamespace(phase=phase) for phase in phases])]

    def accept(self, _: object, __: object, acceptances: list[Any]) -> Call:
        nowhere: Any = None
        return Call(nowhere, "accept", tuple(given.index for given in acceptances))

    def push(self, call: Call) -> None:
        self.brought.append([*call.args])
        if self.refusal is not None:
            raise self.refusal


def offering(chain: Chain, said: bytes = TAKEN) -> Offering:
    station: Any = SimpleNamespace(
        settlement=chain,
        push=chain.push,
        chain=SimpleNamespace(block=lambda _: SimpleNamespace(number=9)),
        hand=lambda *_: said,
    )
    return Offering(station)


def test_what_a_node_says_to_an_offer__is_an_acceptance_or_that_it_brings_its_own() -> None:
    index = ShareIndex(3)
    state, told = posted(), list[object]()
    taken = offering(Chain()).offer(state, index, lambda *facts: told.append(facts))
    assert taken == [on.HeardOfferTaken(index)]
    given = offering(Chain(), RIGHT.to_wire())
    heard = given.offer(state, index, lambda *facts: told.append(facts))
    assert heard == [on.HeardAcceptance(RIGHT)]
    assert told == []


@pytest.mark.parametrize("said", [b"", b"taken!", RIGHT.to_wire() + b"\0", bytes(103)])
def test_what_a_node_says_that_is_no_acceptance__is_its_fault_and_is_told(said: bytes) -> None:
    device, told = offering(Chain(), said), list[tuple[JobId, Sequence[on.DeviceEvent]]]()
    with pytest.raises(PeerFault):
        device.offer(posted(), ShareIndex(3), lambda *facts: told.append(facts))
    ((job, (refused,)),) = told
    assert isinstance(refused, on.HeardOfferRefused)
    assert (job, refused.index, refused.why) == (ORDER.job, 3, Refusing.REFUSED)


def test_acceptances__are_brought_in_one_call_without_those_that_others_brought() -> None:
    state, chain = posted(*given(6, 5, 4, 3, 2, 1)), Chain(awaited=(2, 4, 6))
    assert offering(chain).bring(state) == []
    assert chain.brought == [[2, 4, 6]]
    with pytest.raises(TryAgain):
        offering(Chain(awaited=())).bring(state)


def test_a_refusal_of_all__is_found_once() -> None:
    refusal = ContractRefused("JobSettlement", "accept", "AllowanceTooLow", {})
    found = offering(Chain(refusal=refusal)).bring(posted(*given(*SIX)))
    assert found == [on.FoundAcceptancesRefused("reverted with AllowanceTooLow")]
