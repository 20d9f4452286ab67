"""Types of the ABI that our contracts use, nested, each with a value."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from edgemark.identifiers import parse_address

ATOMS: dict[str, st.SearchStrategy[Any]] = {
    "uint8": st.integers(0, 2**8 - 1),
    "uint96": st.integers(0, 2**96 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "bool": st.booleans(),
    "bytes32": st.binary(min_size=32, max_size=32),
    "address": st.binary(min_size=20, max_size=20).map(parse_address),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
}


def of_kind(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just(kind), values)


def nested(depth: int) -> st.SearchStrategy[tuple[str, Any]]:
    """A type and a value of it: atoms, then tuples and both kinds of arrays of what is below."""
    atoms = st.sampled_from(sorted(ATOMS)).flatmap(lambda kind: of_kind(kind, ATOMS[kind]))
    if depth == 0:
        return atoms
    below = nested(depth - 1)
    tuples = st.lists(below, min_size=1, max_size=4).map(
        lambda parts: (f"({','.join(kind for kind, _ in parts)})", tuple(v for _, v in parts))
    )
    arrays = st.tuples(below, st.integers(0, 3)).map(lambda x: (f"{x[0][0]}[]", [x[0][1]] * x[1]))
    fixed = st.tuples(below, st.integers(1, 3)).map(
        lambda x: (f"{x[0][0]}[{x[1]}]", (x[0][1],) * x[1])
    )
    return st.one_of(atoms, tuples, arrays, fixed)
