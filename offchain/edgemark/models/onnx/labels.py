"""ONNX graphs: from scores to a label.

| operators          | condition                                                              |
|--------------------|------------------------------------------------------------------------|
| ArgMax             | over the scores of a row                                               |
| Sigmoid, Softmax   | before an ArgMax only: they keep the order of scores, so that is taken |

A label passes through what leaves it as it is; labels stand in a constant that is looked up by it.
Scores after a sigmoid or softmax are kept as they were before, with what is lost on the way: near 1
a sigmoid is as flat as exp(-score), and its floats tell scores apart only as far as that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgemark.models.onnx.tensors import Operator, Ranked, Ruling
from edgemark.models.signature import Decision
from edgemark.models.traced import Traced

if TYPE_CHECKING:
    from edgemark.models.onnx.run import GraphRun

LOGISTIC, SOFTMAX = "LOGISTIC", "SOFTMAX"
ROUNDINGS = 64  # of a library's sigmoid or softmax, near its steepest
LOOK_UPS = frozenset({"ai.onnx.ml.ArrayFeatureExtractor", "Gather"})
LEAVE_A_LABEL = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})
LEAVE_A_RANK = frozenset({*LEAVE_A_LABEL, "Concat", "Slice", "Gather", *LOOK_UPS}) - {"Cast"}


def list_operators(run: GraphRun) -> dict[str, Operator]:
    """Each operator by its name, and the attributes that it takes."""

    def find_largest(
        value: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0
    ) -> Ruling:
        del keepdims
        return _find_largest(run, run.floats(value), axis, select_last_index)

    def squash(value: Any) -> Ranked:
        return Ranked(LOGISTIC, run.floats(value), run.place)

    def share(value: Any, *, axis: int = -1) -> Ranked:
        value = run.floats(value)
        if value.ndim != 2 or value.shape[0] != 1 or axis not in {1, -1}:
            run.refuse("is no softmax of a row", had=f"{list(value.shape)}, axis {axis}")
        return Ranked(SOFTMAX, value, run.place)

    return {
        "ArgMax": (find_largest, frozenset({"axis", "keepdims", "select_last_index"})),
        "Sigmoid": (squash, frozenset()),
        "Softmax": (share, frozenset({"axis"})),
    }


def _blur(run: GraphRun, ranked: Ranked) -> Any:
    """The scores with what floats lose of their order, after a function that keeps it."""
    row = list(ranked.scores.reshape(-1))
    # s(x) beside 1 - s(x) has to be told from 1/2 alone, where it is steepest
    is_mirror = len(row) == 2 and row[0].exact.negated() == row[1].exact
    steep = ranked.kind == SOFTMAX or is_mirror

    def blur(score: Traced) -> Traced:
        flat = 0.0 if steep else math.exp(min(score.reach, 700.0))
        lost = ROUNDINGS * run.tracer.precision.unit * (1.0 + score.reach + flat)
        return replace(score, roundoff=score.roundoff + lost)

    return run.map(blur, ranked.scores)


def pass_on(
    run: GraphRun,
    operator: str,
    play: Callable[..., Any],
    operands: Sequence[Any],
    attributes: dict[str, Any],
) -> Any:
    """What an operator makes of a label, or of scores of which only the order is known.

    Raises:
        NotOutsourcable: it computes with them.
    """
    first, *rest = operands
    if any(isinstance(operand, Ruling) for operand in operands):
        if operator in LOOK_UPS and len(rest) == 1 and isinstance(rest[0], Ruling):
            return _look_up(run, first, rest[0])
        if operator not in LEAVE_A_LABEL or not isinstance(first, Ruling):
            run.refuse("computes with a label", needed="nothing after a classifier's label")
        return first
    if operator == "Sub" and _is_one(first) and rest[0].kind == LOGISTIC:
        return replace(rest[0], scores=run.map(_negate, rest[0].scores))  # 1 - s(x) = s(-x)
    if operator == "Cast" and isinstance(first, Ranked):
        return first  # a narrower type is reckoned with already: precision is the narrowest
    if operator == "ArgMax" and isinstance(first, Ranked):
        return play(_blur(run, first), **attributes)
    ranked = [operand for operand in operands if isinstance(operand, Ranked)]
    kinds = {operand.kind for operand in ranked}
    together = [operand for operand in operands if not isinstance(operand, Ranked)]
    joins = operator == "Concat" and (together or (len(operands) > 1 and SOFTMAX in kinds))
    if operator not in LEAVE_A_RANK or len(kinds) != 1 or joins:
        run.refuse(
            "computes with what is no polynomial",
            had=f"scores after {' and '.join(sorted(kinds))}",
            needed="their largest",
            remedy="Export the classifier with its labels: they are taken from its scores.",
        )
    bare = [operand.scores if isinstance(operand, Ranked) else operand for operand in operands]
    return replace(ranked[0], scores=play(*bare, **attributes))


def _negate(score: Traced) -> Traced:
    return replace(score, exact=score.exact.negated())


def _is_one(value: Any) -> bool:
    """Whether an operand is the constant 1."""
    if not hasattr(value, "reshape") or value.size != 1:
        return False
    only = value.reshape(-1)[0]
    return isinstance(only, Traced) and only.exact.as_constant == 1


def _find_largest(run: GraphRun, scores: Any, axis: int, last: int) -> Ruling:
    is_row = scores.ndim == 2 and scores.shape[0] == 1 and axis in {1, -1}
    if not is_row or scores.size < 2 or last:
        run.refuse(
            "is no label of a row",
            had=f"the largest of {list(scores.shape)} along axis {axis}"
            + (", the last of equals" if last else ""),
            needed="of [batch, n], n >= 2, along axis 1, the first of equals",
        )
    row = tuple(scores.reshape(-1))
    return Ruling(row, Decision.LARGEST, tuple(range(len(row))))


def _look_up(run: GraphRun, table: Any, ruling: Ruling) -> Ruling:
    """The label at each place of a constant."""
    if table is None or isinstance(table, Ruling | Ranked) or table.dtype == object:
        run.refuse("looks a label up in what is no list of labels")
    names = table.reshape(-1).tolist()
    places = ruling.labels
    if not all(isinstance(place, int) and 0 <= place < len(names) for place in places):
        run.refuse("looks a label up that is not there", had=len(names), needed=len(places))
    return replace(ruling, labels=tuple(names[int(place)] for place in places))
