"""What a model file is, by its first bytes, before anything of it is read.

A pickle is a program: opening one runs it (so do joblib, torch and Keras archives and numpy object
arrays, which hold pickles). None of them is opened here; they are refused by name.
"""

from __future__ import annotations

from enum import Enum

from edgemark.errors import RefusedInput
from edgemark.untrusted.fields import BadFile, Fields, parse_json

MAX_MODEL_BYTES = 64 * 2**20
HEAD_BYTES = 16  # enough to know any of them

_ONNX_FIRST_TAG = 0x08  # ModelProto.ir_version, a varint: field 1, which writers put first
_STARTS = {
    b"\x80": "a pickle",
    b"PK\x03\x04": "an archive (torch, Keras or numpy)",
    b"\x93NUMPY": "a numpy array",
    b"\x89HDF\r\n": "an HDF5 file (Keras)",
    b"\x78\x9c": "a compressed joblib file",
    b"\x1f\x8b": "a compressed file",
}
_ENDS = {
    "pkl": "a pickle",
    "pickle": "a pickle",
    "joblib": "a joblib file",
    "pt": "a torch file",
    "pth": "a torch file",
    "npy": "a numpy array",
    "npz": "a numpy archive",
    "h5": "an HDF5 file (Keras)",
    "keras": "a Keras archive",
}


REMAKE = (
    "Compile or save the model again. Who changed the file on purpose takes its field checksum out."
)


class BadModelFile(BadFile):
    """A file that is no model, or no plan, of the form that this release reads."""


def parse_fields(raw: bytes, who: str) -> Fields:
    """The fields of a model or plan; raises as `parse_json`, a `BadModelFile`."""
    return parse_json(raw, who, BadModelFile, REMAKE)


class Form(Enum):
    """The files that are read."""

    JSON = "JSON"
    ONNX = "ONNX"


class ModelIsCode(RefusedInput):
    """A file that would run a program of its author when it is opened."""


def check_name(name: str) -> None:
    """Check that a model file may be called so: one that would be refused unread may not.

    Raises:
        RefusedInput: it is no name, or that of a file which holds code.
    """
    what = _ENDS.get(_end_of(name))
    if not name or what is not None:
        raise RefusedInput(
            "is no name of a model file",
            who=name or "path",
            had=what or "no name",
            needed="a name like NAME.model.json",
        )


def _end_of(name: str) -> str:
    return name.rpartition(".")[2].lower()


def recognise(name: str, head: bytes) -> Form:
    """Say what a file is.

    Args:
        name: its name.
        head: its first `HEAD_BYTES` bytes.

    Raises:
        ModelIsCode: a pickle, or a file that holds one.
        RefusedInput: neither JSON nor ONNX.
    """
    what = _ENDS.get(_end_of(name)) or next(
        (w for start, w in _STARTS.items() if head.startswith(start)), None
    )
    if what is not None:
        raise ModelIsCode(
            "is not opened: it can run a program of whoever wrote it",
            who=name,
            had=what,
            needed="an edgemark model file, or ONNX",
            remedy="Where the model was trained, call "
            "edgemark.models.files.save_model, or export it as ONNX.",
        )
    if head.lstrip()[:1] == b"{":
        return Form.JSON
    if head[:1] == bytes([_ONNX_FIRST_TAG]):
        return Form.ONNX
    raise RefusedInput(
        "is no model file", who=name, needed="an edgemark model file (JSON), or ONNX"
    )
