"""`edgemark outsourcing compile`, and what `submit` and `result` need of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgemark.cli.options.plain_numbers import Real, Whole, WholeRange
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.crypto.polynomial.fixed_point import SIGNED_LIMIT
from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.models.compiling import compile_model
from edgemark.models.files import (
    read_bounds_from,
    read_model,
    write_compiled,
)
from edgemark.models.plan import ModelPlan
from edgemark.models.signature import Bound, Signature
from edgemark.systems.outsourcing.limits import TABLE
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.offline.rehearsal import Costs, rehearse
from edgemark.words import count

MOST_SHOWN = 6  # items of one list in the text for people
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class Range(click.ParamType):
    """The largest magnitude of an input, or its least and largest value: 5, or 1.6e9:1.8e9."""

    name = "number or low:high"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Bound:
        """One number or two."""
        del param, ctx  # the error names the option itself
        try:
            ends: list[float] = [Real().convert(end, None, None) for end in str(value).split(":")]
        except click.BadParameter:
            ends = []
        match ends:
            case [one]:
                return one
            case [low, high]:
                return low, high
            case _:
                raise RefusedInput(
                    "is neither a number nor LOW:HIGH", who="--bound", had=f"{value!r}"
                )


@click.command("compile")
@takes_settings
@click.argument("model", type=existing_file)
@click.option("--output", type=click.Path(path_type=Path), help="Where to, without ending.")
@click.option(
    "--bound", "bounds", multiple=True, type=Range(), help="ONNX: largest |input|, or LOW:HIGH."
)
@click.option("--bounds-from", type=existing_file, help="ONNX: the largest of each CSV column.")
@click.option("--margin", type=Real(), help="Factor on --bounds-from.  [default: 1]")
@click.option("--drop", multiple=True, help="A column of --bounds-from to leave out.")
@click.option("--label", "labels", multiple=True, help="ONNX classifier: label of each output.")
@click.option(
    "--fraction-bits", type=Whole(), help="Scale 2^s instead of the largest that is safe."
)
@click.option("--threshold", type=Whole(), default=1, show_default=True, help="t, for the cost.")
@click.option("--errors", type=Whole(), default=1, show_default=True, help="e, for the cost.")
@click.option(
    "--batch",
    type=WholeRange(1),
    default=1,
    show_default=True,
    help="Rows of a job, for the cost.",
)
def compile_command(  # noqa: PLR0913, PLR0917 - one argument an option
    invocation: Invocation,
    model: Path,
    output: Path | None,
    bounds: tuple[Bound, ...],
    bounds_from: Path | None,
    margin: float | None,
    drop: tuple[str, ...],
    labels: tuple[str, ...],
    fraction_bits: int | None,
    threshold: int,
    errors: int,
    batch: int,
) -> int:
    """Turn MODEL (ONNX, or JSON by save_model) into a function; print overflow plan and cost.

    Needs no chain. Writes NAME.function and NAME.plan.json; `submit --model` takes the plan.
    """
    if bounds_from is not None:
        if bounds:
            raise RefusedInput("bounds are given twice", who="--bound and --bounds-from")
        bounds = read_bounds_from(bounds_from, 1.0 if margin is None else margin, TABLE, drop)
    elif margin is not None or drop:
        unused = "--drop" if margin is None else "--margin"
        raise RefusedInput("says nothing alone", who=unused, needed="a table, --bounds-from FILE")
    compiled = compile_model(read_model(model, bounds, labels), fraction_bits)
    costs = rehearse(compiled.function, _wish(threshold, errors), batch)
    stem = output or model.with_name(model.name.partition(".")[0])
    function_file, plan_file = write_compiled(compiled, stem)
    facts = {
        **describe_plan(compiled.plan),
        "cost": asdict(costs),
        "function": str(function_file),
        "plan": str(plan_file),
    }
    invocation.show(facts, _tell(compiled.plan, costs, function_file, plan_file))
    return Exit.DONE


def _wish(threshold: int, errors: int) -> Wish:
    """A wish with amounts and times that do not matter."""
    return Wish(threshold, errors, Tokens(TOKEN_UNIT), None, 1, 1, 1)


def describe_plan(plan: ModelPlan) -> dict[str, Any]:
    """The facts of a plan, as JSON has them."""
    overflow, signature = plan.overflow, plan.signature
    return {
        "model": plan.source,
        "function_hash": bytes(plan.function_hash).hex(),
        "inputs": {name: _range(signature, i) for i, name in enumerate(signature.inputs)},
        "outputs": list(signature.outputs),
        "labels": list(signature.labels),
        "degree": overflow.degree,
        "fraction_bits": overflow.fixed.fraction_bits,
        "output_bits": overflow.output_bits,
        "largest_output": str(max(overflow.output_bounds)),
        "limit": str(SIGNED_LIMIT),
        "headroom_bits": overflow.headroom_bits,
        "error_bounds": _by_output(signature, plan.error_bounds),
        "of_these_the_field": _by_output(signature, overflow.output_errors),
        "of_these_the_plain_model": _by_output(signature, plan.plain_errors),
    }


def _by_output(signature: Signature, numbers: Sequence[float]) -> dict[str, float]:
    return dict(zip(signature.outputs, numbers, strict=True))


def _range(signature: Signature, position: int) -> float | list[float]:
    """The largest magnitude of an input, or its range where that is not around zero."""
    bound, centre = signature.bounds[position], signature.centre(position)
    return [centre - bound, centre + bound] if centre else bound


def _tell_range(signature: Signature, position: int) -> str:
    match _range(signature, position):
        case [low, high]:
            return f"{low:g}..{high:g}"
        case bound:
            return f"{bound:g}"


def _tell(plan: ModelPlan, costs: Costs, function_file: Path, plan_file: Path) -> str:
    """The same for people."""
    overflow, signature = plan.overflow, plan.signature
    s, d = overflow.fixed.fraction_bits, overflow.degree
    bounds = [f"{name} {_tell_range(signature, i)}" for i, name in enumerate(signature.inputs)]
    scales = [f"degree {i}: 2^{s * (d + 1 - i)}" for i in range(d + 1)]
    parts: dict[str, dict[str, object]] = {
        "Model": {
            "source": plan.source,
            "inputs, largest magnitude or range": _shorten(bounds),
            "outputs": _shorten(signature.outputs),
            "labels": _shorten([str(label) for label in signature.labels]) or "none",
        },
        "Overflow plan": {
            "scale of inputs": f"2^{s}, each divided by the power of two above its bound"
            + (", from the middle of its range" if signature.centres else ""),
            "scale of coefficients": _shorten(scales),
            "scale of outputs": f"2^{overflow.output_bits}",
            "largest possible output": f"{max(overflow.output_bounds):.3e}",
            "limit (q-1)/2": f"{SIGNED_LIMIT:.3e}",
            "headroom": count(overflow.headroom_bits, "bit"),
            "error bound": f"{max(plan.error_bounds):.3g} against the plain model: "
            f"{max(overflow.output_errors):.3g} in the field, "
            f"{max(plan.plain_errors):.3g} by its own {plan.precision.value}",
        },
        f"Cost of {count(costs.batch, 'row')} with t = {costs.threshold}, e = {costs.errors}": {
            "terms": f"{costs.terms:,} (k = {costs.inputs}, n = {costs.outputs}, d = {d})",
            "compute nodes": f"m = {costs.nodes}",
            "bytes to each node": f"{costs.share_bytes:,} and once {costs.function_bytes:,}",
            "bytes from each node": f"{costs.answer_bytes:,}",
            "device, measured here": f"{costs.device_seconds:.6f} s",
            "a node, measured here": f"{costs.node_seconds:.6f} s",
            "F alone, measured here": f"{costs.local_seconds:.6f} s",
        },
        "Written": {"function": function_file, "plan": plan_file},
    }
    return "\n\n".join(f"{title}\n{align(facts)}" for title, facts in parts.items())


def _shorten(items: Sequence[str]) -> str:
    rest = len(items) - MOST_SHOWN
    return ", ".join(items[:MOST_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
