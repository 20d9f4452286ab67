"""One header with too late a time ends nothing; a chain that was set forward is believed soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Timestamp
from edgemark.loop.machine import Tick
from edgemark.party.evm.steady_time import LOOKS, SLACK_S, SteadyTime, TimeInDoubt
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

ORDER = cast.small_order()
TERMS = ORDER.terms
TRUE = TERMS.accept_by + 2  # the job has started, and `compute_by` is ahead
LATE = TERMS.collect_by + 10**6
EVENTS: dict[type, list[Any]] = {
    NodeTask: [
        cast.offer_to(ORDER, 1),
        on.SawAccepted(),
        on.SawStarted(Timestamp(TERMS.accept_by)),
        on.HeardTask(ORDER.tasks[0], bytes(32)),
        on.FoundAnswer(cast.right_answer(ORDER, 1)),
    ],
    DeviceJob: [
        on.AskedSubmit(ORDER),
        on.SawPosted(),
        on.SawStarted(Timestamp(TERMS.accept_by)),
    ],
}


class World:
    """A machine's two clocks, and what the chain's node says."""

    def __init__(self, said: Callable[[float], int]) -> None:
        self.at, self._said = 0.0, said

    def steady(self) -> SteadyTime:
        """A clock over it; this machine believes that it is `TRUE` at the start."""
        return SteadyTime(
            lambda: self._said(self.at),
            apart_s=1.0,
            clock=lambda: self.at,
            wall=lambda: TRUE + self.at,
        )


def ticks(clock: Callable[[], int], world: World, count: int) -> Iterator[int]:
    """What a party hears, a second after the other; a time in doubt is no tick."""
    for _ in range(count):
        world.at += 1
        try:
            yield clock()
        except LedgerUnavailable:
            continue


def lies_at(*seconds: int) -> Callable[[float], int]:
    """A node that says one time too late, at these looks."""
    return lambda at: LATE if at in seconds else TRUE + int(at)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_one_late_header__ends_nothing_and_did_by_the_planted_rule(kind: Any) -> None:
    machine: PartyMachine[Any] = PartyMachine(kind)

    def owed_after(times: Iterator[int]) -> tuple[Any, ...]:
        state = machine.initial(b"")
        for event in EVENTS[kind]:
            state, _ = machine.step(state, event)
        for time in times:
            state, _ = machine.step(state, Tick(time))
        return state.phase, state.owed()

    honest, lying, planted = (World(lies_at(*lies)) for lies in ((), (3,), (3,)))
    unmoved = owed_after(ticks(honest.steady(), honest, 6))
    assert owed_after(ticks(lying.steady(), lying, 6)) == unmoved
    raw = lies_at(3)
    assert owed_after(ticks(lambda: raw(planted.at), planted, 6)) != unmoved
    assert do.SubmitCommitment() in unmoved[1] or kind is DeviceJob


def test_two_nodes_behind_one_url__of_which_one_says_late_times__end_nothing() -> None:
    world = World(lambda at: LATE if int(at) % 2 else TRUE + int(at))
    heard = list(ticks(world.steady(), world, 40))
    assert heard
    assert max(heard) <= TRUE + 40


@given(creep=st.integers(1, 60), every=st.integers(2, LOOKS))
def test_late_times_that_creep__gain_no_more_than_the_slack(creep: int, every: int) -> None:
    """A true time comes between any `LOOKS` of them."""
    world = World(lambda at: TRUE + int(at) + (int(at) * creep if int(at) % every else 0))
    for time in ticks(world.steady(), world, 60):
        assert time <= TRUE + world.at + SLACK_S


def test_a_chain_that_was_set_forward__is_believed_after_as_many_looks_apart() -> None:
    world = World(lambda at: LATE + int(at))
    clock = world.steady()
    for _ in range(LOOKS - 1):
        world.at += 1
        with pytest.raises(TimeInDoubt, match="too late"):
            clock()
        with pytest.raises(TimeInDoubt):
            clock()  # at once: no look of its own
    world.at += 1
    assert clock() == LATE + LOOKS
    assert clock.check(LATE) == LATE


def test_a_header__too_late_to_be_believed__is_refused_and_an_earlier_one_passed_on() -> None:
    world = World(lies_at())
    clock = world.steady()
    edge = TRUE + int(SLACK_S)
    assert clock.check(edge) == edge
    with pytest.raises(TimeInDoubt) as caught:
        clock.check(edge + 1)
    assert caught.value.had == edge + 1
    assert clock.check(0) == 0


def test_a_chain_that_does_not_answer__says_no_time() -> None:
    def ask(_: float) -> int:
        raise LedgerUnavailable("no chain")

    with pytest.raises(LedgerUnavailable, match="no chain"):
        World(ask).steady()()
