"""A week in some minutes: each trouble once, and every question answered."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing.small_job import OUTPUTS, draw_batch, evaluate_plainly
from tests.soak.outsourcing.customer import AWAY, REFUSED, RIGHT, WITHOUT, WRONG, judge
from tests.soak.outsourcing.inquiries import Answered
from tests.soak.outsourcing.troubles import TROUBLES, draw_troubles
from tests.soak.outsourcing.week import WEEK_S, Week, describe, play
from tests.stage.command_line import Finished

from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed

MANY = Answered("is it back?", "log", "yes")


def week(*asked: Answered, violations: tuple[str, ...] = ()) -> Week:
    return Week(
        1, [("restart", each) for each in asked], Counter(right=3), violations, 60.0, WEEK_S
    )


def test_troubles__come_each_once_before_any_comes_again() -> None:
    drawn = list(islice(draw_troubles(random.Random(1)), 2 * len(TROUBLES)))
    assert set(drawn[: len(TROUBLES)]) == set(drawn[len(TROUBLES) :]) == set(TROUBLES)


def test_table__has_each_question_once_and_says_what_had_no_answer() -> None:
    text = describe(week(MANY, MANY, Answered("why?", "/healthz", ""), violations=("lost",)))
    assert text.startswith("seed 1: 60 s, 7.0 days of chain time, 3 questions\njobs: 3 right\n")
    assert text.count("is it back?") == 1
    assert "why?" in text
    assert "NOTHING SAYS IT" in text
    assert text.endswith("VIOLATION lost\n1 violations")


@pytest.mark.parametrize(
    ("status", "outcome"), [(1, WITHOUT), (2, REFUSED), (4, AWAY), (5, "status 5")]
)
def test_job_that_came_to_nothing__is_told_by_its_status(status: int, outcome: str) -> None:
    assert judge(Finished((), status, "", ""), b"") == outcome


def test_result__is_compared_with_the_plain_function() -> None:
    batch = draw_batch()
    values = [to_signed(value) for value in FIELD.unpack(evaluate_plainly(batch))]
    rows = [values[i : i + OUTPUTS] for i in range(0, len(values), OUTPUTS)]
    assert judge(Finished((), 0, json.dumps({"result": rows}), ""), batch) == RIGHT
    rows[0][0] += 1
    assert judge(Finished((), 0, json.dumps({"result": rows}), ""), batch) == WRONG


@pytest.mark.soak
@pytest.mark.processes
@pytest.mark.timeout(1800)
def test_week__as_short_as_it_can_be__answers_every_question(tmp_path: Path) -> None:
    came = play(tmp_path, seed=1, limit_s=1.0, tell=lambda *_: None)
    assert came.violations == [], describe(came)
    assert {trouble for trouble, _ in came.asked} >= {"restart", "chain away", "full disk"}
    assert came.chain_s >= WEEK_S
