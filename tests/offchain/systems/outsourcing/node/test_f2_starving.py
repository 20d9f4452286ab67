"""A short task is not starved by long ones: promises, turns, and the pool as it was."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import Timestamp
from edgemark.loop.threads import EffectPool, Pace, Performed
from edgemark.systems.outsourcing.node.admission import (
    Capacity,
    NodeBusy,
    Promise,
    check_admission,
    find_broken,
    measure_load,
)
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.keys import facts_of
from edgemark.systems.outsourcing.protocol.phases import NodePhase

TERMS = cast.small_order().terms
SPEED = 1e-8
PLENTY = Capacity(open_jobs=256, queued_s=600, held_bytes=2**40)


def task_of(window: int, products: int) -> NodeTask:
    terms = replace(
        TERMS, compute_by=Timestamp(TERMS.accept_by + window), term_count=products, batch=1
    )
    offer = replace(cast.offer_to(cast.small_order(), 1), terms=terms)
    return NodeTask(phase=NodePhase.OFFERED, offer=offer)


def admit(tasks: Sequence[NodeTask], one: NodeTask) -> None:
    load = measure_load(tasks, lambda _: SPEED)
    check_admission(one.known.terms, load, PLENTY, SPEED, who="0x77")


SHORT, LONG = task_of(5, 1000), task_of(1300, 265_200_000)  # 2.7 s each


def test_f2_long_tasks_after_a_short_one__are_refused_when_it_could_not_wait_for_one() -> None:
    with pytest.raises(NodeBusy, match="beside its other work"):
        admit([SHORT], LONG)
    with pytest.raises(NodeBusy, match="beside its other work"):
        admit([LONG], SHORT)


def test_f2_many_tasks_that_a_short_one_can_wait_for__are_taken_beside_it() -> None:
    tasks = [SHORT]
    for _ in range(100):
        one = task_of(1300, 200_000_000)  # 2 s, reckoned with 4
        admit(tasks, one)
        tasks.append(one)


# --- what is admitted is in time, whenever it comes ----------------------------------------------


@dataclass(frozen=True)
class Offered:
    """One task: how long it takes and may take, when it is offered and when it comes."""

    seconds: int
    within: int
    offered_at: int
    comes_after: int

    @property
    def comes_at(self) -> int:
        return self.offered_at + self.comes_after


offered = st.lists(
    st.builds(
        Offered,
        seconds=st.integers(1, 12),
        within=st.integers(1, 60),
        offered_at=st.integers(0, 60),
        comes_after=st.integers(0, 40),
    ),
    max_size=12,
)
Turn = Callable[[Offered], int]


def by_deadline(one: Offered) -> int:
    return one.comes_at + one.within


def by_coming(one: Offered) -> int:
    """The planted pool: first come, first served."""
    return one.comes_at


def play(offers: Sequence[Offered], turn: Turn) -> list[tuple[Offered, int]]:
    """Second by second: offers are answered, tasks come, one computes; (task, end) of the taken."""
    taken: list[Offered] = []
    done: dict[int, int] = {}
    waiting: list[tuple[int, int]] = []
    running: tuple[int, int] | None = None
    for second in range(400):
        if running is not None and running[1] == second:
            done[running[0]], running = second, None
        for one in offers:
            if one.offered_at != second:
                continue
            promises = [
                Promise(t.seconds, t.within if t.comes_at >= second else by_deadline(t) - second)
                for number, t in enumerate(taken)
                if number not in done and (running is None or number != running[0])
            ]
            left = 0 if running is None else running[1] - second
            if find_broken(Promise(one.seconds, one.within), promises, left) is None:
                taken.append(one)
        for number, one in enumerate(taken):
            if one.comes_at == second:
                heapq.heappush(waiting, (turn(one), number))
        if running is None and waiting:
            _, number = heapq.heappop(waiting)
            running = (number, second + taken[number].seconds)
    return [(one, done[number]) for number, one in enumerate(taken)]


@given(offered)
def test_f2_every_task_that_is_taken__is_computed_in_its_time(offers: list[Offered]) -> None:
    for one, ended in play(offers, by_deadline):
        assert ended <= by_deadline(one), one


def test_f2_the_planted_queue__first_come_first_served__starves_the_short_one() -> None:
    offers = [*(Offered(4, 60, 0, 1) for _ in range(10)), Offered(2, 10, 0, 2)]
    assert any(end > by_deadline(one) for one, end in play(offers, by_coming))
    assert all(end <= by_deadline(one) for one, end in play(offers, by_deadline))
    assert len(play(offers, by_deadline)) == len(offers)


# --- the pool ----------------------------------------------------------------------------------


def test_f2_pool__computes_by_deadline_and_lets_nothing_else_wait() -> None:
    outcomes: queue.Queue[Performed[Any, str]] = queue.Queue()
    held, started = threading.Event(), threading.Event()

    def perform(key: bytes, effect: str) -> Sequence[object]:
        if key == b"first" and effect == "compute":
            started.set()
            assert held.wait(20)
        return ()

    due = {b"first": 9.0, b"late": 8.0, b"early": 1.0, b"middle": 4.0}
    pool: EffectPool[Any, str] = EffectPool(
        facts_of,
        perform,
        outcomes.put,
        lambda *_: True,
        Pace(workers=1),
        "pool",
    )
    pool.due = lambda key, effect: due[key] if effect == "compute" else None
    pool.begin(b"first", ["compute"])
    assert started.wait(20)
    for key in (b"late", b"early", b"middle"):
        pool.begin(key, ["compute"])
    pool.begin(b"late", ["commit"])
    assert outcomes.get(timeout=20).effect == "commit"
    held.set()
    assert [outcomes.get(timeout=20).key for _ in due] == [b"first", b"early", b"middle", b"late"]
    pool.close()
