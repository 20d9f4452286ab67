"""Strategies for values of Solidity types, and what they look like once decoded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from edgemark.identifiers import parse_address

Part = Mapping[str, Any]


def value_of(part: Part) -> st.SearchStrategy[Any]:
    """Values of an ABI parameter, as `encode` takes them."""
    kind = part["type"]
    found: st.SearchStrategy[Any]
    if kind.endswith("[]"):
        found = st.lists(value_of({**part, "type": kind[:-2]}), max_size=3).map(tuple)
    elif kind == "tuple":
        found = values_of(part["components"])
    elif kind == "address":
        found = st.binary(min_size=20, max_size=20).map(parse_address)
    elif kind == "bool":
        found = st.booleans()
    elif kind == "string":
        found = st.text(max_size=20)
    elif kind == "bytes":
        found = st.binary(max_size=40)
    elif match := re.fullmatch(r"bytes(\d+)", kind):
        found = st.binary(min_size=int(match[1]), max_size=int(match[1]))
    elif match := re.fullmatch(r"uint(\d+)", kind):
        found = st.integers(0, 2 ** int(match[1]) - 1)
    else:
        raise LookupError(f"no strategy for {kind}")
    return found


def values_of(parts: Sequence[Part]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Values of a list of ABI parameters."""
    return st.tuples(*(value_of(part) for part in parts))
