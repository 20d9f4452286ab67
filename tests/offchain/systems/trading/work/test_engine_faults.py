"""What a seller's engine does where its machine, its disk or its list is not as it should be."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.trading.work.engine_cast import (
    ONE,
    answer_of,
    buy_values,
    engine_of,
    program_of,
)
from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    digest_of_file,
    entry,
    make_batch,
    make_dense,
    order_run,
)

from edgemark.confinement.limits import End
from edgemark.identifiers import Hash32
from edgemark.systems.trading.work import engine as engines
from edgemark.systems.trading.work import executing, turns
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import Catalogue, Evaluation
from edgemark.systems.trading.work.messages import Answer, Order, Usage
from edgemark.systems.trading.work.meter import AnswerGone, OrderRefused
from edgemark.systems.trading.work.spool import SHARES, Spool


def test_a_program_that_changed__is_not_run_and_costs_nothing(tmp_path: Path) -> None:
    script = Path("/var/tmp") / f"listed-{os.getpid()}.sh"
    script.write_text("echo listed")
    file = {"path": str(script), "digest": digest_of_file(str(script))}
    try:
        with engine_of(
            tmp_path,
            entry("script", f". {script}", files=[file]),
            entry("other", "echo", digest="00" * 32),
        ) as engine:
            good = order_run(program_of(engine, "script"), b"")
            engine.take(good, b"")
            assert answer_of(engine, good)[1] == b"listed\n"
            script.write_text("echo planted")
            bad = replace(good, number=2)
            engine.take(bad, b"")
            other = replace(good, number=3, what=program_of(engine, "other"))
            engine.take(other, b"")
            for each in (bad, other):
                answer, output = answer_of(engine, each)
                assert (answer.end, answer.used, output) == (End.UNSTARTED, Usage(), b"")
    finally:
        script.unlink()


def test_no_more_batches__are_begun_than_there_is_memory_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "SLICE_S", 0.0)
    monkeypatch.setattr(turns, "MAX_BEGUN", 2)
    function = make_dense()
    batches = [make_batch(function, 30, seed=str(number)) for number in range(len(CHANNELS))]
    begun: list[int] = []
    work = Evaluation.work
    with engine_of(tmp_path, workers=1) as engine:

        def note(evaluation: Evaluation) -> float:
            begun.append(len(engine._begun._loaded))
            return work(evaluation)

        monkeypatch.setattr(Evaluation, "work", note)
        orders = [
            buy_values(engine, function, batch, channel=channel)
            for channel, batch in zip(CHANNELS, batches, strict=True)
        ]
        for order, batch in zip(orders, batches, strict=True):
            assert answer_of(engine, order)[1] == function.evaluate(batch)
    assert max(begun) <= 2


def test_batches_that_were_begun__give_way_to_one_that_waits_and_go_on_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many channels as there is memory for have long ones; one more has a short one."""
    monkeypatch.setattr(executing, "SLICE_S", 0.0)  # one input a slice
    monkeypatch.setattr(executing, "LOADED_S", 0.0)
    monkeypatch.setattr(turns, "MAX_BEGUN", 2)
    function, modest = make_dense(), CHANNELS[2]
    long = [make_batch(function, 400, seed=str(number)) for number in range(2)]
    short = make_batch(function, 2)
    worked = Counter[Hash32]()
    work = Evaluation.work

    def note(evaluation: Evaluation) -> float:
        assert len(engine._begun._loaded) <= 2
        worked[evaluation.order.id] += 1
        return work(evaluation)

    monkeypatch.setattr(Evaluation, "work", note)
    with engine_of(tmp_path, workers=1) as engine:
        first = [
            buy_values(engine, function, batch, channel=channel)
            for channel, batch in zip(CHANNELS, long, strict=False)
        ]
        last = buy_values(engine, function, short, channel=modest)
        assert answer_of(engine, last)[1] == function.evaluate(short)
        assert engine.status().open_orders == 2, "the long ones are not done yet"
        for order, batch in zip(first, long, strict=True):
            answer, values = answer_of(engine, order)
            assert values == function.evaluate(batch)
            assert (answer.used.units, worked[order.id]) == (400 * function.product_count, 400)


def test_t8_an_answer_that_the_disk_refuses__is_kept_later_and_not_worked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PAUSE_S", 0.3)
    full = [True, True]
    keep = Spool.answer

    def refuse(spool: Spool, answer: Answer, output: bytes) -> None:
        if full:
            full.pop()
            raise OSError(28, "No space left on device")
        keep(spool, answer, output)

    runs: list[Order] = []
    run = engines.run_program

    def count(order: Order, *args: Any, **named: Any) -> tuple[Answer, bytes]:
        runs.append(order)
        return run(order, *args, **named)

    monkeypatch.setattr(Spool, "answer", refuse)
    monkeypatch.setattr(engines, "run_program", count)
    with engine_of(tmp_path, entry("count", "wc -c"), workers=1) as engine:
        order = order_run(program_of(engine, "count"), b"data")
        engine.take(order, b"data")
        while not full or len(full) == 2:
            time.sleep(0.01)
        assert "No space left" in engine.status().fault
        answer, output = answer_of(engine, order)
        assert output.split() == [b"4"]
        assert engine.status().fault == ""
        assert engine.readings({ONE: 1})[ONE].used == answer.used
    assert runs == [order]


def test_an_order_whose_data_are_damaged__is_answered_and_costs_nothing(tmp_path: Path) -> None:
    with engine_of(tmp_path, entry("sleeps", "sleep 1"), workers=1) as engine:
        program = program_of(engine, "sleeps")
        engine.take(order_run(program, b""), b"")
        damaged = order_run(program, b"data", number=2)
        engine.take(damaged, b"data")
        (tmp_path / "engine" / "parts" / damaged.data.hex()).write_bytes(b"dataX")
        answer, output = answer_of(engine, damaged)
        assert (answer.end, answer.used, output) == (End.UNSTARTED, Usage(), b"")


def test_an_answer_that_went_for_others__is_not_worked_at_again(tmp_path: Path) -> None:
    function = make_dense()
    batches = [make_batch(function, 30, seed=str(number)) for number in range(20)]
    size = SHARES * (len(function.to_bytes()) + len(batches[0]))
    with Engine(tmp_path / "engine", Catalogue({}, ""), most_bytes=size) as engine:
        orders = []
        for number, batch in enumerate(batches, 1):
            orders.append(buy_values(engine, function, batch, number=number))
            answer_of(engine, orders[-1])
        with pytest.raises(AnswerGone):
            engine.take(orders[0], batches[0], function.to_bytes())
        assert engine.readings({ONE: 1})[ONE].used.units == 20 * 30 * 45


def test_where_no_program_can_be_shut_off__none_is_offered_and_polynomials_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgemark.confinement.limits import CannotConfine

    def nothing() -> str:
        raise CannotConfine("can shut no program off", who="this machine", remedy="Ask its owner.")

    monkeypatch.setattr(executing, "find_way", nothing)
    with engine_of(tmp_path, entry("count", "wc -c")) as engine:
        status = engine.status()
        assert (status.confinement, status.programs) == ("", ())
        assert "can shut no program off" in status.why_not
        listed = next(iter(engine.catalogue.programs))
        with pytest.raises(OrderRefused, match="cannot be run here"):
            engine.take(order_run(listed, b""), b"")
        function = make_dense()
        batch = make_batch(function, 1)
        answer_of(engine, buy_values(engine, function, batch))
