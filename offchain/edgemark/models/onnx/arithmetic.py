"""ONNX graphs: sums, products and what is computed of constants alone.

| operators                             | condition                                         |
|---------------------------------------|---------------------------------------------------|
| Gemm, MatMul                          | the right matrix of MatMul has at most two sizes  |
| Add, Sub, Mul, Neg, Sum, Mean         |                                                   |
| Div, Pow                              | by a constant; a constant whole exponent, 0..20   |
| ReduceSum, ReduceMean, ReduceProd,    | not across the rows of a batch                    |
| ReduceSumSquare                       |                                                   |
| Log, Exp, Sqrt, Reciprocal, Pow       | of a constant                                     |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any

from edgemark.crypto.polynomial import MAX_DEGREE
from edgemark.models.onnx.tensors import Operator
from edgemark.models.traced import Traced

if TYPE_CHECKING:
    from edgemark.models.onnx.run import GraphRun

FUNCTION_ROUNDINGS = 4  # that a library's logarithm or power is off by, at most


def list_operators(run: GraphRun) -> dict[str, Operator]:
    """Each operator by its name, and the attributes that it takes."""
    of = _Arithmetic(run)
    reducing = frozenset({"axes", "keepdims", "noop_with_empty_axes"})
    none: frozenset[str] = frozenset()
    return {
        "Add": (run.elementwise(run.tracer.add), none),
        "Sub": (run.elementwise(run.tracer.subtract), none),
        "Mul": (run.elementwise(run.tracer.multiply), none),
        "Div": (of.divide, none),
        "Neg": (lambda value: of.scale(value, -1.0), none),
        "Pow": (of.power, none),
        "Sum": (of.sum, none),
        "Mean": (of.mean, none),
        "Gemm": (of.gemm, frozenset({"alpha", "beta", "transA", "transB"})),
        "MatMul": (of.matmul, none),
        "ReduceSum": (of.reducer(of.total), reducing),
        "ReduceMean": (of.reducer(of.average), reducing),
        "ReduceSumSquare": (of.reducer(lambda row: run.tracer.dot(row, row)), reducing),
        "ReduceProd": (of.reducer(lambda row: reduce(run.tracer.multiply, row)), reducing),
        "Log": (of.of_constants(math.log), none),
        "Exp": (of.of_constants(math.exp), none),
        "Sqrt": (of.of_constants(math.sqrt), none),
        "Reciprocal": (of.of_constants(lambda number: 1.0 / number), none),
    }


class _Arithmetic:
    """The operators; what they refuse, they refuse in the name of the node that runs."""

    def __init__(self, run: GraphRun) -> None:
        self._run = run

    def scale(self, value: Any, factor: float) -> Any:
        constant = self._run.tracer.constant(factor)
        return self._run.map(lambda item: self._run.tracer.multiply(item, constant), value)

    def sum(self, first: Any, *rest: Any) -> Any:
        add = self._run.elementwise(self._run.tracer.add)
        for value in rest:
            first = add(first, value)
        return self._run.floats(first)

    def mean(self, *values: Any) -> Any:
        count = Fraction(len(values))
        return self._run.map(lambda item: self._run.tracer.divide(item, count), self.sum(*values))

    def divide(self, value: Any, divisor: Any) -> Any:
        def divide(item: Traced, by: Traced) -> Traced:
            constant = by.exact.as_constant
            if constant is None:
                self._run.refuse("divides by something that is no constant")
            quotient = self._run.tracer.divide(item, constant)
            # a divisor that was itself computed is off by a part of it, and so is the quotient
            off = by.roundoff / max(abs(float(constant)) - by.roundoff, 5e-324)
            return Traced(
                quotient.exact, quotient.magnitude, quotient.roundoff + off * quotient.reach
            )

        return self._run.elementwise(divide)(value, divisor)

    def power(self, value: Any, exponent: Any) -> Any:
        numbers = exponent.reshape(-1)
        if len(numbers) != 1:
            self._run.refuse("has several exponents", had=len(numbers), needed="one")
        power = numbers[0].exact.as_constant if exponent.dtype == object else int(numbers[0])
        if power is None or power != int(power) or not 0 <= power <= MAX_DEGREE:
            if power is not None and all(
                item.exact.as_constant is not None for item in self._run.floats(value).reshape(-1)
            ):
                return self.of_constants(lambda number: math.pow(number, float(power)))(value)
            had = "no constant" if power is None else float(power)
            self._run.refuse(
                "has another exponent", had=had, needed=f"a whole number 0..{MAX_DEGREE}"
            )
        return self._run.map(lambda item: self._run.tracer.power(item, int(power)), value)

    def of_constants(self, function: Callable[[float], float]) -> Callable[[Any], Any]:
        """A monotone function, of constants alone."""
        tracer = self._run.tracer

        def change(item: Traced) -> Traced:
            constant = item.exact.as_constant
            if constant is None:
                self._run.refuse("is computed of an input", needed="a constant")
            middle, off = float(constant), item.roundoff
            if middle and abs(middle) <= off:
                self._run.refuse("is computed of a number that is not known", needed="a constant")
            try:
                result, *ends = map(function, (middle, middle - off, middle + off))
            except (ValueError, ArithmeticError) as error:
                self._run.refuse("has no value there", had=str(error))
            self._run.finite(result)
            carried = max(abs(end - result) for end in ends)
            lost = FUNCTION_ROUNDINGS * tracer.precision.unit * abs(result)
            found = tracer.constant(result)
            return Traced(found.exact, found.magnitude, carried + lost + tracer.precision.least)

        return lambda value: self._run.map(change, value)

    def total(self, row: Sequence[Traced]) -> Traced:
        return self._run.tracer.dot(row, [self._run.tracer.constant(1.0)] * len(row))

    def average(self, row: Sequence[Traced]) -> Traced:
        return self._run.tracer.divide(self.total(row), Fraction(len(row)))

    def reducer(self, combine: Callable[[list[Traced]], Traced]) -> Callable[..., Any]:
        """`axes` is an operand in newer opsets, an attribute in older ones; none are all."""

        def run(
            value: Any, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
        ) -> Any:
            value = self._run.floats(value)
            given = self._run.whole(axes) if hasattr(axes, "reshape") else list(axes or [])
            if not given and noop_with_empty_axes:
                return self._run.map(lambda item: combine([item]), value)
            away = {axis % value.ndim for axis in given} or set(range(value.ndim))
            self._check_rows(value, away)
            kept = [axis for axis in range(value.ndim) if axis not in away]
            rows = value.transpose([*kept, *sorted(away)])
            shape = [value.shape[axis] for axis in kept]
            width = math.prod(value.shape[axis] for axis in away)
            found = [combine(list(row)) for row in rows.reshape(-1, width)]
            if keepdims:
                shape = [1 if axis in away else size for axis, size in enumerate(value.shape)]
            return self._run.array(found, shape)

        return run

    def _check_rows(self, value: Any, away: set[int]) -> None:
        """Rows are asked one by one, so what mixes them is another model."""
        depends = any(item.exact.as_constant is None for item in value.reshape(-1))
        if depends and 0 in away and value.ndim > 1:
            self._run.refuse(
                "mixes the rows of a batch", had=f"axes {sorted(away)}", needed="axes from 1 on"
            )

    def gemm(
        self,
        a: Any,
        b: Any,
        c: Any = None,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        transA: int = 0,  # noqa: N803 - the specification's names
        transB: int = 0,  # noqa: N803
    ) -> Any:
        a, b = self._run.floats(a), self._run.floats(b)
        product = self.matmul(a.T if transA else a, b.T if transB else b)
        if alpha != 1.0:
            product = self.scale(product, alpha)
        if c is None:
            return product
        offset = c if beta == 1.0 else self.scale(c, beta)
        return self._run.elementwise(self._run.tracer.add)(product, offset)

    def matmul(self, left: Any, right: Any) -> Any:
        left, right = self._run.floats(left), self._run.floats(right)
        if not left.ndim >= 1 or right.ndim not in {1, 2} or left.shape[-1] != right.shape[0]:
            had = f"{list(left.shape)} and {list(right.shape)}"
            self._run.refuse("shapes do not fit", had=had)
        columns = right.reshape(right.shape[0], -1).T
        shape = (*left.shape[:-1], *right.shape[1:])
        self._run.check_size(shape)
        rows = left.reshape(-1, left.shape[-1])
        dot = self._run.tracer.dot
        return self._run.array(
            [dot(list(row), list(column)) for row in rows for column in columns], shape
        )
