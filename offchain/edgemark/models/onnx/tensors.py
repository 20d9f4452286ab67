"""Tensors of an ONNX file: types, declared sizes and bytes checked before anything is unpacked."""

from __future__ import annotations

import math
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.models.exact import ModelTooLarge

MAX_TENSOR_ITEMS = 250_000  # each becomes a symbol of some 500 bytes


class NotOutsourcable(RefusedInput):
    """A graph, or a node of one, that is no polynomial in the form that this release reads."""


def name_type(onnx: Any, number: int) -> str:
    """The specification's name of a tensor type."""
    known = {value: name for name, value in onnx.TensorProto.DataType.items()}
    return str(known.get(number, number))


def read_tensor(onnx: Any, tensor: Any, who: str) -> Any:
    """A constant of the file as a numpy array of floats or whole numbers.

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
        onnx.TensorProto.FLOAT: (4, tensor.float_data),
        onnx.TensorProto.DOUBLE: (8, tensor.double_data),
        onnx.TensorProto.INT32: (4, tensor.int32_data),
        onnx.TensorProto.INT64: (8, tensor.int64_data),
    }
    if tensor.data_type not in widths or tensor.HasField("segment"):
        had = name_type(onnx, tensor.data_type)
        raise NotOutsourcable(
            "has another type", who=where, had=had, needed="FLOAT, DOUBLE, INT32 or INT64, whole"
        )
    width, typed = widths[tensor.data_type]
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
    return onnx.numpy_helper.to_array(tensor)
