"""Values of a channel as JSON, and back, by the types of their fields: stories, requests. Pure.

| a value of type              | is written as                    | bound           |
|------------------------------|----------------------------------|-----------------|
| `Address`                    | text, with its checksum          |                 |
| a hash, or an id that is one | 64 hexadecimal digits            | 32 bytes        |
| `bytes`                      | hexadecimal digits               | 65: a signature |
| `int` and what is one        | a number                         | < 2^256         |
| an enumeration               | its name in small letters        |                 |
| `str`                        | text                             | 128 characters  |
| a tuple                      | a list                           | `MAX_ITEMS`     |
| a dataclass                  | an object, a part for each field |                 |
| one of several of these      | the same, `did` says which       |                 |
| one of them or None          | as it is, or null                |                 |

What was read is what was written once its file is found to be canonical (`canonical_file`): here a
part that is missing, left over, of another type or beyond its bound is refused.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from typing import Any

from edgemark.identifiers import Address, parse_address
from edgemark.untrusted.canonical_json import NotThatFormat, items, octets, text

HASH_BYTES, SIGNATURE_BYTES, MAX_CHARS = 32, 65, 128
MAX_ITEMS = 2**16
MAX_NUMBER = 2**256  # the nonce of terms is as large
DID = "did"  # which of several kinds of deed it is


def facts_of(hint: Any, value: Any) -> Any:  # noqa: PLR0911 - a line each
    """A value as JSON has it.

    Args:
        hint: its type.
        value: of that type.
    """
    kinds = _kinds_of(hint)
    if kinds is not None:
        if value is None:
            return None
        is_told = len(kinds) > 1
        told = {DID: _name_of(type(value))} if is_told else {}
        found = facts_of(type(value) if is_told else kinds[0], value)
        return {**told, **found} if is_told else found
    each = _item_of(hint)
    if each is not None:
        return [facts_of(each, item) for item in value]
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, bytes):
        return value.hex()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: facts_of(part, getattr(value, name)) for name, part in _parts_of(type(value))}
    return value


def value_of(hint: Any, facts: Any) -> Any:
    """The value of some facts.

    Raises:
        NotThatFormat, RefusedInput: they are none of this type.
    """
    return _reader_of(hint)(facts)


@cache
def _reader_of(hint: Any) -> Callable[[Any], Any]:  # noqa: PLR0911 - a line each
    """What reads values of a type: found out once, as calls bring the same few all day."""
    if hint is Address:
        return _account_of
    if _base_of(hint) is bytes:
        is_plain = hint is bytes
        most = SIGNATURE_BYTES if is_plain else HASH_BYTES
        return lambda facts: octets(facts, most, exactly=not is_plain)
    if _base_of(hint) is int:
        return _number_of
    if hint is str:
        return _words_of
    kinds = _kinds_of(hint)
    if kinds is not None:
        may_lack = types.NoneType in typing.get_args(hint)
        return lambda facts: None if facts is None and may_lack else _one_of(kinds, facts)
    each = _item_of(hint)
    if each is not None:
        read = _reader_of(each)
        return lambda facts: tuple(map(read, items(facts, most=MAX_ITEMS)))
    if issubclass(hint, Enum):
        return partial(_member_of, hint)
    return partial(_object_of, hint)


def _account_of(facts: Any) -> Address:
    account = parse_address(text(facts), who="account")
    if account != facts:
        raise NotThatFormat("an account without its checksum")
    return account


def _number_of(facts: Any) -> int:
    if type(facts) is not int or not 0 <= facts < MAX_NUMBER:
        raise NotThatFormat("number of 0..2^256-1 needed")
    return facts


def _words_of(facts: Any) -> str:
    if len(text(facts)) > MAX_CHARS:
        raise NotThatFormat(f"text of at most {MAX_CHARS} characters needed")
    return text(facts)


def _member_of(hint: type[Enum], facts: Any) -> Enum:
    found = hint.__members__.get(text(facts).upper())
    if found is None or found.name.lower() != facts:
        raise NotThatFormat(f"name of a {hint.__name__} needed")
    return found


def _object_of(hint: Any, facts: Any) -> Any:
    readers = _readers_of(hint)
    if not isinstance(facts, dict) or facts.keys() != readers.keys():
        names = ", ".join(sorted(readers))
        raise NotThatFormat(f"parts of a {hint.__name__} needed: {names}"[:200])
    return hint(**{name: readers[name](part) for name, part in facts.items()})


def _one_of(kinds: tuple[Any, ...], facts: Any) -> Any:
    if len(kinds) == 1:
        return value_of(kinds[0], facts)
    named = {_name_of(kind): kind for kind in kinds}
    if not isinstance(facts, dict) or facts.get(DID) not in named:
        raise NotThatFormat(f"{DID} needed: one of {', '.join(sorted(named))}")
    rest = {name: part for name, part in facts.items() if name != DID}
    return _object_of(named[facts[DID]], rest)


def _base_of(hint: Any) -> Any:
    """What an id or an amount is: twice, as an id is a kind of hash that is a kind of bytes."""
    for _ in range(2):
        hint = getattr(hint, "__supertype__", hint)
    return hint


@cache
def _kinds_of(hint: Any) -> tuple[Any, ...] | None:
    """The kinds of a union, without None; None of anything else."""
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return None
    return tuple(kind for kind in typing.get_args(hint) if kind is not types.NoneType)


@cache
def _item_of(hint: Any) -> Any:
    """What a tuple is of; None of anything else."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None


def _name_of(kind: type) -> str:
    return kind.__name__.lower()


@cache
def _parts_of(kind: type) -> tuple[tuple[str, Any], ...]:
    """Fields and their types, in order."""
    hints = typing.get_type_hints(kind)
    return tuple((each.name, hints[each.name]) for each in fields(kind))


@cache
def _readers_of(kind: type) -> dict[str, Callable[[Any], Any]]:
    return {name: _reader_of(part) for name, part in typing.get_type_hints(kind).items()}
