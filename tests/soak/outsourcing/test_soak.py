"""A small soak run; `make soak` begins with a thousand jobs of the same kind.

Every kind of death is in `end_to_end/test_kill_nine.py`, every misdeed in `test_jobs_at_once.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.soak.outsourcing.__main__ import describe
from tests.soak.outsourcing.findings import count_ends
from tests.soak.outsourcing.night import Reckoning, Wanted, Windows, play
from tests.stage.playhouse import whole_stage
from tests.stage.progress import SEED

from edgemark.systems.outsourcing.demo.dishonest import Deed

pytestmark = [*whole_stage(140), pytest.mark.soak]

USUAL_SEED = 55  # each misdeed once among twelve jobs
JOBS = 12
SMALL = Windows(accept_s=20, compute_s=12, collect_s=18, judge_s=12, absence_s=1.0)


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reckoning]:
    wanted = Wanted(
        seed=int(os.environ.get(SEED, USUAL_SEED)),
        jobs=JOBS,
        limit_s=300.0,
        pause_s=6.0,
        nodes=8,
        devices=3,
        at_once=4,
        windows=SMALL,
    )
    yield play(tmp_path_factory.mktemp("soak"), wanted, lambda *_: None)


def test_soak__ends_every_job_and_breaks_no_rule(came: Reckoning) -> None:
    assert came.violations == [], describe(came)
    assert came.is_complete
    assert all(job.is_ended for job in came.jobs)


def test_soak__killed_somebody_and_everybody_came_back(came: Reckoning) -> None:
    assert sum(came.kills.values()) >= 3


def test_soak__moved_tokens_by_every_misdeed_that_was_planned(came: Reckoning) -> None:
    played = {deed for deed, _ in count_ends(came.jobs)}
    planned = {deed.value for job in came.jobs for deed in job.plan.deeds.values()}
    assert played == planned | {Deed.NONE.value}
    assert came.moved > 0


def test_soak__describes_itself_in_a_table(came: Reckoning) -> None:
    text = describe(came)
    assert f"jobs played      {len(came.jobs)} of {JOBS}" in text
    assert text.endswith("0 violations")
