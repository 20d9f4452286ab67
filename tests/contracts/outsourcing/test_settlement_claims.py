"""One transaction of a stranger that ends whatever is due in many jobs."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.states import State
from tests.contracts.world import (
    BOND,
    FEE,
    JUDGE_FEE,
    JUDGE_WINDOW,
    LOCK_TAIL,
    NODES,
    STAKE,
    World,
    refused,
)

ALL = tuple(range(1, NODES + 1))
STATES = (State(ALL), State(ALL, wrong=2))
MOST_INDICES = 64


def claim(world: World, *jobs: bytes):
    """A stranger claims."""
    return world.settlement.claim(list(jobs), sender=world.outsider)


def test_claim__of_a_job_that_never_started__gives_everything_back(world: World):
    job = world.post()
    world.accept(job, 2)
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    with world.moves() as moved:
        tx = claim(world, job)

    (cancelled,) = tx.decode_logs(world.settlement.JobCancelled)
    assert (cancelled.job, cancelled.caller) == (job, world.outsider)
    assert moved == {"payer": NODES * FEE, "node 2": STAKE, "locked": -(NODES * FEE + STAKE)}
    assert world.job_phase(job) == "Cancelled"


def test_claim__after_collect_by__pays_the_committed_and_the_pool_for_the_rest(world: World):
    job = world.started(committed=(1, 2, 3, 4, 5))
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with world.moves() as moved:
        tx = claim(world, job)

    assert [paid.index for paid in tx.decode_logs(world.settlement.NodePaid)] == [1, 2, 3, 4, 5]
    assert [log.index for log in tx.decode_logs(world.settlement.FeeUnearned)] == [6]
    assert moved == {
        **{f"node {j}": STAKE + FEE for j in ALL[:5]},
        "node 6": STAKE,
        "pool": FEE,
        "locked": -NODES * (FEE + STAKE),
    }


def test_claim__of_a_charge_that_nobody_served__is_void(world: World):
    job = world.charged_wrong(index=2)
    world.at(world.settlement.indexOf(job, 2).servedBy + 1)
    with world.moves() as moved:
        tx = claim(world, job)

    (voided,) = tx.decode_logs(world.settlement.ChargeVoided)
    assert (voided.job, voided.index, voided.node) == (job, 2, world.nodes[1])
    assert moved == {
        "pool": JUDGE_FEE,
        "node 2": STAKE + 2 * FEE,
        "locked": -(STAKE + FEE + BOND),
    }
    assert world.phase(job, 1) == "Committed"  # its time has not come


def test_claim__of_a_charge_without_verdict__lapses(world: World):
    job = world.charged_wrong(index=2)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).verdictBy + 1)
    with world.moves() as moved:
        tx = claim(world, job)

    (lapsed,) = tx.decode_logs(world.settlement.ChargeLapsed)
    assert (lapsed.job, lapsed.index) == (job, 2)
    assert moved == {
        "node 2": STAKE,
        "payer": BOND,
        "pool": FEE,
        "locked": -(STAKE + FEE + BOND),
    }


def test_claim__of_many_jobs__ends_what_is_due_and_passes_over_the_rest(world: World):
    unstarted, running, charged = world.post(), world.started(), world.charged_wrong(index=3)
    world.at(world.settlement.jobOf(unstarted).acceptBy + 1)
    unknown = keccak(b"a job that nobody posted")
    tx = claim(world, running, unknown, charged, unstarted, unstarted)

    assert [log.job for log in tx.decode_logs(world.settlement.JobCancelled)] == [unstarted]
    assert world.job_phase(unstarted) == "Cancelled"
    assert [world.phase(running, j) for j in ALL] == ["Accepted"] * NODES
    assert world.phase(charged, 3) == "Charged"


DUE = {"acceptBy": "Released", "servedBy": "Void", "verdictBy": "Lapsed", "collectBy": "Paid"}


def job_waiting_for(world: World, deadline: str) -> tuple[bytes, int]:
    """A job of which index 2 waits for that deadline, and its last second."""
    if deadline == "acceptBy":
        job = world.post()
        world.accept(job, 2)
    elif deadline == "collectBy":
        job = world.started(committed=ALL)
    else:
        job = world.charged_wrong(index=2)
        if deadline == "verdictBy":
            world.serve(job, 2)
            assert world.settlement.indexOf(job, 2).answerBy < world.now() + 1
    of_job = deadline in ("acceptBy", "collectBy")
    found = world.settlement.jobOf(job) if of_job else world.settlement.indexOf(job, 2)
    return job, found[deadline]


@pytest.mark.parametrize("deadline", DUE)
def test_claim__in_the_last_second_of_a_deadline__changes_nothing_and_in_the_next_all(
    world: World, deadline: str
):
    job, last = job_waiting_for(world, deadline)
    before = world.phase(job, 2)
    world.at(last)
    with world.moves() as moved:
        claim(world, job)
    assert (moved, world.phase(job, 2)) == ({}, before)
    world.at(last + 1)
    claim(world, job)
    assert world.phase(job, 2) == DUE[deadline]


def test_claim__of_a_served_silent_charge_at_answer_by__waits_for_the_verdict(world: World):
    job = world.charged_silent(index=2)
    world.serve(job, 2)
    seat = world.settlement.indexOf(job, 2)
    for moment in (seat.answerBy, seat.answerBy + 1, seat.verdictBy):
        world.at(moment)
        claim(world, job)
        assert world.phase(job, 2) == "Served"
    world.at(seat.verdictBy + 1)
    claim(world, job)
    assert world.phase(job, 2) == "Lapsed"


def test_claim__says_how_many_indices_it_ended(world: World):
    job = world.started(committed=ALL)
    world.chain.mine(timestamp=world.settlement.jobOf(job).collectBy + 1)
    assert world.settlement.claim.call([job, job], sender=world.outsider) == NODES


def test_claim__beyond_the_expiry_of_the_locks__leaves_them_to_the_anchor(world: World):
    expired, other = world.started(committed=ALL), world.started(committed=ALL)
    expiry = world.settlement.jobOf(expired).collectBy + LOCK_TAIL
    world.at(expiry)
    claim(world, other)
    assert world.phase(other, 1) == "Paid"
    world.at(expiry + 30)
    job = world.post()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    claim(world, expired, job)

    assert world.phase(expired, 1) == "Committed"
    assert world.job_phase(job) == "Cancelled"
    with world.moves() as moved:
        world.anchor.expire(world.settlement, expired, 1, sender=world.outsider)
    assert moved == {"node 1": STAKE, "locked": -STAKE}


def test_claim__of_more_indices_than_the_largest_job_has__reverts(world: World):
    jobs = [world.post() for _ in range(MOST_INDICES // NODES)]
    claim(world, *jobs)  # 60 indices
    unknown = [keccak(b"unknown %d" % number) for number in range(5)]
    claim(world, *jobs, *unknown[:4])
    with refused(world.settlement.ClaimTooLarge, had=MOST_INDICES + 1, most=MOST_INDICES):
        claim(world, *jobs, *unknown)


def test_claim__of_nothing__changes_nothing(world: World):
    with world.moves() as moved:
        claim(world)
    assert moved == {}


def test_claim__of_a_settled_job__changes_nothing(world: World):
    job = world.charged_wrong(index=1)
    world.serve(job, 1)
    world.judge(job, 1, 2)
    world.at(world.settlement.jobOf(job).collectBy + JUDGE_WINDOW)
    claim(world, job)
    assert world.phase(job, 1) == "Convicted"
    with world.moves() as moved:
        claim(world, job)
    assert moved == {}
