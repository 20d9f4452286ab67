"""Commitments, approval and what anyone collects: the uncharged ends of an index."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.states import State
from tests.contracts.world import FEE, FOUND_WRONG, NODES, STAKE, World, refused

ALL = tuple(range(1, NODES + 1))
STATES = (State(), State(ALL))


def test_commit__by_the_node__records_the_commitment(world: World):
    job = world.start()
    commitment = keccak(b"what node 3 found")
    with world.moves() as moved:
        tx = world.settlement.commit(job, 3, commitment, sender=world.nodes[2])

    (committed,) = tx.decode_logs(world.settlement.ResultCommitted)
    assert (committed.job, committed.index) == (job, 3)
    assert (committed.node, committed.commitment) == (world.nodes[2], commitment)
    assert moved == {}
    assert world.phase(job, 3) == "Committed"
    seat = world.settlement.indexOf(job, 3)
    assert (seat.node, seat.committed) == (world.nodes[2], True)
    assert not world.settlement.indexOf(job, 2).committed


def test_commit__by_another_node__reverts(world: World):
    job = world.start()
    with refused(world.settlement.CallerWrong, had=world.nodes[1], needed=world.nodes[2]):
        world.settlement.commit(job, 3, keccak(b"copied"), sender=world.nodes[1])


def test_commit__twice__reverts(world: World):
    job = world.started(committed=(3,))
    with refused(world.settlement.IndexPhaseWrong, job=job, index=3, had=3):
        world.settlement.commit(job, 3, keccak(b"second thoughts"), sender=world.nodes[2])


def test_commit__zero__reverts(world: World):
    job = world.start()
    with refused(world.settlement.CommitmentEmpty, job=job, index=3):
        world.settlement.commit(job, 3, b"\0" * 32, sender=world.nodes[2])


def test_commit__before_the_job_started__reverts(world: World):
    job = world.post()
    world.accept(job, 3)
    with refused(world.settlement.JobPhaseWrong, job=job, had=1, needed=2):
        world.settlement.commit(job, 3, keccak(b"early"), sender=world.nodes[2])


@pytest.mark.parametrize("offset", [-1, 0])
def test_commit__up_to_compute_by__is_taken(world: World, offset):
    job = world.start()
    world.at(world.settlement.jobOf(job).computeBy + offset)
    world.commit(job, 1)
    assert world.phase(job, 1) == "Committed"


def test_commit__after_compute_by__reverts(world: World):
    job = world.start()
    deadline = world.settlement.jobOf(job).computeBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.commit(job, 1)


def test_approve__committed_indices__pays_each_its_fee_and_returns_its_stake(world: World):
    job = world.started(committed=(1, 2, 5))
    with world.moves() as moved:
        tx = world.settlement.approve(job, [1, 5], sender=world.payer)

    paid = tx.decode_logs(world.settlement.NodePaid)
    assert [(log.job, log.index, log.node, log.fee) for log in paid] == [
        (job, 1, world.nodes[0], FEE),
        (job, 5, world.nodes[4], FEE),
    ]
    assert moved == {"node 1": FEE + STAKE, "node 5": FEE + STAKE, "locked": -2 * (FEE + STAKE)}
    assert [world.phase(job, index) for index in (1, 2, 5)] == ["Paid", "Committed", "Paid"]


def test_approve__by_another_than_the_payer__reverts(world: World, outsider):
    job = world.started(committed=(1,))
    for caller in (outsider, world.nodes[0], world.judges[0]):
        with refused(world.settlement.CallerWrong, had=caller, needed=world.payer):
            world.settlement.approve(job, [1], sender=caller)


@pytest.mark.parametrize(
    ("indices", "previous", "index"), [([2, 2], 2, 2), ([2, 1], 2, 1), ([1, 3, 2], 3, 2)]
)
def test_approve__indices_not_ascending__reverts(world: World, indices, previous, index):
    job = world.started(committed=(1, 2, 3))
    error = world.settlement.IndicesNotAscending
    with refused(error, previous=previous, index=index):
        world.settlement.approve(job, indices, sender=world.payer)
    assert world.phase(job, 2) == "Committed"


@pytest.mark.parametrize("index", [0, NODES + 1, 2**256 - 1])
def test_approve__index_out_of_range__reverts(world: World, index):
    job = world.started(committed=(1,))
    with refused(world.settlement.IndexOutOfRange, index=index, most=NODES):
        world.settlement.approve(job, [index], sender=world.payer)


def test_approve__uncommitted_or_charged__reverts(world: World):
    job = world.started(committed=(1, 3))
    world.charge(job, wrong=(3,))
    for indices, index, had in (([1, 2], 2, 2), ([1, 3], 3, 4)):
        with refused(world.settlement.IndexPhaseWrong, job=job, index=index, had=had):
            world.settlement.approve(job, indices, sender=world.payer)


def test_approve__what_has_ended_in_any_way__is_passed_over(world: World):
    """A stranger's collection, or a verdict, before it spoils nothing."""
    job = world.charged_wrong(index=2)
    world.serve(job, 2)
    world.judge(job, 2, FOUND_WRONG)
    world.settlement.approve(job, [1], sender=world.payer)
    with world.moves() as moved:
        tx = world.settlement.approve(job, [1, 2, 3], sender=world.payer)
    assert [log.index for log in tx.decode_logs(world.settlement.NodePaid)] == [3]
    assert moved == {"node 3": FEE + STAKE, "locked": -FEE - STAKE}
    with world.moves() as moved:
        world.settlement.approve(job, [1, 2, 3], sender=world.payer)
    assert moved == {}


def test_approve__before_the_job_started__reverts(world: World):
    job = world.post()
    with refused(world.settlement.JobPhaseWrong, job=job, had=1, needed=2):
        world.settlement.approve(job, [1], sender=world.payer)


def test_collect__committed_and_not__pays_the_one_and_the_pool_for_the_other(world: World):
    """Who failed is undecidable: the node has earned nothing, and the payer saves nothing."""
    job = world.started(committed=(1, 3))
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with world.moves() as moved:
        tx = world.settlement.collect(job, [1, 2], sender=world.outsider)

    (paid,) = tx.decode_logs(world.settlement.NodePaid)
    assert (paid.job, paid.index, paid.node, paid.fee) == (job, 1, world.nodes[0], FEE)
    (unearned,) = tx.decode_logs(world.settlement.FeeUnearned)
    assert (unearned.job, unearned.index, unearned.node) == (job, 2, world.nodes[1])
    assert unearned.fee == FEE
    assert moved == {
        "node 1": FEE + STAKE,
        "node 2": STAKE,
        "pool": FEE,
        "locked": -2 * (FEE + STAKE),
    }
    assert (world.phase(job, 1), world.phase(job, 2)) == ("Paid", "Unearned")
    assert world.settlement.indexOf(job, 1).committed
    assert not world.settlement.indexOf(job, 2).committed


@pytest.mark.parametrize("charged", [False, True])
def test_collect__uncommitted__pays_the_pool_whether_charges_are_left_or_not(world: World, charged):
    job = world.started(committed=(1,))
    if charged:
        world.charge(job, wrong=(1,))
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with world.moves() as moved:
        world.settlement.collect(job, [2], sender=world.outsider)
    assert moved == {"node 2": STAKE, "pool": FEE, "locked": -FEE - STAKE}


def test_collect__the_whole_job_by_an_outsider__leaves_nothing_locked(world: World, outsider):
    with world.moves() as moved:
        job = world.start()
        world.commit(job, 1, 2, 3, 4)
        world.at(world.settlement.jobOf(job).collectBy + 1)
        world.settlement.collect(job, list(ALL), sender=outsider)
    assert moved == {
        "payer": -6 * FEE,
        **{f"node {index}": FEE for index in (1, 2, 3, 4)},
        "pool": 2 * FEE,
    }


@pytest.mark.parametrize("offset", [-1, 0])
def test_collect__up_to_collect_by__reverts(world: World, offset):
    job = world.started(committed=ALL)
    deadline = world.settlement.jobOf(job).collectBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.collect(job, [1], sender=world.outsider)


def test_collect__what_has_ended__is_passed_over(world: World, outsider):
    job = world.started(committed=ALL)
    world.settlement.approve(job, [2], sender=world.payer)
    world.at(world.settlement.jobOf(job).collectBy + 1)
    world.settlement.collect(job, [1], sender=outsider)
    with world.moves() as moved:
        tx = world.settlement.collect(job, [1, 2, 3], sender=outsider)
    assert [log.index for log in tx.decode_logs(world.settlement.NodePaid)] == [3]
    assert moved == {"node 3": FEE + STAKE, "locked": -FEE - STAKE}


def test_collect__not_ascending_or_out_of_range__reverts(world: World, outsider):
    job = world.started(committed=ALL)
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with refused(world.settlement.IndicesNotAscending, previous=3, index=3):
        world.settlement.collect(job, [3, 3], sender=outsider)
    for index in (0, NODES + 1):
        with refused(world.settlement.IndexOutOfRange, index=index, most=NODES):
            world.settlement.collect(job, [index], sender=outsider)


def test_collect__charged_index__reverts_until_the_charge_ends(world: World, outsider):
    job = world.started(committed=ALL)
    world.at(world.settlement.jobOf(job).collectBy)
    world.settlement.charge(job, [2], [], sender=world.payer)
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=4):
        world.settlement.collect(job, [1, 2], sender=outsider)
    world.settlement.collect(job, [1, 3, 4, 5, 6], sender=outsider)


def test_collect__job_never_started__reverts(world: World, outsider):
    job = world.post()
    world.at(world.settlement.jobOf(job).collectBy + 1)
    with refused(world.settlement.JobPhaseWrong, job=job, had=1, needed=2):
        world.settlement.collect(job, [1], sender=outsider)
