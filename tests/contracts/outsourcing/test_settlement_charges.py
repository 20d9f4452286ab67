"""Charges: filed, served, judged; each end with its amounts and its errors."""

from __future__ import annotations

import pytest
from tests.contracts.world import (
    BOND,
    COMPUTE_SECONDS,
    FEE,
    FOUND_MISSING,
    FOUND_NONE,
    FOUND_RIGHT,
    FOUND_WRONG,
    JUDGE_FEE,
    JUDGE_WINDOW,
    LOCK_TAIL,
    NODES,
    SILENT,
    STAKE,
    WRONG,
    World,
    per_judge,
    refused,
    signer_of,
)

ALL = tuple(range(1, NODES + 1))
# A convicted node's stake: the judges first, then (m - 1) f to the payer, the rest to the pool.
TO_PAYER = (NODES - 1) * FEE
TO_POOL = STAKE - JUDGE_FEE - TO_PAYER


def charged_wrong(world: World, index: int = 2) -> bytes:
    job = world.started(committed=ALL)
    world.charge(job, wrong=(index,))
    return job


def charged_silent(world: World, index: int = 2, committed: tuple[int, ...] = ALL) -> bytes:
    job = world.started(committed=committed)
    world.charge(job, silent=(index,))
    return job


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
    entry = world.settlement.jobOf(job)
    assert entry.charged == 1
    assert world.anchor.lockOf(entry.bondLock).expiresAt == entry.collectBy + LOCK_TAIL


def test_charge__wrong_and_silent_together__locks_a_bond_for_each(world: World, accounts):
    # t = e = 2 needs m = 9 nodes at d = 1; three more of three more providers.
    from tests.contracts.conftest import register_server

    nodes = [*world.nodes]
    for number in range(3):
        node, provider = accounts[26 + number], accounts[30 + number]
        register_server(world, "compute", 2, node, provider)
        world.anchor.deposit(node, STAKE, sender=world.deployer)
        world.anchor.allowLocker(world.settlement, STAKE, sender=node)
        nodes.append(node)
    changes = {"degree": 1, "threshold": 2, "errors": 2, "nodeCount": 9}
    world_nodes, world.nodes = world.nodes, nodes
    try:
        job = world.post(world.terms(**changes), nodes)
        for index in range(1, 10):
            world.accept(job, index)
        world.commit(job, 1, 2, 3)
        with world.moves() as moved:
            world.charge(job, wrong=(2,), silent=(9,))
        assert moved == {"payer": -2 * BOND, "locked": 2 * BOND}
        kinds = [world.settlement.indexOf(job, index).kind for index in (2, 9)]
        assert kinds == [WRONG, SILENT]
    finally:
        world.nodes = world_nodes


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


def test_charge__no_errors_survived__reverts(world: World):
    job = world.start(errors=0)
    world.commit(job, *ALL)
    with refused(world.settlement.ChargeCountOutOfRange, had=1, most=0):
        world.settlement.charge(job, [1], [], sender=world.payer)


def test_charge__a_second_time__reverts(world: World):
    job = charged_wrong(world)
    with refused(world.settlement.AlreadyCharged, job=job):
        world.settlement.charge(job, [3], [], sender=world.payer)


def test_charge__a_second_time_after_the_first_ended__reverts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    world.judge(job, 2, FOUND_RIGHT)
    with refused(world.settlement.AlreadyCharged, job=job):
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


def test_record_served__wrong__opens_the_verdict_at_once(world: World):
    job = charged_wrong(world)
    with world.moves() as moved:
        tx = world.serve(job, 2)

    (served,) = tx.decode_logs(world.settlement.ChargeServed)
    assert (served.job, served.index) == (job, 2)
    assert (served.answerBy, served.verdictBy) == (tx.timestamp, tx.timestamp + JUDGE_WINDOW)
    assert moved == {}
    assert world.phase(job, 2) == "Served"


def test_record_served__silent__gives_the_node_the_time_of_computing(world: World):
    job = charged_silent(world)
    entry = world.settlement.jobOf(job)
    computing = entry.computeBy - entry.startedAt
    assert computing > COMPUTE_SECONDS > JUDGE_WINDOW
    tx = world.serve(job, 2)

    seat = world.settlement.indexOf(job, 2)
    assert seat.answerBy == tx.timestamp + computing
    assert seat.verdictBy == seat.answerBy + JUDGE_WINDOW


def test_record_served__silent_in_a_short_job__gives_the_node_at_least_w(world: World):
    start = world.now()
    job = world.start(acceptBy=start + 300, computeBy=start + 310, collectBy=start + 3000)
    world.charge(job, silent=(2,))
    tx = world.serve(job, 2)
    assert world.settlement.indexOf(job, 2).answerBy == tx.timestamp + JUDGE_WINDOW


@pytest.mark.parametrize("offset", [-1, 0])
def test_record_served__up_to_served_by__is_taken(world: World, offset):
    job = charged_wrong(world)
    world.at(world.settlement.indexOf(job, 2).servedBy + offset)
    world.serve(job, 2)
    assert world.phase(job, 2) == "Served"


def test_record_served__after_served_by__reverts(world: World):
    job = charged_wrong(world)
    deadline = world.settlement.indexOf(job, 2).servedBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.serve(job, 2)


def test_record_served__uncharged_or_twice__reverts(world: World):
    job = charged_wrong(world)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=3, had=3):
        world.serve(job, 3)
    world.serve(job, 2)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=5):
        world.serve(job, 2)


def test_record_served__unknown_job__reverts(world: World):
    with refused(world.settlement.IndexOutOfRange, index=1, most=0):
        world.serve(b"\x07" * 32, 1)


def test_record_served__two_of_four_judges__reverts(world: World):
    job = charged_wrong(world)
    digest = world.settlement.servedDigest(job, 2)
    signatures = world.signatures(digest, world.judges[:2])
    with refused(world.enclaves.TooFewSignatures, had=2, needed=3):
        world.settlement.recordServed(job, 2, signatures, sender=world.outsider)


# Verdicts and their amounts.


def test_verdict__wrong_on_wrong__convicts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    with world.moves() as moved:
        tx = world.judge(job, 2, FOUND_WRONG)

    (convicted,) = tx.decode_logs(world.settlement.NodeConvicted)
    assert (convicted.job, convicted.index, convicted.node) == (job, 2, world.nodes[1])
    assert convicted.finding == FOUND_WRONG
    assert (convicted.toPayer, convicted.toPool) == (TO_PAYER, TO_POOL)
    fees = per_judge()
    assert moved == fees | {
        "payer": BOND + FEE + TO_PAYER,
        "pool": TO_POOL + fees["pool"],
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Convicted"


@pytest.mark.parametrize("finding", [FOUND_WRONG, FOUND_MISSING])
@pytest.mark.parametrize("committed", [ALL, (1, 3, 4, 5, 6)])
def test_verdict__wrong_or_missing_on_silent__convicts(world: World, finding, committed):
    job = charged_silent(world, committed=committed)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).answerBy + 1)
    with world.moves() as moved:
        world.judge(job, 2, finding)
    fees = per_judge()
    assert moved == fees | {
        "payer": BOND + FEE + TO_PAYER,
        "pool": TO_POOL + fees["pool"],
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Convicted"


def test_verdict__convicted_with_the_least_stake__payer_gets_all_but_the_judges_fee(world: World):
    least = NODES * FEE  # m * f / e at e = 1: S - g > (m - 1) f, since g <= f
    job = world.start(stake=least, judgeFee=FEE)
    world.commit(job, *ALL)
    world.charge(job, wrong=(2,))
    world.serve(job, 2)
    with world.moves() as moved:
        world.judge(job, 2, FOUND_WRONG)
    fees = per_judge(FEE)
    assert moved == fees | {"payer": 2 * FEE + FEE + TO_PAYER, "locked": -3 * FEE - least}


def test_verdict__right_on_wrong__refutes(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    with world.moves() as moved:
        tx = world.judge(job, 2, FOUND_RIGHT)

    (refuted,) = tx.decode_logs(world.settlement.ChargeRefuted)
    assert (refuted.job, refuted.index, refuted.node) == (job, 2, world.nodes[1])
    assert moved == per_judge() | {
        "node 2": 2 * FEE + STAKE,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Refuted"


def test_verdict__right_on_silent__answers_and_shares_the_judges_fee(world: World):
    job = charged_silent(world)
    world.serve(job, 2)
    with world.moves() as moved:
        tx = world.judge(job, 2, FOUND_RIGHT)

    (answered,) = tx.decode_logs(world.settlement.ChargeAnswered)
    assert (answered.job, answered.index, answered.node) == (job, 2, world.nodes[1])
    half = JUDGE_FEE // 2  # 51 from the stake, 52 from the bond
    assert moved == per_judge() | {
        "payer": BOND - (JUDGE_FEE - half),
        "node 2": FEE + STAKE - half,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Answered"


@pytest.mark.parametrize("judge_fee", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_verdict__answered__each_judge_gets_its_whole_part_of_both_halves(world: World, judge_fee):
    job = world.start(judgeFee=judge_fee)
    world.charge(job, silent=(2,))
    world.serve(job, 2)
    with world.moves() as moved:
        world.judge(job, 2, FOUND_RIGHT)
    half = judge_fee // 2
    expected = per_judge(judge_fee) | {
        "payer": FEE + half,
        "node 2": FEE + STAKE - half,
        "locked": -(FEE + judge_fee) - FEE - STAKE,
    }
    assert moved == {role: amount for role, amount in expected.items() if amount}


def test_verdict__none__reverts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    with refused(world.settlement.FindingNotAllowed, kind=WRONG, finding=FOUND_NONE):
        world.judge(job, 2, FOUND_NONE)


def test_verdict__missing_on_wrong__reverts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    with refused(world.settlement.FindingNotAllowed, kind=WRONG, finding=FOUND_MISSING):
        world.judge(job, 2, FOUND_MISSING)


@pytest.mark.parametrize("offset", [-1, 0])
def test_verdict__missing_up_to_answer_by__reverts(world: World, offset):
    job = charged_silent(world)
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).answerBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.judge(job, 2, FOUND_MISSING)


@pytest.mark.parametrize("offset", [-1, 0])
def test_verdict__up_to_verdict_by__is_taken(world: World, offset):
    job = charged_wrong(world)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).verdictBy + offset)
    world.judge(job, 2, FOUND_WRONG)
    assert world.phase(job, 2) == "Convicted"


def test_verdict__after_verdict_by__reverts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).verdictBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.judge(job, 2, FOUND_WRONG)


def test_verdict__unserved_or_twice__reverts(world: World):
    job = charged_wrong(world)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=4):
        world.judge(job, 2, FOUND_WRONG)
    world.serve(job, 2)
    world.judge(job, 2, FOUND_WRONG)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=8):
        world.judge(job, 2, FOUND_RIGHT)


def test_verdict__signed_for_another_finding__reverts(world: World):
    job = charged_wrong(world)
    world.serve(job, 2)
    digest = world.settlement.verdictDigest(job, 2, FOUND_RIGHT)
    signatures = world.signatures(digest)
    stranger = signer_of(world.settlement.verdictDigest(job, 2, FOUND_WRONG), signatures[0])
    with refused(world.enclaves.NotAMember, signer=stranger):
        world.settlement.recordVerdict(job, 2, FOUND_WRONG, signatures, sender=world.outsider)


# What nobody did in time.


def test_void_charge__never_served__bond_pays_judges_and_node(world: World, outsider):
    job = charged_wrong(world)
    world.at(world.settlement.indexOf(job, 2).servedBy + 1)
    with world.moves() as moved:
        tx = world.settlement.voidCharge(job, 2, sender=outsider)

    (voided,) = tx.decode_logs(world.settlement.ChargeVoided)
    assert (voided.job, voided.index, voided.node) == (job, 2, world.nodes[1])
    assert moved == per_judge() | {
        "node 2": 2 * FEE + STAKE,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Void"


@pytest.mark.parametrize("offset", [-1, 0])
def test_void_charge__up_to_served_by__reverts(world: World, offset):
    job = charged_wrong(world)
    deadline = world.settlement.indexOf(job, 2).servedBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.voidCharge(job, 2, sender=world.outsider)


def test_void_charge__served_or_uncharged__reverts(world: World, outsider):
    job = charged_wrong(world)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).servedBy + 1)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=5):
        world.settlement.voidCharge(job, 2, sender=outsider)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=3, had=3):
        world.settlement.voidCharge(job, 3, sender=outsider)


@pytest.mark.parametrize("charged", [charged_wrong, charged_silent])
def test_lapse_charge__no_verdict__returns_bond_and_stake(world: World, outsider, charged):
    job = charged(world)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).verdictBy + 1)
    with world.moves() as moved:
        tx = world.settlement.lapseCharge(job, 2, sender=outsider)

    (lapsed,) = tx.decode_logs(world.settlement.ChargeLapsed)
    assert (lapsed.job, lapsed.index, lapsed.node) == (job, 2, world.nodes[1])
    assert moved == {
        "payer": BOND,
        "node 2": STAKE,
        "pool": FEE,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Lapsed"


@pytest.mark.parametrize("offset", [-1, 0])
def test_lapse_charge__up_to_verdict_by__reverts(world: World, offset):
    job = charged_wrong(world)
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).verdictBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.lapseCharge(job, 2, sender=world.outsider)


def test_lapse_charge__unserved__reverts(world: World):
    job = charged_wrong(world)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=4):
        world.settlement.lapseCharge(job, 2, sender=world.outsider)


def test_charge__the_latest_possible_job__ends_before_its_locks_expire(world: World, outsider):
    """Every step at its last second, in a job of the longest windows: the locks still hold."""
    start = world.now() + 1
    world.at(start)
    job = world.post(
        world.terms(acceptBy=start + 3600, computeBy=start + 7200, collectBy=start + 10800)
    )
    for index in ALL:
        world.accept(job, index)
    world.commit(job, *ALL)
    entry = world.settlement.jobOf(job)
    world.at(entry.collectBy)
    world.settlement.charge(job, [], [2], sender=world.payer)
    world.at(world.settlement.indexOf(job, 2).servedBy)
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).verdictBy + 1)
    world.settlement.lapseCharge(job, 2, sender=outsider)
    assert world.now() < world.anchor.lockOf(entry.depositLock).expiresAt
    world.settlement.collect(job, [1, 3, 4, 5, 6], sender=outsider)
    assert world.anchor.totalLocked() == 0
