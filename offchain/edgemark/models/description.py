"""A model as a list of steps, and its file: plain numbers in JSON, never code.

Format "edgemark-model", version 1. `save_model` writes one from a fitted scikit-learn model; a
person or another program may write one too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from edgemark.crypto.polynomial import MAX_DEGREE, MAX_INPUTS, MAX_OUTPUTS
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
)
from edgemark.models.traced import Precision, Tracer
from edgemark.untrusted.fields import Fields

MODEL_FORMAT = "edgemark-model"
MAX_STEPS_OF_MODEL = 16
MAX_WIDTH = 2_100_000  # numbers between two steps: all monomials of degree 2 of 2000 inputs fit
MAX_VECTORS = 20_000  # support vectors


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model whose parameters are known.

    Attributes:
        source: what it was, for people.
        precision: floats that the plain model computes with.
        signature: names, bounds, labels.
        steps: what it does with a row, in order.
    """

    source: str
    precision: Precision
    signature: Signature
    steps: tuple[Step, ...]

    def trace(self, budget: Budget | None = None) -> TracedModel:
        """Run the model on symbols.

        Raises:
            BadStep: the sizes of two steps do not fit.
            ModelTooLarge: degree, work or magnitude is above its limit.
        """
        tracer = Tracer(self.precision, budget or Budget())
        values = [tracer.variable(i, bound) for i, bound in enumerate(self.signature.bounds)]
        for number, step in enumerate(self.steps, start=1):
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
        return TracedModel(self.source, self.signature, self.precision, tuple(values))


def description_to_json(model: ModelDescription) -> bytes:
    """The model file."""
    value = {
        "format": MODEL_FORMAT,
        "version": VERSION,
        "source": model.source,
        "precision": model.precision.value,
        **signature_to_fields(model.signature),
        "steps": [_step_to_fields(step) for step in model.steps],
    }
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def description_from_json(raw: bytes, who: str) -> ModelDescription:
    """Parse a model file.

    Raises:
        BadModelFile, RefusedInput: not a model file, or a number out of range.
    """
    return description_from_fields(parse_fields(raw, who))


def description_from_fields(fields: Fields) -> ModelDescription:
    """Like `description_from_json`, for an object that was parsed."""
    check_format(fields, MODEL_FORMAT)
    model = ModelDescription(
        source=fields.text("source"),
        precision=precision_from_fields(fields),
        signature=signature_from_fields(fields),
        steps=tuple(_step_from_fields(step) for step in fields.parts("steps", MAX_STEPS_OF_MODEL)),
    )
    fields.finish()
    return model


def _step_to_fields(step: Step) -> dict[str, object]:
    names = {name: getattr(step, name) for name in step.__dataclass_fields__}
    return {"step": type(step).__name__.lower(), **names}


def _step_from_fields(fields: Fields) -> Step:
    step = _read_step(fields.text("step"), fields)
    fields.finish()
    return step


def _read_step(name: str, fields: Fields) -> Step:
    match name:
        case "standardise":
            return Standardise(
                fields.reals("means", MAX_INPUTS), fields.reals("scales", MAX_INPUTS)
            )
        case "rescale":
            return Rescale(fields.reals("factors", MAX_INPUTS), fields.reals("offsets", MAX_INPUTS))
        case "monomials":
            return Monomials(fields.whole_rows("variables", MAX_WIDTH, MAX_DEGREE))
        case "linear":
            return Linear(
                fields.rows("weights", MAX_OUTPUTS, MAX_WIDTH),
                fields.reals("offsets", MAX_OUTPUTS),
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
