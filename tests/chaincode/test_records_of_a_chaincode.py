"""Records: one encoding each, read back as they were, and refused when they are anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chaincode.scripted_peer import peer_of

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark_chaincode.records import (
    ReadAfterWrite,
    Record,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    Records,
    decode_record,
    encode_record,
)
from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub


class Phase(StrEnum):
    OPEN = "open"
    DONE = "done"


class Level(Enum):
    LOW = 1


@dataclass(frozen=True)
class Line(Record):
    FORMAT: ClassVar[str] = "line"
    text: str
    amount: int


@dataclass(frozen=True)
class Order(Record):
    FORMAT: ClassVar[str] = "order"
    VERSION: ClassVar[int] = 3

    phase: Phase
    level: Level
    digest: Hash32
    lines: tuple[Line, ...]
    marks: Mapping[str, int]
    is_paid: bool
    note: str | None = None


@dataclass(frozen=True)
class Positive(Record):
    FORMAT: ClassVar[str] = "positive"
    amount: int

    def __post_init__(self) -> None:
        if self.amount == 0:
            raise RefusedInput("is zero")


ORDER = Order(
    phase=Phase.OPEN,
    level=Level.LOW,
    digest=Hash32(bytes(32)),
    lines=(Line("screws", 5), Line("Schräubchen \u2603", 2**96 - 1)),
    marks={"b": 2, "a": 1},
    is_paid=False,
)


def test_a_record__has_one_encoding_with_its_format_and_version() -> None:
    raw = encode_record(Line("screws", 5))
    assert raw == b'{"amount":5,"format":"line","text":"screws","version":1}\n'
    assert encode_record(ORDER) == encode_record(replace(ORDER, marks={"a": 1, "b": 2}))


def test_a_record__is_read_back_as_it_was() -> None:
    assert decode_record(Order, encode_record(ORDER), "k") == ORDER
    noted = replace(ORDER, note="late", lines=(), marks={})
    assert decode_record(Order, encode_record(noted), "k") == noted


@given(st.text(), st.integers(0, 2**96 - 1))
def test_every_text_and_number__is_read_back(text: str, amount: int) -> None:
    line = Line(text, amount)
    assert decode_record(Line, encode_record(line), "k") == line


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"amount":5,"format":"line","text":"screws","version":2}\n',
        b'{"amount":5,"format":"lime","text":"screws","version":1}\n',
        b'{"amount":5,"format":"line","text":"screws","version":1}',
        b'{"amount": 5,"format":"line","text":"screws","version":1}\n',
        b'{"format":"line","amount":5,"text":"screws","version":1}\n',
        b'{"amount":5,"amount":5,"format":"line","text":"screws","version":1}\n',
        b'{"amount":5.0,"format":"line","text":"screws","version":1}\n',
        b'{"amount":NaN,"format":"line","text":"screws","version":1}\n',
        b'{"amount":true,"format":"line","text":"screws","version":1}\n',
        b'{"amount":-1,"format":"line","text":"screws","version":1}\n',
        b'{"amount":5,"format":"line","text":5,"version":1}\n',
        b'{"amount":5,"format":"line","version":1}\n',
        b'{"amount":5,"format":"line","more":1,"text":"screws","version":1}\n',
        b'{"amount":' + b"9" * 5_000 + b',"format":"line","text":"screws","version":1}\n',
    ],
)
def test_other_bytes__are_damaged(raw: bytes) -> None:
    with pytest.raises(RecordDamaged, match="is damaged"):
        decode_record(Line, raw, "k")


@given(st.binary(max_size=60))
def test_random_bytes__are_damaged_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(RecordDamaged):
        decode_record(Order, raw, "k")


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte__never_reads_as_the_same_record(place: int, change: int) -> None:
    raw = bytearray(encode_record(ORDER))
    raw[place % len(raw)] ^= change
    with suppress(RecordDamaged):
        assert decode_record(Order, bytes(raw), "k") != ORDER


@pytest.mark.parametrize(
    "record",
    [
        Line("screws", 2**96),
        Line("screws", -1),
        Line("screws", 1.5),  # type: ignore[arg-type]
        Line({"a", "b"}, 1),  # type: ignore[arg-type]
        Line(b"screws", 1.0),  # type: ignore[arg-type]
        replace(ORDER, phase="lost"),
        replace(ORDER, marks={"a": "one"}),  # type: ignore[dict-item]
    ],
)
def test_a_record_with_a_wrong_value__is_not_written(record: Record) -> None:
    with pytest.raises(RecordDamaged):
        encode_record(record)


def test_a_record_that_checks_itself__is_damaged_when_it_refuses() -> None:
    raw = encode_record(Positive(1)).replace(b"1,", b"0,", 1)
    with pytest.raises(RecordDamaged):
        decode_record(Positive, raw, "k")


class Played(Chaincode):
    """Runs one step with the records of a call."""

    def __init__(self, step: Callable[[Records], Awaitable[Any]]) -> None:
        self.step = step
        self.fault: BaseException | None = None
        self.result: Any = None

    async def init(self, stub: ChaincodeStub) -> Response:
        return await self.invoke(stub)

    async def invoke(self, stub: ChaincodeStub) -> Response:
        try:
            self.result = await self.step(Records(stub))
        except Exception as fault:
            self.fault = fault
            raise
        return success()


def play(step: Callable[[Records], Awaitable[Any]], state: dict[str, bytes]) -> Played:
    async def run() -> Played:
        played = Played(step)
        async with peer_of(played) as peer:
            peer.state = state
            await peer.call("step")
        return played

    return asyncio.run(run())


def test_records__are_kept_found_listed_and_deleted_in_the_state() -> None:
    state: dict[str, bytes] = {}

    async def write(records: Records) -> None:
        for number in range(5):
            await records.create(f"line/{number}", Line("screws", number))
        await records.delete("line/4")

    async def read(records: Records) -> Any:
        assert await records.find("line/9", Line) is None
        assert await records.read("line/3", Line) == Line("screws", 3)
        return await records.list_range("line/1", "line/4", Line)

    play(write, state)
    listed = play(read, state).result
    assert [key for key, _ in listed] == ["line/1", "line/2", "line/3"]
    assert [line.amount for _, line in listed] == [1, 2, 3]


def test_records_under_composite_keys__are_listed() -> None:
    keys = [ChaincodeStub.create_composite_key("line", ["a", str(n)]) for n in range(3)]
    state = {key: encode_record(Line("screws", n)) for n, key in enumerate(keys)}
    listed = play(lambda records: records.list_parts("line", ["a"], Line), state).result
    assert [line.amount for _, line in listed] == [0, 1, 2]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (lambda r: r.read("none", Line), RecordMissing),
        (lambda r: r.create("line/1", Line("screws", 1)), RecordExists),
        (lambda r: r.find("torn", Line), RecordDamaged),
        (lambda r: r.list_range("", "", Line), RecordDamaged),
        (lambda r: r.list_range("line/", "line0", Line, most=1), RefusedInput),
    ],
)
def test_what_cannot_be__is_refused(
    step: Callable[[Records], Awaitable[Any]], fault: type[Exception]
) -> None:
    line = encode_record(Line("screws", 1))
    state = {"line/1": line, "line/2": line, "torn": line[:-3]}
    assert isinstance(play(step, state).fault, fault)


def test_what_a_call_wrote__cannot_be_read_by_it() -> None:
    async def step(records: Records) -> None:
        await records.put("line/1", Line("screws", 2))
        await records.find("line/1", Line)

    fault = play(step, {"line/1": encode_record(Line("screws", 1))}).fault
    assert isinstance(fault, ReadAfterWrite)
