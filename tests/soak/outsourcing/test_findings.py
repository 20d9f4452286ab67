"""The reckoning finds what it is there to find: every rule is broken once on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.soak.outsourcing.findings import (
    PlayedJob,
    Violation,
    count_ends,
    find_unfailed,
    find_violations,
)
from tests.soak.outsourcing.programme import NODES_OF_A_JOB, PlannedJob, draw_inputs, draw_programme

from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.demo.dishonest import Deed

POOL = Address("0x" + "99" * 20)
ORDER = cast.small_order()
PAID = (IndexPhase.PAID,) * NODES_OF_A_JOB
TOKENS = Holdings(
    parties={POOL: 70},
    supply=100,
    anchored=40,
    free=30,
    locked=0,
    staked=10,
    vesting=20,
    wallets=40,
)  # as if the pool had 30 of its 70 in the anchor


def played(
    *ends: IndexPhase, deeds: dict[int, Deed] | None = None, outcome: str = "right"
) -> PlayedJob:
    """A job that ended so, and paid what the table says."""
    phases = (*ends, *PAID[len(ends) :])
    whole = all(end.is_end for end in phases)
    changes = compute_changes([(ORDER, phases)], cast.PAYER.address, POOL) if whole else {}
    return PlayedJob(
        plan=PlannedJob(7, 0, tuple(range(NODES_OF_A_JOB)), deeds or {}),
        terms=ORDER.terms,
        payer=cast.PAYER.address,
        nodes=ORDER.nodes,
        judges=ORDER.judges,
        ends=phases,
        changes={account: amount for account, amount in changes.items() if amount},
        outcome=outcome,
    )


def rules(job: PlayedJob, after: Holdings = TOKENS) -> list[str]:
    return [found.rule for found in find_violations([job], POOL, TOKENS, after)]


@pytest.mark.parametrize(
    "job",
    [
        played(),
        played(IndexPhase.CONVICTED, deeds={1: Deed.LIE}),
        played(IndexPhase.ANSWERED, deeds={1: Deed.LATE}),
        played(IndexPhase.REFUTED, deeds={3: Deed.LIE, 4: Deed.LIE}, outcome="undecided"),
        played(*[IndexPhase.RELEASED] * 6, outcome="cancelled"),
    ],
    ids=["honest", "liar", "late", "two liars", "unstarted"],
)
def test_job_as_it_should_be__breaks_no_rule(job: PlayedJob) -> None:
    assert rules(job) == []


@pytest.mark.parametrize(
    ("job", "rule"),
    [
        (played(IndexPhase.COMMITTED), "stuck"),
        (played(IndexPhase.CONVICTED), "honest_fined"),
        (played(IndexPhase.UNEARNED, deeds={2: Deed.LIE}, outcome="right"), "honest_fined"),
        (played(deeds={1: Deed.LIE}), "liar_paid"),
        (played(outcome="WRONG"), "wrong_result"),
        (played(outcome="undecided"), "wrong_result"),
        (replace(played(), changes={POOL: 1}), "wrong_payment"),
    ],
)
def test_job_that_breaks_a_rule__is_found(job: PlayedJob, rule: str) -> None:
    assert rule in rules(job)


@pytest.mark.parametrize(
    "after",
    [
        replace(TOKENS, locked=1, anchored=41),
        replace(TOKENS, parties={POOL: 69}),
        replace(TOKENS, parties={POOL: 71}),
        replace(TOKENS, supply=101),
        replace(TOKENS, anchored=39),
        replace(TOKENS, staked=11, vesting=19, anchored=41),
    ],
    ids=["locked", "missing", "made", "supply", "anchor", "stakes"],
)
def test_tokens_that_are_not_where_they_were__are_found(after: Holdings) -> None:
    assert "tokens" in rules(played(), after)


def test_violation__names_the_job() -> None:
    (found, *_) = find_violations([played(IndexPhase.CONVICTED)], POOL, TOKENS, TOKENS)
    assert found == Violation("honest_fined", "job 7: index 1 CONVICTED")


def test_ends__are_counted_by_deed() -> None:
    counted = count_ends([played(), played(IndexPhase.CONVICTED, deeds={1: Deed.LIE})])
    assert counted == {("none", "paid"): 11, ("lie", "convicted"): 1}


def test_programme__of_one_seed__is_always_the_same() -> None:
    assert draw_programme(5, jobs=50, nodes=12, devices=4) == draw_programme(
        5, jobs=50, nodes=12, devices=4
    )
    assert draw_programme(5, jobs=50, nodes=12, devices=4) != draw_programme(
        6, jobs=50, nodes=12, devices=4
    )
    assert draw_inputs(5, 1) == draw_inputs(5, 1) != draw_inputs(5, 2)


def test_programme__has_every_misdeed_and_names_nobody_twice() -> None:
    programme = draw_programme(1, jobs=1000, nodes=12, devices=10)
    deeds = {deed for job in programme for deed in job.deeds.values()}
    assert deeds == set(Deed) - {Deed.NONE}
    assert all(len(set(job.nodes)) == NODES_OF_A_JOB for job in programme)
    assert any(not job.is_within_errors for job in programme)
    assert {job.device for job in programme} == set(range(10))


def test_job_that_never_came_to_the_chain__has_failed_for_its_device() -> None:
    assert find_unfailed({3: "failed"}) == []
    assert find_unfailed({3: "failed", 4: "right"}) == [Violation("unposted", "job 4: right")]
