"""Tensors of an ONNX file: types, declared sizes and bytes checked before anything is unpacked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from edgemark.errors import RefusedInput
from edgemark.models.exact import ModelTooLarge
from edgemark.models.signature import Decision, Label
from edgemark.models.traced import Traced

MAX_TENSOR_ITEMS = 250_000  # each becomes a symbol of some 500 bytes
SINGLE_BYTES = 4  # of a float32: smaller floats are cast before anything is computed of them

Operator: TypeAlias = tuple[Callable[..., Any], frozenset[str]]
"""What runs a node, and the attributes that it takes."""


class NotOutsourcable(RefusedInput):
    """A graph, or a node of one, that is no polynomial in the form that this release reads."""


@dataclass(frozen=True)
class Ruling:
    """The label output of a classifier, before anybody decided: its scores and how to read them."""

    scores: tuple[Traced, ...]
    decision: Decision
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Ranked:
    """Scores after a function that keeps their order and is no polynomial, as they were before.

    Attributes:
        kind: the function; scores are in order with others after the same one.
        scores: an array of symbols.
        place: the node that computes the function.
    """

    kind: str
    scores: Any
    place: str


@dataclass(frozen=True)
class Withheld:
    """An output that is no polynomial, which matters only to those who read it."""

    why: str


def name_type(onnx: Any, number: int) -> str:
    """The specification's name of a tensor type."""
    known = {value: name for name, value in onnx.TensorProto.DataType.items()}
    return str(known.get(number, number))


def read_tensor(onnx: Any, tensor: Any, who: str) -> Any:
    """A constant of the file as a numpy array of floats, whole numbers, truth values or texts.

    Raises:
        NotOutsourcable: external data, another type, or bytes that contradict the shape.
        ModelTooLarge: more than `MAX_TENSOR_ITEMS` numbers are declared.
    """
    where = f"{who}, tensor {tensor.name[:64]!r}"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise NotOutsourcable(
            "keeps its data in another file, which is never opened",
            who=where,
            remedy="Save the model in one file.",
        )
    widths = {
        onnx.TensorProto.FLOAT16: (2, tensor.int32_data),
        onnx.TensorProto.BOOL: (1, tensor.int32_data),
        onnx.TensorProto.FLOAT: (4, tensor.float_data),
        onnx.TensorProto.DOUBLE: (8, tensor.double_data),
        onnx.TensorProto.INT32: (4, tensor.int32_data),
        onnx.TensorProto.INT64: (8, tensor.int64_data),
    }
    is_text = tensor.data_type == onnx.TensorProto.STRING
    if (tensor.data_type not in widths and not is_text) or tensor.HasField("segment"):
        raise NotOutsourcable(
            "has another type",
            who=where,
            had=name_type(onnx, tensor.data_type),
            needed="FLOAT, DOUBLE, FLOAT16, INT32, INT64, BOOL or STRING, whole",
        )
    width, typed = (1, tensor.string_data) if is_text else widths[tensor.data_type]
    if any(size < 0 for size in tensor.dims):
        raise NotOutsourcable("has a negative size", who=where, had=list(tensor.dims)[:8])
    declared = math.prod(tensor.dims)
    if declared > MAX_TENSOR_ITEMS:
        raise ModelTooLarge("is too large", who=where, had=declared, needed=MAX_TENSOR_ITEMS)
    had_bytes = len(tensor.raw_data) if tensor.HasField("raw_data") else width * len(typed)
    if had_bytes != declared * width:
        raise NotOutsourcable(
            "holds other data than its shape says",
            who=where,
            had=f"{had_bytes} bytes",
            needed=declared * width,
        )
    return _read_texts(onnx, tensor, where) if is_text else onnx.numpy_helper.to_array(tensor)


def _read_texts(onnx: Any, tensor: Any, where: str) -> Any:
    """Labels; there is no other use of texts."""
    try:
        return onnx.numpy_helper.to_array(tensor).astype("U")
    except (UnicodeDecodeError, ValueError) as error:
        raise NotOutsourcable(
            "holds a text that is none", who=where, had=str(error)[:80]
        ) from error
