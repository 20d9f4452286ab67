"""ONNX graphs whose outputs are polynomials of one input: running the operators on symbols.

| operators                        | condition                                              |
|----------------------------------|--------------------------------------------------------|
| Gemm, MatMul                     | the right matrix of MatMul has at most two dimensions  |
| Add, Sub, Mul, Neg, Sum          |                                                        |
| Div, Pow                         | by a constant; a constant whole exponent, 0..20        |
| Identity, Dropout, Cast          | Dropout as in inference; Cast to FLOAT or DOUBLE       |
| Reshape, Flatten, Squeeze, Unsqueeze | constant shapes and axes                           |
| Constant, ConstantOfShape, Shape |                                                        |
| Concat, ReduceProd               |                                                        |

Those of the domain ai.onnx.ml stand in `onnx_learned.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NoReturn

from edgemark.crypto.polynomial import MAX_DEGREE
from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx.learned import Ruling, Withheld, list_operators
from edgemark.models.onnx.tensors import (
    MAX_TENSOR_ITEMS,
    NotOutsourcable,
    read_tensor,
)
from edgemark.models.traced import Traced, Tracer

# Of numpy, or of operands and attributes that are missing or of another kind than they should be.
_MISFITS = (ValueError, TypeError, IndexError, KeyError, AttributeError)
TAKE_LABELS = "Export the classifier with its labels: they are taken from its scores."


class GraphRun:
    """The values of a graph by name: arrays of symbols, or of whole numbers (shapes, axes).

    Args:
        onnx: the package.
        tracer: the arithmetic.

    Attributes:
        place: the node that runs, for errors.
    """

    def __init__(self, onnx: Any, tracer: Tracer) -> None:
        import numpy as np  # noqa: PLC0415 - comes with onnx

        self._onnx, self._np = onnx, np
        self.tracer = tracer
        self._values: dict[str, Any] = {}
        self.place = "graph"
        self._operators: dict[str, tuple[Callable[..., Any], frozenset[str]]] = {
            "Add": (self._elementwise(tracer.add), frozenset()),
            "Concat": (self._concatenate, frozenset({"axis"})),
            "ConstantOfShape": (self._fill, frozenset({"value"})),
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
            "ReduceProd": (self._multiply_along, frozenset({"axes", "keepdims"})),
            "Reshape": (self._reshape, frozenset({"allowzero"})),
            "Shape": (self._shape, frozenset()),
            "Squeeze": (self._squeeze, frozenset()),
            "Sub": (self._elementwise(tracer.subtract), frozenset()),
            "Sum": (self._sum, frozenset()),
            "Unsqueeze": (self._unsqueeze, frozenset()),
            **list_operators(self),
        }

    def store(self, name: str, array: Any) -> None:
        """Keep a constant of the file."""
        self._values[name] = self._symbols(array) if array.dtype.kind == "f" else array

    def store_input(self, name: str, bounds: Sequence[float], shape: tuple[int, ...]) -> None:
        """Keep the symbols of the input."""
        symbols = [self.tracer.variable(i, bound) for i, bound in enumerate(bounds)]
        self._values[name] = self.array(symbols, shape)

    def play(self, node: Any, number: int) -> None:
        """Run one node.

        Raises:
            NotOutsourcable: the operator, an attribute, a type or a shape is not taken.
        """
        operator = (
            node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}.{node.op_type}"
        )
        self.place = f"node {node.name[:64] or number} ({operator[:64]})"
        self.tracer.at(self.place)
        known = self._operators.get(operator)
        if known is None:
            self.refuse(
                "operator is no polynomial that this release reads",
                needed=", ".join(sorted(self._operators)),
            )
        run, allowed = known
        attributes = self._attributes(node)
        if attributes.keys() - allowed:
            self.refuse(
                "has an attribute that is not taken", had=sorted(attributes.keys() - allowed)
            )
        operands = [self._read(name) for name in node.input]
        if any(isinstance(operand, Ruling) for operand in operands):
            result = self._pass_label(operator, operands)
        else:
            try:
                result = run(*operands, **attributes)
            except _MISFITS as error:
                self.refuse("operands do not fit", had=str(error)[:200])
        results = result if isinstance(result, tuple) else (result,)
        self._values |= dict(zip(node.output, results, strict=False))

    def read_output(self, name: str) -> list[Traced]:
        """The symbols of the graph's output, of one row.

        Raises:
            NotOutsourcable: nobody computes it, or it is no row.
        """
        self.place = f"output {name[:64]}"
        value = self.floats(self._read(name))
        if value.ndim > 1 and value.shape[0] != 1:
            self.refuse("is no row", had=list(value.shape), needed="[batch, n]")
        return list(value.reshape(-1))

    def read_label(self, name: str) -> Ruling:
        """The label that the graph gives out, of one row.

        Raises:
            NotOutsourcable: nobody computes it, or it comes from no classifier.
        """
        self.place = f"output {name[:64]}"
        value = self._read(name)
        if not isinstance(value, Ruling):
            self.refuse("is no label of a classifier")
        return value

    def _attributes(self, node: Any) -> dict[str, Any]:
        value_of = self._onnx.helper.get_attribute_value
        try:
            return {each.name: value_of(each) for each in node.attribute}
        except ValueError as error:
            self.refuse("has an attribute of no known type", had=str(error)[:200])

    def _pass_label(self, operator: str, operands: Sequence[Any]) -> Ruling:
        """A label goes on as it is, whatever type it is cast to."""
        if operator not in {"Cast", "Identity"} or len(operands) != 1:
            self.refuse("computes with a label", needed="nothing after a classifier's label")
        ruling: Ruling = operands[0]
        return ruling

    # --- for operators -------------------------------------------------------------------------

    def refuse(self, what: str, **facts: Any) -> NoReturn:
        """Say in the name of the node that runs what it cannot do.

        Raises:
            NotOutsourcable: always.
        """
        raise NotOutsourcable(what, who=self.place, **facts)

    def _read(self, name: str) -> Any:
        if not name:
            return None  # an optional operand that was left out
        if name not in self._values:
            self.refuse("reads a value that nobody computes", had=repr(name[:64]))
        value = self._values[name]
        if isinstance(value, Withheld):
            self.refuse("reads what no polynomial gives", had=value.why, remedy=TAKE_LABELS)
        return value

    def array(self, symbols: Sequence[Traced], shape: Sequence[int]) -> Any:
        """Symbols in a shape."""
        array = self._np.empty(len(symbols), dtype=object)
        array[:] = symbols
        return array.reshape(tuple(shape))

    def _symbols(self, array: Any) -> Any:
        """Floats as constants."""
        numbers = [self.finite(float(number)) for number in array.reshape(-1)]
        return self.array([self.tracer.constant(number) for number in numbers], array.shape)

    def finite(self, number: float) -> float:
        """The number.

        Raises:
            NotOutsourcable: it is infinite or none.
        """
        if not math.isfinite(number):
            self.refuse("holds a number that is not finite")
        return number

    def floats(self, value: Any) -> Any:
        """An operand of symbols.

        Raises:
            NotOutsourcable: it is something else.
        """
        if value is None or value.dtype != object:
            self.refuse("needs floats", had="none" if value is None else str(value.dtype))
        return value

    def whole(self, value: Any) -> list[int]:
        """An operand of constant whole numbers.

        Raises:
            NotOutsourcable: it is something else.
        """
        if value is None or value.dtype == object:
            self.refuse("needs constant whole numbers")
        return [int(number) for number in value.reshape(-1)]

    def _map(self, change: Callable[[Traced], Traced], value: Any) -> Any:
        return self.array([change(item) for item in self.floats(value).reshape(-1)], value.shape)

    def _elementwise(
        self, combine: Callable[[Traced, Traced], Traced]
    ) -> Callable[[Any, Any], Any]:
        def run(left: Any, right: Any) -> Any:
            left, right = self.floats(left), self.floats(right)
            shape = self._np.broadcast_shapes(left.shape, right.shape)
            if math.prod(shape) > MAX_TENSOR_ITEMS:
                raise ModelTooLarge(
                    "result is too large",
                    who=self.place,
                    had=math.prod(shape),
                    needed=MAX_TENSOR_ITEMS,
                )
            pairs = zip(
                self._np.broadcast_to(left, shape).reshape(-1),
                self._np.broadcast_to(right, shape).reshape(-1),
                strict=True,
            )
            return self.array([combine(a, b) for a, b in pairs], shape)

        return run

    # --- operators -----------------------------------------------------------------------------

    def _constant(self, **attributes: Any) -> Any:
        if "value" in attributes:
            array = read_tensor(self._onnx, attributes["value"], self.place)
            return self._symbols(array) if array.dtype.kind == "f" else array
        ((_, value),) = attributes.items()
        return self._symbols(self._np.asarray(value, dtype=self._np.float32))

    def _cast(self, value: Any, to: int, **_: Any) -> Any:
        if to not in {self._onnx.TensorProto.FLOAT, self._onnx.TensorProto.DOUBLE}:
            self.refuse("casts to another type", had=to, needed="FLOAT or DOUBLE")
        symbols = value if value.dtype == object else self._symbols(value)
        return self._map(self.tracer.round_once, symbols)

    def _drop_nothing(self, value: Any, ratio: Any = None, training: Any = None, **_: Any) -> Any:
        del ratio  # in inference nothing is dropped, whatever the ratio
        if training is not None:
            self.refuse("names a training mode", needed="none")
        return value

    def _scale(self, value: Any, factor: float) -> Any:
        constant = self.tracer.constant(factor)
        return self._map(lambda item: self.tracer.multiply(item, constant), value)

    def _sum(self, first: Any, *rest: Any) -> Any:
        add = self._elementwise(self.tracer.add)
        for value in rest:
            first = add(first, value)
        return self.floats(first)

    def _divide(self, value: Any, divisor: Any) -> Any:
        def divide(item: Traced, by: Traced) -> Traced:
            constant = by.exact.as_constant
            if constant is None:
                self.refuse("divides by something that is no constant")
            return self.tracer.divide(item, constant)

        return self._elementwise(divide)(value, divisor)

    def _power(self, value: Any, exponent: Any) -> Any:
        numbers = exponent.reshape(-1)
        if len(numbers) != 1:
            self.refuse("has several exponents", had=len(numbers), needed="one")
        whole = numbers[0].exact.as_constant if exponent.dtype == object else int(numbers[0])
        if whole is None or whole != int(whole) or not 0 <= whole <= MAX_DEGREE:
            had = "no constant" if whole is None else float(whole)
            self.refuse("has another exponent", had=had, needed=f"a whole number 0..{MAX_DEGREE}")
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
        a, b = self.floats(a), self.floats(b)
        product = self._matmul(a.T if transA else a, b.T if transB else b)
        if alpha != 1.0:
            product = self._scale(product, alpha)
        if c is None:
            return product
        offset = c if beta == 1.0 else self._scale(c, beta)
        return self._elementwise(self.tracer.add)(product, offset)

    def _matmul(self, left: Any, right: Any) -> Any:
        left, right = self.floats(left), self.floats(right)
        if not left.ndim >= 1 or right.ndim not in {1, 2} or left.shape[-1] != right.shape[0]:
            self.refuse("shapes do not fit", had=f"{list(left.shape)} and {list(right.shape)}")
        columns = right.reshape(right.shape[0], -1).T
        shape = (*left.shape[:-1], *right.shape[1:])
        if math.prod(shape) > MAX_TENSOR_ITEMS:
            raise ModelTooLarge(
                "result is too large",
                who=self.place,
                had=math.prod(shape),
                needed=MAX_TENSOR_ITEMS,
            )
        rows = left.reshape(-1, left.shape[-1])
        symbols = [self.tracer.dot(list(row), list(column)) for row in rows for column in columns]
        return self.array(symbols, shape)

    def _reshape(self, value: Any, shape: Any, *, allowzero: int = 0) -> Any:
        sizes = self.whole(shape)
        if not allowzero:
            sizes = [value.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
        return value.reshape(sizes)

    def _flatten(self, value: Any, *, axis: int = 1) -> Any:
        at = axis + value.ndim if axis < 0 else axis
        return value.reshape(math.prod(value.shape[:at]), math.prod(value.shape[at:]))

    def _squeeze(self, value: Any, axes: Any = None) -> Any:
        return value.squeeze(None if axes is None else tuple(self.whole(axes)))

    def _unsqueeze(self, value: Any, axes: Any) -> Any:
        return self._np.expand_dims(value, tuple(self.whole(axes)))

    def _shape(self, value: Any) -> Any:
        return self._np.asarray(value.shape, dtype=self._np.int64)

    def _fill(self, shape: Any, *, value: Any = None) -> Any:
        sizes = self.whole(shape)
        if any(size < 0 for size in sizes) or math.prod(sizes) > MAX_TENSOR_ITEMS:
            self.refuse("fills too much", had=sizes[:8], needed=f"<= {MAX_TENSOR_ITEMS} numbers")
        one = self._np.zeros(1, "float32")
        if value is not None:
            one = read_tensor(self._onnx, value, self.place)
        filled = self._np.broadcast_to(one.reshape(()), sizes)
        return self._symbols(filled) if filled.dtype.kind == "f" else filled

    def _concatenate(self, *values: Any, axis: int) -> Any:
        kinds = {value.dtype == object for value in values}
        if len(kinds) != 1 or sum(value.size for value in values) > MAX_TENSOR_ITEMS:
            self.refuse("joins too much, or floats and whole numbers")
        return self._np.concatenate(values, axis=axis)

    def _multiply_along(self, value: Any, axes: Any = None, *, keepdims: int = 1) -> Any:
        """`axes` is an operand since opset 18, an attribute before."""
        given = self.whole(axes) if hasattr(axes, "reshape") else axes
        if not given or len(given) != 1:
            self.refuse("multiplies along several axes", had=given, needed="one")
        rows = self._np.moveaxis(self.floats(value), given[0], -1)
        shape = rows.shape[:-1]
        products = [
            reduce(self.tracer.multiply, list(row)) for row in rows.reshape(-1, rows.shape[-1])
        ]
        result = self.array(products, shape)
        return self._np.expand_dims(result, given[0]) if keepdims else result
