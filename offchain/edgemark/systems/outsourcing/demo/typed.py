"""A job as a user types it: a model file, a CSV file, two commands, another CSV file."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import Any

from edgemark.amounts import write_tokens
from edgemark.demo.commands import run_command, show_command
from edgemark.models.files import save_model
from edgemark.receipt import Receipt
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.examples import ROW_TYPE, Example
from edgemark.systems.outsourcing.identifiers import JobId, parse_job_id
from edgemark.systems.outsourcing.offline.drafting import Wish


@dataclass(frozen=True)
class Typed:
    """What came of the commands.

    Attributes:
        commands: as they were typed.
        answers: rows of the CSV file that `submit` wrote.
    """

    job: JobId
    commands: list[str]
    answers: list[dict[str, str]]


def type_commands(stage: OutsourcingStage, example: Example, wish: Wish, rows: int) -> Typed:
    """Save the model, write a table, compile, submit, and wait until all is paid.

    Args:
        stage: chain and servers; the device's home has its settings.
        example: with names of its inputs.
        wish: terms of the job.
        rows: how many of the held-out rows are asked, from the first.

    Raises:
        Unrecoverable: a command failed; its output says why.
    """
    folder, signature = stage.folder, example.plan.signature
    path = folder / "wine.model.json"
    save_model(example.model, path, signature.bounds, signature.inputs, ROW_TYPE)
    with (folder / "wine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(signature.inputs)
        writer.writerows(example.rows[:rows].tolist())
    compiling = ["outsourcing", "compile", "wine.model.json"]
    submitting = [
        *("outsourcing", "submit", "--home", "device", "--model", "wine.plan.json"),
        *("--input", "wine.csv", "--output", "answers.csv", "--until", "settled"),
        *(word for actor in stage.nodes for word in ("--node", actor.account)),
        *("--fee", write_tokens(wish.fee)),
        *(("--judge-fee", write_tokens(wish.judge_fee)) if wish.judge_fee is not None else ()),
        *("--accept", str(wish.accept_s), "--compute", str(wish.compute_s)),
        *("--collect", str(wish.choose_collect_s(stage.limits)), "--json"),
    ]
    run_command(folder, compiling)
    facts = json.loads(run_command(folder, submitting))
    with (folder / "answers.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    commands = [show_command(words) for words in (compiling, submitting)]
    return Typed(parse_job_id(facts["job"]), commands, answers)


def check_file(
    receipt: Receipt, answers: list[dict[str, str]], example: Example, rows: int
) -> None:
    """The file that the user gets holds the plain model's labels, row by row."""
    seen = [f"{answer['row']}: {answer['label']}" for answer in answers]
    labels: list[Any] = example.predict(example.rows[:rows])
    expected = [f"{number}: {label}" for number, label in enumerate(labels, start=1)]
    receipt.compare("answers.csv: labels equal the plain model's", seen, expected)
