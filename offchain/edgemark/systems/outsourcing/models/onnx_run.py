"""ONNX graphs whose outputs are polynomials of one input: running the operators on symbols.

| operators                        | condition                                              |
|----------------------------------|--------------------------------------------------------|
| Gemm, MatMul                     | the right matrix of MatMul has at most two dimensions  |
| Add, Sub, Mul, Neg, Sum          |                                                        |
| Div, Pow                         | by a constant; a constant whole exponent, 0..20        |
| Identity, Dropout, Cast          | Dropout as in inference; Cast to FLOAT or DOUBLE       |
| Reshape, Flatten, Squeeze, Unsqueeze | constant shapes and axes                           |
| Constant                         |                                                        |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from edgemark.crypto.polynomial import MAX_DEGREE
from edgemark.systems.outsourcing.models.exact import ModelTooLarge
from edgemark.systems.outsourcing.models.onnx_tensors import (
    MAX_TENSOR_ITEMS,
    NotOutsourcable,
    read_tensor,
)
from edgemark.systems.outsourcing.models.traced import Traced, Tracer


class GraphRun:
    """The values of a graph by name: arrays of symbols, or of whole numbers (shapes, axes).

    Args:
        onnx: the package.
        tracer: the arithmetic.
    """

    def __init__(self, onnx: Any, tracer: Tracer) -> None:
        import numpy as np  # noqa: PLC0415 - comes with onnx

        self._onnx, self._np = onnx, np
        self.tracer = tracer
        self._values: dict[str, Any] = {}
        self._place = "graph"
        self._operators: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {
            "Add": (self._elementwise(tracer.add), frozenset()),
            "Cast": (self._cast, frozenset({"to", "saturate", "round_mode"})),
            "Constant": (self._constant, frozenset({"value", "value_float", "value_floats"})),
            "Div": (self._divide, frozenset()),
            "Dropout": (self._drop_nothing, frozenset({"seed"})),
            "Flatten": (self._flatten, frozenset({"axis"})),
            "Gemm": (self._gemm, frozenset({"alpha", "beta", "transA", "transB"})),
            "Identity": (lambda value: value, frozenset()),
            "MatMul": (self._matmul, frozenset()),
            "Mul": (self._elementwise(tracer.multiply), frozenset()),
            "Neg": (lambda value: self._scale(value, -1.0), frozenset()),
            "Pow": (self._power, frozenset()),
            "Reshape": (self._reshape, frozenset({"allowzero"})),
            "Squeeze": (self._squeeze, frozenset()),
            "Sub": (self._elementwise(tracer.subtract), frozenset()),
            "Sum": (self._sum, frozenset()),
            "Unsqueeze": (self._unsqueeze, frozenset()),
        }

    def store(self, name: str, array: Any) -> None:
        """Keep a constant of the file."""
        self._values[name] = self._symbols(array) if array.dtype.kind == "f" else array

    def store_input(self, name: str, bounds: Sequence[float], shape: tuple[int, ...]) -> None:
        """Keep the symbols of the input."""
        symbols = [self.tracer.variable(i, bound) for i, bound in enumerate(bounds)]
        self._values[name] = self._array(symbols, shape)

    def play(self, node: Any, number: int) -> None:
        """Run one node.

        Raises:
            NotOutsourcable: the operator, an attribute, a type or a shape is not taken.
        """
        operator = (
            node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}.{node.op_type}"
        )
        self._place = f"node {node.name[:64] or number} ({operator[:64]})"
        self.tracer.at(self._place)
        known = self._operators.get(operator)
        if known is None:
            self._refuse(
                "operator is no polynomial that this release reads",
                needed=", ".join(sorted(self._operators)),
            )
        run, allowed = known
        attributes = {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}
        if attributes.keys() - allowed:
            self._refuse(
                "has an attribute that is not taken", had=sorted(attributes.keys() - allowed)
            )
        try:
            result = run(*[self._read(name) for name in node.input], **attributes)
        except (ValueError, TypeError, IndexError) as error:  # of numpy, or of too few operands
            self._refuse("operands do not fit", had=str(error)[:200])
        self._values[node.output[0]] = result

    def read_output(self, name: str) -> list[Traced]:
        """The symbols of the graph's output, of one row.

        Raises:
            NotOutsourcable: nobody computes it, or it is no row.
        """
        self._place = f"output {name[:64]}"
        value = self._floats(self._read(name))
        if value.ndim > 1 and value.shape[0] != 1:
            self._refuse("is no row", had=list(value.shape), needed="[batch, n]")
        return list(value.reshape(-1))

    def _refuse(self, what: str, **facts: Any) -> NoReturn:
        raise NotOutsourcable(what, who=self._place, **facts)

    def _read(self, name: str) -> Any:
        if not name:
            return None  # an optional operand that was left out
        if name not in self._values:
            self._refuse("reads a value that nobody computes", had=repr(name[:64]))
        return self._values[name]

    # --- arrays --------------------------------------------------------------------------------

    def _array(self, symbols: Sequence[Traced], shape: Sequence[int]) -> Any:
        array = self._np.empty(len(symbols), dtype=object)
        array[:] = symbols
        return array.reshape(tuple(shape))

    def _symbols(self, array: Any) -> Any:
        """Floats as constants."""
        numbers = [float(number) for number in array.reshape(-1)]
        if not all(map(math.isfinite, numbers)):
            self._refuse("holds a number that is not finite")
        return self._array([self.tracer.constant(number) for number in numbers], array.shape)

    def _floats(self, value: Any) -> Any:
        if value is None or value.dtype != object:
            self._refuse("needs floats", had="none" if value is None else str(value.dtype))
        return value

    def _whole(self, value: Any) -> list[int]:
        if value is None or value.dtype == object:
            self._refuse("needs constant whole numbers")
        return [int(number) for number in value.reshape(-1)]

    def _map(self, change: Callable[[Traced], Traced], value: Any) -> Any:
        return self._array([change(item) for item in self._floats(value).reshape(-1)], value.shape)

    def _elementwise(
        self, combine: Callable[[Traced, Traced], Traced]
    ) -> Callable[[Any, Any], Any]:
        def run(left: Any, right: Any) -> Any:
            left, right = self._floats(left), self._floats(right)
            shape = self._np.broadcast_shapes(left.shape, right.shape)
            if math.prod(shape) > MAX_TENSOR_ITEMS:
                raise ModelTooLarge(
                    "result is too large",
                    who=self._place,
                    had=math.prod(shape),
                    needed=MAX_TENSOR_ITEMS,
                )
            pairs = zip(
                self._np.broadcast_to(left, shape).reshape(-1),
                self._np.broadcast_to(right, shape).reshape(-1),
                strict=True,
            )
            return self._array([combine(a, b) for a, b in pairs], shape)

        return run

    # --- operators -----------------------------------------------------------------------------

    def _constant(self, **attributes: Any) -> Any:
        if "value" in attributes:
            array = read_tensor(self._onnx, attributes["value"], self._place)
            return self._symbols(array) if array.dtype.kind == "f" else array
        ((_, value),) = attributes.items()
        return self._symbols(self._np.asarray(value, dtype=self._np.float32))

    def _cast(self, value: Any, to: int, **_: Any) -> Any:
        if to not in {self._onnx.TensorProto.FLOAT, self._onnx.TensorProto.DOUBLE}:
            self._refuse("casts to another type", had=to, needed="FLOAT or DOUBLE")
        symbols = value if value.dtype == object else self._symbols(value)
        return self._map(self.tracer.round_once, symbols)

    def _drop_nothing(self, value: Any, ratio: Any = None, training: Any = None, **_: Any) -> Any:
        del ratio  # in inference nothing is dropped, whatever the ratio
        if training is not None:
            self._refuse("names a training mode", needed="none")
        return value

    def _scale(self, value: Any, factor: float) -> Any:
        constant = self.tracer.constant(factor)
        return self._map(lambda item: self.tracer.multiply(item, constant), value)

    def _sum(self, first: Any, *rest: Any) -> Any:
        add = self._elementwise(self.tracer.add)
        for value in rest:
            first = add(first, value)
        return self._floats(first)

    def _divide(self, value: Any, divisor: Any) -> Any:
        def divide(item: Traced, by: Traced) -> Traced:
            constant = by.exact.as_constant
            if constant is None:
                self._refuse("divides by something that is no constant")
            return self.tracer.divide(item, constant)

        return self._elementwise(divide)(value, divisor)

    def _power(self, value: Any, exponent: Any) -> Any:
        numbers = exponent.reshape(-1)
        if len(numbers) != 1:
            self._refuse("has several exponents", had=len(numbers), needed="one")
        whole = numbers[0].exact.as_constant if exponent.dtype == object else int(numbers[0])
        if whole is None or whole != int(whole) or not 0 <= whole <= MAX_DEGREE:
            had = "no constant" if whole is None else float(whole)
            self._refuse("has another exponent", had=had, needed=f"a whole number 0..{MAX_DEGREE}")
        return self._map(lambda item: self.tracer.power(item, int(whole)), value)

    def _gemm(
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
        a, b = self._floats(a), self._floats(b)
        product = self._matmul(a.T if transA else a, b.T if transB else b)
        if alpha != 1.0:
            product = self._scale(product, alpha)
        if c is None:
            return product
        offset = c if beta == 1.0 else self._scale(c, beta)
        return self._elementwise(self.tracer.add)(product, offset)

    def _matmul(self, left: Any, right: Any) -> Any:
        left, right = self._floats(left), self._floats(right)
        if not left.ndim >= 1 or right.ndim not in {1, 2} or left.shape[-1] != right.shape[0]:
            self._refuse("shapes do not fit", had=f"{list(left.shape)} and {list(right.shape)}")
        columns = right.reshape(right.shape[0], -1).T
        shape = (*left.shape[:-1], *right.shape[1:])
        if math.prod(shape) > MAX_TENSOR_ITEMS:
            raise ModelTooLarge(
                "result is too large",
                who=self._place,
                had=math.prod(shape),
                needed=MAX_TENSOR_ITEMS,
            )
        rows = left.reshape(-1, left.shape[-1])
        symbols = [self.tracer.dot(list(row), list(column)) for row in rows for column in columns]
        return self._array(symbols, shape)

    def _reshape(self, value: Any, shape: Any, *, allowzero: int = 0) -> Any:
        sizes = self._whole(shape)
        if not allowzero:
            sizes = [value.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
        return value.reshape(sizes)

    def _flatten(self, value: Any, *, axis: int = 1) -> Any:
        at = axis + value.ndim if axis < 0 else axis
        return value.reshape(math.prod(value.shape[:at]), math.prod(value.shape[at:]))

    def _squeeze(self, value: Any, axes: Any = None) -> Any:
        return value.squeeze(None if axes is None else tuple(self._whole(axes)))

    def _unsqueeze(self, value: Any, axes: Any) -> Any:
        return self._np.expand_dims(value, tuple(self._whole(axes)))
