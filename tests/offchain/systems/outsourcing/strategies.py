"""Random values of every type of the protocol, built from the type hints of its dataclasses."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any

from hypothesis import strategies as st

from edgemark.crypto.field.field import Q
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens, parse_address
from edgemark.systems.outsourcing.contract.terms import JOB_KEY_BYTES, Terms
from edgemark.systems.outsourcing.identifiers import JobId, TaskId
from edgemark.systems.outsourcing.limits import MAX_NODES
from edgemark.systems.outsourcing.protocol import events
from edgemark.systems.outsourcing.protocol.messages import (
    MAX_BRANCH,
    SIGNATURE_BYTES,
    Acceptance,
    Answer,
    Evidence,
    Offer,
    Opinion,
    ReadRequest,
    Task,
)

MESSAGES = (Offer, Acceptance, Task, Answer, Evidence, ReadRequest, Opinion)
EVENTS = tuple(
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == events.__name__
)

_HASHES = st.binary(min_size=32, max_size=32)
_OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    JobId: _HASHES,
    TaskId: _HASHES,
    Hash32: _HASHES,
    Address: st.binary(min_size=20, max_size=20).map(parse_address),
    ShareIndex: st.integers(1, MAX_NODES),
    Timestamp: st.integers(0, 2**40 - 1),
    Tokens: st.integers(0, 2**96 - 1),
    int: st.integers(0, Q - 1),
    str: st.text(max_size=40),
    bytes: st.binary(max_size=100),
}
# Fields whose wire format is narrower than their type.
_TERMS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        ("function_bytes", "term_count", "inputs", "outputs", "batch", "share_bytes"),
        st.integers(0, 2**32 - 1),
    ),
    **dict.fromkeys(("degree", "threshold", "errors", "node_count"), st.integers(0, 255)),
    "job_key": st.binary(min_size=JOB_KEY_BYTES, max_size=JOB_KEY_BYTES),
}
_MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "salt": _HASHES,
    "signature": st.binary(min_size=SIGNATURE_BYTES, max_size=SIGNATURE_BYTES),
    "branch": st.lists(_HASHES, max_size=MAX_BRANCH).map(tuple),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Random values of a type."""
    if kind in _OF_TYPE:
        return _OF_TYPE[kind]
    if isinstance(kind, types.UnionType):
        return st.one_of(
            [
                st.none() if one is types.NoneType else values_of(one)
                for one in typing.get_args(kind)
            ]
        )
    if typing.get_origin(kind) is tuple:
        return st.lists(values_of(typing.get_args(kind)[0]), max_size=4).map(tuple)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return st.sampled_from(list(kind))
    hints = typing.get_type_hints(kind)
    narrow = _TERMS if kind is Terms else _MESSAGES if kind in MESSAGES else {}
    parts = {item.name: narrow.get(item.name, values_of(hints[item.name])) for item in fields(kind)}
    return st.builds(kind, **parts)
