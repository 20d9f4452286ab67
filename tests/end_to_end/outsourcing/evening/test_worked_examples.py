"""The examples that need no images, on one stage: patients by the library, wines by commands.

Both run for a while at the same places, so what one of them leaves behind the other has to bear.
Then two more users come with the wines: one who leaves early, one who shared them elsewhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from tests.end_to_end.outsourcing.evening.visitors import LEAVER, OWNER, SENDER, Visits, visit
from tests.stage.command_line import edgemark, edgemark_here
from tests.stage.metronome import Metronome
from tests.stage.playhouse import START_LIMIT_S, start_usually, whole_stage

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.examples import ROWS, Example, ExampleName, train
from edgemark.systems.outsourcing.demo.play import play_example

pytestmark = whole_stage(75)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsourcingStage]:
    folder, liars = tmp_path_factory.mktemp("examples"), frozenset({3})
    with OutsourcingStage(folder, dishonest=liars, start_limit_s=START_LIMIT_S) as opened:
        opened.set()
        with Metronome(EvmChain(opened.url, confirmations=0).connect()) as metronome:
            for actor in opened.actors:
                start_usually(actor)
            opened.wait_ready(opened.actors)
            metronome.keep_time()
            yield opened


@pytest.fixture(scope="module")
def wines() -> Example:
    return train(ExampleName.CSV)


@pytest.fixture(scope="module")
def regression(stage: OutsourcingStage) -> Receipt:
    return play(stage, train(ExampleName.REGRESSION))


@pytest.fixture(scope="module")
def typed(stage: OutsourcingStage, regression: Receipt, wines: Example) -> Receipt:
    assert regression.checks  # one after the other: both are the same device's
    return play(stage, wines)


@pytest.fixture(scope="module")
def visits(stage: OutsourcingStage, typed: Receipt) -> Visits:
    assert typed.ok  # before: its reckoning knows of no other payers
    asking = ("--model", stage.folder / "wine.plan.json")
    return visit(stage, asking, stage.folder / "wine.csv")


def play(stage: OutsourcingStage, example: Example) -> Receipt:
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
        assert convicted.seen == "3"


def test_file_of_answers__is_private_and_holds_a_row_for_each_that_was_asked(
    stage: OutsourcingStage, typed: Receipt, wines: Example
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
    stage: OutsourcingStage, typed: Receipt, wines: Example, tmp_path: Path
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


def test_device_that_left__gets_the_result_later_and_charges_the_liar(
    visits: Visits, wines: Example
) -> None:
    left, looked, result = visits.leaver
    assert [done.status for done in visits.leaver] == [Exit.DONE] * 3, result.error
    assert left.value["phase"] != "charged"  # nobody waited for that
    assert looked.value["job"] == result.value["job"] == left.value["job"]
    assert result.value["labels"] == wines.predict(wines.rows[:ROWS])
    assert (result.value["liars"], result.value["silent"]) == ([3], [])
    assert result.value["phase"] in {"charged", "settled"}
    assert result.value["may_leave"]


def test_metrics_of_a_device__outlive_its_processes(
    stage: OutsourcingStage, visits: Visits
) -> None:
    left, back = (read_metrics(stage.folder / LEAVER / f"{n}.prom") for n in ("left", "back"))
    assert left["edgemark_chain_up"] == back["edgemark_chain_up"] == 1
    assert left["edgemark_device_seconds_total", "share"] > 0
    assert back["edgemark_device_seconds_total", "share"] == 0  # counted by process
    assert back["edgemark_device_seconds_total", "decode"] > 0
    assert back["edgemark_http_bytes_total", "in"] > 0
    assert left["edgemark_account_tokens", "locked"] > 0
    phases = {key[1]: value for key, value in back.items() if key[0] == "edgemark_indices"}
    assert sum(phases.values()) == len(stage.nodes)
    assert phases.keys() & {"charged", "served", "convicted"}, phases


def read_metrics(path: Path) -> dict[str | tuple[str, ...], float]:
    """Samples by name, or by name and its labels but for the account."""
    found: dict[str | tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            others = [value for name, value in sample.labels.items() if name != "account"]
            found[(sample.name, *others) if others else sample.name] = sample.value
    return found


def test_sharing_made_elsewhere__is_submitted_exported_and_read_by_its_owner_alone(
    stage: OutsourcingStage, visits: Visits, wines: Example
) -> None:
    shared, sent, exported, decoded = visits.sender
    assert [done.status for done in visits.sender] == [Exit.DONE] * 4, decoded.error
    assert shared.value["nodes"] == len(stage.nodes)
    assert sent.value["liars"] == [3]
    assert exported.value["answers"] == [1, 2, 3, 4, 5, 6]
    assert decoded.value["job"] == sent.value["job"]
    assert decoded.value["liars"] == [3]
    assert decoded.value["labels"] == wines.predict(wines.rows[:ROWS])
    assert not (stage.folder / OWNER / "keys").exists()  # it needed no account


def test_files_of_the_owner__are_private(visits: Visits) -> None:
    for path in (visits.answers, visits.sharing / "secret.json", visits.sharing / "share-01.json"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_sharing__serves_one_job_of_a_payer(stage: OutsourcingStage, visits: Visits) -> None:
    again = edgemark_here(*visits.sender[1].words)
    assert again.status == Exit.REFUSED_INPUT, again.out
    home = ("--home", stage.folder / SENDER)
    jobs = edgemark_here("outsourcing", "status", *home, "--json").value
    assert list(jobs) == [visits.sender[1].value["job"]]
