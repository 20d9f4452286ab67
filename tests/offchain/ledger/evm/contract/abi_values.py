"""Values of Solidity types for properties, and the bytes that a chain would hold for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from hypothesis import strategies as st

from edgemark.identifiers import Hash32, parse_address
from edgemark.ledger.evm.reading.blocks import RawLog

Part = Mapping[str, Any]
HERE = parse_address("0x" + "44" * 20)  # where `log_of` puts its logs


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


def types_of(parts: Sequence[Part]) -> list[str]:
    """Solidity types of parameters, structs as tuples."""
    return [collapse_if_tuple(dict(part)) for part in parts]


def signature(entry: Part) -> bytes:
    """Hash of `name(types)`: topic of an event; its first four bytes select a function or error."""
    return keccak(text=f"{entry['name']}({','.join(types_of(entry['inputs']))})")


def is_same(decoded: Any, given_value: Any) -> bool:
    """Equal, where a named tuple equals the plain one."""
    if isinstance(given_value, tuple):
        return len(decoded) == len(given_value) and all(map(is_same, decoded, given_value))
    return bool(decoded == given_value)


def log_of(entry: Part, values: tuple[Any, ...]) -> RawLog:
    """The log that the chain would hold for an event with these values."""
    topics, plain_types, plain_values = [signature(entry)], [], []
    for part, value in zip(entry["inputs"], values, strict=True):
        if part["indexed"]:
            topics.append(encode([collapse_if_tuple(dict(part))], [value]))
        else:
            plain_types.append(collapse_if_tuple(dict(part)))
            plain_values.append(value)
    return RawLog(
        address=HERE,
        topics=tuple(Hash32(topic) for topic in topics),
        data=encode(plain_types, plain_values),
        block_number=7,
        block_hash=Hash32(b"\x07" * 32),
        tx_hash=Hash32(b"\x08" * 32),
        log_index=3,
    )
