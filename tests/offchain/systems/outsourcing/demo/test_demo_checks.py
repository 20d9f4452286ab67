"""What the demonstration's receipt says of jobs that never started."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.checks import (
    Planned,
    Played,
    check_scores,
    check_started,
    check_tokens,
    compute_changes,
    ends_of,
    signers_of,
)
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.demo.play import MOST_ACCEPT_S, STAGE_STEP, WISH, wish_here
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
PLANTED = ShareIndex(3)
NOW = Timestamp(ORDER.terms.collect_by + 1)
NAMES = {
    ORDER.nodes[j]: (f"node {j + 1}", "compute node") for j in range(ORDER.terms.node_count)
} | {cast.PAYER.address: ("device", "payer"), cast.POOL: ("pool", "incentives pool")}
NO_VERDICT: Any = SimpleNamespace(
    read=lambda _: SimpleNamespace(
        indices=[SimpleNamespace(index=j, charge=None) for j in range(1, 7)]
    )
)


def played(phase: DevicePhase, end: IndexPhase = IndexPhase.RELEASED) -> Played:
    state = DeviceJob(phase=phase, order=ORDER, indices=(end,) * ORDER.terms.node_count)
    return Played(Planned(ORDER.job, PLANTED, Deed.LIE, 0), state)


def holdings(gains: Sequence[Address] = ()) -> Holdings:
    parties = {account: 1000 + (account in gains) for account in NAMES}
    return Holdings(parties, 0, 0, 0, 0, 0, 0, 0)


def seen_of_nodes(gains: Sequence[Address]) -> tuple[bool, str]:
    """What the receipt says of honest nodes, of which some gained."""
    receipt, stage = Receipt("outsourcing"), SimpleNamespace(pool=cast.POOL)
    jobs, payer = [played(DevicePhase.CANCELLED)], cast.PAYER.address
    before, after = holdings(), holdings(gains)
    check_tokens(receipt, jobs, NAMES, before, after, payer, stage, NO_VERDICT)  # type: ignore[arg-type]
    (found,) = [check for check in receipt.checks if check.name == "honest nodes never fined"]
    return found.passed, found.seen


def accepted_of(*accepted: int) -> Any:
    """A chronicle in which these nodes accepted."""
    places = [
        SimpleNamespace(index=j, accepted=object() if j in accepted else None) for j in range(1, 7)
    ]
    return SimpleNamespace(read=lambda _: SimpleNamespace(indices=places))


def test_a_job_that_never_started__is_said_in_the_words_of_its_outlook() -> None:
    receipt = Receipt("outsourcing")
    jobs = [played(DevicePhase.SETTLED, IndexPhase.PAID), played(DevicePhase.CANCELLED)]
    check_started(receipt, jobs, NOW, accepted_of(1, 3, 4, 6))
    first, second = receipt.checks
    assert (first.name, first.passed, first.seen) == ("job 1 started", True, "started")
    assert (second.name, second.passed) == ("job 2 started", False)
    assert "It never started: not all nodes had accepted in time." in second.seen
    assert second.seen.endswith("By accept_by there was no acceptance of nodes 2, 5.")


def test_a_job_that_was_not_posted__is_asked_of_no_chain() -> None:
    receipt, nowhere = Receipt("outsourcing"), SimpleNamespace()
    check_started(receipt, [played(DevicePhase.FAILED)], NOW, nowhere)  # type: ignore[arg-type]
    assert "nothing was locked" in receipt.checks[0].seen


def test_honest_nodes_that_gained_nothing__are_named() -> None:
    honest = [node for node in ORDER.nodes if node != ORDER.nodes[PLANTED - 1]]
    assert seen_of_nodes(honest) == (True, "all gained")
    assert seen_of_nodes(honest[2:]) == (False, "gained nothing: node 1, node 2")


def test_numbers_that_are_not_there__are_not_off_by_nothing() -> None:
    receipt, bounds = (
        Receipt("outsourcing"),
        SimpleNamespace(plan=SimpleNamespace(error_bounds=[1])),
    )
    example: Any = bounds
    check_scores(receipt, 1, [], [[0.5]], example)
    check_scores(receipt, 2, [[0.25]], [[0.5]], example)
    assert [(check.passed, check.seen) for check in receipt.checks] == [
        (False, "no numbers"),
        (True, "off by 0.25"),
    ]


def test_without_a_verdict__the_plan_has_all_judges_sign_it_and_the_pool_get_what_is_over() -> None:
    job = played(DevicePhase.CANCELLED)
    orders, payer = [(ORDER, ends_of(job))], cast.PAYER.address
    planned = compute_changes(orders, payer, cast.POOL, [signers_of(NO_VERDICT, job)])
    assert planned == compute_changes(orders, payer, cast.POOL)
    unsigned = compute_changes(orders, payer, cast.POOL, [{}])  # as it was
    assert unsigned[cast.POOL] - planned[cast.POOL] == sum(
        planned[judge] for judge in cast.JUDGE_ADDRESSES
    )


@pytest.mark.parametrize(
    ("stage_s", "accept_s"), [(5, WISH.accept_s), (15, WISH.accept_s), (30.3, 21), (600, 60)]
)
def test_jobs_have_longer_to_start__only_where_setting_the_stage_took_long(
    stage_s: float, accept_s: int
) -> None:
    receipt = Receipt("outsourcing")
    assert wish_here(receipt) == WISH
    receipt.seconds[STAGE_STEP] = stage_s
    assert wish_here(receipt).accept_s == accept_s <= MOST_ACCEPT_S
