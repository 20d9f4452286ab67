"""Acceptances by signature, the start of a job, and jobs that never start."""

from __future__ import annotations

import pytest
from tests.contracts.world import (
    FEE,
    JOB_PHASES,
    LOCK_TAIL,
    NODES,
    STAKE,
    WEALTH,
    World,
    refused,
    sign,
    signer_of,
)


def test_accept__signed_by_the_node__locks_its_stake(world: World, outsider):
    job = world.post()
    with world.moves() as moved:
        tx = world.accept(job, 2)

    (accepted,) = tx.decode_logs(world.settlement.NodeAccepted)
    assert (accepted.job, accepted.index, accepted.node) == (job, 2, world.nodes[1])
    assert tx.decode_logs(world.settlement.JobStarted) == []
    assert moved == {"node 2": -STAKE, "locked": STAKE}
    assert world.phase(job, 2) == "Accepted"
    assert world.job_phase(job) == "Posted"
    lock = world.anchor.lockOf(world.settlement.indexOf(job, 2).stakeLock)
    assert (lock.owner, lock.locker) == (world.nodes[1], world.settlement)
    assert lock.expiresAt == world.settlement.jobOf(job).collectBy + LOCK_TAIL


def test_accept__the_last_one__starts_the_job(world: World):
    job = world.post()
    for index in range(1, NODES):
        world.accept(job, index)
    tx = world.accept(job, NODES)

    (started,) = tx.decode_logs(world.settlement.JobStarted)
    assert (started.job, started.startedAt) == (job, tx.timestamp)
    entry = world.settlement.jobOf(job)
    assert (entry.accepted, entry.startedAt) == (NODES, tx.timestamp)
    assert world.job_phase(job) == "Started"


@pytest.mark.parametrize("offset", [-1, 0])
def test_accept__up_to_accept_by__is_taken(world: World, offset):
    job = world.post()
    deadline = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, deadline)
    world.at(deadline + offset)
    world.settlement.accept(job, 1, deadline, signature, sender=world.outsider)
    assert world.phase(job, 1) == "Accepted"


def test_accept__after_accept_by__reverts(world: World):
    job = world.post()
    deadline = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, deadline + 100)
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.settlement.accept(job, 1, deadline + 100, signature, sender=world.outsider)


def test_accept__at_valid_until__is_taken_and_a_second_later_reverts(world: World):
    job = world.post()
    until = world.now() + 20
    signatures = [world.acceptance(job, index, until) for index in (1, 2)]
    world.at(until)
    world.settlement.accept(job, 1, until, signatures[0], sender=world.outsider)
    world.at(until + 1)
    with refused(world.settlement.TooLate, nowAt=until + 1, deadline=until):
        world.settlement.accept(job, 2, until, signatures[1], sender=world.outsider)


def test_accept__unknown_job__reverts(world: World):
    with refused(
        world.settlement.JobPhaseWrong,
        job=b"\x07" * 32,
        had=JOB_PHASES.index("None"),
        needed=JOB_PHASES.index("Posted"),
    ):
        world.settlement.accept(b"\x07" * 32, 1, 2**40, b"\0" * 65, sender=world.outsider)


def test_accept__started_job__reverts(world: World):
    job = world.start()
    until = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, until)
    with refused(
        world.settlement.JobPhaseWrong,
        job=job,
        had=JOB_PHASES.index("Started"),
        needed=JOB_PHASES.index("Posted"),
    ):
        world.settlement.accept(job, 1, until, signature, sender=world.outsider)


@pytest.mark.parametrize("index", [0, NODES + 1, 2**256 - 1])
def test_accept__index_out_of_range__reverts(world: World, index):
    job = world.post()
    with refused(world.settlement.IndexOutOfRange, index=index, most=NODES):
        world.settlement.accept(job, index, 2**40, b"\0" * 65, sender=world.outsider)


def test_accept__twice__reverts(world: World):
    job = world.post()
    world.accept(job, 1)
    until = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, until)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=1, had=2):
        world.settlement.accept(job, 1, until, signature, sender=world.outsider)


def test_accept__signed_by_another_node__reverts(world: World):
    job = world.post()
    until = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, until, signer=world.nodes[1])
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=world.nodes[1], needed=world.nodes[0]):
        world.settlement.accept(job, 1, until, signature, sender=world.outsider)


def test_accept__valid_until_stretched_by_the_bringer__reverts(world: World):
    job = world.post()
    until = world.now() + 20
    digest = world.settlement.acceptanceDigest(job, 1, until)
    signature = sign(world.nodes[0], digest)
    other = world.settlement.acceptanceDigest(job, 1, until + 1)
    assert other != digest
    stranger = signer_of(other, signature)
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=stranger, needed=world.nodes[0]):
        world.settlement.accept(job, 1, until + 1, signature, sender=world.outsider)


def test_accept__node_without_stake__reverts_and_the_seat_stays_open(world: World):
    world.anchor.withdraw(world.nodes[0], WEALTH - STAKE + 1, sender=world.nodes[0])
    job = world.post()
    with refused(
        world.anchor.FreeBalanceTooLow, account=world.nodes[0], had=STAKE - 1, needed=STAKE
    ):
        world.accept(job, 1)
    assert world.phase(job, 1) == "Named"
    assert world.settlement.jobOf(job).accepted == 0


def test_cancel_unstarted__after_accept_by__gives_everything_back(world: World, outsider):
    with world.moves() as moved:
        job = world.post()
        for index in (1, 4, 6):
            world.accept(job, index)
        world.at(world.settlement.jobOf(job).acceptBy + 1)
        tx = world.settlement.cancelUnstarted(job, sender=outsider)

    (cancelled,) = tx.decode_logs(world.settlement.JobCancelled)
    assert (cancelled.job, cancelled.caller) == (job, outsider)
    assert moved == {}
    assert world.job_phase(job) == "Cancelled"
    assert [world.phase(job, index) for index in range(1, NODES + 1)] == ["Released"] * NODES


@pytest.mark.parametrize("offset", [-1, 0])
def test_cancel_unstarted__up_to_accept_by__reverts(world: World, offset):
    job = world.post()
    deadline = world.settlement.jobOf(job).acceptBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def test_cancel_unstarted__started_job__reverts(world: World):
    job = world.start()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    error = world.settlement.JobPhaseWrong
    with refused(error, job=job, had=2, needed=1):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def test_cancel_unstarted__twice__reverts(world: World):
    job = world.post()
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    world.settlement.cancelUnstarted(job, sender=world.outsider)
    error = world.settlement.JobPhaseWrong
    with refused(error, job=job, had=3, needed=1):
        world.settlement.cancelUnstarted(job, sender=world.outsider)


def test_locks__everybody_gone_until_expiry__a_stranger_frees_deposit_and_stakes(world: World):
    with world.moves() as moved:
        job = world.start()
        entry = world.settlement.jobOf(job)
        world.at(entry.collectBy + LOCK_TAIL + 1)
        world.anchor.expire(entry.depositLock, sender=world.outsider)
        for index in range(1, NODES + 1):
            stake_lock = world.settlement.indexOf(job, index).stakeLock
            world.anchor.expire(stake_lock, sender=world.outsider)
    assert moved == {}
    # What is left of the job can neither pay nor take anything any more.
    with refused(world.anchor.LockUnknown, lockId=entry.depositLock):
        world.settlement.collect(job, [1], sender=world.outsider)


def test_deposit__is_m_times_f(world: World):
    with world.moves() as moved:
        world.post(world.terms(fee=77, judgeFee=7))
    assert moved == {"payer": -NODES * 77, "locked": NODES * 77}
    assert FEE != 77
