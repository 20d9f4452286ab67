"""The examples that need no images, on one stage: patients by the library, wines by commands.

Both run for a while at the same places, so what one of them leaves behind the other has to bear.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.end_to_end.command_line import edgemark
from tests.end_to_end.theatre import WHOLE_STAGE

from edgemark.cli.exits import Exit
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.examples import ROWS, Example, ExampleName, train
from edgemark.systems.outsourcing.demo.stage import Stage
from edgemark.systems.outsourcing.demo.story import play_example

pytestmark = WHOLE_STAGE


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("examples"), frozenset({3})) as opened:
        opened.set()
        opened.raise_curtain()
        yield opened


@pytest.fixture(scope="module")
def wines() -> Example:
    return train(ExampleName.CSV)


@pytest.fixture(scope="module")
def regression(stage: Stage) -> Receipt:
    return play(stage, train(ExampleName.REGRESSION))


@pytest.fixture(scope="module")
def typed(stage: Stage, regression: Receipt, wines: Example) -> Receipt:
    assert regression.checks  # one after the other: both are the same device's
    return play(stage, wines)


def play(stage: Stage, example: Example) -> Receipt:
    receipt = Receipt("outsourcing")
    play_example(stage, example, receipt, Console(file=io.StringIO()))
    return receipt


@pytest.mark.parametrize("name", ["regression", "typed"])
def test_example__ends_with_every_check_passed(name: str, request: pytest.FixtureRequest) -> None:
    receipt = request.getfixturevalue(name)
    assert [check for check in receipt.checks if not check.passed] == []
    names = [check.name for check in receipt.checks]
    assert "job 1: numbers are the plain model's, within the plan's bound" in names
    assert receipt.ok


def test_liar__is_convicted_in_either(regression: Receipt, typed: Receipt) -> None:
    for receipt in (regression, typed):
        (convicted,) = [check for check in receipt.checks if "convicted" in check.name]
        assert convicted.seen == "[3]"


def test_file_of_answers__is_private_and_holds_a_row_for_each_that_was_asked(
    stage: Stage, typed: Receipt, wines: Example
) -> None:
    path = stage.folder / "answers.csv"
    assert path.stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(path.open(newline="")))
    assert [row["row"] for row in rows] == [str(n) for n in range(1, ROWS + 1)]
    assert [row["label"] for row in rows] == wines.predict(wines.rows[:ROWS])
    assert list(rows[0]) == ["row", "label", "sure", *wines.plan.signature.outputs]


def test_commands__are_told_as_they_were_typed(typed: Receipt) -> None:
    assert typed.evidence["typed, 1"] == "edgemark outsourcing compile wine.model.json"
    assert "--model wine.plan.json --input wine.csv" in str(typed.evidence["typed, 2"])


def test_result__later__is_read_by_the_plan_that_was_submitted(
    stage: Stage, typed: Receipt, wines: Example, tmp_path: Path
) -> None:
    home = stage.folder / "device"
    jobs = edgemark("outsourcing", "status", "--home", home, "--json").value
    assert len(jobs) == 2
    expected = wines.predict(wines.rows[:ROWS])
    found = [edgemark("outsourcing", "result", job, "--home", home, "--json") for job in jobs]
    labels = [done.value.get("labels") for done in found]
    assert sorted(labels, key=str) == sorted([expected, None], key=str)
    job = next(job for job, had in zip(jobs, labels, strict=True) if had)
    other = next(job for job, had in zip(jobs, labels, strict=True) if not had)
    words = ("--home", home, "--model", stage.folder / "wine.plan.json")
    again = edgemark("outsourcing", "result", job, *words, "--output", tmp_path / "again.csv")
    assert again.status == Exit.DONE
    assert (tmp_path / "again.csv").read_text() == (stage.folder / "answers.csv").read_text()
    assert "row,label,sure" in again.out
    wrong = edgemark("outsourcing", "result", other, *words)
    assert wrong.status == Exit.REFUSED_INPUT
    assert "belongs to another function" in wrong.complaint
