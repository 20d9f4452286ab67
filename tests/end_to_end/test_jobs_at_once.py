"""Eleven jobs at once (`crowd.py`), and what strangers may do to the servers that played them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.end_to_end.crowd import EXPECTED, JOBS, Played, play_everything
from tests.end_to_end.small_job import evaluate_plainly
from tests.end_to_end.theatre import ends

from edgemark.ledger.events import NodeConvicted
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.demo.ledger_check import compute_changes
from edgemark.systems.outsourcing.phases import DevicePhase

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with play_everything(tmp_path_factory.mktemp("jobs")) as everything:
        yield everything


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__ends_index_by_index_as_planned(played: Played, name: str) -> None:
    state = played.states[name]
    assert [phase.name for phase in state.indices] == [phase.name for phase in EXPECTED[name]]
    assert state.is_finished


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__pays_what_the_table_of_amounts_says(played: Played, name: str) -> None:
    order, payer, pool = played.states[name].known, played.payer(name), played.theatre.stage.pool
    expected = compute_changes([(order, EXPECTED[name])], payer, pool)
    changes = played.ledger.changes(played.jobs[name])
    assert changes == {account: amount for account, amount in expected.items() if amount}


@pytest.mark.parametrize("name", JOBS)
def test_a_job__makes_no_token_and_loses_none(played: Played, name: str) -> None:
    assert sum(played.ledger.changes(played.jobs[name]).values()) == 0


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"unstarted"}))
def test_a_started_job__gives_the_right_result(played: Played, name: str) -> None:
    assert played.states[name].result == evaluate_plainly(played.batches[name])


def test_a_job_that_never_starts__is_cancelled_and_gives_everything_back(played: Played) -> None:
    assert played.states["unstarted"].phase is DevicePhase.CANCELLED
    assert played.ledger.changes(played.jobs["unstarted"]) == {}


def test_two_liars__leave_the_job_undecided_and_the_charged_one_gets_its_due(
    played: Played,
) -> None:
    state = played.states["two liars"]
    assert state.undecided_because
    assert state.result is None
    (charged,) = state.wrong
    end = IndexPhase.CONVICTED if charged in (1, 2) else IndexPhase.REFUTED
    expected = ends(**{f"i{charged}": end})
    assert state.indices == expected
    changes = compute_changes(
        [(state.known, expected)], played.payer("two liars"), played.theatre.stage.pool
    )
    assert played.ledger.changes(played.jobs["two liars"]) == {
        account: amount for account, amount in changes.items() if amount
    }


def test_nobody_but_the_planted__is_convicted(played: Played) -> None:
    convicted = {
        (event.job, event.index)
        for event in played.ledger.events
        if isinstance(event, NodeConvicted) and event.job != played.jobs["two liars"]
    }
    assert convicted == {(played.jobs["absent"], 5), (played.jobs["lenient"], 3)}


def test_all_jobs_together__change_every_balance_by_the_sum(played: Played) -> None:
    total: dict[str, int] = {}
    for job in played.jobs.values():
        for account, amount in played.ledger.changes(job).items():
            total[account] = total.get(account, 0) + amount
    before, after = played.before.parties, played.after.parties
    changed = {a: after[a] - before[a] for a in before if after[a] != before[a]}
    assert changed == {account: amount for account, amount in total.items() if amount}


def test_after_all_jobs__nothing_is_locked_and_the_supply_is_accounted_for(
    played: Played,
) -> None:
    assert played.after.locked == 0
    assert played.after.accounted == played.after.supply == played.before.accounted
    assert played.after.anchored == played.after.free
