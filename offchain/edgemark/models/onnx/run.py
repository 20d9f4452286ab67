"""ONNX graphs whose outputs are polynomials of one input: running the operators on symbols.

The operators stand in `arithmetic`, `shapes`, `labels` and, those of the domain ai.onnx.ml, in
`learned`; each takes every form that it has in the opsets 9 to 27.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from edgemark.models.exact import ModelTooLarge
from edgemark.models.onnx import arithmetic, labels, learned, shapes
from edgemark.models.onnx.tensors import (
    MAX_TENSOR_ITEMS,
    SINGLE_BYTES,
    NotOutsourcable,
    Operator,
    Ranked,
    Ruling,
    Withheld,
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

        self.onnx, self.np = onnx, np
        self.tracer = tracer
        self._values: dict[str, Any] = {}
        self.place = "graph"
        self._operators: dict[str, Operator] = {
            **arithmetic.list_operators(self),
            **shapes.list_operators(self),
            **labels.list_operators(self),
            **learned.list_operators(self),
        }

    def store(self, name: str, array: Any) -> None:
        """Keep a constant of the file."""
        self._values[name] = self.keep(array)

    def keep(self, array: Any) -> Any:
        """Floats as symbols; whole numbers, texts and what has to be cast first as they are."""
        is_float = array.dtype.kind == "f" and array.dtype.itemsize >= SINGLE_BYTES
        return self.symbols(array) if is_float else array

    def store_input(
        self,
        name: str,
        bounds: Sequence[float],
        centres: Sequence[float],
        shape: tuple[int, ...],
    ) -> None:
        """Keep the symbols of the input; without centres it is around zero."""
        middles = centres or [0.0] * len(bounds)
        pairs = zip(bounds, middles, strict=True)
        symbols = [self.tracer.variable(i, *pair) for i, pair in enumerate(pairs)]
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
        try:
            if any(isinstance(operand, Ruling | Ranked) for operand in operands):
                result = labels.pass_on(self, operator, run, operands, attributes)
            else:
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
        value_of = self.onnx.helper.get_attribute_value
        try:
            return {each.name: value_of(each) for each in node.attribute}
        except ValueError as error:
            self.refuse("has an attribute of no known type", had=str(error)[:200])

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
        array = self.np.empty(len(symbols), dtype=object)
        array[:] = symbols
        return array.reshape(tuple(shape))

    def symbols(self, array: Any) -> Any:
        """Floats, or whole numbers, as constants."""
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
        if isinstance(value, Ranked):
            raise NotOutsourcable(
                "gives what no polynomial does",
                who=value.place,
                had=f"scores after {value.kind} are no polynomials",
                needed=", ".join(sorted(self._operators)),
                remedy=TAKE_LABELS,
            )
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

    def check_size(self, shape: Sequence[int]) -> None:
        """Refuse a result that would be too large.

        Raises:
            ModelTooLarge: more numbers than a tensor may have.
        """
        if math.prod(shape) > MAX_TENSOR_ITEMS:
            raise ModelTooLarge(
                "result is too large",
                who=self.place,
                had=math.prod(shape),
                needed=MAX_TENSOR_ITEMS,
            )

    def map(self, change: Callable[[Traced], Traced], value: Any) -> Any:
        """Each symbol changed."""
        return self.array([change(item) for item in self.floats(value).reshape(-1)], value.shape)

    def elementwise(self, combine: Callable[[Traced, Traced], Traced]) -> Callable[[Any, Any], Any]:
        """An operator on two arrays, broadcast to one shape."""

        def run(left: Any, right: Any) -> Any:
            left, right = self.floats(left), self.floats(right)
            shape = self.np.broadcast_shapes(left.shape, right.shape)
            self.check_size(shape)
            pairs = zip(
                self.np.broadcast_to(left, shape).reshape(-1),
                self.np.broadcast_to(right, shape).reshape(-1),
                strict=True,
            )
            return self.array([combine(a, b) for a, b in pairs], shape)

        return run
