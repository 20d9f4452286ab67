"""Charges: who may file them, when and against whom; and `served` by the judges."""

from __future__ import annotations

import pytest
from tests.contracts.conftest import register_server
from tests.contracts.states import State
from tests.contracts.world import (
    BOND,
    COMPUTE_NODE,
    COMPUTE_SECONDS,
    FEE,
    FOUND_RIGHT,
    JUDGE_WINDOW,
    NODES,
    SILENT,
    STAKE,
    WRONG,
    World,
    refused,
)

ALL = tuple(range(1, NODES + 1))
STATES = (State(ALL), State(ALL, wrong=2))

# Filing.


def test_charge__wrong__locks_the_bond(world: World):
    job = world.started(committed=ALL)
    with world.moves() as moved:
        tx = world.charge(job, wrong=(2,))

    (charged,) = tx.decode_logs(world.settlement.NodeCharged)
    assert (charged.job, charged.index, charged.node) == (job, 2, world.nodes[1])
    assert (charged.kind, charged.servedBy) == (WRONG, tx.timestamp + JUDGE_WINDOW)
    assert moved == {"payer": -BOND, "locked": BOND}
    seat = world.settlement.indexOf(job, 2)
    assert (seat.kind, seat.servedBy) == (WRONG, tx.timestamp + JUDGE_WINDOW)
    assert world.phase(job, 2) == "Charged"
    assert seat.committed
    assert world.settlement.jobOf(job).charged == 1
    assert world.place(job, 0) == (world.payer, NODES * FEE + BOND)


@pytest.fixture
def nine(world: World, accounts) -> list:
    """t = e = 2 needs m = 9 nodes at d = 1: three more of three more providers."""
    pairs = list(zip(world.nodes, world.node_providers, strict=True))
    for number in range(3):
        node, provider = accounts[26 + number], accounts[30 + number]
        register_server(world, "compute", COMPUTE_NODE, node, provider)
        world.anchor.deposit(node, STAKE, sender=world.deployer)
        world.allow(node, world.settlement, STAKE)
        pairs.append((node, provider))
    return [node for node, _ in sorted(pairs, key=lambda pair: int(str(pair[1]), 16))]


TWO_ERRORS = {"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 9}


def test_charge__wrong_and_silent_together__locks_a_bond_for_each(world: World, nine):
    job = world.start(nine, **TWO_ERRORS)
    world.commit(job, 1, 2, 3)
    with world.moves() as moved:
        world.charge(job, wrong=(2,), silent=(9,))
    assert moved == {"payer": -2 * BOND, "locked": 2 * BOND}
    seats = [world.settlement.indexOf(job, index) for index in (2, 9)]
    assert [(seat.kind, seat.committed) for seat in seats] == [(WRONG, True), (SILENT, False)]


def test_charge__in_several_calls__counts_them_all(world: World, nine):
    """One after the other: what the first brings to light decides whom the second is about."""
    job = world.start(nine, **TWO_ERRORS)
    world.commit(job, 1, 2, 3)
    world.charge(job, silent=(2,))
    world.serve(job, 2)
    world.judge(job, 2, FOUND_RIGHT)
    for again in (([2], []), ([], [2])):
        with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=10):
            world.settlement.charge(job, *again, sender=world.payer)
    with refused(world.settlement.ChargeCountOutOfRange, had=3, most=2):
        world.settlement.charge(job, [1, 3], [], sender=world.payer)
    with world.moves() as moved:
        world.charge(job, wrong=(3,))
    assert moved == {"payer": -BOND, "locked": BOND}
    assert world.place(job, 0) == (world.payer, 8 * FEE + BOND)
    assert world.settlement.jobOf(job).charged == 2
    with refused(world.settlement.ChargeCountOutOfRange, had=3, most=2):
        world.settlement.charge(job, [1], [], sender=world.payer)


def test_charge__one_index_twice_in_one_call__reverts(world: World, nine):
    job = world.start(nine, **TWO_ERRORS)
    world.commit(job, 1, 2)
    world.at(world.settlement.jobOf(job).computeBy + 1)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=4):
        world.settlement.charge(job, [2], [2], sender=world.payer)
    for wrong, silent in (([2, 1], []), ([], [2, 1])):
        with refused(world.settlement.IndicesNotAscending, previous=2, index=1):
            world.settlement.charge(job, wrong, silent, sender=world.payer)


def test_charge__by_another_than_the_payer__reverts(world: World, outsider):
    job = world.started(committed=ALL)
    for caller in (outsider, world.nodes[0], world.judges[0]):
        with refused(world.settlement.CallerWrong, had=caller, needed=world.payer):
            world.settlement.charge(job, [2], [], sender=caller)


def test_charge__before_the_job_started__reverts(world: World):
    job = world.post()
    with refused(world.settlement.JobPhaseWrong, job=job, had=1, needed=2):
        world.settlement.charge(job, [2], [], sender=world.payer)


def test_charge__more_than_e_or_none__reverts(world: World):
    job = world.started(committed=ALL)
    for wrong in ([1, 2], []):
        with refused(world.settlement.ChargeCountOutOfRange, had=len(wrong), most=1):
            world.settlement.charge(job, wrong, [], sender=world.payer)


def test_charge__after_e_of_them__reverts_even_when_they_have_ended(world: World):
    job = world.charged_wrong()
    with refused(world.settlement.ChargeCountOutOfRange, had=2, most=1):
        world.settlement.charge(job, [3], [], sender=world.payer)
    world.serve(job, 2)
    world.judge(job, 2, FOUND_RIGHT)
    with refused(world.settlement.ChargeCountOutOfRange, had=2, most=1):
        world.settlement.charge(job, [3], [], sender=world.payer)


def test_charge__index_out_of_range_or_zero__reverts(world: World):
    job = world.started(committed=ALL)
    for index in (0, NODES + 1):
        with refused(world.settlement.IndexOutOfRange, index=index, most=NODES):
            world.settlement.charge(job, [index], [], sender=world.payer)


def test_charge__wrong_without_commitment__reverts(world: World):
    job = world.started(committed=(1,))
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=2):
        world.settlement.charge(job, [2], [], sender=world.payer)


def test_charge__paid_index__reverts(world: World):
    job = world.started(committed=ALL)
    world.settlement.approve(job, [2], sender=world.payer)
    for wrong, silent in (([2], []), ([], [2])):
        world.at(max(world.now(), world.settlement.jobOf(job).computeBy) + 1)
        with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=6):
            world.settlement.charge(job, wrong, silent, sender=world.payer)


@pytest.mark.parametrize("offset", [-1, 0])
def test_charge__silent_up_to_compute_by__reverts(world: World, offset):
    job = world.started(committed=(1,))
    deadline = world.settlement.jobOf(job).computeBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.charge(job, [], [2], sender=world.payer)


def test_charge__silent_after_compute_by__is_taken(world: World):
    job = world.started(committed=(1,))
    world.at(world.settlement.jobOf(job).computeBy + 1)
    world.settlement.charge(job, [], [2], sender=world.payer)
    assert world.settlement.indexOf(job, 2).kind == SILENT


@pytest.mark.parametrize("offset", [-1, 0])
def test_charge__up_to_collect_by__is_taken(world: World, offset):
    job = world.started(committed=ALL)
    world.at(world.settlement.jobOf(job).collectBy + offset)
    world.settlement.charge(job, [2], [], sender=world.payer)
    assert world.phase(job, 2) == "Charged"


def test_charge__after_collect_by__reverts(world: World):
    job = world.started(committed=ALL)
    deadline = world.settlement.jobOf(job).collectBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.settlement.charge(job, [2], [], sender=world.payer)


def test_charge__payer_without_bond__reverts_and_the_index_is_uncharged(world: World):
    job = world.started(committed=ALL)
    had = world.anchor.freeBalanceOf(world.payer)
    world.anchor.withdraw(world.payer, had - BOND + 1, sender=world.payer)
    error = world.anchor.FreeBalanceTooLow
    with refused(error, account=world.payer, had=BOND - 1, needed=BOND):
        world.settlement.charge(job, [2], [], sender=world.payer)
    assert world.phase(job, 2) == "Committed"


# Served.


def computing_seconds(world: World, job: bytes) -> int:
    stored = world.settlement.jobOf(job)
    return stored.computeBy - stored.startedAt


def test_record_served__wrong__opens_the_verdict_for_as_long_as_nodes_had(world: World):
    job = world.charged_wrong()
    assert computing_seconds(world, job) > COMPUTE_SECONDS > JUDGE_WINDOW
    with world.moves() as moved:
        tx = world.serve(job, 2)

    (served,) = tx.decode_logs(world.settlement.ChargeServed)
    assert (served.job, served.index) == (job, 2)
    assert served.answerBy == tx.timestamp
    assert served.verdictBy == tx.timestamp + computing_seconds(world, job)
    assert moved == {}
    assert world.phase(job, 2) == "Served"


def test_record_served__silent__gives_the_node_and_then_the_judges_the_time_of_computing(
    world: World,
):
    job = world.charged_silent()
    tx = world.serve(job, 2)
    seat = world.settlement.indexOf(job, 2)
    assert seat.answerBy == tx.timestamp + computing_seconds(world, job)
    assert seat.verdictBy == seat.answerBy + computing_seconds(world, job)


@pytest.mark.parametrize("silent", [False, True])
def test_record_served__in_a_short_job__gives_everybody_at_least_w(world: World, silent):
    start = world.now()
    job = world.start(acceptBy=start + 300, computeBy=start + 310, collectBy=start + 3000)
    world.commit(job, 2)
    world.charge(job, wrong=() if silent else (2,), silent=(2,) if silent else ())
    tx = world.serve(job, 2)
    seat = world.settlement.indexOf(job, 2)
    assert seat.answerBy == tx.timestamp + (JUDGE_WINDOW if silent else 0)
    assert seat.verdictBy == seat.answerBy + JUDGE_WINDOW


@pytest.mark.parametrize("offset", [-1, 0])
def test_record_served__up_to_served_by__is_taken(world: World, offset):
    job = world.charged_wrong()
    world.at(world.settlement.indexOf(job, 2).servedBy + offset)
    world.serve(job, 2)
    assert world.phase(job, 2) == "Served"


def test_record_served__after_served_by__reverts(world: World):
    job = world.charged_wrong()
    deadline = world.settlement.indexOf(job, 2).servedBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.serve(job, 2)


def test_record_served__uncharged_or_twice__reverts(world: World):
    job = world.charged_wrong()
    with refused(world.settlement.IndexPhaseWrong, job=job, index=3, had=3):
        world.serve(job, 3)
    world.serve(job, 2)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=5):
        world.serve(job, 2)


def test_record_served__unknown_job__reverts(world: World):
    with refused(world.settlement.IndexOutOfRange, index=1, most=0):
        world.serve(b"\x07" * 32, 1)


def test_record_served__two_of_four_judges__reverts(world: World):
    job = world.charged_wrong()
    digest = world.settlement.servedDigest(job, 2)
    signatures = world.signatures(digest, world.judges[:2])
    with refused(world.enclaves.TooFewSignatures, had=2, needed=3):
        world.settlement.recordServed(job, 2, signatures, sender=world.outsider)
