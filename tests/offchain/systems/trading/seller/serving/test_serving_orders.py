"""Requests become orders of the engine, and what they used becomes registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.systems.trading.parties_cast import (
    BANDS,
    BY_CPU,
    BY_DAY,
    BY_TIME,
    DAY,
    METERED,
    agreed_on,
)
from tests.offchain.systems.trading.work.engine_cast import PATIENCE_S
from tests.offchain.systems.trading.work.work_cast import (
    CHANNELS,
    LIMITS,
    SECOND_US,
    entry,
    make_batch,
    make_dense,
    order_run,
    order_values,
    write_list,
)

from edgemark.confinement.limits import End
from edgemark.encoding import MalformedMessage
from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.trading.protocol.agreement import Pause, Pricing
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.seller.admission import NotServed
from edgemark.systems.trading.seller.serving.orders import (
    InHand,
    OrderStrange,
    Serving,
    count_used,
    find_band,
    read_order,
)
from edgemark.systems.trading.seller.serving.parts import PartStore
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Metered
from edgemark.systems.trading.work import messages as work
from edgemark.systems.trading.work.checking import count_units
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import Catalogue
from edgemark.systems.trading.work.programs import parse_programs

ONE, OTHER = CHANNELS[:2]
FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 10)
UNITS = count_units(FUNCTION, 10)
ORDER = order_values(FUNCTION, BATCH, most=UNITS)
BY_BYTES = agreed_on(Metered(), Meter.BYTES, 1)


def ask(order: work.Order = ORDER, most: int = UNITS) -> Request:
    return Request(order.number, most, order.to_bytes())


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with Engine(tmp_path / "engine", Catalogue({}, "")) as engine:
        yield Serving(engine, PartStore(tmp_path / "parts"))


def bring(serving: Serving, order: work.Order = ORDER) -> None:
    serving.parts.put(order.channel, order.data, BATCH)
    serving.parts.put(order.channel, order.what, FUNCTION.to_bytes())


def serve(serving: Serving) -> None:
    bring(serving)
    serving.take(ORDER)
    assert serving.engine.wait(ORDER.id, PATIENCE_S)


# --- orders of requests ------------------------------------------------------------------------


def test_order__of_a_request_that_allows_for_it__is_read() -> None:
    assert read_order(ONE, ask(), METERED) == ORDER


@pytest.mark.parametrize(
    ("request_", "pricing", "who"),
    [
        (ask(replace(ORDER, channel=OTHER)), METERED, "order 1, channel"),
        (replace(ask(), number=2), METERED, "order 1, number"),
        (ask(most=UNITS - 1), METERED, "order 1, most units"),
        (ask(), BY_CPU, "order 1, kind"),
        (ask(), BY_BYTES, "order 1, kind"),
        (ask(order_run(Hash32(bytes(32)), b"")), METERED, "order 1, kind"),
        (
            ask(order_run(Hash32(bytes(32)), b"", most=9 * SECOND_US), 8999),
            BY_CPU,
            "order 1, most units",
        ),
        (ask(order_run(Hash32(bytes(32)), b"data"), 3), BY_BYTES, "order 1, most units"),
    ],
)
def test_order__that_does_not_go_with_its_request__is_refused(
    request_: Request, pricing: Pricing, who: str
) -> None:
    with pytest.raises(OrderStrange) as caught:
        read_order(ONE, request_, pricing)
    assert caught.value.who == who


@pytest.mark.parametrize("content", [b"", b"work", ORDER.to_bytes()[:-1], ORDER.to_bytes() + b"0"])
def test_request__whose_content_is_no_order__is_refused(content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_order(ONE, Request(1, UNITS, content), METERED)


# --- parts, engine, answers --------------------------------------------------------------------


def test_order__whose_parts_are_not_here__is_not_taken(serving: Serving) -> None:
    for digest, part in ((ORDER.data, BATCH), (ORDER.what, FUNCTION.to_bytes())):
        with pytest.raises(NotServed) as caught:
            serving.take(ORDER)
        assert caught.value.why is Pause.PARTS_MISSING
        serving.parts.put(ONE, digest, part)
    serving.take(ORDER)
    assert serving.engine.wait(ORDER.id, PATIENCE_S)


def test_answer__says_what_the_engine_counted(serving: Serving) -> None:
    serve(serving)
    answer = serving.complete(ask(), ORDER, METERED, DAY)
    told = work.Answer.from_bytes(answer.content)
    assert (answer.number, answer.used) == (1, (UNITS,))
    assert (told.order, told.end, told.used.units) == (ORDER.id, End.FINISHED, UNITS)
    assert serving.output(ONE, ORDER.id) == FUNCTION.evaluate(BATCH)


def test_order__taken_again__is_the_same_without_its_parts(serving: Serving) -> None:
    serve(serving)
    serving.parts.forget(ONE)
    serving.take(ORDER)
    assert serving.complete(ask(), ORDER, METERED, DAY).used == (UNITS,)


def test_order__that_nobody_can_work_at__is_answered_as_not_begun(serving: Serving) -> None:
    poor = replace(ORDER, most=UNITS - 1)  # its batch costs more
    bring(serving)
    serving.take(poor)
    answer = serving.complete(ask(poor), poor, METERED, DAY)
    assert work.Answer.from_bytes(answer.content).end is End.UNSTARTED
    assert answer.used == (0,)


def test_order__in_hand__is_not_answered_yet(serving: Serving, tmp_path: Path) -> None:
    with Engine(tmp_path / "idle", Catalogue({}, "")) as engine:
        slow = Serving(engine, serving.parts)
        function = make_dense(40, 40)
        batch = make_batch(function, 3000)
        order = order_values(function, batch)
        slow.parts.put(ONE, order.data, batch)
        slow.parts.put(ONE, order.what, function.to_bytes())
        slow.take(order)
        with pytest.raises(InHand):
            slow.complete(ask(order, order.most), order, METERED, DAY)
        with pytest.raises(LedgerUnavailable):
            slow.output(ONE, order.id)


def test_engine__tells_when_an_order_is_done(tmp_path: Path) -> None:
    told: list[work.Order] = []
    with Engine(tmp_path / "engine", Catalogue({}, ""), on_answer=told.append) as engine:
        serve(Serving(engine, PartStore(tmp_path / "parts")))
    assert told == [ORDER]


@pytest.mark.parametrize("channel", [OTHER, ONE])
def test_output__of_another_channel_or_order__is_refused(serving: Serving, channel: bytes) -> None:
    serve(serving)
    order = ORDER.id if channel is OTHER else Hash32(bytes(32))
    with pytest.raises(RefusedInput, match="not known here"):
        serving.output(channel, order)  # type: ignore[arg-type]


def test_channel_that_ended__is_forgotten(serving: Serving) -> None:
    serve(serving)
    serving.forget(ONE)
    assert serving.engine.channels() == serving.parts.channels() == []
    with pytest.raises(RefusedInput):
        serving.output(ONE, ORDER.id)
    serving.forget(ONE)


# --- what a request pays for -------------------------------------------------------------------


def test_request__pays_for_data_and_output_of_its_program_and_never_for_nothing(
    tmp_path: Path,
) -> None:
    (listed,) = parse_programs(write_list(entry("cat", "cat"))).values()
    run = order_run(listed.id, b"data")
    least = len(b"data") + LIMITS.output_bytes
    with Engine(tmp_path / "engine", Catalogue({listed.id: listed}, "")) as engine:
        serving = Serving(engine, PartStore(tmp_path / "parts"))
        serving.check_paid(run, ask(run, least), BY_BYTES)
        serving.check_paid(run, ask(run, 1), BY_CPU)
        serving.check_paid(run, ask(run, 0), BY_TIME)
        serving.check_paid(ORDER, ask(most=1), METERED)
        for order, most, pricing in (
            (run, least - 1, BY_BYTES),
            (run, 4, BY_BYTES),
            (run, 0, BY_BYTES),
            (run, 0, BY_CPU),
            (order_run(Hash32(bytes(32)), b""), 0, BY_BYTES),
            (ORDER, 0, METERED),
        ):
            with pytest.raises(OrderStrange, match="pays less than it may use"):
                serving.check_paid(order, ask(order, most), pricing)


def test_run__that_may_outlast_the_service__is_not_taken(tmp_path: Path) -> None:
    (listed,) = parse_programs(write_list(entry("cat", "cat"))).values()
    run, ends = order_run(listed.id, b"data"), DAY + LIMITS.wall_s
    with Engine(tmp_path / "engine", Catalogue({listed.id: listed}, "")) as engine:
        serving = Serving(engine, PartStore(tmp_path / "parts"))
        serving.check_in_time(run, ends, DAY)
        serving.check_in_time(ORDER, DAY, DAY)
        with pytest.raises(NotServed) as caught:
            serving.check_in_time(run, ends, DAY + 1)
    assert caught.value.why is Pause.OVER


# --- what is counted ---------------------------------------------------------------------------


def test_used__beyond_what_the_request_allows__is_nobodys_debt() -> None:
    used = work.Usage(units=100, cpu_us=9_999, octets=70)
    assert count_used(used, 60, METERED, DAY) == (60,)
    assert count_used(used, 100, METERED, DAY) == (100,)
    assert count_used(used, 100, BY_CPU, DAY) == (9,)
    assert count_used(used, 100, BY_BYTES, DAY) == (70,)


def test_used__where_time_is_counted__is_the_clocks_affair() -> None:
    assert count_used(work.Usage(wall_us=10**9), 5, BY_TIME, DAY) == (0,)


def test_used__by_time_of_day__falls_into_the_band_of_its_end() -> None:
    begins = BANDS[1].begins
    assert [find_band(BY_DAY, DAY + second) for second in (0, begins - 1, begins, 86_399)] == [
        0,
        0,
        1,
        1,
    ]
    assert count_used(work.Usage(units=7), 9, BY_DAY, DAY + begins) == (0, 7)
    assert find_band(METERED, DAY + begins) == 0
