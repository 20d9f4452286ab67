"""ONNX graphs: what moves numbers about, and constants.

| operators                                         | condition                            |
|---------------------------------------------------|--------------------------------------|
| Identity, Dropout                                 | as in inference                      |
| Cast                                              | to FLOAT or DOUBLE; of whole numbers |
|                                                   | also to INT32 or INT64               |
| Reshape, Flatten, Squeeze, Unsqueeze, Transpose   | constant shapes and axes             |
| Slice, Gather, Concat                             | constant places                      |
| Constant, ConstantOfShape, Shape                  |                                      |

What newer opsets take as an operand, older ones take as an attribute: both are read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgemark.models.onnx.tensors import MAX_TENSOR_ITEMS, Operator, read_tensor

if TYPE_CHECKING:
    from edgemark.models.onnx.run import GraphRun


def list_operators(run: GraphRun) -> dict[str, Operator]:
    """Each operator by its name, and the attributes that it takes."""
    of = _Shapes(run)
    operators: dict[str, tuple[Any, set[str]]] = {
        "Identity": (lambda value: value, set()),
        "Dropout": (of.drop_nothing, {"seed", "ratio"}),
        "Cast": (of.cast, {"to", "saturate", "round_mode"}),
        "Reshape": (of.reshape, {"allowzero"}),
        "Flatten": (of.flatten, {"axis"}),
        "Squeeze": (of.squeeze, {"axes"}),
        "Unsqueeze": (of.unsqueeze, {"axes"}),
        "Transpose": (of.transpose, {"perm"}),
        "Slice": (of.slice, {"starts", "ends", "axes"}),
        "Gather": (of.gather, {"axis"}),
        "Concat": (of.concatenate, {"axis"}),
        "Shape": (of.shape, {"start", "end"}),
        "ConstantOfShape": (of.fill, {"value"}),
        "Constant": (
            of.constant,
            {
                "value",
                *("value_float", "value_floats"),
                *("value_int", "value_ints"),
                *("value_string", "value_strings"),
            },
        ),
    }
    return {name: (run_it, frozenset(taken)) for name, (run_it, taken) in operators.items()}


class _Shapes:
    """The operators; what they refuse, they refuse in the name of the node that runs."""

    def __init__(self, run: GraphRun) -> None:
        self._run = run

    def constant(self, **attributes: Any) -> Any:
        if "value" in attributes:
            return self._run.keep(read_tensor(self._run.onnx, attributes["value"], self._run.place))
        ((name, value),) = attributes.items()
        np = self._run.np
        if name.startswith("value_string"):
            texts = [value] if name == "value_string" else value
            return np.array([text.decode("utf-8", "replace") for text in texts], dtype="U")
        kind = np.float32 if name.startswith("value_float") else np.int64
        return self._run.keep(np.asarray(value, dtype=kind))

    def cast(self, value: Any, to: int, **_: Any) -> Any:
        kinds = self._run.onnx.TensorProto
        if value.dtype != object and value.dtype.kind in "iub" and to in {kinds.INT32, kinds.INT64}:
            return value.astype("int32" if to == kinds.INT32 else "int64")
        if to not in {kinds.FLOAT, kinds.DOUBLE}:
            self._run.refuse("casts to another type", had=to, needed="FLOAT or DOUBLE")
        symbols = value if value.dtype == object else self._run.symbols(value)
        return self._run.map(self._run.tracer.round_once, symbols)

    def drop_nothing(self, value: Any, _ratio: Any = None, training: Any = None, **_: Any) -> Any:
        """In inference nothing is dropped, whatever the ratio."""
        if training is not None and (training.dtype == object or training.any()):
            self._run.refuse("names a training mode", needed="none, or false")
        return value

    def reshape(self, value: Any, shape: Any, *, allowzero: int = 0) -> Any:
        sizes = self._run.whole(shape)
        if not allowzero:
            sizes = [value.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
        return value.reshape(sizes)

    def flatten(self, value: Any, *, axis: int = 1) -> Any:
        at = axis + value.ndim if axis < 0 else axis
        return value.reshape(math.prod(value.shape[:at]), math.prod(value.shape[at:]))

    def squeeze(self, value: Any, axes: Any = None) -> Any:
        found = self._wholes(axes)
        return value.squeeze(None if found is None else tuple(found))

    def unsqueeze(self, value: Any, axes: Any) -> Any:
        return self._run.np.expand_dims(value, tuple(self._wholes(axes) or ()))

    def transpose(self, value: Any, *, perm: Sequence[int] | None = None) -> Any:
        return value.transpose(perm)

    def slice(
        self,
        value: Any,
        starts: Any,
        ends: Any,
        axes: Any = None,
        steps: Any = None,
    ) -> Any:
        first, last = self._wholes(starts) or [], self._wholes(ends) or []
        along = self._wholes(axes)
        along = list(range(len(first))) if along is None else along
        by = self._wholes(steps) or [1] * len(first)
        cut = [slice(None)] * value.ndim
        for axis, start, end, step in zip(along, first, last, by, strict=True):
            # an end before the first one, counted from the back, means that the first is included
            stop = None if step < 0 and end < -value.shape[axis] else end
            cut[axis] = slice(start, stop, step)
        return value[tuple(cut)]

    def gather(self, value: Any, places: Any, *, axis: int = 0) -> Any:
        if places.dtype == object or places.dtype.kind not in "iu":
            self._run.refuse("needs constant whole numbers")
        count = math.prod(value.shape) // max(1, value.shape[axis]) * places.size
        self._run.check_size((count,))
        found = self._run.np.take(value, places, axis=axis)
        return found if hasattr(found, "reshape") else self._run.array([found], ())

    def shape(self, value: Any, *, start: int = 0, end: int | None = None) -> Any:
        return self._run.np.asarray(value.shape[start:end], dtype=self._run.np.int64)

    def fill(self, shape: Any, *, value: Any = None) -> Any:
        sizes = self._run.whole(shape)
        if any(size < 0 for size in sizes) or math.prod(sizes) > MAX_TENSOR_ITEMS:
            self._run.refuse(
                "fills too much", had=sizes[:8], needed=f"<= {MAX_TENSOR_ITEMS} numbers"
            )
        one = self._run.np.zeros(1, "float32")
        if value is not None:
            one = read_tensor(self._run.onnx, value, self._run.place)
        return self._run.keep(self._run.np.broadcast_to(one.reshape(()), sizes))

    def concatenate(self, *values: Any, axis: int) -> Any:
        kinds = {value.dtype == object for value in values}
        if len(kinds) != 1 or sum(value.size for value in values) > MAX_TENSOR_ITEMS:
            self._run.refuse("joins too much, or floats and whole numbers")
        return self._run.np.concatenate(values, axis=axis)

    def _wholes(self, given: Any) -> list[int] | None:
        """Whole numbers from an operand or from an attribute; None when there are none."""
        if given is None:
            return None
        return self._run.whole(given) if hasattr(given, "reshape") else [int(n) for n in given]
