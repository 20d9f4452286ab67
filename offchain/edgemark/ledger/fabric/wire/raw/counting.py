"""Counts the parts of a message in its bytes, before any of them is made an object.

A part takes two bytes on the wire and a hundred in memory: whoever asks a parsed message how many
there are has them all by then, and has waited for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_TRANSIENT,
)

WHO, TOO_MANY = "message", "holds too many parts"
FEWER = "Put several into one, as JSON, or make several calls."
SMALLER = "Send it in parts, by several calls; or keep it elsewhere, and send its digest."
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # wire types
_MAX_VARINT = 10  # bytes
LEAST_PART = 2  # bytes: a tag and a length
MAX_FIELDS = 10 * MAX_KEYS_OF_TRANSACTION  # of a read-write set, at all levels together
MAX_OTHER_FIELDS = 64  # beside those that are counted
MAX_READ_PARTS = 1_000  # actions, or endorsements, of a transaction that is read
# Where the parts stand that are counted: numbers of fields, from the whole message down.
_SETS, _SET = 2, 2  # `TxReadWriteSet.ns_rwset`, `NsReadWriteSet.rwset`
_READS, _RANGES, _WRITES, _METADATA = 1, 2, 3, 4  # of `KVRWSet`
_RAW_READS, _ROWS = 4, 1  # `RangeQueryInfo.raw_reads`, `QueryReads.kv_reads`
_CALL = (1, 1, 3)  # `ChaincodeProposalPayload.input`, `chaincode_spec`, its `input`
_ARGUMENTS = 1  # `ChaincodeInput.args`
_ENDORSED, _ENDORSEMENTS = 2, 2  # `ChaincodeActionPayload.action`, its `endorsements`


class TooManyParts(MessageMalformed):
    """A message holds more parts than are looked at."""


def check_fields(raw: bytes, most: int, who: str = WHO) -> None:
    """Check that a message has few fields, not counting those within them.

    Args:
        raw: of the message.
        most: of its fields.
        who: whose it is, for the error.

    Raises:
        TooManyParts: it has more.
        MessageMalformed: it is none.
    """
    if len(raw) > LEAST_PART * most:
        budget = _Budget(most, who)
        for _ in _fields(raw, 0, len(raw), budget):
            pass


def check_results(raw: bytes) -> None:
    """Check that a read-write set touches no more keys, and reads no more ranges, than it may.

    Args:
        raw: `TxReadWriteSet`.

    Raises:
        TooManyParts: it has more than MAX_KEYS_OF_TRANSACTION reads, writes and rows together, or
            ranges, or namespaces.
        MessageMalformed: it is none.
    """
    if len(raw) <= LEAST_PART * MAX_KEYS_OF_TRANSACTION:
        return
    who = "read-write set"
    budget, most = _Budget(MAX_FIELDS, who), MAX_KEYS_OF_TRANSACTION
    sets, keys, ranges = (
        _Budget(most, who, f"holds too many {what}") for what in ("namespaces", "keys", "ranges")
    )
    for number, begin, end in _fields(raw, 0, len(raw), budget):
        if number != _SETS:
            continue
        sets.take()
        for field, first, last in _fields(raw, begin, end, budget):
            if field == _SET:
                _count_set(raw, (first, last), budget, keys, ranges)
            elif field > _SET:
                keys.take()  # of collections of private data


def _count_set(
    raw: bytes, place: tuple[int, int], budget: _Budget, keys: _Budget, ranges: _Budget
) -> None:
    for number, begin, end in _fields(raw, *place, budget):
        if number != _RANGES:
            keys.take()
            continue
        ranges.take()
        for field, first, last in _fields(raw, begin, end, budget):
            if field == _RAW_READS:
                for _ in _fields(raw, first, last, budget):
                    keys.take()


def check_call(raw: bytes, who: str = WHO) -> None:
    """Check that a call has no more arguments than it may.

    Args:
        raw: `ChaincodeProposalPayload`, with transient data or without.
        who: whose it is, for the error.

    Raises:
        TooManyParts: it has more than MAX_ARGUMENTS, or they more than MAX_ARGUMENTS_BYTES.
        MessageMalformed: it is none.
    """
    budget = _Budget(MAX_ARGUMENTS + MAX_TRANSIENT + MAX_OTHER_FIELDS, who)
    many, size = _Budget(MAX_ARGUMENTS, who, "number of arguments is wrong", FEWER), 0
    places = [(0, len(raw))]
    for wanted in _CALL:
        places = [
            (begin, end)
            for place in places
            for number, begin, end in _fields(raw, *place, budget)
            if number == wanted
        ]
    for place in places:
        for number, begin, end in _fields(raw, *place, budget):
            if number == _ARGUMENTS:
                many.take()
                size += end - begin
    if size > MAX_ARGUMENTS_BYTES:
        needed = f"<= {MAX_ARGUMENTS_BYTES} bytes"
        raise TooManyParts(
            "size of the arguments is wrong",
            who=who,
            had=f"{size} bytes",
            needed=needed,
            remedy=SMALLER,
        )


def check_endorsed(raw: bytes, most: int) -> None:
    """Check that what was endorsed has no more endorsements than are looked at.

    Args:
        raw: `ChaincodeActionPayload`.
        most: of its endorsements.

    Raises:
        TooManyParts: it has more.
        MessageMalformed: it is none.
    """
    budget, many = _Budget(most + MAX_OTHER_FIELDS, "transaction"), _Budget(most, "transaction")
    for number, begin, end in _fields(raw, 0, len(raw), budget):
        if number == _ENDORSED:
            for field, _, _ in _fields(raw, begin, end, budget):
                if field == _ENDORSEMENTS:
                    many.take()


class _Budget:
    """How many more there may be."""

    def __init__(self, most: int, who: str, what: str = TOO_MANY, remedy: str = "") -> None:
        self.left = self._most = most
        self.who, self._what, self._remedy = who, what, remedy

    def take(self) -> None:
        """One more.

        Raises:
            TooManyParts: there are too many.
        """
        self.left -= 1
        if self.left < 0:
            needed = f"<= {self._most}"
            raise TooManyParts(self._what, who=self.who, needed=needed, remedy=self._remedy)


def _fields(raw: bytes, begin: int, end: int, budget: _Budget) -> Iterator[tuple[int, int, int]]:
    """Of each field between two places: its number, and where what it holds begins and ends.

    What has no length holds nothing here. Groups are none: no message of the protocol has any.
    """
    at = begin
    try:
        while at < end:
            budget.take()
            tag, at = _varint(raw, at)
            kind = tag & 7
            first = at
            if kind == _LENGTH:
                size, first = _varint(raw, at)
                at = first + size
            elif kind == _VARINT:
                _, at = _varint(raw, at)
            elif kind in (_FIXED64, _FIXED32):
                at += 8 if kind == _FIXED64 else 4
            else:
                raise _malformed(budget.who, f"wire type {kind}")
            if at > end or not tag >> 3:
                raise _malformed(budget.who, "a field behind its end")
            yield tag >> 3, first, at
    except IndexError as error:
        raise _malformed(budget.who, "a number behind its end") from error


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends; also one in more bytes than it needs, as all readers take it."""
    byte = raw[at]
    if byte < 0x80:
        return byte, at + 1
    value = 0
    for place in range(_MAX_VARINT):
        byte = raw[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise IndexError(at)


def _malformed(who: str, had: str) -> MessageMalformed:
    return MessageMalformed("is no message of the protocol", who=who, had=had)
