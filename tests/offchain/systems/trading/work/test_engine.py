"""A seller's engine from its face: real polynomials, real confined programs."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path

import pytest
from tests.offchain.systems.trading.work.engine_cast import (
    ONE,
    OTHER,
    answer_of,
    buy_values,
    engine_of,
    program_of,
)
from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    LIMITS,
    SECOND_US,
    draw,
    entry,
    make_batch,
    make_dense,
    make_sparse,
    order_run,
    order_values,
)

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES, NotAnElement, WrongLength
from edgemark.crypto.polynomial import MalformedFunction
from edgemark.errors import RefusedInput
from edgemark.systems.trading.work import executing
from edgemark.systems.trading.work.checking import (
    Work,
    check_answer,
    check_values,
    count_answered,
    count_units,
    draw_inputs,
)
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import Catalogue
from edgemark.systems.trading.work.messages import Order
from edgemark.systems.trading.work.meter import IntervalRefused, OrderRefused

pytestmark = pytest.mark.lasts(8)


def test_t31_a_buyer__has_values_and_a_run_and_checks_all_it_is_to_pay(tmp_path: Path) -> None:
    """The whole: what is sold, by whoever sells it, checked as whoever buys it does."""
    function, data = make_dense(20, 3), b"three\nlines of\ndata\n"
    batch = make_batch(function, 50)
    began = time.monotonic()
    with engine_of(tmp_path, entry("count", "wc -l")) as engine:
        values = buy_values(engine, function, batch)
        run = order_run(program_of(engine, "count"), data, number=2)
        assert engine.take(run, data) is None
        first, computed = answer_of(engine, values)
        second, counted = answer_of(engine, run)
        elapsed_us = int((time.monotonic() - began) * SECOND_US)
        one = Work(values, count_units(function, 50), 0)
        two = Work(run, 0, LIMITS.cores)

        check_values(function, batch, computed)
        check_values(function, batch, computed, draw_inputs(50, 5, draw("sample")))
        check_answer(one, first, computed, elapsed_us)
        check_answer(two, second, counted, elapsed_us)
        assert (second.end, second.status, counted.split()) == (End.FINISHED, 0, [b"3"])
        assert second.used.cpu_us > 0

        reading = engine.readings({ONE: 1})[ONE]
        assert reading.used == first.used + second.used
        assert reading.answered == 2
        assert engine.take(run, data) == second
        assert engine.readings({ONE: 1})[ONE] == reading


def test_sparse_functions__are_metered_by_their_monomials(tmp_path: Path) -> None:
    function = make_sparse()
    batch = make_batch(function, 7)
    with engine_of(tmp_path) as engine:
        answer, values = answer_of(engine, buy_values(engine, function, batch))
    assert values == function.evaluate(batch)
    assert answer.used.units == 7 * function.product_count


def test_every_end_of_a_program__is_told_by_its_kind(tmp_path: Path) -> None:
    short = asdict(replace(LIMITS, wall_s=1))
    scripts = {
        "exits": ("exit 9", End.EXITED, 9),
        "killed": ("kill -9 $$", End.KILLED, 9),
        "sleeps": ("trap '' TERM; sleep 100", End.OVER_TIME, 0),
        "writes": ("yes", End.OVER_OUTPUT, 0),
    }
    listed = [entry(name, script, limits=short) for name, (script, _, _) in scripts.items()]
    with engine_of(tmp_path, *listed, workers=4) as engine:
        orders = {}
        for number, name in enumerate(scripts, 1):
            orders[name] = order_run(program_of(engine, name), b"", number=number)
            engine.take(orders[name], b"")
        for name, (_, end, status) in scripts.items():
            answer, output = answer_of(engine, orders[name])
            assert (answer.end, answer.status) == (end, status)
            assert answer.used.octets == len(output) == answer.output_bytes
            assert answer.used.cpu_us <= answer.used.wall_us


@pytest.mark.parametrize("size", [2**20, 2**20 + 1, 10 * 2**20])
def test_data_of_any_size__are_taken_or_refused_by_name(tmp_path: Path, size: int) -> None:
    with engine_of(tmp_path, entry("count", "wc -c")) as engine:
        data = bytes(size)
        order = order_run(program_of(engine, "count"), data)
        if size > 2**20:
            with pytest.raises(OrderRefused, match="too much data"):
                engine.take(order, data)
        else:
            engine.take(order, data)
            assert answer_of(engine, order)[1].split() == [b"%d" % size]


def test_orders_that_cannot_be__are_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    function = make_dense()
    batch, encoded = make_batch(function, 3), function.to_bytes()
    good = order_values(function, batch)
    bad_element = b"\xff" * 17 + batch[17:]
    bad_function = encoded[:-17] + b"\xff" * 17
    with engine_of(tmp_path, entry("count", "wc -c")) as engine:
        program = program_of(engine, "count")
        cases: list[tuple[type[RefusedInput], Order, bytes, bytes]] = [
            (OrderRefused, good, batch + b"x", encoded),
            (OrderRefused, good, batch, encoded[:-1] + b"\0"),
            (OrderRefused, replace(good, most=3 * 45 - 1), batch, encoded),
            (OrderRefused, order_values(function, b""), b"", encoded),
            (WrongLength, order_values(function, batch[17:]), batch[17:], encoded),
            (NotAnElement, order_values(function, bad_element), bad_element, encoded),
            (
                NotAnElement,
                replace(good, what=hash_long(bad_function)),
                batch,
                bad_function,
            ),
            (
                MalformedFunction,
                replace(good, what=hash_long(b"none"), what_bytes=4),
                batch,
                b"none",
            ),
            (OrderRefused, order_run(hash_long(b"of the buyer"), b""), b"", b""),
            (OrderRefused, order_run(program, b"", most=SECOND_US - 1), b"", b""),
        ]
        for error, order, data, given in cases:
            with pytest.raises(error):
                engine.take(order, data, given)
        assert engine.status().open_orders == 0
        with pytest.raises(OrderRefused, match="not known"):
            engine.answer(good.id)
        with pytest.raises(OrderRefused, match="not known"):
            engine.wait(good.id, 0)
        assert engine.take(good, batch, encoded) is None
        assert answer_of(engine, good)[0].used.units == 3 * 45


def test_a_buyer_pays_no_more_processor_time__than_it_said(tmp_path: Path) -> None:
    with engine_of(tmp_path, entry("spins", "while :; do :; done")) as engine:
        order = order_run(program_of(engine, "spins"), b"", most=SECOND_US)
        engine.take(order, b"")
        answer, _ = answer_of(engine, order)
        assert answer.end is End.OVER_CPU
        assert answer.used.cpu_us <= SECOND_US


def test_readings_of_what_still_runs__grow_and_never_fall(tmp_path: Path) -> None:
    limits = asdict(replace(LIMITS, cpu_s=1))
    with engine_of(tmp_path, entry("spins", "while :; do :; done", limits=limits)) as engine:
        order = order_run(program_of(engine, "spins"), b"")
        engine.take(order, b"")
        told, interval = [], 0
        while not engine.wait(order.id, 0.3):
            interval += 1
            told.append(engine.readings({ONE: interval})[ONE].used)
        answer, _ = answer_of(engine, order)
        last = engine.readings({ONE: interval + 1})[ONE].used
    assert any(used.cpu_us > 0 for used in told)
    assert not any(after.is_below(before) for before, after in itertools.pairwise(told))
    assert last == answer.used
    assert not last.is_below(told[-1])


def test_one_buyers_long_orders__hold_up_no_other(tmp_path: Path, monkeypatch: object) -> None:
    with engine_of(tmp_path, entry("sleeps", "sleep 3")) as engine:
        program = program_of(engine, "sleeps")
        for number in range(1, 7):
            engine.take(order_run(program, b"", number=number), b"")
        function = make_dense()
        batch = make_batch(function, 5)
        began = time.monotonic()
        order = buy_values(engine, function, batch, channel=OTHER)
        assert answer_of(engine, order)[1] == function.evaluate(batch)
        assert time.monotonic() - began < 2.5
        assert engine.status().open_orders == 6


def test_long_batches__are_worked_at_in_slices_with_others_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "SLICE_S", 0.0)  # one input a slice
    function = make_dense()
    long, short = make_batch(function, 400), make_batch(function, 2)
    with engine_of(tmp_path, workers=1) as engine:
        first = buy_values(engine, function, long)
        second = buy_values(engine, function, short, channel=OTHER)
        assert answer_of(engine, second)[1] == function.evaluate(short)
        half = engine.readings({ONE: 1})[ONE].used.units
        assert half % 45 == 0
        answer, values = answer_of(engine, first)
        assert values == function.evaluate(long)
        assert half <= answer.used.units == 400 * 45


def units_at(engine: Engine, interval: int) -> int:
    time.sleep(0.01)
    return engine.readings({ONE: interval})[ONE].used.units


def test_work_in_hand_when_service_is_over__ends_between_slices_with_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "SLICE_S", 0.0)  # one input a slice
    function, many = make_dense(), 20_000
    batch = make_batch(function, many)
    with engine_of(tmp_path, entry("echo", "echo"), workers=1) as engine:
        cut = buy_values(engine, function, batch)
        behind = buy_values(engine, function, make_batch(function, 3), number=2)
        run = order_run(program_of(engine, "echo"), b"", number=3)
        engine.take(run, b"")
        told = next(filter(None, (units_at(engine, interval) for interval in count(1))))
        engine.give_way(ONE, {1, 2, 3})
        other = buy_values(engine, function, make_batch(function, 4), channel=OTHER)
        answer, values = answer_of(engine, cut)
        done = len(values) // (function.outputs * ELEMENT_BYTES)
        assert (answer.end, answer.used.units) == (End.OVER_TIME, count_units(function, done))
        assert told <= answer.used.units < count_units(function, many)
        width = function.inputs * ELEMENT_BYTES
        check_values(function, batch[: done * width], values)
        work = Work(cut, count_units(function, count_answered(function, batch, values)), 0)
        check_answer(work, answer, values, 10**9)
        for order in (behind, run):
            assert answer_of(engine, order)[0].end is End.UNSTARTED
        assert answer_of(engine, other)[0].end is End.FINISHED
        later = buy_values(engine, function, make_batch(function, 5), number=4)
        assert answer_of(engine, later)[0].end is End.FINISHED, "of what was named alone"
        engine.forget(ONE)


def test_work_whose_service_is_over__ends_after_a_restart_no_lower_than_a_reading_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "SLICE_S", 0.0)
    function, many = make_dense(), 20_000
    batch = make_batch(function, many)
    with engine_of(tmp_path, workers=1) as engine:
        order = buy_values(engine, function, batch)
        told = next(filter(None, (units_at(engine, interval) for interval in count(1))))
    with engine_of(tmp_path, workers=1) as engine:
        engine.give_way(ONE, {1})
        answer, values = answer_of(engine, order)
    done = len(values) // (function.outputs * ELEMENT_BYTES)
    assert told <= answer.used.units == count_units(function, done) < count_units(function, many)


def test_threads_that_bring_one_order__bring_it_once(tmp_path: Path) -> None:
    function = make_dense()
    batch = make_batch(function, 50)
    order = order_values(function, batch)
    with engine_of(tmp_path) as engine:
        brought = [
            threading.Thread(target=engine.take, args=(order, batch, function.to_bytes()))
            for _ in range(8)
        ]
        for thread in brought:
            thread.start()
        for thread in brought:
            thread.join()
        answer_of(engine, order)
        assert engine.readings({ONE: 1})[ONE].answered == 1


def test_readings_of_many_channels__are_told_together_and_in_turn(tmp_path: Path) -> None:
    function = make_dense()
    batch = make_batch(function, 2)
    with engine_of(tmp_path) as engine:
        for channel in CHANNELS:
            answer_of(engine, buy_values(engine, function, batch, channel=channel))
        told = engine.readings(dict.fromkeys(CHANNELS, 1))
        assert {each.used.units for each in told.values()} == {2 * 45}
        with pytest.raises(IntervalRefused):
            engine.readings({ONE: 2, OTHER: 3})
        again = engine.readings({ONE: 1, OTHER: 2})
        assert again[ONE] == told[ONE]
        assert again[OTHER] == replace(told[OTHER], interval=2)
        with pytest.raises(IntervalRefused):
            engine.readings({OTHER: 1})


def test_a_channel_that_ended__is_forgotten_once_nothing_is_open(tmp_path: Path) -> None:
    with engine_of(tmp_path, entry("sleeps", "sleep 1")) as engine:
        order = order_run(program_of(engine, "sleeps"), b"")
        engine.take(order, b"")
        with pytest.raises(OrderRefused, match="open orders"):
            engine.forget(ONE)
        answer_of(engine, order)
        engine.forget(ONE)
        with pytest.raises(OrderRefused, match="not known"):
            engine.answer(order.id)


def test_the_status__says_what_is_sold_and_how(tmp_path: Path) -> None:
    with engine_of(tmp_path, entry("sleeps", "sleep 2")) as engine:
        order = order_run(program_of(engine, "sleeps"), b"")
        engine.take(order, b"")
        time.sleep(0.2)
        status = engine.status()
        assert status.kernel
        assert status.confinement in {"own rights", "user namespace"}
        assert [each.name for each in status.programs] == ["sleeps"]
        assert (status.open_orders, status.running, status.fault) == (1, 1, "")
        assert status.cores == LIMITS.cores
    with pytest.raises(RefusedInput, match="out of range"):
        Engine(tmp_path / "other", Catalogue({}, ""), workers=0)
