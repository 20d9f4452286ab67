"""Which values of a contract's errors are amounts of tokens: Solidity has one type for all numbers.

Whoever describes a contract says so (`ContractKind.amounts`), so that people read them in MTC. An
error of bounds has the same values for fields of many kinds; it is described by error and field,
`OutOfBounds.fee`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FIELD = "field"  # the value that names a field, bytes32
BOUNDS = ("had", "least", "most")  # values of an error that has a field

_AMOUNTS: dict[str, frozenset[str]] = {}  # by the contracts that this process imported


def describe_amounts(amounts: Mapping[str, Iterable[str]]) -> None:
    """Say which values are amounts.

    Args:
        amounts: names of values, by error or by error and field.
    """
    for error, names in amounts.items():
        _AMOUNTS[error] = _AMOUNTS.get(error, frozenset()) | frozenset(names)


def find_amounts(error: str, values: Mapping[str, object]) -> frozenset[str]:
    """Names of those values of an error that are amounts of tokens."""
    field = values.get(FIELD)
    if isinstance(field, bytes):
        error = f"{error}.{field.rstrip(bytes(1)).decode('ascii', 'replace')}"
    return _AMOUNTS.get(error, frozenset())
