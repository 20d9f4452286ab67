"""The plan of a compiled model: how rows enter F_q, how answers leave it, and how right they are.

It goes with the function file and is all that a device needs to ask and to read; it holds nothing
secret. As JSON: format "edgemark-plan", version 1; whole numbers beyond 2^53 as strings; a
checksum tells when it was changed since.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from edgemark.crypto.field.field import WrongLength
from edgemark.crypto.polynomial import MAX_INPUTS, MAX_OUTPUTS, Polynomial
from edgemark.crypto.polynomial.fixed_point import FixedPoint, OutOfBounds, OverflowPlan
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.models.formats import BadModelFile, parse_fields
from edgemark.models.signature import Answer, Decision, Signature, decide
from edgemark.models.traced import Precision
from edgemark.untrusted.checksum import with_checksum
from edgemark.untrusted.fields import Fields

PLAN_FORMAT = "edgemark-plan"
VERSION = 1
MAX_EXPONENT = 1100  # of a float
MAX_DIGITS = 42  # of an encoded bound: |bound| <= q/2 has 39


class WrongPlan(RefusedInput):
    """A plan that belongs to another function."""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Everything about a compiled model but its coefficients.

    Args:
        source: what it was compiled from, for people.
        signature: names, bounds, labels.
        precision: floats of the plain model.
        exponents: p_i; input i enters the field as (x_i - c_i) / 2^p_i, c_i its centre.
        overflow: scales and bounds in the field.
        plain_errors: for each output, how far the plain model's own float can be from the exact
            polynomial, over all admitted inputs.
        function_hash: H(F).
    """

    source: str
    signature: Signature
    precision: Precision
    exponents: tuple[int, ...]
    overflow: OverflowPlan
    plain_errors: tuple[float, ...]
    function_hash: Hash32

    @property
    def error_bounds(self) -> tuple[float, ...]:
        """For each output, how far a decoded value can be from what the plain model says."""
        pairs = zip(self.overflow.output_errors, self.plain_errors, strict=True)
        return tuple(ours + plain for ours, plain in pairs)

    def encode(self, rows: Sequence[Sequence[float]]) -> bytes:
        """Rows of k real numbers as a packed batch.

        Raises:
            OutOfBounds: a value is outside its declared bound; it is not shown.
            WrongLength, RefusedInput: a row of another length, or a value that is not finite.
        """
        return b"".join(self._encode_row(number, row) for number, row in enumerate(rows, start=1))

    def _encode_row(self, number: int, row: Sequence[float]) -> bytes:
        signature = self.signature
        if len(row) != len(self.exponents):
            raise WrongLength(
                "has the wrong length",
                who=f"row {number}",
                had=len(row),
                needed=len(self.exponents),
            )
        normal: list[float | Fraction] = []
        for position, value in enumerate(row):
            centre, bound = signature.centre(position), signature.bounds[position]
            # measured without rounding; what is not finite is refused as such further down
            is_moved = bool(centre) and math.isfinite(value)
            off = Fraction(float(value)) - Fraction(centre) if is_moved else value
            if off > bound or off < -bound:
                raise OutOfBounds(
                    "is outside the declared bounds",
                    who=f"row {number}, column {signature.inputs[position]}",
                    needed=signature.tell_range(position),
                    remedy="Compile the model again with wider bounds, or leave the row out.",
                )
            normal.append(_halve(off, self.exponents[position]))
        return self.overflow.encode_input(normal)

    def decode(self, packed: bytes) -> list[Answer]:
        """A packed result as answers, one a row.

        Raises:
            WrongLength, NotAnElement: it is no result of this function.
        """
        rows = self.overflow.decode_output(packed)
        return [decide(self.signature, row, self.error_bounds) for row in rows]

    def check_function(self, function: Polynomial) -> None:
        """Check that this is the plan of a function.

        Raises:
            WrongPlan: it is that of another.
        """
        self.check_hash(function.hash)
        if (function.inputs, function.outputs) != (
            len(self.signature.inputs),
            len(self.signature.outputs),
        ):
            raise WrongPlan("sizes differ from the function's", who="model plan")

    def check_hash(self, function_hash: Hash32) -> None:
        """Check that this is the plan of the function with this hash.

        Raises:
            WrongPlan: it is that of another.
        """
        if bytes(function_hash) != bytes(self.function_hash):
            raise WrongPlan(
                "belongs to another function",
                who="model plan",
                had=bytes(self.function_hash).hex(),
                needed=bytes(function_hash).hex(),
                remedy="Take the plan that was written with this function.",
            )


def _halve(value: float | Fraction, exponent: int) -> float | Fraction:
    """A value over 2^exponent."""
    if isinstance(value, Fraction):
        return value / Fraction(2) ** exponent
    return math.ldexp(value, -exponent)


def plan_to_json(plan: ModelPlan, function_file: str) -> bytes:
    """The plan as it stands beside its function file."""
    overflow, signature = plan.overflow, plan.signature
    value = {
        "format": PLAN_FORMAT,
        "version": VERSION,
        "source": plan.source,
        "function": {"file": function_file, "hash": bytes(plan.function_hash).hex()},
        **signature_to_fields(signature),
        "precision": plan.precision.value,
        "fraction_bits": overflow.fixed.fraction_bits,
        "degree": overflow.degree,
        "input_exponents": list(plan.exponents),
        "encoded_input_bounds": [str(bound) for bound in overflow.input_bounds],
        "encoded_output_bounds": [str(bound) for bound in overflow.output_bounds],
        "field_errors": list(overflow.output_errors),
        "plain_errors": list(plan.plain_errors),
    }
    return json.dumps(with_checksum(value), indent=1).encode() + b"\n"


def plan_from_json(raw: bytes, who: str) -> tuple[ModelPlan, str]:
    """Parse a plan; also the name of its function file.

    Raises:
        BadModelFile, RefusedInput: not a plan, or its numbers contradict each other.
        WouldWrap: by its own bounds an output could wrap.
    """
    return plan_from_fields(parse_fields(raw, who))


def plan_from_fields(fields: Fields) -> tuple[ModelPlan, str]:
    """Like `plan_from_json`, for an object that was parsed."""
    check_format(fields, PLAN_FORMAT)
    function = fields.part("function")
    file, function_hash = (
        function.text("file"),
        parse_hash32(function.text("hash"), who=function.who),
    )
    function.finish()
    if "/" in file or file.startswith("."):
        raise BadModelFile("names a file elsewhere", who=fields.who, had=repr(file[:80]))
    overflow = OverflowPlan(
        fixed=FixedPoint(fields.whole("fraction_bits")),
        degree=fields.whole("degree"),
        input_bounds=_bounds(fields, "encoded_input_bounds", MAX_INPUTS),
        output_bounds=_bounds(fields, "encoded_output_bounds", MAX_OUTPUTS),
        output_errors=fields.reals("field_errors", MAX_OUTPUTS),
    )
    plan = ModelPlan(
        source=fields.text("source"),
        signature=signature_from_fields(fields),
        precision=precision_from_fields(fields),
        exponents=_exponents(fields),
        overflow=overflow,
        plain_errors=fields.reals("plain_errors", MAX_OUTPUTS),
        function_hash=function_hash,
    )
    fields.finish()
    _check_lengths(plan, fields.who)
    return plan, file


def _check_lengths(plan: ModelPlan, who: str) -> None:
    k, n = len(plan.signature.inputs), len(plan.signature.outputs)
    overflow = plan.overflow
    found = (
        len(plan.exponents),
        len(overflow.input_bounds),
        len(overflow.output_bounds),
        len(overflow.output_errors),
        len(plan.plain_errors),
    )
    if found != (k, k, n, n, n):
        raise BadModelFile(
            "has lists of different lengths", who=who, had=found, needed=(k, k, n, n, n)
        )


def _exponents(fields: Fields) -> tuple[int, ...]:
    exponents = fields.wholes("input_exponents", MAX_INPUTS)
    if any(abs(exponent) > MAX_EXPONENT for exponent in exponents):
        raise BadModelFile(
            "has an exponent out of range", who=fields.who, needed=f"within +-{MAX_EXPONENT}"
        )
    return exponents


def _bounds(fields: Fields, name: str, most: int) -> tuple[int, ...]:
    texts = fields.texts(name, most)
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            raise BadModelFile("has no whole number", who=f"{fields.who}, {name}", had=text[:80])
    return tuple(int(text) for text in texts)


def check_format(fields: Fields, form: str) -> None:
    """Check what kind of file this is, and that this release reads its version.

    Raises:
        BadModelFile: another kind, or another version.
    """
    had, version = fields.text("format"), fields.whole("version")
    if (had, version) != (form, VERSION):
        raise BadModelFile(
            "has another format",
            who=fields.who,
            had=f"{had[:40]} {version}",
            needed=f"{form} {VERSION}",
        )


def signature_to_fields(signature: Signature) -> dict[str, object]:
    """Names, bounds and labels as fields of a model or plan file."""
    return {
        "inputs": list(signature.inputs),
        "is_named": signature.is_named,
        "bounds": list(signature.bounds),
        **({"centres": list(signature.centres)} if signature.centres else {}),
        "outputs": list(signature.outputs),
        "decision": signature.decision.value,
        "labels": list(signature.labels),
    }


def signature_from_fields(fields: Fields) -> Signature:
    """Take names, bounds and labels out of a model or plan file.

    Raises:
        BadModelFile, RefusedInput: a field is missing or out of range.
    """
    decision = fields.text("decision")
    known = [each.value for each in Decision]
    if decision not in known:
        raise BadModelFile(
            "knows no such decision", who=fields.who, had=decision[:40], needed=" or ".join(known)
        )
    return Signature(
        inputs=fields.texts("inputs", MAX_INPUTS),
        is_named=fields.flag("is_named"),
        bounds=fields.reals("bounds", MAX_INPUTS),
        outputs=fields.texts("outputs", MAX_OUTPUTS),
        decision=Decision(decision),
        labels=fields.labels("labels", MAX_OUTPUTS),
        centres=fields.reals("centres", MAX_INPUTS) if fields.holds("centres") else (),
    )


def precision_from_fields(fields: Fields) -> Precision:
    """Take the plain model's floats out of a model or plan file.

    Raises:
        BadModelFile: neither float32 nor float64.
    """
    text = fields.text("precision")
    known = [each.value for each in Precision]
    if text not in known:
        raise BadModelFile(
            "knows no such precision", who=fields.who, had=text[:40], needed=" or ".join(known)
        )
    return Precision(text)
