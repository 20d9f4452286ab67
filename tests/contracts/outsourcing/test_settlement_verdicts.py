"""Verdicts, and what nobody did in time: the charged ends of an index, to the token."""

from __future__ import annotations

import pytest
from tests.contracts.states import State
from tests.contracts.world import (
    BOND,
    FEE,
    FOUND_MISSING,
    FOUND_NONE,
    FOUND_RIGHT,
    FOUND_WRONG,
    JUDGE_FEE,
    JUDGES,
    NODES,
    STAKE,
    WRONG,
    World,
    per_judge,
    refused,
    refused_signers,
)

ALL = tuple(range(1, NODES + 1))
STATES = (State(ALL, wrong=2),)
# A convicted node's stake: the judges first, then (m - 1) f to the payer, the rest to the pool.
TO_PAYER = (NODES - 1) * FEE
TO_POOL = STAKE - JUDGE_FEE - TO_PAYER


# Verdicts and their amounts.


def test_verdict__wrong_on_wrong__convicts(world: World):
    job = world.charged_wrong()
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
    job = world.charged_silent(committed=committed)
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
    least = NODES * FEE  # m * f / e at e = 1: S - g > (m - 1) f, since g < f
    job = world.start(stake=least)
    world.commit(job, *ALL)
    world.charge(job, wrong=(2,))
    world.serve(job, 2)
    with world.moves() as moved:
        world.judge(job, 2, FOUND_WRONG)
    fees = per_judge()
    assert moved == fees | {
        "payer": BOND + FEE + TO_PAYER,
        "pool": least - JUDGE_FEE - TO_PAYER + fees["pool"],
        "locked": -BOND - FEE - least,
    }


@pytest.mark.parametrize("signers", [3, 4])
@pytest.mark.parametrize("end", ["convicted", "refuted", "answered"])
def test_verdict__pays_the_judges_whose_signatures_are_brought_and_nobody_else(
    world: World, end, signers
):
    """Equal pay whoever signs would make idling best; g / k would make leaving others out best."""
    job = world.charged_silent() if end == "answered" else world.charged_wrong()
    world.serve(job, 2)
    finding = FOUND_WRONG if end == "convicted" else FOUND_RIGHT
    before = world.free()
    tx = world.judge(job, 2, finding, world.judges[-signers:])
    gains = [world.free()[f"judge {j}"] - before[f"judge {j}"] for j in range(1, JUDGES + 1)]
    assert gains == [0] * (JUDGES - signers) + [JUDGE_FEE // JUDGES] * signers
    rest = JUDGE_FEE - signers * (JUDGE_FEE // JUDGES)
    pool = TO_POOL if end == "convicted" else 0
    assert world.free()["pool"] - before["pool"] == pool + rest
    places = {log.place for log in tx.decode_logs(world.anchor.Paid) if log.to in world.judges}
    assert places == {2 if end == "convicted" else 0}  # out of one place


def test_verdict__right_on_wrong__refutes(world: World):
    job = world.charged_wrong()
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
    job = world.charged_silent()
    world.serve(job, 2)
    with world.moves() as moved:
        tx = world.judge(job, 2, FOUND_RIGHT)

    (answered,) = tx.decode_logs(world.settlement.ChargeAnswered)
    assert (answered.job, answered.index, answered.node) == (job, 2, world.nodes[1])
    half = JUDGE_FEE // 2  # the odd unit is the payer's
    assert moved == per_judge() | {
        "payer": BOND - (JUDGE_FEE - half),
        "node 2": FEE + STAKE - half,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Answered"


@pytest.mark.parametrize("judge_fee", range(252, 261))
def test_verdict__answered__every_unit_of_both_halves_is_somebodys(world: World, judge_fee):
    job = world.start(judgeFee=judge_fee)
    world.charge(job, silent=(2,))
    world.serve(job, 2)
    with world.moves() as moved:
        world.judge(job, 2, FOUND_RIGHT)
    half = judge_fee // 2
    assert moved == per_judge(judge_fee) | {
        "payer": FEE + half,
        "node 2": FEE + STAKE - half,
        "locked": -(FEE + judge_fee) - FEE - STAKE,
    }


def test_verdict__none__reverts(world: World):
    job = world.charged_wrong()
    world.serve(job, 2)
    with refused(world.settlement.FindingNotAllowed, kind=WRONG, finding=FOUND_NONE):
        world.judge(job, 2, FOUND_NONE)


def test_verdict__missing_on_wrong__reverts(world: World):
    job = world.charged_wrong()
    world.serve(job, 2)
    with refused(world.settlement.FindingNotAllowed, kind=WRONG, finding=FOUND_MISSING):
        world.judge(job, 2, FOUND_MISSING)


@pytest.mark.parametrize("offset", [-1, 0])
def test_verdict__missing_up_to_answer_by__reverts(world: World, offset):
    job = world.charged_silent()
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).answerBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.judge(job, 2, FOUND_MISSING)


@pytest.mark.parametrize("offset", [-1, 0])
def test_verdict__up_to_verdict_by__is_taken(world: World, offset):
    job = world.charged_wrong()
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).verdictBy + offset)
    world.judge(job, 2, FOUND_WRONG)
    assert world.phase(job, 2) == "Convicted"


def test_verdict__after_verdict_by__reverts(world: World):
    job = world.charged_wrong()
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).verdictBy
    world.at(deadline + 1)
    with refused(world.settlement.TooLate, nowAt=deadline + 1, deadline=deadline):
        world.judge(job, 2, FOUND_WRONG)


def test_verdict__unserved_or_twice__reverts(world: World):
    job = world.charged_wrong()
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=4):
        world.judge(job, 2, FOUND_WRONG)
    world.serve(job, 2)
    world.judge(job, 2, FOUND_WRONG)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=8):
        world.judge(job, 2, FOUND_RIGHT)


def test_verdict__signed_for_another_finding__reverts(world: World):
    job = world.charged_wrong()
    world.serve(job, 2)
    signatures = world.signatures(world.settlement.verdictDigest(job, 2, FOUND_RIGHT))
    with refused_signers(world, world.settlement.verdictDigest(job, 2, FOUND_WRONG), signatures):
        world.settlement.recordVerdict(job, 2, FOUND_WRONG, signatures, sender=world.outsider)


# What nobody did in time.


def test_void_charge__never_served__bond_pays_the_node_and_no_judge(world: World, outsider):
    job = world.charged_wrong()
    world.at(world.settlement.indexOf(job, 2).servedBy + 1)
    with world.moves() as moved:
        tx = world.settlement.voidCharge(job, 2, sender=outsider)

    (voided,) = tx.decode_logs(world.settlement.ChargeVoided)
    assert (voided.job, voided.index, voided.node) == (job, 2, world.nodes[1])
    assert moved == {
        "pool": JUDGE_FEE,
        "node 2": 2 * FEE + STAKE,
        "locked": -BOND - FEE - STAKE,
    }
    assert world.phase(job, 2) == "Void"


@pytest.mark.parametrize("offset", [-1, 0])
def test_void_charge__up_to_served_by__reverts(world: World, offset):
    job = world.charged_wrong()
    deadline = world.settlement.indexOf(job, 2).servedBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.voidCharge(job, 2, sender=world.outsider)


def test_void_charge__served_or_uncharged__reverts(world: World, outsider):
    job = world.charged_wrong()
    world.serve(job, 2)
    world.at(world.settlement.indexOf(job, 2).servedBy + 1)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=2, had=5):
        world.settlement.voidCharge(job, 2, sender=outsider)
    with refused(world.settlement.IndexPhaseWrong, job=job, index=3, had=3):
        world.settlement.voidCharge(job, 3, sender=outsider)


@pytest.mark.parametrize("charged", ["charged_wrong", "charged_silent"])
def test_lapse_charge__no_verdict__returns_bond_and_stake(world: World, outsider, charged):
    job = getattr(world, charged)()
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
    job = world.charged_wrong()
    world.serve(job, 2)
    deadline = world.settlement.indexOf(job, 2).verdictBy
    world.at(deadline + offset)
    with refused(world.settlement.TooEarly, nowAt=deadline + offset, allowedAfter=deadline):
        world.settlement.lapseCharge(job, 2, sender=world.outsider)


def test_lapse_charge__unserved__reverts(world: World):
    job = world.charged_wrong()
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
    expires_at, _ = world.anchor.lockOf(world.settlement, job)
    assert world.now() < expires_at
    world.settlement.collect(job, [1, 3, 4, 5, 6], sender=outsider)
    assert world.locked() == 0
