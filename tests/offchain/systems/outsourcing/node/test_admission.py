"""What a node takes on, and what it says when it does not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.polynomial import Polynomial, SparsePolynomial
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.outsourcing.contract.terms import Terms, compute_output_bytes
from edgemark.systems.outsourcing.limits import DISK_COPIES, DISK_RESERVE_BYTES
from edgemark.systems.outsourcing.node.admission import (
    OVERHEAD_S,
    RETRY_S,
    SAFETY,
    Capacity,
    Load,
    NodeBusy,
    Promise,
    TaskTooLarge,
    check_admission,
    check_disk,
    estimate_seconds,
    measure_load,
)
from edgemark.systems.outsourcing.node.speed import LEAST_PRODUCTS, SpeedMeter
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.phases import NodePhase

TERMS = cast.small_order().terms
FUNCTION = SparsePolynomial.from_terms(2, 1, {(0, 1): (3,), (1,): (5,)})
WINDOW = TERMS.compute_by - TERMS.accept_by
PLENTY = Capacity(open_jobs=100, queued_s=1e6, held_bytes=2**40)
IDLE = Load(0, 0.0, 0)
FAST = 1e-9
BYTES = TERMS.share_bytes + compute_output_bytes(TERMS.batch, TERMS.outputs)


def check(load: Load = IDLE, capacity: Capacity = PLENTY, speed: float = FAST) -> None:
    check_admission(TERMS, load, capacity, speed, who="0x77")


def task_in(phase: NodePhase, terms: Terms = TERMS) -> NodeTask:
    offer = replace(cast.offer_to(cast.small_order(), 1), terms=terms)
    return NodeTask(phase=phase, offer=offer)


def test_idle_node__takes_the_job() -> None:
    check()


@pytest.mark.parametrize(
    ("load", "capacity", "what", "had", "needed"),
    [
        (
            Load(3, 0, 0),
            replace(PLENTY, open_jobs=3),
            "has as many jobs as it takes",
            "3",
            "< 3",
        ),
        (
            Load(0, 9.99, 0),
            replace(PLENTY, queued_s=10),
            "has too much to compute",
            "10.0 s",
            "<= 10.0 s",
        ),
        (
            Load(0, 0, 0, (Promise(WINDOW, WINDOW),)),
            PLENTY,
            "cannot be in time beside its other work",
            f"{WINDOW}.0 s",
            f"<= {WINDOW}.0 s of this task or another",
        ),
        (
            Load(0, 0, 1000),
            replace(PLENTY, held_bytes=1000 + BYTES - 1),
            "holds too many shares",
            f"{1000 + BYTES} bytes",
            f"<= {1000 + BYTES - 1} bytes",
        ),
    ],
)
def test_busy_node__refuses_by_name_with_had_limit_and_when_to_ask_again(
    load: Load, capacity: Capacity, what: str, had: str, needed: str
) -> None:
    with pytest.raises(NodeBusy) as refused:
        check(load, capacity)
    facts = refused.value.as_dict()
    assert facts["error"] == "NodeBusy"
    assert (facts["what"], facts["had"], facts["needed"]) == (what, had, needed)
    assert facts["who"] == "node 0x77"
    assert facts["retry_after_s"] >= RETRY_S
    assert facts["remedy"] == f"Ask again after {facts['retry_after_s']} s."


def test_last_place__is_given_away() -> None:
    check(Load(2, 0, 0), replace(PLENTY, open_jobs=3))
    check(Load(0, 0, 1000), replace(PLENTY, held_bytes=1000 + BYTES))


def test_task_that_no_idle_node_could_compute__is_refused_for_good() -> None:
    slow = WINDOW / SAFETY / (TERMS.term_count * TERMS.batch)
    with pytest.raises(TaskTooLarge) as refused:
        check(speed=slow)
    assert not isinstance(refused.value, Overloaded)
    assert isinstance(refused.value, RefusedInput)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("capacity", "what"),
    [
        (replace(PLENTY, held_bytes=BYTES - 1), "cannot hold the task"),
        (replace(PLENTY, queued_s=OVERHEAD_S), "takes no task that long"),
    ],
)
def test_task_above_a_setting__is_refused_for_good_for_waiting_does_not_help(
    capacity: Capacity, what: str
) -> None:
    with pytest.raises(TaskTooLarge, match=what):
        check(Load(1, 0.5, 1000), capacity)


def test_disk_that_could_not_keep_the_task_twice__is_a_reason_to_wait() -> None:
    least = DISK_COPIES * BYTES + DISK_RESERVE_BYTES
    check_disk(TERMS, least, IDLE, who="0x77")
    with pytest.raises(NodeBusy) as refused:
        check_disk(TERMS, least - 1, IDLE, who="0x77")
    assert (refused.value.had, refused.value.needed) == (least - 1, f">= {least} bytes free")


@pytest.mark.parametrize("is_planted", [False, True])
def test_f2_tasks_that_are_taken_one_after_the_other__fit_on_the_disk_together(
    *, is_planted: bool
) -> None:
    """As it was, each was looked at alone, and those that came last found the disk full."""
    free, taken = 5 * DISK_COPIES * BYTES + DISK_RESERVE_BYTES, list[NodeTask]()
    for _ in range(20):
        load = IDLE if is_planted else measure_load(taken, lambda _: FAST)
        with suppress(NodeBusy):
            check_disk(TERMS, free, load, who="0x77")
            taken.append(task_in(NodePhase.OFFERED))
    assert len(taken) == (20 if is_planted else 5)


def test_what_is_journaled__is_not_counted_again() -> None:
    offered = task_in(NodePhase.OFFERED)
    order = cast.small_order()
    holding = replace(offered, phase=NodePhase.HOLDING, task=order.tasks[0])
    serving = replace(holding, phase=NodePhase.SERVING, answer=cast.right_answer(order, 1))
    ended = replace(serving, phase=NodePhase.ENDED)
    cancelled = replace(offered, phase=NodePhase.ENDED)
    tasks = (offered, holding, serving, ended, cancelled)
    coming = [measure_load([task], lambda _: FAST).coming_bytes for task in tasks]
    assert coming == [2 * BYTES, 2 * BYTES - TERMS.share_bytes, BYTES, BYTES, 0]


@pytest.mark.parametrize("is_planted", [False, True])
def test_tasks_that_ended__have_room_for_the_copies_that_tidying_makes(is_planted: bool) -> None:
    """Taken one after the other, each behind one that ends; then all at hand is written anew."""
    order = cast.small_order()
    serving = replace(
        task_in(NodePhase.SERVING), task=order.tasks[0], answer=cast.right_answer(order, 1)
    )
    free, tasks = DISK_RESERVE_BYTES + 20 * BYTES, list[NodeTask]()
    with suppress(NodeBusy):
        while len(tasks) < 100:
            counted = [each for each in tasks if not (is_planted and each.is_finished)]
            check_disk(TERMS, free, measure_load(counted, lambda _: FAST), who="0x77")
            free -= BYTES
            tasks.append(serving if len(tasks) < 2 else replace(serving, phase=NodePhase.ENDED))
    assert len(tasks) < 100
    has_room = free - DISK_RESERVE_BYTES >= len(tasks) * BYTES
    assert has_room is not is_planted


def test_busy__is_told_apart_from_wrong_input_by_whoever_asks_again() -> None:
    assert issubclass(NodeBusy, Overloaded)


@given(
    queued=st.floats(0, 1e4),
    speed=st.floats(1e-12, 1.0),
    limit=st.floats(0.1, 1e4),
)
def test_what_is_accepted__fits_its_window_behind_everything_queued(
    queued: float, speed: float, limit: float
) -> None:
    capacity = replace(PLENTY, queued_s=limit)
    try:
        check(Load(0, queued, 0, (Promise(queued * SAFETY, WINDOW),)), capacity, speed)
    except (NodeBusy, TaskTooLarge):
        return
    promised = queued + estimate_seconds(TERMS, speed)
    assert promised * SAFETY <= WINDOW
    assert promised <= limit


def test_load__counts_what_is_open_and_what_is_still_to_be_computed() -> None:
    tasks = [task_in(phase) for phase in NodePhase if phase is not NodePhase.UNKNOWN]
    load = measure_load([*tasks, NodeTask()], lambda _: FAST)
    assert load.open_jobs == len(tasks) - 1  # all but the one that ended
    assert load.held_bytes == load.open_jobs * BYTES
    waiting = 5  # offered, accepted, holding, summoned, defending
    assert load.queued_s == pytest.approx(waiting * estimate_seconds(TERMS, FAST))


def test_estimate__grows_with_terms_and_batch() -> None:
    one = estimate_seconds(TERMS, 1.0) - OVERHEAD_S
    double = replace(TERMS, batch=2 * TERMS.batch, term_count=3 * TERMS.term_count)
    assert estimate_seconds(double, 1.0) - OVERHEAD_S == pytest.approx(6 * one)


def test_speed__of_a_function_is_timed_and_follows_what_its_tasks_take() -> None:
    meter = SpeedMeter()
    assert 0 < meter.fastest <= meter.slowest
    assert meter.of(FUNCTION.hash) == meter.slowest
    timed = meter.time(FUNCTION.hash, lambda _: FUNCTION)
    assert timed > 0
    assert meter.time(FUNCTION.hash, lambda _: None) == meter.of(FUNCTION.hash) == timed
    for _ in range(100):
        meter.note(FUNCTION.hash, LEAST_PRODUCTS, LEAST_PRODUCTS * 0.5)
    assert meter.of(FUNCTION.hash) == pytest.approx(0.5)
    assert meter.of(Hash32(bytes(32))) == meter.slowest


def test_f4_speed__while_another_function_is_timed__is_not_waited_for() -> None:
    """Before, offers waited for each other in threads that all known parties share."""
    meter, refusals = SpeedMeter(), list[Overloaded]()

    def read(_: Hash32) -> Polynomial:
        with pytest.raises(Overloaded) as refused:
            meter.time(Hash32(bytes(32)), lambda _: FUNCTION)
        refusals.append(refused.value)
        return FUNCTION

    assert meter.time(FUNCTION.hash, read) > 0
    assert [refusal.retry_after_s for refusal in refusals] == [1]
    with pytest.raises(Overloaded, match="not here any more"):
        meter.time(Hash32(bytes(32)), lambda _: None)
    assert meter.time(Hash32(bytes(32)), lambda _: FUNCTION) > 0


def test_speed__does_not_follow_tasks_too_small_to_tell() -> None:
    meter = SpeedMeter()
    meter.note(FUNCTION.hash, LEAST_PRODUCTS - 1, 1000.0)
    assert meter.of(FUNCTION.hash) == meter.slowest


@pytest.mark.parametrize(("degree", "rows"), [(1, 3), (3, 40), (20, 40)])
def test_terms_of_a_sparse_function__bound_the_multiplications_of_an_input(
    degree: int, rows: int
) -> None:
    """Coefficients alone are a small part of what the kernel does at degree 20."""
    terms = {
        tuple(sorted((row + i * i) % 50 for i in range(degree))): (1, 2) for row in range(rows)
    }
    function = SparsePolynomial.from_terms(50, 2, terms)
    factors = [set(monomial) for monomial in terms]
    exponents = {v: max(m.count(v) for m in terms) for m in factors for v in m}
    done = 2 * rows + sum(map(len, factors)) + sum(exponent - 1 for exponent in exponents.values())
    assert function.header.coefficient_count == 2 * rows
    assert degree < 20 or done > 8 * function.header.coefficient_count  # yesterday's count
    assert done <= function.term_count <= 2 * rows + rows * degree + 50 * (degree - 1)
    assert function.header.total_bytes == len(function.to_bytes())
