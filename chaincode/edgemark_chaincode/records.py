"""A typed view of the stub: records, which are dataclasses, in canonical JSON under keys.

A record names its format and version; it is read back only if its bytes are the one encoding of
what is read. Text, whole numbers of 0 .. 2^96 - 1, truth values, bytes (as hexadecimal), choices
(enums), records within records, tuples, mappings by text, and None where a field may have it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import AsyncIterator, Callable, Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.untrusted import canonical_json
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark_chaincode.shim.interface import KeyValue
from edgemark_chaincode.shim.limits import MAX_VALUE_BYTES

if TYPE_CHECKING:
    from edgemark_chaincode.shim.stub import ChaincodeStub

MAX_ITEMS = 10_000  # of a tuple or mapping, and rows of one listing
_RESERVED = ("format", "version")


class Record:
    """What a dataclass that is kept in the state derives from.

    Attributes:
        FORMAT: names the kind of record.
        VERSION: of its fields.
    """

    FORMAT: ClassVar[str]
    VERSION: ClassVar[int] = 1


Kept = TypeVar("Kept", bound=Record)


class RecordDamaged(Unrecoverable):
    """What stands under a key is no record of the kind that belongs there."""


class RecordMissing(RefusedInput):
    """Nothing stands under a key."""


class RecordExists(RefusedInput):
    """Something stands under a key that was to be new."""


class ReadAfterWrite(Unrecoverable):
    """A chaincode reads what it wrote in the same call, and would see what stood there before."""


def encode_record(record: Record) -> bytes:
    """The one encoding.

    Raises:
        RecordDamaged: a field has no value of its type.
    """
    facts = {**_encode(record), "format": record.FORMAT, "version": record.VERSION}
    try:
        raw = canonical_json.encode(facts)
    except TypeError as fault:
        who = f"record {record.FORMAT}"
        raise RecordDamaged("has a field that no record has", who=who, had=str(fault)) from fault
    decode_record(type(record), raw, record.FORMAT)
    return raw


def decode_record(kind: type[Kept], raw: bytes, key: str) -> Kept:
    """The record of these bytes.

    Args:
        kind: of the record.
        raw: its bytes.
        key: where they stand, for the error.

    Raises:
        RecordDamaged: they are not the one encoding of such a record.
    """
    try:
        facts = canonical_json.parse(raw, kind.FORMAT, kind.VERSION)
        for name in _RESERVED:
            del facts[name]
        record: Kept = _decode_fields(kind, facts)
        again = canonical_json.encode(
            {**_encode(record), "format": kind.FORMAT, "version": kind.VERSION}
        )
        if again != raw:
            raise NotThatFormat("bytes that are not the one encoding")
    except NotThatFormat as fault:
        raise RecordDamaged(
            "is damaged",
            who=f"record {key[:200]!r}",
            had=str(fault),
            needed=f"{kind.FORMAT}, version {kind.VERSION}",
        ) from fault
    return record


class Records:
    """Records of one call.

    Args:
        stub: of the call.
    """

    def __init__(self, stub: ChaincodeStub) -> None:
        self._stub = stub
        self._written: set[str] = set()

    async def find(self, key: str, kind: type[Kept]) -> Kept | None:
        """The record under a key; None when there is none.

        Raises:
            RecordDamaged: something else stands there.
            ReadAfterWrite: this call wrote it.
        """
        self._check_unwritten(key)
        raw = await self._stub.get_state(key)
        return decode_record(kind, raw, key) if raw else None

    async def read(self, key: str, kind: type[Kept]) -> Kept:
        """The record under a key.

        Raises:
            RecordMissing: there is none.
            RecordDamaged, ReadAfterWrite: see `find`.
        """
        found = await self.find(key, kind)
        if found is None:
            raise RecordMissing("is not there", who=f"{kind.FORMAT} {key[:200]!r}")
        return found

    async def put(self, key: str, record: Record) -> None:
        """Write a record, over what stood there."""
        raw = encode_record(record)
        self._written.add(key)
        await self._stub.put_state(key, raw)

    async def create(self, key: str, record: Record) -> None:
        """Write a record where none was.

        Raises:
            RecordExists: something stands there.
        """
        self._check_unwritten(key)
        if await self._stub.get_state(key):
            raise RecordExists("is there already", who=f"{record.FORMAT} {key[:200]!r}")
        await self.put(key, record)

    async def delete(self, key: str) -> None:
        """Delete what stands under a key."""
        self._written.add(key)
        await self._stub.delete_state(key)

    async def list_range(
        self, start: str, end: str, kind: type[Kept], most: int = MAX_ITEMS
    ) -> list[tuple[str, Kept]]:
        """Records under plain keys from `start` up to `end`, which is left out, in that order.

        Args:
            start: first key.
            end: behind the last.
            kind: of all of them.
            most: that are read.

        Raises:
            RefusedInput: there are more than `most`.
            RecordDamaged, ReadAfterWrite: see `find`.
        """
        async with await self._stub.get_state_by_range(start, end) as rows:
            return await self._collect(rows, kind, most)

    async def list_parts(
        self, object_type: str, attributes: list[str], kind: type[Kept], most: int = MAX_ITEMS
    ) -> list[tuple[str, Kept]]:
        """Records under composite keys that begin with these parts; see `list_range`."""
        found = await self._stub.get_state_by_partial_composite_key(object_type, attributes)
        async with found as rows:
            return await self._collect(rows, kind, most)

    async def _collect(
        self, rows: AsyncIterator[KeyValue], kind: type[Kept], most: int
    ) -> list[tuple[str, Kept]]:
        found: list[tuple[str, Kept]] = []
        async for row in rows:
            self._check_unwritten(row.key)
            if len(found) == most:
                raise RefusedInput("are too many", who=f"records {kind.FORMAT}", needed=most)
            found.append((row.key, decode_record(kind, row.value, row.key)))
        return found

    def _check_unwritten(self, key: str) -> None:
        if key in self._written:
            raise ReadAfterWrite("was written in this call", who=f"record {key[:200]!r}")


def _encode(value: Any) -> Any:
    match value:
        case Record():
            fields = dataclasses.fields(value)  # type: ignore[arg-type]  # a record is a dataclass
            return {field.name: _encode(getattr(value, field.name)) for field in fields}
        case Enum():
            return value.value
        case bytes():
            return value.hex()
        case tuple():
            return [_encode(item) for item in value]
        case Mapping():
            return {name: _encode(value[name]) for name in sorted(value)}
        case _:
            return value


@cache
def _types_of(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _decode_fields(kind: Any, facts: Any) -> Any:
    fields = _types_of(kind)
    if not isinstance(facts, dict) or sorted(facts) != sorted(fields):
        raise NotThatFormat("other fields")
    try:
        return kind(**{name: _decode(fields[name], facts[name]) for name in fields})
    except RefusedInput as fault:  # of a record that checks itself
        raise NotThatFormat("values that do not go together") from fault


def _decode(kind: Any, value: Any) -> Any:  # noqa: PLR0911 - one line a kind
    if hasattr(kind, "__supertype__"):  # NewType
        return _decode(kind.__supertype__, value)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _decode(inner[0], value)
    if origin is tuple:
        return tuple(
            _decode(inner[0], each) for each in canonical_json.items(value, most=MAX_ITEMS)
        )
    if origin is not None and issubclass(origin, Mapping):
        return _decode_mapping(inner[1], value)
    if isinstance(kind, type) and issubclass(kind, Record):
        return _decode_fields(kind, value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _decode_choice(kind, value)
    reader = _READERS.get(kind)
    if reader is None:
        raise TypeError(f"a record has no field of type {kind}")
    return reader(value)


def _decode_mapping(kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        raise NotThatFormat("no mapping, or too large a one")
    return {name: _decode(kind, value[name]) for name in sorted(value)}


def _decode_choice(kind: type[Enum], value: Any) -> Enum:
    is_value = isinstance(value, str | int) and not isinstance(value, bool)
    try:
        if is_value:
            return kind(value)
    except ValueError:
        pass
    raise NotThatFormat("no such choice")


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotThatFormat("truth value needed")
    return value


def _octets(value: Any) -> bytes:
    return canonical_json.octets(value, MAX_VALUE_BYTES)


_READERS: dict[Any, Callable[[Any], Any]] = {
    str: canonical_json.text,
    int: canonical_json.number,
    bool: _truth,
    bytes: _octets,
}
