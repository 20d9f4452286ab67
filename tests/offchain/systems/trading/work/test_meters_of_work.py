"""What a template's meter counts of work is what a buyer's bounds of its readings let pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.work.engine_cast import (
    ONE,
    answer_of,
    buy_values,
    engine_of,
    program_of,
)
from tests.offchain.systems.trading.work.work_cast import entry, make_batch, make_dense, order_run

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.protocol.messages import Answer as AnswerLetter
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.templates.readings import (
    Interval,
    Meter,
    ReadingRefused,
    check_readings,
)
from edgemark.systems.trading.templates.strategies import Metered
from edgemark.systems.trading.work.messages import Answer, Order, Usage

BEGIN = 1_700_000_000
MICROSECONDS = 1_000_000


def check(meter: Meter, shown: int, seconds: int, cores: int, counted: int) -> None:
    interval = Interval(Timestamp(BEGIN), Timestamp(BEGIN + seconds), (0,), (shown,))
    check_readings(interval, meter, Metered(), cores=cores, counted=counted)


@given(st.integers(1, 600), st.integers(1, 8), st.data())
def test_t31_processor_time_that_an_answer_may_count__is_within_an_intervals_bound(
    seconds: int, cores: int, data: st.DataObject
) -> None:
    wall_us = data.draw(st.integers(0, seconds * MICROSECONDS))
    used = Usage(cpu_us=data.draw(st.integers(0, wall_us * cores)), wall_us=wall_us)
    check(Meter.CPU_MILLISECONDS, used.on(Meter.CPU_MILLISECONDS), seconds, cores, 0)
    check(Meter.SECONDS, used.on(Meter.SECONDS), seconds, cores, 0)
    more = replace(used, cpu_us=(seconds * cores * 1000 + 1) * 1000)
    with pytest.raises(ReadingRefused):
        check(Meter.CPU_MILLISECONDS, more.on(Meter.CPU_MILLISECONDS), seconds, cores, 0)


@given(st.lists(st.builds(Usage, *[st.integers(0, 2**40)] * 4), max_size=8))
def test_parts_on_a_meter__are_no_more_than_the_whole(parts: list[Usage]) -> None:
    whole = sum(parts, Usage())
    for meter in Meter:
        assert sum(part.on(meter) for part in parts) <= whole.on(meter)


def test_an_order_and_its_answer__travel_in_the_letters_of_a_channel(tmp_path: Path) -> None:

    function = make_dense()
    batch = make_batch(function, 5)
    with engine_of(tmp_path, entry("count", "wc -c")) as engine:
        values = buy_values(engine, function, batch)
        run = order_run(program_of(engine, "count"), b"data", number=2)
        engine.take(run, b"data")
        for order, meter in ((values, Meter.PRODUCTS), (run, Meter.CPU_MILLISECONDS)):
            most = Usage(units=order.most, cpu_us=order.most).on(meter)
            letter = Request(order.number, most, order.to_bytes())
            request = Request.from_wire(letter.to_wire())
            assert Order.from_bytes(request.content) == order
            answer, _ = answer_of(engine, order)
            told = AnswerLetter(order.number, (answer.used.on(meter),), answer.to_bytes())
            heard = AnswerLetter.from_wire(told.to_wire())
            assert Answer.from_bytes(heard.content) == answer
            assert heard.units <= request.most
        used = engine.readings({ONE: 1})[ONE].used
    check(Meter.PRODUCTS, used.on(Meter.PRODUCTS), 1, 1, 5 * function.product_count)
    check(Meter.BYTES, used.on(Meter.BYTES), 1, 1, used.octets)
