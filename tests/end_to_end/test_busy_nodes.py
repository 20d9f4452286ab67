"""Back-pressure end to end: nodes that take one job at a time, and a device that wants three.

| job     | what happens                                                                   |
|---------|--------------------------------------------------------------------------------|
| first   | is taken; while it is open, every node is busy                                 |
| hasty   | its nodes are busy for longer than it waits: cancelled, everything comes back  |
| patient | waits until the nodes are free again, then is computed like any other          |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from tests.end_to_end.job_ledger import JobLedger
from tests.end_to_end.small_job import FUNCTION, WISH, draw_batch, evaluate_plainly
from tests.end_to_end.theatre import WHOLE_STAGE, close_job, ends, open_theatre, wait_for

from edgemark.identifiers import JobId, ShareIndex
from edgemark.systems.outsourcing.demo.ledger_check import Holdings
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.phases import DevicePhase

pytestmark = WHOLE_STAGE

HASTY = replace(WISH, accept_s=4)
PATIENT = replace(WISH, accept_s=90)
LIMIT_S = 120.0


@dataclass
class Rush:
    """What came of it.

    Attributes:
        said: what the nodes answered to the offers of the hasty job, by index.
    """

    batch: bytes
    jobs: dict[str, JobId]
    states: dict[str, DeviceJob]
    said: dict[ShareIndex, str]
    ledger: JobLedger
    before: Holdings
    after: Holdings


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rush]:
    settings = {"max_open_jobs": 1}
    with open_theatre(tmp_path_factory.mktemp("rush"), settings=settings) as theatre:
        device = theatre.enlist_device()
        before, nodes, batch = theatre.begin(), theatre.node_accounts, draw_batch()
        jobs = {"first": device.submit(FUNCTION, draw_batch(), nodes, PATIENT)}
        wait_for("start", lambda: device.job(jobs["first"]).phase is DevicePhase.STARTED, 60)
        jobs["hasty"] = device.submit(FUNCTION, draw_batch(), nodes, HASTY)
        wait_for("refusals", lambda: len(device.refused_offers(jobs["hasty"])) == 6, 60)
        said = device.refused_offers(jobs["hasty"])
        jobs["patient"] = device.submit(FUNCTION, batch, nodes, PATIENT)
        states = {name: close_job(device, job, LIMIT_S) for name, job in jobs.items()}
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        yield Rush(batch, jobs, states, said, ledger, before, theatre.holdings())


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


def test_job_that_waited__gives_the_right_result(rush: Rush) -> None:
    assert rush.states["patient"].result == evaluate_plainly(rush.batch)


def test_after_the_rush__no_token_is_locked_or_missing(rush: Rush) -> None:
    assert rush.after.locked == 0
    assert rush.after.accounted == rush.before.accounted
