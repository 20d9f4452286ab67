"""The ABI encoder against eth-abi, an independent one, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode as encode_with_eth_abi
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.abi import encode
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address

HERE = parse_address("0x" + "44" * 20)
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


@given(parts=st.lists(nested(3), max_size=4))
def test_encode__equals_eth_abi(parts: list[tuple[str, Any]]) -> None:
    kinds, values = [kind for kind, _ in parts], [value for _, value in parts]
    assert encode(kinds, values) == encode_with_eth_abi(kinds, values)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint256", "1"),
        ("bool", 1),
        ("bytes32", bytes(31)),
        ("bytes32", "00" * 32),
        ("address", HERE[:-1]),
        ("address", bytes(20)),
        ("bytes", "text"),
        ("string", b"text"),
        ("uint8[]", 5),
        ("uint8[]", {1: 2}),
        ("uint8[2]", [1]),
        ("(uint8,bool)", (1,)),
        ("(uint8,bool)", (True, 1)),
        ("int8", 1),
        ("uint8]", 1),
        ("", b""),
    ],
)
def test_encode__what_does_not_fit__is_refused(kind: str, value: object) -> None:
    with pytest.raises(RefusedInput):
        encode([kind], [value])


@pytest.mark.parametrize("values", [[], [1, 2]])
def test_encode__another_number_of_values__is_refused(values: list[int]) -> None:
    with pytest.raises(RefusedInput):
        encode(["uint8"], values)
