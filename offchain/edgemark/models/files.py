"""Model files, plans, functions and tables on disk.

    from edgemark.models.files import save_model
    save_model(model, "wine.model.json", input_bounds=[15.0, (2, 6)])

writes a fitted scikit-learn model as plain numbers, to be compiled. A compiled model is two files
beside each other: NAME.function, the canonical bytes of F, and NAME.plan.json, how to ask and to
read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.polynomial import MAX_FUNCTION_BYTES, Polynomial, parse_polynomial
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.errors import RefusedInput, about
from edgemark.files import make_private_folder, read_limited, write_whole
from edgemark.identifiers import Hash32
from edgemark.models.compiling import (
    CompiledModel,
    TracedModel,
    compile_model,
)
from edgemark.models.description import (
    MODEL_FORMAT,
    description_from_fields,
    description_from_json,
    description_to_json,
)
from edgemark.models.estimators.reading import describe_estimator
from edgemark.models.formats import (
    HEAD_BYTES,
    MAX_MODEL_BYTES,
    BadModelFile,
    Form,
    check_name,
    parse_fields,
    recognise,
)
from edgemark.models.plan import (
    PLAN_FORMAT,
    ModelPlan,
    WrongPlan,
    plan_from_fields,
    plan_from_json,
    plan_to_json,
)
from edgemark.models.signature import Answer, Bound, Bounds
from edgemark.models.table import (
    MAX_TABLE_BYTES,
    TableLimits,
    find_bounds,
    format_answers,
    parse_table,
)
from edgemark.words import count

FUNCTION_END, PLAN_END = ".function", ".plan.json"
MAX_INPUT_FILE_BYTES = 256 * 2**20
PLANS_FOLDER = "plans"  # in a home


def save_model(
    model: Any,
    path: str | Path,
    input_bounds: Bounds,
    input_names: Sequence[str] | None = None,
    row_type: str | None = None,
) -> Path:
    """Write a fitted scikit-learn model as a file of plain numbers.

    Args:
        model: see `models.estimators`; or a Pipeline of scalers, PolynomialFeatures and the like
            that ends in one.
        path: where to; usually NAME.model.json.
        input_bounds: the largest magnitude of each of the k inputs that will ever be asked, in the
            units that the model is given, or its range (least, largest), which is better where an
            input is far from zero; one number for all of them.
        input_names: of the inputs, where the model was trained without names; a table's columns
            are matched by them.
        row_type: "float64" or "float32", of the rows that the plain model is asked about. When it
            is not given it is found from what the model was trained on, and where nothing tells,
            the bound holds for either; "float64" may give a smaller one.

    Raises:
        NotAPolynomial: an estimator, kernel or option that cannot be outsourced, by name.
        NotFitted: the model was not trained.
        RefusedInput: a number is out of range, or there is no such folder.
    """
    target = Path(path)
    check_name(target.name)
    description = describe_estimator(model, input_bounds, input_names, row_type)
    raw = description_to_json(description)
    if len(raw) > MAX_MODEL_BYTES:
        raise RefusedInput(
            "is too large", who=description.source, had=len(raw), needed=f"<= {MAX_MODEL_BYTES}"
        )
    description_from_json(raw, target.name)  # what `compile` would not read is not written
    _write(target, raw)
    return target


def _write(path: Path, content: bytes) -> None:
    """Write a file whose folder is the user's to make.

    Raises:
        RefusedInput: it is not there, or may not be written to.
    """
    if not path.parent.is_dir():
        raise RefusedInput("folder is not there", who=path.parent, remedy="Make it first.")
    try:
        write_whole(path, content)
    except OSError as error:
        raise RefusedInput("cannot be written", who=path, had=error.strerror) from error


def read_model(path: Path, bounds: Sequence[Bound] = (), labels: Sequence[str] = ()) -> TracedModel:
    """Read a model file and run it on symbols.

    Args:
        path: written by `save_model`, or ONNX.
        bounds: of the inputs of an ONNX graph, which has none: one for all or one for each.
        labels: of an ONNX classifier.

    Raises:
        ModelIsCode: a pickle or the like. BadModelFile, RefusedInput: not a model of this form.
    """
    raw = read_limited(path, MAX_MODEL_BYTES)
    if recognise(path.name, raw[:HEAD_BYTES]) is Form.ONNX:
        from edgemark.models.onnx.graph import trace_onnx  # noqa: PLC0415

        return trace_onnx(raw, path.name, bounds, labels)
    description = description_from_fields(parse_fields(raw, path.name))
    if bounds or labels:
        raise RefusedInput(
            "declares its bounds and labels itself",
            who=path.name,
            remedy="Save it again with other input_bounds; --bound and --label are for ONNX.",
        )
    return description.trace()


def write_compiled(compiled: CompiledModel, stem: Path) -> tuple[Path, Path]:
    """Write STEM.function and STEM.plan.json; their paths.

    Raises:
        RefusedInput: the stem is no name of a file, or its folder is not there.
    """
    if not stem.name:
        raise RefusedInput("is no name of a file", who="--output", had=f"{stem}")
    function = stem.with_name(stem.name + FUNCTION_END)
    plan = stem.with_name(stem.name + PLAN_END)
    _write(function, compiled.function.to_bytes())
    _write(plan, plan_to_json(compiled.plan, function.name))
    return function, plan


def read_compiled(path: Path, *, how: str = "Compile it") -> CompiledModel:
    """The function and plan of a plan file, or of a model file that is compiled here and now.

    Args:
        path: the file.
        how: what to do about a model that has to be compiled first, as the remedy begins.

    Raises:
        WrongPlan: plan and function do not belong together. See `read_model` and `read_plan`.
    """
    raw = read_limited(path, MAX_MODEL_BYTES)
    if recognise(path.name, raw[:HEAD_BYTES]) is Form.ONNX:
        raise RefusedInput(
            "has to be compiled first, with bounds of its inputs",
            who=path.name,
            remedy=f"{how}, then name the plan that it writes.",
        )
    fields = parse_fields(raw, path.name)
    if fields.names_format(MODEL_FORMAT):
        return compile_model(description_from_fields(fields).trace())
    if not fields.names_format(PLAN_FORMAT):
        raise RefusedInput(
            "is neither a model nor a plan",
            who=path.name,
            needed=f"{MODEL_FORMAT} or {PLAN_FORMAT}",
        )
    plan, file = plan_from_fields(fields)
    function = _parse_function(path.with_name(file))
    _check_written_with(path.with_name(file), function, plan)
    plan.check_function(function)
    return CompiledModel(function, plan)


def _check_written_with(path: Path, function: Polynomial, plan: ModelPlan) -> None:
    """Check that a function is the one of the plan beside it: nothing else tells that it changed.

    Raises:
        WrongPlan: it is another.
    """
    if bytes(function.hash) != bytes(plan.function_hash):
        raise WrongPlan(
            "is not the function that its plan was written with",
            who=path,
            had=bytes(function.hash).hex(),
            needed=bytes(plan.function_hash).hex(),
            remedy="It was changed, or the plan is another's: compile the model again.",
        )


def remember_plan(home: Path, plan: ModelPlan) -> None:
    """Keep a plan in a home folder, so that answers can be read without being told which."""
    folder = home / PLANS_FOLDER
    make_private_folder(folder)
    write_whole(folder / _plan_name(plan.function_hash), plan_to_json(plan, "none"), mode=0o600)


def recall_plan(home: Path, function_hash: Hash32) -> ModelPlan | None:
    """The plan that was last remembered for a function; None when there is none."""
    path = home / PLANS_FOLDER / _plan_name(function_hash)
    if not path.exists():
        return None
    try:
        return read_plan(path)
    except BadModelFile as error:
        error.who, error.remedy = path, "Name the plan, `--model PLAN`, or remove this file."
        raise


def _plan_name(function_hash: Hash32) -> str:
    return bytes(function_hash).hex() + PLAN_END


def read_plan(path: Path) -> ModelPlan:
    """A plan alone, to read answers with.

    Raises:
        BadModelFile, RefusedInput: it is none.
    """
    return plan_from_json(read_limited(path, MAX_MODEL_BYTES), path.name)[0]


def read_function(path: Path) -> Polynomial:
    """Parse the canonical bytes of F from a file, and compare them with its plan, if it has one.

    Raises:
        RefusedInput: it is not there or too large. MalformedFunction: it is no function.
        WrongPlan: `compile` wrote another one with the plan beside it.
    """
    function = _parse_function(path)
    beside = path.with_name(path.name.removesuffix(FUNCTION_END) + PLAN_END)
    if path.name.endswith(FUNCTION_END) and beside.is_file():
        _check_written_with(path, function, read_plan(beside))
    return function


def _parse_function(path: Path) -> Polynomial:
    raw = read_limited(path, MAX_FUNCTION_BYTES)
    with about(path):
        return parse_polynomial(raw)


def read_table(path: Path, plan: ModelPlan, limits: TableLimits, drop: Sequence[str] = ()) -> bytes:
    """Read a CSV file as a packed batch.

    Raises:
        BadTable, BadCell, OutOfBounds: by row and column, without the value.
    """
    rows = parse_table(
        read_limited(path, MAX_TABLE_BYTES), plan.signature, limits, who=path.name, drop=drop
    )
    with about(path.name):
        return plan.encode(rows)


def read_bounds_from(
    path: Path, margin: float, limits: TableLimits, drop: Sequence[str] = ()
) -> tuple[float, ...]:
    """The largest magnitude in each column of a CSV file, times `margin`.

    Raises:
        BadTable, BadCell: see `read_table`. RefusedInput: the margin is not above 0 and finite.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise RefusedInput("is out of range", who="margin", had=margin, needed="> 0")
    raw = read_limited(path, MAX_TABLE_BYTES)
    return tuple(bound * margin for bound in find_bounds(raw, limits, who=path.name, drop=drop))


def write_answers(path: Path, plan: ModelPlan, answers: Sequence[Answer]) -> None:
    """Write answers as CSV, readable by the owner alone: they are as private as the inputs."""
    write_whole(path, format_answers(plan.signature, answers).encode(), mode=0o600)


def read_inputs(path: Path, width: int) -> bytes:
    """Parse inputs from JSON: a list of lists of `width` integers, |value| <= (q-1)/2.

    Raises:
        RefusedInput: not JSON, another shape, or a value outside the field.
    """
    raw = read_limited(path, MAX_INPUT_FILE_BYTES)
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RefusedInput("is not JSON", who=path, needed="a list of lists of integers") from error
    if not isinstance(given, list) or not given:
        raise RefusedInput("holds no inputs", who=path, needed="a list of lists of integers")
    values: list[int] = []
    for number, row in enumerate(given):
        where = f"{path}, input {number}"
        if not isinstance(row, list) or len(row) != width:
            had = count(len(row), "value") if isinstance(row, list) else type(row).__name__
            raise RefusedInput("input has the wrong length", who=where, had=had, needed=width)
        values += [_to_element(value, f"{where}, value {at}") for at, value in enumerate(row)]
    return FIELD.pack(values)


def _to_element(value: object, where: str) -> int:
    """The element of a value, which is secret: only its place and its type are ever said."""
    if not isinstance(value, int) or isinstance(value, bool):
        had = type(value).__name__
        raise RefusedInput("is not of the field", who=where, had=had, needed="a whole number")
    if abs(value) > Q // 2:
        raise RefusedInput("value is out of the field", who=where, needed="|x| <= q/2")
    return value % Q


def rows(packed: bytes, outputs: int) -> list[list[int]]:
    """A packed result as signed integers, one row an input."""
    values = [to_signed(element) for element in FIELD.unpack(packed)]
    return [values[i : i + outputs] for i in range(0, len(values), outputs)]
