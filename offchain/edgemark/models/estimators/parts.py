"""What is common to all estimators: their fitted numbers, the floats of these, and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.models.signature import Decision, Label
from edgemark.models.steps import Numbers, Step
from edgemark.words import count

SMALL_FLOATS = frozenset({"float16", "float32"})


class NotAPolynomial(RefusedInput):
    """A model, or a part of one, whose prediction is no polynomial of its inputs."""


class NotFitted(RefusedInput):
    """A model that was not trained yet."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A step, and in which floats numpy computes it.

    Attributes:
        step: what is done.
        keeps: in the floats of the rows that come in, as what works in place does; else in the
            wider ones of these and of the estimator's own numbers.
    """

    step: Step
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What one estimator does with a row.

    Attributes:
        layers: in order.
        decision: of a last one, how its numbers become a label.
        labels: of a classifier.
    """

    layers: tuple[Layer, ...]
    decision: Decision = Decision.VALUES
    labels: tuple[Label, ...] = ()


class Arrays:
    """Turns the arrays of one estimator into numbers, and notes the floats that they were.

    Attributes:
        types: names of the dtypes seen.
    """

    def __init__(self) -> None:
        self.types: set[str] = set()

    @property
    def has_small(self) -> bool:
        """Whether any of them was float32 or smaller."""
        return bool(self.types & SMALL_FLOATS)

    def vector(self, array: Any, length: int | None = None) -> Numbers:
        """A one-dimensional array, or a number for each of `length`."""
        self.types.add(str(getattr(array, "dtype", "float64")))
        plain = array.tolist() if hasattr(array, "tolist") else array
        if isinstance(plain, int | float):
            return (float(plain),) * (length or 1)
        numbers = tuple(float(number) for number in plain)
        return numbers * length if length is not None and len(numbers) == 1 else numbers

    def matrix(self, array: Any) -> tuple[Numbers, ...]:
        """A two-dimensional array; a vector is one row."""
        if not hasattr(array, "ndim") or not hasattr(array, "tolist"):
            raise NotAPolynomial(
                "has parameters that are no plain array",
                who="estimator",
                had=type(array).__name__,
                remedy="Call densify first.",
            )
        return tuple(self.vector(row) for row in (array if array.ndim == 2 else [array]))


def name_of(model: Any) -> str:
    """The class, if it is one of scikit-learn's own; a subclass is another class."""
    kind = type(model)
    return kind.__name__ if kind.__module__.partition(".")[0] == "sklearn" else ""


def fitted(part: Any, attribute: str) -> Any:
    """A fitted attribute.

    Raises:
        NotFitted: it is not there.
    """
    try:
        return getattr(part, attribute)
    except AttributeError as error:
        raise NotFitted(
            "is not fitted",
            who=f"estimator {type(part).__name__}",
            needed=attribute,
            remedy="Call fit first.",
        ) from error


def refuse_option(part: Any, name: str, had: object, *, wanted: object) -> None:
    """Take one value of an option only.

    Raises:
        NotAPolynomial: it has another.
    """
    if had != wanted:
        raise NotAPolynomial(
            "option makes it no polynomial",
            who=f"estimator {type(part).__name__}",
            had=f"{name}={had}",
            needed=f"{name}={wanted}",
        )


def labels_of(part: Any, binarizer: str = "") -> tuple[Label, ...]:
    """The labels of a classifier that says one of them.

    Args:
        part: the classifier.
        binarizer: its attribute that knows which kind of targets it was trained on, if any does.

    Raises:
        NotAPolynomial: it was trained on several targets, or says several labels at once, or a
            label is no text, number or truth value.
    """
    who = f"estimator {type(part).__name__}"
    classes = fitted(part, "classes_")
    kind = getattr(getattr(part, binarizer, None), "y_type_", "") if binarizer else ""
    if not hasattr(classes, "tolist") or kind.startswith("multilabel"):
        raise NotAPolynomial(
            "has several targets",
            who=who,
            had=kind or "labels of each",
            needed="one label a row",
            remedy="Train a classifier for each target.",
        )
    labels = tuple(classes.tolist())
    if len(labels) < 2 or not all(isinstance(label, str | int | float) for label in labels):
        had = sorted({type(label).__name__ for label in labels})
        raise NotAPolynomial(
            "has other labels",
            who=who,
            had=f"{len(labels)} of type {', '.join(had)}",
            needed="two or more texts or numbers",
        )
    return labels


def decide_by_scores(
    part: Any, layers: Sequence[Layer], rows: int, labels: tuple[Label, ...]
) -> Part:
    """A classifier with one score for two labels, whose sign decides, or one for each.

    Raises:
        NotAPolynomial: it has another number of scores.
    """
    needed = 1 if len(labels) == 2 else len(labels)
    if rows != needed:
        raise NotAPolynomial(
            "has another number of scores than labels",
            who=f"estimator {type(part).__name__}",
            had=f"{count(rows, 'score')}, {count(len(labels), 'label')}",
            needed=count(needed, "score"),
        )
    decision = Decision.SIGN if len(labels) == 2 else Decision.LARGEST
    return Part(tuple(layers), decision, labels)
