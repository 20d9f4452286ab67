"""A model as a list of steps, and its file: plain numbers in JSON, never code.

Format "edgemark-model", version 1. `save_model` writes one from a fitted scikit-learn model; a
person or another program may write one too, without a checksum.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from edgemark.crypto.polynomial import MAX_DEGREE, MAX_INPUTS, MAX_OUTPUTS
from edgemark.errors import RefusedInput
from edgemark.models.compiling import TracedModel
from edgemark.models.exact import Budget, ModelTooLarge
from edgemark.models.formats import BadModelFile, parse_fields
from edgemark.models.plan import (
    VERSION,
    check_format,
    precision_from_fields,
    signature_from_fields,
    signature_to_fields,
)
from edgemark.models.signature import Signature
from edgemark.models.steps import (
    BadStep,
    Kernel,
    Linear,
    Monomials,
    Rescale,
    Standardise,
    Step,
    find_usual,
)
from edgemark.models.traced import Precision, Tracer
from edgemark.untrusted.checksum import with_checksum
from edgemark.untrusted.fields import Fields

MODEL_FORMAT = "edgemark-model"
MAX_STEPS_OF_MODEL = 16
MAX_WIDTH = 2_100_000  # numbers between two steps: all monomials of degree 2 of 2000 inputs fit
MAX_VECTORS = 20_000  # support vectors, or inputs once for each class


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model whose parameters are known.

    Attributes:
        source: what it was, for people.
        precision: floats of the rows that the plain model is asked about.
        signature: names, bounds, labels.
        steps: what it does with a row, in order.
        floats: that the plain model computes each step in; () for those of the rows.
    """

    source: str
    precision: Precision
    signature: Signature
    steps: tuple[Step, ...]
    floats: tuple[Precision, ...] = ()

    def trace(self, budget: Budget | None = None) -> TracedModel:
        """Run the model on symbols.

        Raises:
            BadStep: the sizes of two steps do not fit.
            ModelTooLarge: degree, work or magnitude is above its limit.
        """
        tracer = Tracer(self.precision, budget or Budget())
        values = [
            tracer.variable(i, bound, self.signature.centre(i))
            for i, bound in enumerate(self.signature.bounds)
        ]
        for number, step in enumerate(self.steps, start=1):
            tracer.precision = self.floats_of(number - 1)
            tracer.at(f"step {number} ({type(step).__name__})")
            values = step.apply(tracer, values)
            if len(values) > MAX_WIDTH:
                raise ModelTooLarge(
                    "is too wide", who=f"step {number}", had=len(values), needed=f"<= {MAX_WIDTH}"
                )
        if len(values) != len(self.signature.outputs):
            raise BadStep(
                "number of outputs differs from the steps'",
                who="model",
                had=len(values),
                needed=len(self.signature.outputs),
            )
        usual = find_usual(self.steps[0]) if self.steps else ()
        usual = usual if len(usual) == len(self.signature.inputs) else ()
        return TracedModel(self.source, self.signature, self.precision, tuple(values), usual)

    def floats_of(self, number: int) -> Precision:
        """That the plain model computes a step in."""
        return self.floats[number] if self.floats else self.precision


def description_to_json(model: ModelDescription) -> bytes:
    """The model file.

    Raises:
        RefusedInput: a number is not finite.
    """
    value = {
        "format": MODEL_FORMAT,
        "version": VERSION,
        "source": model.source,
        "precision": model.precision.value,
        **signature_to_fields(model.signature),
        "steps": [_step_to_fields(model, number) for number in range(len(model.steps))],
    }
    try:
        whole = with_checksum(value)
        return json.dumps(whole, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    except ValueError as error:
        raise RefusedInput(
            "holds a number that is not finite", who=model.source, needed="finite numbers"
        ) from error


def description_from_json(raw: bytes, who: str) -> ModelDescription:
    """Parse a model file.

    Raises:
        BadModelFile, RefusedInput: not a model file, or a number out of range.
    """
    return description_from_fields(parse_fields(raw, who))


def description_from_fields(fields: Fields) -> ModelDescription:
    """Like `description_from_json`, for an object that was parsed."""
    check_format(fields, MODEL_FORMAT)
    precision = precision_from_fields(fields)
    parts = fields.parts("steps", MAX_STEPS_OF_MODEL)
    floats = tuple(
        precision_from_fields(part) if part.holds("precision") else precision for part in parts
    )
    model = ModelDescription(
        source=fields.text("source"),
        precision=precision,
        signature=signature_from_fields(fields),
        steps=tuple(_step_from_fields(step) for step in parts),
        floats=floats if set(floats) - {precision} else (),
    )
    fields.finish()
    return model


def _step_to_fields(model: ModelDescription, number: int) -> dict[str, object]:
    """A step; its floats only where they are others than those of the rows."""
    step, floats = model.steps[number], model.floats_of(number)
    names = {name: getattr(step, name) for name in step.__dataclass_fields__}
    others = {} if floats is model.precision else {"precision": floats.value}
    return {"step": type(step).__name__.lower(), **names, **others}


def _step_from_fields(fields: Fields) -> Step:
    step = _read_step(fields.text("step"), fields)
    fields.finish()
    return step


def _read_step(name: str, fields: Fields) -> Step:
    match name:
        case "standardise":
            return Standardise(
                fields.reals("means", MAX_VECTORS), fields.reals("scales", MAX_VECTORS)
            )
        case "rescale":
            return Rescale(
                fields.reals("factors", MAX_VECTORS), fields.reals("offsets", MAX_VECTORS)
            )
        case "monomials":
            return Monomials(fields.whole_rows("variables", MAX_WIDTH, MAX_DEGREE))
        case "linear":
            return Linear(
                fields.rows("weights", MAX_VECTORS, MAX_WIDTH),
                fields.reals("offsets", MAX_VECTORS),
            )
        case "kernel":
            return Kernel(
                vectors=fields.rows("vectors", MAX_VECTORS, MAX_INPUTS),
                gamma=fields.real("gamma"),
                constant=fields.real("constant"),
                degree=fields.whole("degree"),
                weights=fields.rows("weights", MAX_OUTPUTS, MAX_VECTORS),
                offsets=fields.reals("offsets", MAX_OUTPUTS),
            )
        case _:
            raise BadModelFile(
                "knows no such step",
                who=fields.who,
                had=name[:40],
                needed="standardise, rescale, monomials, linear or kernel",
            )
