"""The journal's own format: every event comes back, and nothing foreign is half understood."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.strategies import EVENTS, values_of

from edgemark.errors import Unrecoverable
from edgemark.identifiers import ShareIndex
from edgemark.loop.event_records import HEX_BYTES, JournalForeign
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import LIFE
from edgemark.systems.outsourcing.protocol.machine import RECORDS

FEW = settings(max_examples=max(12, settings().max_examples // 4))  # of each kind
EACH = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)


def record_of(**parts: Any) -> bytes:
    """A record as it would stand in a journal."""
    return json.dumps(parts).encode() + b"\n"


def line_of(record: bytes) -> dict[str, Any]:
    """What a record says in words; all byte strings stand behind it."""
    said: dict[str, Any] = json.loads(record[: record.index(b"\n")])
    return said


def with_line(record: bytes, line: dict[str, Any]) -> bytes:
    """The same byte strings behind other words."""
    return json.dumps(line).encode() + record[record.index(b"\n") :]


@EACH
@FEW
@given(data=st.data())
def test_decode__of_every_event__gives_the_same_event(kind: Any, data: Any) -> None:
    event = data.draw(values_of(kind))
    decoded = RECORDS.decode(RECORDS.encode(event))
    assert decoded == event
    assert type(decoded) is kind


@EACH
@FEW
@given(data=st.data())
def test_decode__with_a_field_missing_or_more__is_foreign(kind: Any, data: Any) -> None:
    raw = RECORDS.encode(data.draw(values_of(kind)))
    line = line_of(raw)
    fields = sorted(set(line) - {"event"})
    if fields:
        left = {name: value for name, value in line.items() if name != fields[0]}
        with pytest.raises(JournalForeign):
            RECORDS.decode(with_line(raw, left))
    with pytest.raises(JournalForeign):
        RECORDS.decode(with_line(raw, {**line, "more": "1"}))


def test_every_move__is_by_an_event_that_can_be_journaled() -> None:
    assert {kind for _, kind, _ in LIFE if isinstance(kind, type)} <= set(EVENTS)


@given(raw=st.binary(max_size=200))
def test_decode__of_random_bytes__is_foreign(raw: bytes) -> None:
    with pytest.raises(JournalForeign):
        RECORDS.decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null\n",
        b"[]\n",
        b'"SawPosted"\n',
        b"{}\n",
        b'{"event":"SawPosted"}',
        record_of(event="SawPosted") + b"more",
        b"\xff\xfe",
        b"[" * 100_000 + b"\n",
        record_of(event="SawSomethingElse"),
        record_of(event=None),
        record_of(event=["SawPosted"]),
        record_of(event="SawPosted", now="1"),
        record_of(event="SawStarted", started_at=1),
        record_of(event="SawStarted", started_at="1.0"),
        record_of(event="SawStarted", started_at=" 1"),
        record_of(event="SawStarted", started_at="0x1"),
        record_of(event="SawStarted", started_at=True),
        record_of(event="SawStarted", started_at="9" * 10_000),
        record_of(event="FoundPostingRefused", reason=1),
        record_of(event="FoundVerdict", finding="PERHAPS"),
        record_of(event="FoundVerdict", finding=1),
        record_of(event="FoundResultValid", result="0g", liars=[], silent=[]),
        record_of(event="FoundResultValid", result="AA", liars=[], silent=[]),
        record_of(event="FoundResultValid", result="a a", liars=[], silent=[]),
        record_of(event="FoundResultValid", result="aa" * 257, liars=[], silent=[]),
        record_of(event="FoundResultValid", result=1, liars=[], silent=[]),
        record_of(event="FoundResultValid", result=0, liars=[], silent=[]) + b"a",
        record_of(event="FoundResultValid", result="aa", liars=[], silent=[]) + b"a",
        record_of(event="FoundResultValid", result=257, liars=[], silent=[]) + bytes(256),
        record_of(event="FoundResultValid", result=257, liars=[], silent=[]) + bytes(258),
        record_of(event="FoundResultValid", result=-257, liars=[], silent=[]) + bytes(257),
        record_of(event="FoundResultValid", result=257.0, liars=[], silent=[]) + bytes(257),
        record_of(event="FoundResultValid", result=True, liars=[], silent=[]) + bytes(1),
        record_of(event="FoundResultValid", result="aa", liars="12", silent=[]),
        record_of(event="FoundResultValid", result="aa", liars=[1], silent=[]),
        record_of(event="FoundResultValid", result="aa", liars={"1": "2"}, silent=[]),
        record_of(event="HeardTask", task={"job": "aa"}),
        record_of(event="HeardTask", task="aa"),
    ],
    ids=lambda raw: repr(raw[:60]),
)
def test_decode__of_a_foreign_record__is_refused(raw: bytes) -> None:
    with pytest.raises(JournalForeign):
        RECORDS.decode(raw)


def test_foreign_record__is_unrecoverable_and_tells_no_secret() -> None:
    order = cast.small_order()
    record = RECORDS.encode(on.AskedSubmit(order))
    line = line_of(record)
    line["order"]["alpha"] = f"{order.alpha}x"
    with pytest.raises(Unrecoverable) as caught:
        RECORDS.decode(with_line(record, line))
    assert str(order.alpha) not in str(caught.value)
    assert caught.value.remedy


def test_encode__of_an_order__keeps_every_secret_for_the_restart() -> None:
    event = on.AskedSubmit(cast.small_order())
    assert RECORDS.decode(RECORDS.encode(event)) == event


@given(lengths=st.lists(st.sampled_from([0, 1, 32, 65, 300]), min_size=3, max_size=3))
def test_encode__of_byte_strings_of_any_length__keeps_them_as_they_are(lengths: list[int]) -> None:
    share, outputs, salt = (bytes([65 + n]) * length for n, length in enumerate(lengths))
    order = cast.small_order()
    task = replace(order.tasks[0], share=share)
    answer = replace(cast.right_answer(order, 1), outputs=outputs, salt=salt)
    event = on.HeardEvidence(order.terms, task, answer)
    raw = RECORDS.encode(event)
    assert RECORDS.decode(raw) == event
    line, behind = raw[: raw.index(b"\n")], raw[raw.index(b"\n") + 1 :]
    assert share in behind
    assert outputs + salt in behind
    assert answer.signature in behind
    assert answer.signature.hex().encode() not in line


def in_hexadecimal(event: Any) -> bytes:
    """A record as the versions before wrote it: short byte strings in the line."""
    long: list[bytes] = []

    def plain(value: Any) -> Any:  # noqa: PLR0911 - one line a kind of value
        match value:
            case None | bool() | str():
                return value
            case bytes() if len(value) <= HEX_BYTES:
                return value.hex()
            case bytes():
                long.append(value)
                return len(value)
            case Enum():
                return value.name
            case int():
                return str(value)
            case tuple():
                return [plain(each) for each in value]
            case _:
                return {each.name: plain(getattr(value, each.name)) for each in fields(value)}

    line = json.dumps({"event": type(event).__name__, **plain(event)}, sort_keys=True)
    return b"".join((line.encode(), b"\n", *long))


@EACH
@FEW
@given(data=st.data())
def test_decode__of_a_record_with_hexadecimal__gives_the_same_event(kind: Any, data: Any) -> None:
    event = data.draw(values_of(kind))
    assert RECORDS.decode(in_hexadecimal(event)) == event


def test_record__of_an_order__is_shorter_without_hexadecimal() -> None:
    event = on.AskedSubmit(cast.small_order())
    assert len(RECORDS.encode(event)) < len(in_hexadecimal(event))


@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_decode__of_a_record_with_another_byte_or_cut__is_an_event_or_foreign(
    at: int, byte: int, cut: bool
) -> None:
    order = cast.small_order()
    answer = replace(cast.right_answer(order, 1), outputs=bytes(range(256)) * 2)
    raw = RECORDS.encode(on.HeardEvidence(order.terms, order.tasks[0], answer))
    at %= len(raw)
    damaged = raw[:at] if cut else raw[:at] + bytes([byte]) + raw[at + 1 :]
    try:
        event = RECORDS.decode(damaged)
    except JournalForeign:
        return
    assert RECORDS.encode(event) == damaged or at < raw.index(b"\n")


def test_encode__of_equal_events__is_equal() -> None:
    first = on.HeardTaskTaken(ShareIndex(3))
    assert RECORDS.encode(first) == RECORDS.encode(on.HeardTaskTaken(ShareIndex(3)))
    assert RECORDS.encode(first) != RECORDS.encode(on.HeardTaskTaken(ShareIndex(4)))
