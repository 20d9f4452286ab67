"""What an engine remembers: nothing is counted twice, readings never fall, numbers count once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.work_cast import CHANNELS, order_run

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.encoding import MalformedMessage
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work import meter as records
from edgemark.systems.trading.work.messages import NOTHING_USED, Answer, Order, Usage
from edgemark.systems.trading.work.meter import (
    MAX_CHANNELS,
    MAX_OPEN,
    AnswerGone,
    EngineBusy,
    IntervalRefused,
    Meter,
    OrderRefused,
)

ONE, OTHER = CHANNELS[:2]
PROGRAM = hash_long(b"program")


def order(number: int, channel: ChannelId = ONE, data: bytes = b"data") -> Order:
    return order_run(PROGRAM, data, channel=channel, number=number)


def answer_to(what: Order, used: Usage, output: bytes = b"out") -> Answer:
    return Answer(what.id, End.FINISHED, 0, hash_long(output), len(output), used)


def take(meter: Meter, *orders: Order) -> None:
    for each in orders:
        assert meter.find(each) is None
        meter.fold(records.record_taken(each))


def tell(meter: Meter, interval: int, running: dict[Hash32, Usage] | None = None) -> Usage:
    running = running or {}
    reading = meter.read(ONE, interval, running)
    meter.fold(records.record_told([reading], running))
    return reading.used


def test_an_order_again__is_the_same_order() -> None:
    meter = Meter()
    take(meter, order(1))
    assert meter.find(order(1)) is meter.held[order(1).id]
    meter.fold(records.record_answered(answer_to(order(1), Usage(cpu_us=5))))
    found = meter.find(order(1))
    assert found is not None
    assert found.answer == answer_to(order(1), Usage(cpu_us=5))


def test_a_number__counts_for_one_order() -> None:
    meter = Meter()
    take(meter, order(1), order(3))
    with pytest.raises(OrderRefused, match="another order"):
        meter.find(order(3, data=b"other"))
    with pytest.raises(AnswerGone, match="passed over"):
        meter.find(order(2))
    assert meter.find(order(2, OTHER)) is None


def test_an_answer_that_went__is_not_worked_at_again() -> None:
    meter = Meter()
    take(meter, order(1))
    meter.fold(records.record_answered(answer_to(order(1), Usage(cpu_us=5))))
    meter.fold(records.record_dropped(order(1).id))
    with pytest.raises(AnswerGone) as caught:
        meter.find(order(1))
    assert "anew" in caught.value.remedy
    assert meter.read(ONE, 1, {}).used == Usage(cpu_us=5)


def test_t19_open_orders_and_channels__are_bounded() -> None:
    meter = Meter()
    take(meter, *(order(number) for number in range(1, MAX_OPEN + 1)))
    with pytest.raises(EngineBusy, match="open orders"):
        meter.find(order(MAX_OPEN + 1))
    assert meter.find(order(1, OTHER)) is None
    for number in range(MAX_CHANNELS - 1):
        take(meter, order(1, ChannelId(hash_long(number.to_bytes(2, "big")))))
    with pytest.raises(EngineBusy, match="channels"):
        meter.find(order(1, OTHER))


def test_what_a_reading_told_of_a_run__is_not_counted_with_the_run_after_it() -> None:
    meter = Meter()
    take(meter, order(1))
    told = Usage(cpu_us=700, wall_us=900)
    assert tell(meter, 1, {order(1).id: told}) == told
    again = Usage(cpu_us=300, wall_us=400)  # the engine was killed, and began it anew
    assert tell(meter, 2, {order(1).id: again}) == told
    with pytest.raises(MalformedMessage, match="for less"):
        meter.fold(records.record_answered(answer_to(order(1), again)))
    used = replace(again, cpu_us=800, octets=7).at_least(meter.held[order(1).id].floor)
    meter.fold(records.record_answered(answer_to(order(1), used)))
    assert tell(meter, 3) == Usage(cpu_us=800, octets=7, wall_us=900)


def test_what_never_began__costs_nothing_and_readings_do_not_fall() -> None:
    meter = Meter()
    take(meter, order(1))
    told = Usage(cpu_us=700, wall_us=900)
    assert tell(meter, 1, {order(1).id: told}) == told
    answer = replace(answer_to(order(1), NOTHING_USED), end=End.UNSTARTED)
    assert answer.at_least(told) == answer
    with pytest.raises(MalformedMessage, match="for less"):
        meter.fold(records.record_answered(replace(answer, end=End.FINISHED)))
    meter.fold(records.record_answered(answer))
    assert tell(meter, 2) == told


def test_an_answer__is_settled_once() -> None:
    meter = Meter()
    take(meter, order(1))
    record = records.record_answered(answer_to(order(1), Usage(cpu_us=5)))
    meter.fold(record)
    with pytest.raises(MalformedMessage, match="twice"):
        meter.fold(record)
    assert meter.read(ONE, 1, {}).used == Usage(cpu_us=5)


def test_an_interval__has_one_reading() -> None:
    meter = Meter()
    take(meter, order(1))
    first = meter.read(ONE, 1, {})
    meter.fold(records.record_told([first], {}))
    meter.fold(records.record_answered(answer_to(order(1), Usage(cpu_us=5))))
    assert meter.read(ONE, 1, {}) == first
    assert meter.read(ONE, 2, {}).used == Usage(cpu_us=5)
    for interval in (0, 3):
        with pytest.raises(IntervalRefused):
            meter.read(ONE, interval, {})
    with pytest.raises(IntervalRefused):
        meter.read(OTHER, 2, {})


def test_the_answers_that_go_first__are_those_of_whoever_has_most() -> None:
    meter = Meter()
    assert meter.first_to_go() is None
    modest = order(1, OTHER)
    take(meter, modest, order(1), order(2), order(3))
    assert meter.first_to_go() is None
    for each in (modest, order(2), order(1)):
        meter.fold(records.record_answered(answer_to(each, NOTHING_USED)))
    assert meter.first_to_go() == order(1).id
    meter.fold(records.record_dropped(order(1).id))
    meter.fold(records.record_dropped(order(2).id))
    assert meter.first_to_go() == modest.id


def test_a_channel_that_is_forgotten__leaves_nothing() -> None:
    meter = Meter()
    take(meter, order(1), order(1, OTHER))
    meter.fold(records.record_forgotten(ONE))
    assert list(meter.accounts) == [OTHER]
    assert list(meter.held) == [order(1, OTHER).id]


@pytest.mark.parametrize("record", [b"", b"\x00", b"\x09", b"\x01", b"\x01" * 200])
def test_what_is_no_record__is_refused(record: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Meter().fold(record)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "run", "tell", "answer", "drop", "kill", "write"]),
        st.integers(0, 9),
    ),
    max_size=60,
)


class Play:
    """A meter, what runs, and beside them what each order took in any run that counted."""

    def __init__(self) -> None:
        self.meter, self.number, self.interval = Meter(), 0, 0
        self.running: dict[Hash32, Usage] = {}
        self.final: Counter[Hash32] = Counter()
        self.told = NOTHING_USED

    def take(self, _size: int) -> None:
        if len(list(self.meter.open_orders(ONE))) < MAX_OPEN:
            self.number += 1
            take(self.meter, order(self.number))

    def run(self, size: int) -> None:
        opened = [held.order.id for held in self.meter.open_orders(ONE)]
        for key in opened[size % 3 : size % 3 + 1]:
            self.running[key] = self.running.get(key, NOTHING_USED) + Usage(cpu_us=size)

    def tell(self, _size: int) -> None:
        self.interval += 1
        reading = self.meter.read(ONE, self.interval, self.running)
        self.meter.fold(records.record_told([reading], self.running))
        assert not reading.used.is_below(self.told)
        self.told = reading.used
        for key, used in self.running.items():
            self.final[key] = max(self.final[key], used.cpu_us)

    def answer(self, _size: int) -> None:
        for held in list(self.meter.open_orders(ONE))[:1]:
            used = self.running.pop(held.order.id, NOTHING_USED).at_least(held.floor)
            self.meter.fold(records.record_answered(answer_to(held.order, used)))
            self.final[held.order.id] = used.cpu_us

    def drop(self, _size: int) -> None:
        first = self.meter.first_to_go()
        if first is not None:
            self.meter.fold(records.record_dropped(first))

    def kill(self, _size: int) -> None:
        self.running.clear()  # what ran begins anew, and the records are what is left

    def write(self, _size: int) -> None:
        before, self.meter = self.meter, Meter()
        for record in before.snapshot():
            self.meter.fold(record)
        assert self.meter == before


@given(STEPS)
def test_whatever_happens__every_order_counts_once_and_no_reading_falls(
    steps: list[tuple[str, int]],
) -> None:
    play = Play()
    for step, size in steps:
        getattr(play, step)(size)
    play.kill(0)
    reading = play.meter.read(ONE, play.interval + 1, {})
    assert reading.used.cpu_us == sum(play.final.values())
