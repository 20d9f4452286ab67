"""What a contract says, in words: Solidity has one type for all numbers, people read MTC.

Whoever describes a contract says which values of its errors, and of what it answers for good, are
amounts of tokens (`ContractKind.amounts`). An error of bounds has the same values for fields of
many kinds; it is described by error and field, `OutOfBounds.fee`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgemark.amounts import Amount

FIELD = "field"  # the value that names a field, bytes32
BOUNDS = ("had", "least", "most")  # values of an error that has a field

_AMOUNTS: dict[str, frozenset[str]] = {}  # by the contracts that this process imported


def describe_amounts(amounts: Mapping[str, Iterable[str]]) -> None:
    """Say which values are amounts.

    Args:
        amounts: names of values, by error, by error and field, or by function.
    """
    for what, names in amounts.items():
        _AMOUNTS[what] = _AMOUNTS.get(what, frozenset()) | frozenset(names)


def find_amounts(what: str, values: Mapping[str, object]) -> frozenset[str]:
    """Names of those values of an error, or of a function's answer, that are amounts of tokens."""
    field = values.get(FIELD)
    if isinstance(field, bytes):
        what = f"{what}.{field.rstrip(bytes(1)).decode('ascii', 'replace')}"
    return _AMOUNTS.get(what, frozenset())


def tell_values(what: str, values: Mapping[str, object]) -> str:
    """The values of an error by name, `had 0 MTC, needed 1 MTC`."""
    amounts = find_amounts(what, values)
    return ", ".join(
        f"{name} {_shown(value, is_amount=name in amounts)}" for name, value in values.items()
    )


def tell_answer(function: str, answer: object, names: tuple[str, ...]) -> str:
    """What a function answers, or should.

    Args:
        function: of the contract.
        answer: decoded, or of the same form.
        names: of its parts when it is a struct; else none.
    """
    if names and isinstance(answer, tuple):
        return tell_values(function, dict(zip(names, answer, strict=False)))
    return _shown(answer, is_amount=function in _AMOUNTS)


def _shown(value: object, *, is_amount: bool) -> str:
    if is_amount and isinstance(value, int):
        return str(Amount(value))
    if isinstance(value, tuple):
        return ", ".join(_shown(each, is_amount=is_amount) for each in value)
    if not isinstance(value, bytes):
        return str(value)
    text = value.rstrip(b"\0")  # our errors name a field in bytes32
    is_text = len(value) == 32 and text.isascii() and text.decode().isprintable() and bool(text)
    return text.decode() if is_text else value.hex()
