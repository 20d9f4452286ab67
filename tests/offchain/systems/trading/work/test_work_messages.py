"""Orders, answers and readings: one encoding each, and every other refused."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import CHANNELS, order_run

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import MalformedMessage
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work.messages import (
    ANSWER_BYTES,
    MAX_COUNT,
    ORDER_BYTES,
    READING_BYTES,
    Answer,
    Order,
    OrderKind,
    Reading,
    Usage,
)

ORDER = order_run(hash_long(b"program"), b"data")
USED = Usage(1, 2, 3, 4)
ANSWER = Answer(ORDER.id, End.EXITED, 3, hash_long(b"out"), 3, USED)
READING = Reading(CHANNELS[0], 2, 7, USED)
COUNTS = st.integers(0, MAX_COUNT)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("message", "length"), [(ORDER, ORDER_BYTES), (ANSWER, ANSWER_BYTES), (READING, READING_BYTES)]
)
def test_every_message__has_one_encoding_of_one_length(
    message: Order | Answer | Reading, length: int
) -> None:
    raw = message.to_bytes()
    assert len(raw) == length
    assert type(message).from_bytes(raw) == message
    for wrong in (raw[:-1], raw + b"\0", b"", bytes(length), raw[:4] + b"\2" + raw[5:]):
        with pytest.raises(MalformedMessage):
            type(message).from_bytes(wrong)


@given(st.sampled_from([Order, Answer, Reading]), st.data())
def test_changed_bytes__are_refused_or_another_message(
    kind: type[Order | Answer | Reading], data: st.DataObject
) -> None:
    message = {Order: ORDER, Answer: ANSWER, Reading: READING}[kind]
    raw = bytearray(message.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MalformedMessage):
        assert kind.from_bytes(bytes(raw)) != message


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, number=0),
        replace(ORDER, what_bytes=5),
        replace(ORDER, kind=OrderKind.POLYNOMIAL),
        replace(ORDER, data_bytes=2**24 + 1),
        replace(ORDER, most=MAX_COUNT + 1),
    ],
)
def test_an_order_out_of_bounds__is_refused(order: Order) -> None:
    with pytest.raises(MalformedMessage):
        Order.from_bytes(order.to_bytes())


def test_the_id_of_an_order__covers_every_field() -> None:
    others = [
        replace(ORDER, channel=CHANNELS[1]),
        replace(ORDER, number=2),
        replace(ORDER, kind=OrderKind.POLYNOMIAL),
        replace(ORDER, what=Hash32(bytes(32))),
        replace(ORDER, what_bytes=1),
        replace(ORDER, data=Hash32(bytes(32))),
        replace(ORDER, data_bytes=5),
        replace(ORDER, most=1),
    ]
    assert len({ORDER.id, *(each.id for each in others)}) == 1 + len(others)


@given(USAGES, USAGES)
def test_what_was_used__is_compared_field_by_field(one: Usage, other: Usage) -> None:
    larger = one.at_least(other)
    assert not larger.is_below(one)
    assert not larger.is_below(other)
    assert one.is_below(other) == (one.at_least(other) != one)
