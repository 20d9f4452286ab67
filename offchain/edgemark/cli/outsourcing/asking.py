"""What a user asks and is answered: a model and a table, or a raw function and field elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.models.files import (
    read_compiled,
    read_function,
    read_inputs,
    read_plan,
    read_table,
    recall_plan,
    rows,
    write_answers,
)
from edgemark.models.plan import ModelPlan
from edgemark.models.signature import Decision
from edgemark.models.table import format_answers
from edgemark.receipt.exhibits import Answer as Shown
from edgemark.systems.outsourcing.limits import TABLE
from edgemark.systems.outsourcing.offline.sharing import Sharing
from edgemark.systems.outsourcing.offline.sharing_files import read_sharing
from edgemark.words import in_words

MOST_ROWS_SHOWN = 20


@dataclass(frozen=True)
class Asking:
    """A function, what to compute it on, and how to read the answer.

    Attributes:
        batch: packed inputs.
        plan: of a model; None for raw field elements.
    """

    function: Polynomial
    batch: bytes
    plan: ModelPlan | None


def read_asking(
    function_file: Path | None,
    model_file: Path | None,
    input_file: Path | None,
    drop: Sequence[str],
) -> Asking:
    """Read the files of a submission; without an input file the batch is empty.

    Raises:
        RefusedInput: both or none of function and model, or a file that cannot be taken.
    """
    if model_file is not None and function_file is None:
        compiled = read_compiled(model_file, how="Use `edgemark outsourcing compile`")
        batch = read_table(input_file, compiled.plan, TABLE, drop) if input_file else b""
        return Asking(compiled.function, batch, compiled.plan)
    if function_file is None or model_file is not None:
        raise RefusedInput(
            "name one of them", who="--model and --function", needed="a model or a raw function"
        )
    if drop:
        raise RefusedInput("needs a model", who="--drop", remedy="Raw inputs have no columns.")
    function = read_function(function_file)
    batch = read_inputs(input_file, function.inputs) if input_file else b""
    return Asking(function, batch, None)


def choose_sharing(input_file: Path | None, folder: Path | None) -> Sharing | None:
    """The sharing of a folder; None when there is an input to be shared.

    Raises:
        RefusedInput: both or none of them.
    """
    if (input_file is None) == (folder is None):
        raise RefusedInput(
            "name one of them", who="--input and --sharing", needed="an input or its shares"
        )
    return None if folder is None else read_sharing(folder)


def choose_plan(home: Path, function_hash: Hash32, model_file: Path | None) -> ModelPlan | None:
    """The plan that a user named, else the one this home submitted with; None for a raw function.

    Raises:
        WrongPlan: the named plan belongs to another function.
    """
    if model_file is None:
        return recall_plan(home, function_hash)
    plan = read_plan(model_file)
    plan.check_hash(function_hash)
    return plan


@dataclass(frozen=True)
class Reading:
    """A result as a user reads it.

    Attributes:
        plan: how to read it; None for field elements.
        output: CSV file for the answers, if one was named.
    """

    plan: ModelPlan | None
    output: Path | None = None

    def __post_init__(self) -> None:
        if self.output is None:
            return
        if self.plan is None:
            raise RefusedInput("needs a model", who="--output", remedy="Name its plan by --model.")
        if not self.output.parent.is_dir():
            raise RefusedInput("folder is not there", who=self.output.parent)

    def describe(self, packed: bytes, outputs: int) -> dict[str, Any]:
        """The facts of a result; also writes the CSV file."""
        if self.plan is None:
            return {"result": rows(packed, outputs)}
        answers = self.plan.decode(packed)
        facts: dict[str, Any] = {
            "result": [list(answer.values) for answer in answers],
            "outputs": list(self.plan.signature.outputs),
            "error_bounds": list(self.plan.error_bounds),
        }
        if self.plan.signature.decision is not Decision.VALUES:
            facts["labels"] = [answer.label for answer in answers]
            facts["unsure_rows"] = [i for i, a in enumerate(answers, start=1) if not a.is_sure]
        if self.output is not None:
            write_answers(self.output, self.plan, answers)
            facts["output"] = str(self.output)
        return facts

    def tell(self, packed: bytes) -> str:
        """The first answers as a table for people; nothing for field elements."""
        if self.plan is None:
            return ""
        answers = self.plan.decode(packed)
        shown = format_answers(self.plan.signature, answers[:MOST_ROWS_SHOWN]).rstrip()
        rest = len(answers) - MOST_ROWS_SHOWN
        return shown if rest <= 0 else f"{shown}\n... {rest} more; --output FILE writes them all"

    def list_answers(self, packed: bytes | None, outputs: int) -> list[Shown]:
        """The answers for a receipt, one an input; none while there is no result."""
        if packed is None:
            return []
        if self.plan is None:
            return [Shown(seen=in_words(row), plain="") for row in rows(packed, outputs)]
        has_labels = self.plan.signature.decision is not Decision.VALUES
        return [
            Shown(
                seen=str(answer.label) if has_labels else ", ".join(map(repr, answer.values)),
                plain="",
            )
            for answer in self.plan.decode(packed)
        ]
