"""Forgeries that hold more than any endorser of ours gives, endorsed by all whose keys it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.offchain.ledger.embedded.consortium import Draft, puts
from tests.offchain.ledger.embedded.validation import forging
from tests.offchain.ledger.embedded.validation.forgeries import Forgery, forged, reading

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import (
    MAX_ARGUMENTS,
    MAX_ARGUMENTS_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS_OF_TRANSACTION,
    MAX_VALUE_BYTES,
)
from edgemark.ledger.fabric.wire.raw.counting import MAX_OTHER_FIELDS
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read, Version

MANY = MAX_KEYS_OF_TRANSACTION + 1
MANY_READS = tuple(Read(f"x{each}", None) for each in range(MANY))
MANY_ARGUMENTS = (b"a",) * (MAX_ARGUMENTS + 1)
LONG_ARGUMENT = (b"a" * (MAX_ARGUMENTS_BYTES + 1),)
LONG = "k" * (MAX_KEY_BYTES + 1)
_ONE: Mapping[str, bytes] = {"k": b"v"}


def of(writes: Mapping[str, bytes] = _ONE, **more: Any) -> Callable[[Channel], list[list[bytes]]]:
    return lambda _: [[Draft([puts(writes, **more)]).envelope()]]


def too_many_rows(channel: Channel) -> list[list[bytes]]:
    """As many as there may be, and a write beside them."""
    names = [f"x{each:05}" for each in range(MANY - 1)]
    rows = tuple(Read(each, Version(channel.height, 0)) for each in names)
    first = Draft([puts(dict.fromkeys(names, b"v"))]).envelope()
    return [[first], [reading(ranges=(RangeRead("", "", True, rows),)).envelope()]]


_FAILS = Code.ENDORSEMENT_POLICY_FAILURE
_NO = Code.ILLEGAL_WRITESET
_WRONG = Code.INVALID_ENDORSER_TRANSACTION
LARGE_FORGERIES = (
    Forgery("too many reads", _NO, of(reads=MANY_READS), "counts"),
    Forgery("too many rows", _NO, too_many_rows, "counts"),
    Forgery("too many ranges", _NO, of(ranges=(RangeRead("a", "b", True, ()),) * MANY), "counts"),
    Forgery("too many writes", _NO, of(dict.fromkeys(map(str, range(MANY)), b"v")), "counts"),
    Forgery("too many namespaces", _NO, forged(forging.many_namespaces), "counts"),
    Forgery("read of a long key", _NO, of(reads=(Read(LONG, None),)), "supported"),
    Forgery("range of a long key", _NO, of(ranges=(RangeRead("a", LONG, True, ()),)), "supported"),
    Forgery("write of a long key", Code.INVALID_WRITESET, of({LONG: b"v"}), "written"),
    Forgery("write of no key", Code.INVALID_WRITESET, of({"": b"v"}), "written"),
    Forgery(
        "write of a long value",
        Code.INVALID_WRITESET,
        of({"k": b"v" * (MAX_VALUE_BYTES + 1)}),
        "written",
    ),
    Forgery("long event", Code.INVALID_OTHER_REASON, forged(forging.long_event), "event"),
    Forgery("too many arguments", _WRONG, forged(forging.asking(MANY_ARGUMENTS)), "asked"),
    Forgery("long arguments", _WRONG, forged(forging.asking(LONG_ARGUMENT)), "asked"),
    Forgery("too many endorsements", _FAILS, forged(forging.many_endorsements), "endorsements"),
    Forgery("too many actions", _WRONG, forged(forging.set_actions(MAX_OTHER_FIELDS + 1))),
)
