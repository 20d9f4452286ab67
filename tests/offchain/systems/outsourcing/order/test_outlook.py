"""What the owner of a job is told: what is still possible, and what being away has cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.amounts import format_tokens
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import Until
from edgemark.systems.outsourcing.order.outlook import tell_outlook
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
TERMS = ORDER.terms
ALL = frozenset(ShareIndex(j) for j in range(1, 7))
JOB = DeviceJob(order=ORDER, indices=(IndexPhase.COMMITTED,) * 6)
STARTED = replace(JOB, phase=DevicePhase.STARTED, indices=(IndexPhase.ACCEPTED,) * 6)


def tell(state: DeviceJob, now: int) -> str:
    return tell_outlook(state, Timestamp(now))


def with_phase(state: DeviceJob, index: int, phase: IndexPhase) -> DeviceJob:
    indices = list(state.indices)
    indices[index - 1] = phase
    return replace(state, indices=tuple(indices))


def test_outlook__before_all_tasks_are_out__says_how_long_the_device_has_to_stay() -> None:
    state = replace(STARTED, delivered=frozenset({ShareIndex(1), ShareIndex(2)}))
    text = tell(state, TERMS.compute_by - 7)
    assert "4 of 6 nodes still wait for their task" in text
    assert "for 7 s of chain time" in text
    assert "stay until `delivered`" in text
    assert not Until.DELIVERED.is_reached(state)


def test_outlook__with_all_tasks_out__lets_the_device_go() -> None:
    state = replace(STARTED, delivered=ALL)
    assert tell(state, TERMS.compute_by).startswith("All nodes have their tasks")
    assert Until.DELIVERED.is_reached(state)
    assert not Until.RESULT.is_reached(state)


def test_outlook__between_compute_by_and_collect_by__can_still_charge() -> None:
    text = tell(replace(STARTED, delivered=ALL), TERMS.collect_by)
    assert "whoever lied or is silent can be charged for 0 s of chain time" in text


def test_outlook__after_collect_by__says_what_is_lost_and_what_is_left() -> None:
    text = tell(replace(STARTED, delivered=ALL), TERMS.collect_by + 1)
    assert "too late to charge anybody" in text
    assert "answers are still asked for" in text
    assert "never got a task" not in text


def test_outlook__after_collect_by__with_tasks_never_sent__counts_the_fees_that_are_lost() -> None:
    state = replace(with_phase(STARTED, 1, IndexPhase.COMMITTED), delivered=ALL - {6, 5})
    text = tell(state, TERMS.collect_by + 1)
    fees = format_tokens(2 * TERMS.fee)
    assert f"indices 5, 6 never got a task or never committed: {fees} MTC go to the pool" in text


@pytest.mark.parametrize(
    ("phase", "lost"),
    [
        (IndexPhase.COMMITTED, f"{format_tokens(TERMS.fee)} MTC go to nodes that did not earn"),
        (IndexPhase.PAID, f"{format_tokens(TERMS.fee)} MTC go to nodes that did not earn"),
        (IndexPhase.UNEARNED, f"{format_tokens(TERMS.fee)} MTC go to the pool"),
    ],
)
def test_outlook__of_a_liar_not_charged_in_time__says_who_has_what(
    phase: IndexPhase, lost: str
) -> None:
    valid = replace(JOB, phase=DevicePhase.VALID, wrong=(ShareIndex(3),), result=b"x" * 17)
    state = with_phase(valid, 3, phase)
    text = tell(state, TERMS.collect_by + 1)
    assert "too late to charge index 3" in text
    assert lost in text
    assert "The result is checked." in text
    assert "stay, or come back before" in tell(valid, TERMS.collect_by)


def test_outlook__of_a_valid_job__says_first_that_it_has_its_result_then_what_settles_it() -> None:
    valid = replace(JOB, phase=DevicePhase.VALID, result=b"x" * 17)
    text = tell(valid, TERMS.compute_by)
    result, following = text.split(". ", 1)
    assert result == "The result is checked"
    assert following.startswith("Next comes the payment of nodes 1, 2, 3, 4, 5, 6 until 1970-")
    assert following.endswith("then the job is settled, whoever stays.")
    settled = replace(valid, phase=DevicePhase.SETTLED, indices=(IndexPhase.PAID,) * 6)
    told = "The result is checked. Every token of it is paid out."
    assert tell(settled, TERMS.compute_by) == told


@pytest.mark.parametrize("phase", list(DevicePhase))
def test_outlook__of_every_phase__says_something(phase: DevicePhase) -> None:
    state = replace(JOB, phase=phase, result=b"x" * 17 if phase is DevicePhase.SETTLED else None)
    for at in (TERMS.accept_by, TERMS.compute_by, TERMS.collect_by, TERMS.collect_by + 1):
        text = tell(replace(state, undecided_because="two liars"), at)
        assert text.endswith(".")


def test_until_delivered__of_a_job_that_went_on_without_some_tasks__waits_no_longer() -> None:
    for phase in (DevicePhase.GATHERED, DevicePhase.UNDECIDED, DevicePhase.CANCELLED):
        assert Until.DELIVERED.is_reached(replace(JOB, phase=phase))
    assert not Until.DELIVERED.is_reached(DeviceJob())
