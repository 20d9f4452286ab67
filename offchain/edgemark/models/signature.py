"""What goes into a model and what comes out, by name, and how an answer is read from numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import SupportsFloat, TypeAlias

from edgemark.crypto.polynomial import MAX_INPUTS, MAX_OUTPUTS
from edgemark.errors import RefusedInput
from edgemark.words import count

Label: TypeAlias = str | int | float | bool
Bound: TypeAlias = SupportsFloat | Iterable[SupportsFloat]
Bounds: TypeAlias = SupportsFloat | Iterable[Bound]

MAX_NAME = 128  # characters of a name or label


class Decision(Enum):
    """How the numbers of one row become a label."""

    VALUES = "values"  # they do not: the numbers are the answer
    LARGEST = "largest"  # one number a label; the largest decides, the first of equals
    SIGN = "sign"  # one number for two labels; above zero is the second
    PAIRWISE = "pairwise"  # one number a pair of labels; above zero is a vote for the first


def count_outputs(decision: Decision, labels: int) -> int | None:
    """Outputs that a decision among so many labels needs; None where any number will do."""
    match decision:
        case Decision.VALUES:
            return None
        case Decision.LARGEST:
            return labels
        case Decision.SIGN:
            return 1
        case Decision.PAIRWISE:
            return labels * (labels - 1) // 2


@dataclass(frozen=True, slots=True)
class Signature:
    """Names, bounds and labels of a model.

    Args:
        inputs: k names, each once.
        is_named: whether the model was trained with these names, so that columns are matched by
            name; else by position.
        bounds: k largest magnitudes that will be asked, finite and >= 0.
        outputs: n names, each once.
        decision: how a label is read from the outputs.
        labels: of a classifier, in the order of its decision; else none.
        centres: k numbers from which the magnitudes are measured; () for zeros.

    Raises:
        RefusedInput: numbers do not fit each other, a name is empty or stands twice.
    """

    inputs: tuple[str, ...]
    is_named: bool
    bounds: tuple[float, ...]
    outputs: tuple[str, ...]
    decision: Decision = Decision.VALUES
    labels: tuple[Label, ...] = ()
    centres: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_names("inputs", self.inputs, MAX_INPUTS)
        _check_names("outputs", self.outputs, MAX_OUTPUTS)
        if len(self.bounds) != len(self.inputs):
            raise RefusedInput(
                "wrong number of bounds",
                who="model",
                had=len(self.bounds),
                needed=f"one for each of {count(len(self.inputs), 'input')}",
            )
        for name, bound in zip(self.inputs, self.bounds, strict=True):
            if not (math.isfinite(bound) and bound >= 0):
                raise RefusedInput(
                    "is no bound", who=f"bound of {name}", had=bound, needed="a finite number >= 0"
                )
        if self.centres and len(self.centres) != len(self.inputs):
            raise RefusedInput(
                "wrong number of centres",
                who="model",
                had=len(self.centres),
                needed=f"none or one for each of {count(len(self.inputs), 'input')}",
            )
        self._check_labels()

    def centre(self, position: int) -> float:
        """From where the magnitude of an input is measured."""
        return self.centres[position] if self.centres else 0.0

    def tell_range(self, position: int) -> str:
        """Which values an input may have."""
        bound, centre = self.bounds[position], self.centre(position)
        if not centre:
            return f"|x| <= {bound!r}"
        return f"{centre - bound!r}..{centre + bound!r}"

    def _check_labels(self) -> None:
        if any(len(str(label)) > MAX_NAME for label in self.labels):
            raise RefusedInput("label is too long", who="model", needed=f"<= {MAX_NAME} characters")
        labels = len(self.labels)
        needed = count_outputs(self.decision, labels)
        least = 0 if self.decision is Decision.VALUES else 2
        most = {Decision.VALUES: 0, Decision.SIGN: 2}.get(self.decision, MAX_OUTPUTS)
        if not least <= labels <= most or (needed is not None and needed != len(self.outputs)):
            raise RefusedInput(
                "labels do not fit the outputs",
                who="model",
                had=f"{count(labels, 'label')}, {count(len(self.outputs), 'output')}, "
                f"decision {self.decision.value}",
            )


def _check_names(what: str, names: Sequence[str], most: int) -> None:
    if not 1 <= len(names) <= most:
        raise RefusedInput(
            f"number of {what} out of range", who="model", had=len(names), needed=f"1..{most}"
        )
    for name in names:
        if not (0 < len(name) <= MAX_NAME and name.isprintable()):
            raise RefusedInput(
                "is no name",
                who=f"model, {what}",
                had=repr(name[:MAX_NAME]),
                needed=f"1..{MAX_NAME} printable characters",
            )
    twice = (
        sorted({name for name in names if names.count(name) > 1})
        if len(set(names)) < len(names)
        else []
    )
    if twice:
        raise RefusedInput(f"{what} share a name", who="model", had=", ".join(twice[:5]))


def spread_bounds(bounds: Bounds, inputs: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Bounds as a user gives them: for each input the largest magnitude and its centre.

    Args:
        bounds: one magnitude for all inputs, or for each a magnitude or its least and largest
            value; numbers of any library.
        inputs: k.

    Returns:
        k magnitudes, and the k centres that they are measured from; () when all are zero.

    Raises:
        RefusedInput: another number of them, or what is no number and no pair.
    """
    one = _as_number(bounds)
    if one is not None:
        return (one,) * inputs, ()
    given = list(bounds) if isinstance(bounds, Iterable) and not isinstance(bounds, str) else []
    if len(given) != inputs:
        raise RefusedInput(
            "wrong number of bounds",
            who="model",
            had="none" if bounds is None else bounds if isinstance(bounds, str) else len(given),
            needed=f"one number, or one for each of {count(inputs, 'input')}",
            remedy="Each is the largest magnitude that will be asked, or a pair (least, largest).",
        )
    pairs = [_read_bound(position, each) for position, each in enumerate(given)]
    centres = tuple(centre for _, centre in pairs)
    return tuple(bound for bound, _ in pairs), centres if any(centres) else ()


def _as_number(value: object) -> float | None:
    """A number of any library as a float; None for anything else."""
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None  # an array of several


def _read_bound(position: int, given: object) -> tuple[float, float]:
    """Magnitude and centre; the magnitude is rounded up so that both ends are admitted."""
    number = _as_number(given)
    if number is not None:
        return number, 0.0
    is_pair = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    ends = [_as_number(end) for end in given] if is_pair else []  # type: ignore[attr-defined]
    match ends:
        case [float(low), float(high)] if -math.inf < low <= high < math.inf:
            centre = low / 2 + high / 2
            reach = max(Fraction(high) - Fraction(centre), Fraction(centre) - Fraction(low))
            return (math.nextafter(float(reach), math.inf) if reach else 0.0), centre
        case _:
            raise RefusedInput(
                "is no bound",
                who=f"bound of input {position}",
                had=str(given)[:80],
                needed="the largest magnitude, or (least, largest), finite",
            )


def number_names(stem: str, count: int) -> tuple[str, ...]:
    """Names for what has none: stem_0, stem_1, ..."""
    return tuple(f"{stem}_{position}" for position in range(count))


def name_outputs(decision: Decision, labels: tuple[Label, ...], count: int) -> tuple[str, ...]:
    """Names of outputs that say what they are for."""
    match decision:
        case Decision.VALUES:
            return ("prediction",) if count == 1 else number_names("prediction", count)
        case Decision.SIGN:
            return (f"score {labels[1]}",)
        case Decision.LARGEST:
            return tuple(f"score {label}" for label in labels)
        case Decision.PAIRWISE:
            return tuple(
                f"score {a} over {b}" for i, a in enumerate(labels) for b in labels[i + 1 :]
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out for one row.

    Attributes:
        values: n numbers, in the order of the outputs.
        label: of a classifier; else None.
        is_sure: whether the plain model decides the same, whatever it rounds.
    """

    values: tuple[float, ...]
    label: Label | None
    is_sure: bool


def decide(signature: Signature, values: Sequence[float], errors: Sequence[float]) -> Answer:
    """Read one row.

    Args:
        signature: of the model.
        values: n outputs.
        errors: for each output how far it can be from the plain model's.
    """
    labels = signature.labels
    match signature.decision:
        case Decision.VALUES:
            return Answer(tuple(values), None, is_sure=True)
        case Decision.SIGN:
            label = labels[1] if values[0] > 0 else labels[0]
            return Answer(tuple(values), label, is_sure=abs(values[0]) > errors[0])
        case Decision.LARGEST:
            best = max(range(len(values)), key=values.__getitem__)
            is_sure = all(
                values[best] - values[other] > errors[best] + errors[other]
                for other in range(len(values))
                if other != best
            )
            return Answer(tuple(values), labels[best], is_sure)
        case Decision.PAIRWISE:
            is_sure = all(abs(v) > error for v, error in zip(values, errors, strict=True))
            return Answer(tuple(values), labels[count_votes(values, len(labels))], is_sure)


def count_votes(values: Sequence[float], labels: int) -> int:
    """The label with most votes over all pairs i < j, the first of equals (as in libsvm)."""
    votes = [0] * labels
    numbers = iter(values)
    for i in range(labels):
        for j in range(i + 1, labels):
            votes[i if next(numbers) > 0 else j] += 1
    return max(range(labels), key=votes.__getitem__)
