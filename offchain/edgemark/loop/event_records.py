"""Events as journal records: a type name and its fields, nothing else.

The journal is this process's own file, so its format may be plain: a line with one JSON object,
then all byte strings as they are. In the line amounts and elements of the field are decimal strings
of any size; of a byte string it has the length, a number, and the bytes stand behind it, in the
order of the fields. Reading it back checks every type, so that a journal of another version is
refused and not half understood. A state that tells a matter of months stands there like an event.

Records of versions before this one have byte strings of at most `HEX_BYTES` in the line, in
hexadecimal, and are read.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any

from edgemark.errors import Unrecoverable

_LINE = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # one for all records
HEX_BYTES = 256  # hashes, keys and signatures of the versions before; shares never were doubled


class JournalForeign(Unrecoverable):
    """A record that this version did not write."""


class EventRecords:
    """Records of the events of one protocol.

    Args:
        kinds: the types of its events: dataclasses of integers, bytes, texts, enumerations, tuples
            and sets of one type, and such dataclasses again; any of them or None.
        times: the enumeration of its times, where states are among them.
    """

    def __init__(self, kinds: Iterable[type], times: type[Enum] | None = None) -> None:
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._times = times

    @classmethod
    def of(
        cls, *events: ModuleType, states: Iterable[type] = (), times: type[Enum] | None = None
    ) -> EventRecords:
        """Records of every dataclass that these modules define, and of these states."""
        kinds = [
            value
            for module in events
            for value in vars(module).values()
            if isinstance(value, type)
            and is_dataclass(value)
            and value.__module__ == module.__name__
        ]
        return cls((*kinds, *states), times)

    @staticmethod
    def encode(event: object) -> bytes:
        """Canonical bytes of an event."""
        behind: list[bytes] = []
        record = {"event": type(event).__name__, **_plain_fields(event, behind)}
        return b"".join((_LINE.encode(record).encode(), b"\n", *behind))

    def decode(self, raw: bytes) -> object:
        """The event that `encode` wrote.

        Raises:
            JournalForeign: not written by this version.
        """
        try:
            end = raw.index(b"\n") + 1
            record = json.loads(raw[:end])
            kind = self._kinds[record.pop("event")]
            behind = _Behind(raw, end, self._times)
            event = _typed(kind, record, behind)
            behind.finish()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise JournalForeign(
                "record cannot be read",
                who="journal",
                had=type(error).__name__,
                remedy="Start this home folder with the version that wrote it.",
            ) from error
        return event


class _Behind:
    """What stands behind the line, taken from left to right.

    Attributes:
        times: what an enumeration is that a field does not name.
    """

    def __init__(self, raw: bytes, start: int, times: type[Enum] | None = None) -> None:
        self.times = times
        self._raw = raw
        self._at = start

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        if not 0 <= length <= len(self._raw) - self._at:
            raise ValueError("length")
        self._at += length
        return self._raw[self._at - length : self._at]

    def finish(self) -> None:
        """Refuse whatever is left over."""
        if self._at != len(self._raw):
            raise ValueError("trailing bytes")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _plain_fields(value: Any, behind: list[bytes]) -> dict[str, object]:
    kind: Any = type(value)
    return {name: _plain(getattr(value, name), behind) for name in _names(kind)}


def _plain(value: object, behind: list[bytes]) -> object:  # noqa: PLR0911 - one line a kind
    if type(value) is int:  # most are one of these
        return str(value)
    if type(value) is bytes:
        behind.append(value)
        return len(value)
    match value:
        case None | bool() | str():
            return value
        case bytes():
            behind.append(value)
            return len(value)
        case Enum():
            return value.name
        case int():
            return str(value)
        case tuple():
            return [_plain(item, behind) for item in value]
        case frozenset():
            return sorted((_plain(item, behind) for item in value), key=json.dumps)
        case _:
            return _plain_fields(value, behind)


def _typed(hint: Any, value: Any, behind: _Behind) -> Any:  # noqa: C901, PLR0911 - a line a kind
    # Twice: an id is a NewType of a hash, which is a NewType itself.
    hint = getattr(hint, "__supertype__", hint)
    hint = getattr(hint, "__supertype__", hint)
    if isinstance(hint, types.UnionType):
        (inner,) = (kind for kind in typing.get_args(hint) if kind is not types.NoneType)
        return None if value is None else _typed(inner, value, behind)
    if (origin := typing.get_origin(hint)) in (tuple, frozenset):
        if not isinstance(value, list):
            raise TypeError("list")
        kinds = typing.get_args(hint)
        return origin(_typed(kinds[0], item, behind) for item in value)
    if hint is bytes:
        return behind.take(value) if type(value) is int else _bytes_from_hex(value)
    if hint is bool or hint is str:
        if not isinstance(value, hint):
            raise TypeError(hint.__name__)
        return value
    if hint is Enum:
        hint = behind.times
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint[value]
    if hint is int:
        return _int_from_text(value)
    names = _hints(hint)
    if set(names) != set(value):
        raise KeyError(hint.__name__)
    return hint(**{name: _typed(names[name], value[name], behind) for name in _names(hint)})


def _bytes_from_hex(value: Any) -> bytes:
    raw = bytes.fromhex(value)
    if raw.hex() != value or len(raw) > HEX_BYTES:
        raise ValueError("hexadecimal")
    return raw


def _int_from_text(value: Any) -> int:
    if not isinstance(value, str) or str(int(value)) != value:
        raise ValueError("decimal")
    return int(value)
