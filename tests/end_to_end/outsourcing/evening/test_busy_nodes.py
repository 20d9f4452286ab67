"""Back-pressure end to end: nodes that take one job at a time, and a device that wants three.

| job     | what happens                                                                   |
|---------|--------------------------------------------------------------------------------|
| first   | is taken; while it is open, every node is busy                                 |
| hasty   | its nodes are busy for longer than it waits: cancelled, everything comes back  |
| patient | waits until the nodes are free again, then is computed like any other          |

Then, on the same stage, come the jobs of `changing_nodes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from tests.end_to_end.outsourcing.evening.changing_nodes import Changed, play_changes
from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch, evaluate_plainly
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, open_theatre
from tests.stage.playhouse import wait_for, whole_stage

from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import ShareIndex
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.story.reading import Chronicle

pytestmark = whole_stage(57)

HASTY = replace(WISH, accept_s=4)
PATIENT = replace(WISH, accept_s=90)
LIMIT_S = 120.0


@dataclass
class Rush:
    """What came of it.

    Attributes:
        said: what the nodes answered to the offers of the hasty job, by index.
        changed: what came of the jobs during which nodes change.
    """

    theatre: Theatre

    batch: bytes
    jobs: dict[str, JobId]
    states: dict[str, DeviceJob]
    said: dict[ShareIndex, str]
    changed: Changed
    ledger: JobLedger
    before: Holdings
    after: Holdings


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rush]:
    settings = {"outsourcing.max_open_jobs": 1}
    with open_theatre(tmp_path_factory.mktemp("rush"), settings=settings) as theatre:
        device = theatre.enlist_device()
        before, nodes, batch = theatre.begin(), theatre.node_accounts, draw_batch()
        jobs = {"first": device.submit(FUNCTION, draw_batch(), nodes, PATIENT)}
        wait_for("start", lambda: device.job(jobs["first"]).phase is DevicePhase.STARTED, 60)
        jobs["hasty"] = device.submit(FUNCTION, draw_batch(), nodes, HASTY)
        wait_for("refusals", lambda: len(device.job(jobs["hasty"]).refused) == 6, 60)
        said = {word.index: word.reason for word in device.job(jobs["hasty"]).refused}
        jobs["patient"] = device.submit(FUNCTION, batch, nodes, PATIENT)
        states = {name: close_job(device, job, LIMIT_S) for name, job in jobs.items()}
        changed = play_changes(theatre, device)
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        after = theatre.holdings()
        yield Rush(theatre, batch, jobs, states, said, changed, ledger, before, after)


def test_busy_node__refuses_by_name_and_says_what_there_was_and_when_to_ask_again(
    rush: Rush,
) -> None:
    assert set(rush.said) == {1, 2, 3, 4, 5, 6}
    for words in rush.said.values():
        assert words == "NodeBusy; has as many jobs as it takes; 1; < 1; Ask again after 5 s."


def test_job_that_cannot_wait__is_cancelled_and_nothing_is_lost(rush: Rush) -> None:
    assert rush.states["hasty"].phase is DevicePhase.CANCELLED
    assert rush.ledger.changes(rush.jobs["hasty"]) == {}


@pytest.mark.parametrize("name", ["first", "patient"])
def test_job_that_was_taken__ends_like_any_other(rush: Rush, name: str) -> None:
    assert rush.states[name].indices == ends()


@pytest.mark.parametrize("name", ["first", "patient"])
def test_acceptances_of_an_honest_job__come_in_one_transaction_of_its_device(
    rush: Rush, name: str
) -> None:
    story = Chronicle(rush.theatre.chain, rush.theatre.stage.deployment).read(rush.jobs[name])
    brought = {place.accepted for place in story.indices}
    assert brought == {story.started}
    assert story.started is not None and story.started.sender == story.payer


def test_job_that_waited__gives_the_right_result(rush: Rush) -> None:
    assert rush.states["patient"].result == evaluate_plainly(rush.batch)


# --- nodes that change in the middle of a job ---


@pytest.fixture
def registry(rush: Rush) -> ParticipantRegistry:
    stage = rush.theatre.stage
    contract = stage.deployment.contract("ParticipantRegistry")
    return ParticipantRegistry(rush.theatre.chain, contract)


def test_job_whose_nodes_change__ends_paid_with_the_right_result(rush: Rush) -> None:
    changed = rush.changed
    assert [done.status for done in changed.commands] == [0, 0, 0]
    assert changed.delivered_before == {2, 3, 4, 5, 6}
    assert changed.state.indices == ends()
    assert changed.state.result == evaluate_plainly(changed.batch)
    order, payer = changed.state.known, rush.ledger.posting(changed.job).payer
    due = compute_changes([(order, ends())], payer, rush.theatre.stage.pool)
    assert rush.ledger.changes(changed.job) == {a: n for a, n in due.items() if n}


def test_node_that_moved_during_a_job__is_reached_with_its_new_key(
    rush: Rush, registry: ParticipantRegistry
) -> None:
    node = rush.theatre.stage.nodes[0]
    entry = registry.server(node.account)
    assert entry.endpoint == f"https://127.0.0.1:{node.port}"
    assert entry.pin == KeyStore.open(node.home / "keys").tls.pin != rush.changed.had_pin
    assert registry.is_active(node.account)


def test_nodes_whose_provider_dismissed_them_or_left__have_no_new_work_but_the_stake_stays(
    rush: Rush, registry: ParticipantRegistry
) -> None:
    standing = [registry.is_active(node) for node in rush.theatre.node_accounts]
    assert standing == [True, False, False, True, True, True]
    assert rush.changed.refused.phase is DevicePhase.FAILED
    assert rush.ledger.of_job(rush.changed.refused.known.job) == []
    stake = registry.stake_of(rush.theatre.stage.nodes[2].provider)
    assert stake.amount == registry.min_stake()
    assert stake.free_at > rush.changed.state.known.terms.collect_by
    assert registry.active_stake(rush.theatre.stage.nodes[2].provider) == 0


def test_after_the_rush__no_token_is_locked_or_missing(rush: Rush) -> None:
    assert rush.after.locked == 0
    assert rush.after.accounted == rush.before.accounted
