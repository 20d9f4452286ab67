"""ONNX graphs: operators of the domain ai.onnx.ml, as exporters of scikit-learn write them.

Source: ONNX-ML operator specification (onnx.ai/onnx), versions 1 to 5 of the domain, and what
onnxruntime computes where the specification is silent: pairs of classes i < j in order, class i's
coefficients against class j in row j - 1 and class j's against i in row i, as in libsvm.

| operator              | gives                               | condition                        |
|-----------------------|-------------------------------------|----------------------------------|
| Scaler                | (x - offset) * scale                |                                  |
| LinearRegressor       | coefficients x + intercepts         | post_transform NONE              |
| SVMRegressor          | sum_v c_v K(v, x) + rho             | the same; not one_class          |
| LinearClassifier      | the label of the largest such score | post_transform keeps their order |
| SVMClassifier         | the label with most votes of pairs  | the same; no probabilities       |
| ArrayFeatureExtractor | the named columns                   | they are constant                |
| Imputer               | the row                             | for NaN, which no row holds      |

K is POLY of a whole degree, (gamma v.x + coef0)^degree, or LINEAR, v.x. A classifier's label is
taken from its scores as they are before `post_transform`; scores after LOGISTIC or SOFTMAX are no
polynomials, but their order is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgemark.crypto.polynomial import MAX_DEGREE, MAX_OUTPUTS
from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx.tensors import MAX_TENSOR_ITEMS, Operator, Ranked, Ruling, Withheld
from edgemark.models.signature import Decision, Label
from edgemark.models.steps import Kernel, Linear, Numbers, pair_weights
from edgemark.models.traced import Traced

if TYPE_CHECKING:
    from edgemark.models.onnx.run import GraphRun

DOMAIN = "ai.onnx.ml"
MOST_VERSION = 5
KEEPS_ORDER = frozenset({"NONE", "LOGISTIC", "SOFTMAX"})


def list_operators(run: GraphRun) -> dict[str, Operator]:
    """Each operator by its full name, and the attributes that it takes."""
    learned = _Learned(run)
    label_names = {"classlabels_ints", "classlabels_strings"}
    kernel = {"kernel_type", "kernel_params", "support_vectors", "coefficients", "rho"}
    linear = {"coefficients", "intercepts", "post_transform"}
    operators: dict[str, tuple[Callable[..., Any], set[str]]] = {
        "Scaler": (learned.scale, {"offset", "scale"}),
        "LinearRegressor": (learned.regress, {*linear, "targets"}),
        "LinearClassifier": (learned.classify, {*linear, *label_names, "multi_class"}),
        "SVMRegressor": (
            learned.regress_by_kernel,
            {*kernel, "post_transform", "n_supports", "one_class"},
        ),
        "SVMClassifier": (
            learned.classify_by_kernel,
            {*kernel, *label_names, "post_transform", "vectors_per_class"},
        ),
        "ArrayFeatureExtractor": (learned.pick, set()),
        "Imputer": (learned.impute, {"imputed_value_floats", "replaced_value_float"}),
    }
    return {f"{DOMAIN}.{name}": (run_it, frozenset(a)) for name, (run_it, a) in operators.items()}


class _Learned:
    """The operators; what they refuse, they refuse in the name of the node that runs."""

    def __init__(self, run: GraphRun) -> None:
        self._run = run

    def scale(self, value: Any, *, offset: Sequence[float], scale: Sequence[float]) -> Any:
        row, tracer = self._row(value), self._run.tracer
        offsets, scales = self._numbers(offset, len(row)), self._numbers(scale, len(row))
        symbols = [
            tracer.multiply(tracer.subtract(item, tracer.constant(o)), tracer.constant(s))
            for item, o, s in zip(row, offsets, scales, strict=True)
        ]
        return self._run.array(symbols, value.shape)

    def regress(
        self,
        value: Any,
        *,
        coefficients: Sequence[float],
        intercepts: Sequence[float] = (),
        targets: int = 1,
        post_transform: bytes = b"NONE",
    ) -> Any:
        self._check_transform(post_transform, {"NONE"})
        return self._column(self._linear(self._row(value), coefficients, intercepts, targets))

    def classify(
        self,
        value: Any,
        *,
        coefficients: Sequence[float],
        intercepts: Sequence[float] = (),
        post_transform: bytes = b"NONE",
        multi_class: int = 0,
        **names: Any,
    ) -> tuple[Ruling, Any]:
        del multi_class  # onnxruntime does not look at it either
        transform = self._check_transform(post_transform, KEEPS_ORDER)
        labels, row = self._labels(**names), self._row(value)
        count = 1 if len(labels) == 2 and len(coefficients) == len(row) else len(labels)
        scores = self._linear(row, coefficients, intercepts, count)
        ruling = Ruling(tuple(scores), Decision.SIGN if count == 1 else Decision.LARGEST, labels)
        if transform != "NONE" and count > 1:
            return ruling, Ranked(transform, self._column(scores), self._run.place)
        if transform != "NONE":
            return ruling, Withheld(f"scores after {transform} are no polynomials")
        if count == 1:
            return ruling, Withheld("scores of a single row are written in pairs")
        return ruling, self._column(scores)

    def regress_by_kernel(
        self,
        value: Any,
        *,
        n_supports: int = 0,
        one_class: int = 0,
        post_transform: bytes = b"NONE",
        **kernel: Any,
    ) -> Any:
        self._check_transform(post_transform, {"NONE"})
        if one_class or n_supports < 1:
            self._run.refuse(
                "is another kind of machine",
                had=f"one_class {one_class}, {n_supports} support vectors",
                needed="a regressor with support vectors",
            )
        weights = (self._numbers(kernel["coefficients"], n_supports),)
        return self._column(self._kernel(self._row(value), weights, 1, **kernel))

    def classify_by_kernel(
        self,
        value: Any,
        *,
        vectors_per_class: Sequence[int] = (),
        post_transform: bytes = b"NONE",
        classlabels_ints: Sequence[int] = (),
        classlabels_strings: Sequence[bytes] = (),
        **kernel: Any,
    ) -> tuple[Ruling, Withheld]:
        self._check_transform(post_transform, KEEPS_ORDER)
        labels = self._labels(classlabels_ints, classlabels_strings)
        classes, vectors = len(labels), sum(vectors_per_class)
        if len(vectors_per_class) != classes or min(vectors_per_class) < 1:
            self._run.refuse(
                "is another kind of machine",
                had=f"{len(vectors_per_class)} classes with support vectors, {classes} labels",
                needed="support vectors of each class",
            )
        if classes * (classes - 1) // 2 > MAX_OUTPUTS:
            raise ModelTooLarge(
                "has too many pairs of classes",
                who=self._run.place,
                had=f"{classes} classes",
                needed=f"<= {MAX_OUTPUTS} pairs",
            )
        duals = self._numbers(kernel["coefficients"], (classes - 1) * vectors, is_exact=True)
        rows = tuple(duals[i : i + vectors] for i in range(0, len(duals), vectors))
        weights = pair_weights(rows, list(vectors_per_class))
        scores = self._kernel(self._row(value), weights, len(weights), **kernel)
        ruling = Ruling(tuple(scores), Decision.PAIRWISE, labels)
        return ruling, Withheld("scores of pairs are written in another form by each exporter")

    def pick(self, value: Any, columns: Any) -> Any:
        chosen = self._run.whole(columns)
        if not all(0 <= column < value.shape[-1] for column in chosen):
            self._run.refuse("names a column that is not there", had=chosen[:8])
        return self._run.floats(value).reshape(-1, value.shape[-1])[:, chosen]

    def impute(
        self,
        value: Any,
        *,
        imputed_value_floats: Sequence[float] = (),
        replaced_value_float: float = 0.0,
    ) -> Any:
        del imputed_value_floats  # never put in: a row with something missing is not asked
        if not math.isnan(replaced_value_float):
            self._run.refuse("replaces a number", had=replaced_value_float, needed="NaN alone")
        return self._run.floats(value)

    # --- parts ---------------------------------------------------------------------------------

    def _row(self, value: Any) -> list[Traced]:
        value = self._run.floats(value)
        if value.ndim not in {1, 2} or (value.ndim == 2 and value.shape[0] != 1):
            self._run.refuse("is no row", had=list(value.shape), needed="[batch, k]")
        return list(value.reshape(-1))

    def _column(self, symbols: Sequence[Traced]) -> Any:
        return self._run.array(symbols, (1, len(symbols)))

    def _linear(
        self,
        row: Sequence[Traced],
        coefficients: Sequence[float],
        intercepts: Sequence[float],
        count: int,
    ) -> list[Traced]:
        width = len(row)
        flat = self._numbers(coefficients, count * width, is_exact=True)
        weights = tuple(flat[i : i + width] for i in range(0, len(flat), width))
        offsets = self._numbers(intercepts or [0.0] * count, count, is_exact=True)
        return Linear(weights, offsets).apply(self._run.tracer, row)

    def _kernel(
        self,
        row: Sequence[Traced],
        weights: tuple[Numbers, ...],
        count: int,
        *,
        support_vectors: Sequence[float],
        rho: Sequence[float],
        kernel_type: bytes = b"LINEAR",
        kernel_params: Sequence[float] = (),
        coefficients: Sequence[float],
    ) -> list[Traced]:
        del coefficients  # they are in the weights, each in its place
        width, number = len(row), len(weights[0])
        flat = self._numbers(support_vectors, number * width, is_exact=True)
        vectors = tuple(flat[i : i + width] for i in range(0, len(flat), width))
        gamma, constant, degree = self._kernel_numbers(kernel_type, kernel_params)
        offsets = self._numbers(rho, count)
        kernel = Kernel(vectors, gamma, constant, degree, weights, offsets)
        return kernel.apply(self._run.tracer, row)

    def _kernel_numbers(self, kind: bytes, params: Sequence[float]) -> tuple[float, float, int]:
        """gamma, coef0, degree; a linear kernel is one of degree 1."""
        if kind == b"LINEAR":
            return 1.0, 0.0, 1
        numbers = self._numbers(params or [0.0, 0.0, 0.0], 3, is_exact=True)
        degree = int(numbers[2])
        if kind != b"POLY" or degree != numbers[2] or not 1 <= degree <= MAX_DEGREE:
            self._run.refuse(
                "kernel is no polynomial",
                had=f"{_text(kind)}, degree {numbers[2]:g}",
                needed=f"POLY of a whole degree 1..{MAX_DEGREE}, or LINEAR",
            )
        return numbers[0], numbers[1], degree

    def _labels(
        self,
        classlabels_ints: Sequence[int] = (),
        classlabels_strings: Sequence[bytes] = (),
    ) -> tuple[Label, ...]:
        labels: list[Label] = [*classlabels_ints, *map(_text, classlabels_strings)]
        if len(labels) < 2 or bool(classlabels_ints) == bool(classlabels_strings):
            self._run.refuse("has no labels", had=labels[:8], needed="two or more of one kind")
        return tuple(labels)

    def _check_transform(self, transform: bytes, taken: set[str] | frozenset[str]) -> str:
        name = _text(transform)
        if name not in taken:
            self._run.refuse(
                "ends in something that is no polynomial",
                had=f"post_transform {name[:40]}",
                needed=" or ".join(sorted(taken)),
            )
        return name

    def _numbers(self, numbers: Sequence[float], count: int, *, is_exact: bool = False) -> Numbers:
        """Finite numbers, as many as are needed; one may stand for all unless `is_exact`."""
        if len(numbers) > MAX_TENSOR_ITEMS:
            raise ModelTooLarge(
                "has too many numbers",
                who=self._run.place,
                had=len(numbers),
                needed=MAX_TENSOR_ITEMS,
            )
        if len(numbers) == 1 and not is_exact:
            numbers = list(numbers) * count
        if len(numbers) != count:
            self._run.refuse("has a wrong number of numbers", had=len(numbers), needed=count)
        return tuple(self._run.finite(float(number)) for number in numbers)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
