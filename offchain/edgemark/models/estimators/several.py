"""OneVsRestClassifier: a linear model or a support vector machine for each label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgemark.models.estimators import kernels, linear
from edgemark.models.estimators.parts import (
    Arrays,
    Layer,
    NotAPolynomial,
    Part,
    decide_by_scores,
    fitted,
    labels_of,
    name_of,
)
from edgemark.models.steps import Kernel, Linear


def _read_one_vs_rest(part: Any, arrays: Arrays) -> Part:
    models = fitted(part, "estimators_")
    labels = labels_of(part, "label_binarizer_")
    names = {name_of(model) for model in models}
    if len(names) != 1 or not names <= {*linear.CLASSIFIERS, *kernels.CLASSIFIERS}:
        raise NotAPolynomial(
            "takes other classifiers",
            who=f"estimator {type(part).__name__}",
            had=", ".join(sorted({type(model).__name__ for model in models})),
            needed=" or ".join((*linear.CLASSIFIERS, *kernels.CLASSIFIERS)),
        )
    step: Linear | Kernel
    if names <= set(linear.CLASSIFIERS):
        each = [linear.read_weights(model, arrays) for model in models]
        step = Linear(
            tuple(row for model in each for row in model.weights),
            tuple(offset for model in each for offset in model.offsets),
        )
    else:
        step = _join([kernels.read_machine(model, arrays) for model in models])
    return decide_by_scores(part, [Layer(step)], len(step.weights), labels)


def _join(machines: list[Kernel]) -> Kernel:
    """Machines of one kernel as one with several outputs."""
    first = machines[0]
    alike = {(machine.gamma, machine.constant, machine.degree) for machine in machines}
    if len(alike) != 1:
        raise NotAPolynomial(
            "kernels differ", who="estimator OneVsRestClassifier", needed="one kernel for all"
        )
    total = sum(len(machine.vectors) for machine in machines)
    rows, begin = [], 0
    for machine in machines:
        row = [0.0] * total
        row[begin : begin + len(machine.vectors)] = machine.weights[0]
        rows.append(tuple(row))
        begin += len(machine.vectors)
    return Kernel(
        vectors=tuple(vector for machine in machines for vector in machine.vectors),
        gamma=first.gamma,
        constant=first.constant,
        degree=first.degree,
        weights=tuple(rows),
        offsets=tuple(machine.offsets[0] for machine in machines),
    )


READERS: dict[str, Callable[[Any, Arrays], Part]] = {"OneVsRestClassifier": _read_one_vs_rest}
