"""Work cut into orders, what each uses at most, and answers that are none."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.offchain.systems.trading.parties_cast import (
    BY_CPU,
    BY_DAY,
    BY_TIME,
    METERED,
    agreed_on,
)
from tests.offchain.systems.trading.work.work_cast import CHANNELS, draw, make_batch, make_dense

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Hash32, Tokens
from edgemark.systems.trading.buyer.orders.ordering import (
    ALL,
    Lot,
    Wanted,
    check_cap,
    draft_lot,
    price_at_most,
    price_between,
    read_answer,
)
from edgemark.systems.trading.buyer.purchase import MAX_REQUESTS
from edgemark.systems.trading.protocol.messages import Answer
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Bonus, Metered, Strategy, Tier, Tiers
from edgemark.systems.trading.work.checking import WrongAnswer, WrongReading
from edgemark.systems.trading.work.messages import MAX_PART_BYTES, Order, OrderKind, Usage
from edgemark.systems.trading.work.messages import Answer as WorkAnswer

FUNCTION = make_dense()
INPUTS = 10
BATCH = make_batch(FUNCTION, INPUTS)
PROGRAM = Hash32(b"\x07" * 32)
ELAPSED_US = 5_000_000


def polynomial(pieces: int = 3, sample: int = ALL) -> Lot:
    wanted = Wanted.polynomial(FUNCTION, BATCH, pieces)
    return draft_lot(wanted, CHANNELS[0], 1, cores=2, sample=sample, out="", asked_at_us=0)


def program(cpu_us: int = 1_000_000) -> Lot:
    wanted = Wanted.program(PROGRAM, b"data", cpu_us)
    return draft_lot(wanted, CHANNELS[0], 1, cores=2, sample=ALL, out="", asked_at_us=0)


def data_of(lot: Lot, number: int) -> bytes:
    wanted = Wanted.polynomial(FUNCTION, BATCH, len(lot.orders))
    return wanted.pieces[number - lot.first]


def say(lot: Lot, output: bytes, number: int = 1, **changed: object) -> Answer:
    """An honest answer with this output, unless something is changed."""
    order = lot.order(number)
    used = Usage(order.most, 0, order.data_bytes + len(output), 1000)
    if order.kind is OrderKind.PROGRAM:
        used = replace(used, units=0, cpu_us=1500)
    told = WorkAnswer(order.id, End.FINISHED, 0, hash_long(output), len(output), used)
    told = replace(told, **{name: changed[name] for name in changed if name != "units"})  # type: ignore[arg-type]
    meter = Meter.CPU_MILLISECONDS if order.kind is OrderKind.PROGRAM else Meter.PRODUCTS
    units = changed.get("units", told.used.on(meter))
    assert isinstance(units, int)
    return Answer(number, (units,), told.to_bytes())


def check(lot: Lot, answer: Answer, output: bytes) -> None:
    is_program = lot.orders[0].kind is OrderKind.PROGRAM
    meter = Meter.CPU_MILLISECONDS if is_program else Meter.PRODUCTS
    function = None if is_program else FUNCTION
    data = b"data" if is_program else data_of(lot, answer.number)
    lot.check_output(answer, output, function, data, meter, ELAPSED_US, draw("sample"))


def test_an_order_dearer_than_an_interval_may_be__is_refused_before_it_is_asked_for() -> None:
    """Its seller would put it off for ever; in pieces it is taken, one an interval."""
    tariff = METERED.agreed.tariff
    whole = Wanted.polynomial(FUNCTION, BATCH).count(Meter.PRODUCTS)
    pieces = Wanted.polynomial(FUNCTION, BATCH, 3).count(Meter.PRODUCTS)
    price = Tokens(price_at_most(tariff, whole) - tariff.first_price)
    check_cap(tariff, whole, price)
    check_cap(tariff, pieces, Tokens(price - 1))
    with pytest.raises(RefusedInput, match="costs more than an interval") as refused:
        check_cap(tariff, whole, Tokens(price - 1))
    assert "--pieces" in refused.value.remedy


def dearest(strategy: Strategy, units: int, least: int, most: int) -> int:
    """Every beginning tried."""
    tariff = agreed_on(strategy, Meter.PRODUCTS, 3).agreed.tariff
    return max(tariff.compute_fee((each,), (each + units,)) for each in range(least, most + 1))


@pytest.mark.parametrize(
    "strategy",
    [
        Metered(),
        Tiers((Tier(10, 0), Tier(None, 1000))),
        Tiers((Tier(10, 1000), Tier(25, 3000), Tier(None, 2000))),
        Bonus(every=7, free=4),
    ],
)
def test_what_an_order_costs_at_its_place__is_by_the_dearest_beginning(strategy: Strategy) -> None:
    tariff = agreed_on(strategy, Meter.PRODUCTS, 3).agreed.tariff
    for least, more, units in itertools.product(range(0, 40, 3), (0, 1, 6, 30), (0, 1, 5, 11, 40)):
        found = price_between(tariff, units, least, least + more)
        assert found == dearest(strategy, units, least, least + more), (least, more, units)


def test_an_order_behind_free_units__is_refused_where_its_place_is_too_dear() -> None:
    """From the beginning of its channel it would be free: its seller would put it off for ever."""
    tariff = agreed_on(Tiers((Tier(100, 0), Tier(None, 1000))), Meter.PRODUCTS, 1).agreed.tariff
    cap = Tokens(60)
    check_cap(tariff, [100], cap)
    check_cap(tariff, [100, 60], cap)
    for units, begun, open_units in (([100, 61], 0, 0), ([61], 100, 0), ([61], 0, 100)):
        with pytest.raises(RefusedInput, match="costs more than an interval"):
            check_cap(tariff, units, cap, begun, open_units)
    with pytest.raises(RefusedInput):
        check_cap(METERED.agreed.tariff, [2**64], cap)


@pytest.mark.parametrize("pieces", [1, 3, INPUTS])
def test_a_batch_in_pieces__is_the_batch_and_costs_the_same(pieces: int) -> None:
    wanted = Wanted.polynomial(FUNCTION, BATCH, pieces)
    assert b"".join(wanted.pieces) == BATCH
    assert len(wanted.pieces) == pieces
    assert sum(wanted.most) == FUNCTION.product_count * INPUTS
    lengths = {len(piece) for piece in wanted.pieces}
    assert max(lengths) - min(lengths) <= FUNCTION.inputs * ELEMENT_BYTES


@pytest.mark.parametrize("pieces", [0, INPUTS + 1, MAX_REQUESTS + 1])
def test_a_batch__is_cut_into_no_more_pieces_than_it_has_inputs(pieces: int) -> None:
    with pytest.raises(RefusedInput, match="cannot be cut so"):
        Wanted.polynomial(FUNCTION, BATCH, pieces)


def test_a_piece_that_is_too_large__is_refused_with_what_to_do() -> None:
    with pytest.raises(RefusedInput, match="too large"):
        Wanted.program(PROGRAM, bytes(MAX_PART_BYTES + 1), 1)


def test_what_orders_use_at_most__is_counted_in_the_meter_of_the_channel() -> None:
    wanted, run = Wanted.polynomial(FUNCTION, BATCH, 2), Wanted.program(PROGRAM, b"data", 2_500_000)
    assert wanted.count(Meter.PRODUCTS) == [FUNCTION.product_count * 5] * 2
    assert wanted.count(Meter.SECONDS) == [0, 0]
    assert wanted.count(Meter.CPU_MILLISECONDS) == [0, 0]
    assert run.count(Meter.CPU_MILLISECONDS) == [2500]
    assert run.count(Meter.BYTES) == [len(b"data") + MAX_PART_BYTES]


def test_a_request__bears_its_order_and_what_that_uses_at_most() -> None:
    lot = polynomial()
    request = lot.request(2, Meter.PRODUCTS)
    assert Order.from_bytes(request.content) == lot.order(2)
    assert (request.number, request.most) == (2, lot.order(2).most)


def test_what_work_costs_at_most__is_by_the_dearest_band_with_the_first_price() -> None:
    assert price_at_most(METERED.agreed.tariff, [5, 7]) == 36
    assert price_at_most(BY_DAY.agreed.tariff, [10]) == 30  # half as much again in the later band
    assert price_at_most(BY_CPU.agreed.tariff, [1500]) == 1
    assert price_at_most(BY_TIME.agreed.tariff, [0]) == 0


@pytest.mark.parametrize("sample", [ALL, 1, INPUTS])
def test_an_honest_answer__passes(sample: int) -> None:
    lot = polynomial(sample=sample)
    for number in lot.numbers:
        output = FUNCTION.evaluate(data_of(lot, number))
        check(lot, say(lot, output, number), output)


def flip(output: bytes) -> bytes:
    return bytes([output[0] ^ 1]) + output[1:]


LIES: dict[str, Callable[[Lot, bytes], tuple[Answer, bytes]]] = {
    "another value": lambda lot, out: (say(lot, flip(out)), flip(out)),
    "another output than it says": lambda lot, out: (say(lot, out), flip(out)),
    "an output that is too short": lambda lot, out: (say(lot, out[:-1]), out[:-1]),
    "no output": lambda lot, out: (say(lot, out[:0]), out[:0]),
    "an output that is too long": lambda lot, out: (say(lot, out + out), out + out),
    "of another order": lambda lot, out: (say(lot, out, order=Hash32(bytes(32))), out),
    "counts one unit more": lambda lot, out: (
        say(lot, out, units=lot.order(1).most + 1),
        out,
    ),
    "more units than the work has": lambda lot, out: (
        say(lot, out, used=Usage(lot.order(1).most + 1, 0, lot.order(1).data_bytes + len(out), 1)),
        out,
    ),
    "more bytes than there are": lambda lot, out: (
        say(lot, out, used=Usage(lot.order(1).most, 0, 10**9, 1)),
        out,
    ),
    "more time than passed": lambda lot, out: (
        say(
            lot,
            out,
            used=Usage(lot.order(1).most, 0, lot.order(1).data_bytes + len(out), 10**12),
        ),
        out,
    ),
    "ended as no polynomial does": lambda lot, out: (say(lot, out, end=End.KILLED), out),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_wrong_answer__is_refused_by_name(
    lie: Callable[[Lot, bytes], tuple[Answer, bytes]],
) -> None:
    lot = polynomial()
    answer, output = lie(lot, FUNCTION.evaluate(data_of(lot, 1)))
    with pytest.raises((WrongAnswer, WrongReading)):
        check(lot, answer, output)


@pytest.mark.parametrize("content", [b"", b"EMWA", bytes(200)])
def test_an_answer_that_cannot_be_read__is_the_sellers_fault(content: bytes) -> None:
    with pytest.raises(PeerFault, match="cannot be read"):
        read_answer(Answer(1, (0,), content))


def test_what_never_began__is_no_lie_and_costs_nothing() -> None:
    lot = polynomial()
    check(lot, say(lot, b"", end=End.UNSTARTED, used=Usage(), units=0), b"")
    for units in (1, lot.order(1).most, lot.order(1).most + 1):
        with pytest.raises((WrongAnswer, WrongReading)):
            check(lot, say(lot, b"", end=End.UNSTARTED, used=Usage(units=units)), b"")
        with pytest.raises((WrongAnswer, WrongReading)):
            check(lot, say(lot, b"", end=End.UNSTARTED, used=Usage(), units=units), b"")


def say_early(lot: Lot, inputs: int, **changed: object) -> tuple[Answer, bytes]:
    """An honest answer of the first piece when service was over after so many inputs."""
    output = FUNCTION.evaluate(data_of(lot, 1))[: inputs * FUNCTION.outputs * ELEMENT_BYTES]
    used = Usage(FUNCTION.product_count * inputs, 0, lot.order(1).data_bytes + len(output), 1000)
    told = {"end": End.OVER_TIME, "used": used, **changed}
    return say(lot, output, **told), output


@pytest.mark.parametrize("sample", [ALL, 2])
def test_what_was_done_when_service_was_over__is_paid_and_no_more(sample: int) -> None:
    lot, row = polynomial(pieces=1, sample=sample), FUNCTION.outputs * ELEMENT_BYTES
    for inputs in (1, INPUTS - 1):
        check(lot, *say_early(lot, inputs))
        one = FUNCTION.product_count
        _, output = say_early(lot, inputs)
        octets = lot.order(1).data_bytes + len(output)
        for used in (
            Usage(one * inputs + 1, 0, octets, 1000),
            Usage(one * (inputs + 1), 0, octets, 1000),
            Usage(lot.order(1).most, 0, octets, 1000),
            Usage(one * inputs, 1, octets, 1000),
            Usage(one * inputs, 0, octets + 1, 1000),
            Usage(one * inputs, 0, octets, 10**12),
        ):
            with pytest.raises((WrongAnswer, WrongReading)):
                check(lot, *say_early(lot, inputs, used=used))
        with pytest.raises((WrongAnswer, WrongReading)):
            check(lot, *say_early(lot, inputs, units=one * inputs + 1))
        wrong, used = flip(output), Usage(one * inputs, 0, octets, 1000)
        with pytest.raises(WrongAnswer):
            check(polynomial(pieces=1), say(lot, wrong, end=End.OVER_TIME, used=used), wrong)
    for strange in (0, INPUTS):
        with pytest.raises(WrongAnswer, match="is no beginning"):
            check(lot, *say_early(lot, strange))
    _, output = say_early(lot, 2)
    part = output[: row + 1]
    used = Usage(FUNCTION.product_count, 0, lot.order(1).data_bytes + len(part), 1)
    with pytest.raises(WrongAnswer, match="another length"):
        check(lot, say(lot, part, end=End.OVER_TIME, used=used), part)


def test_a_run_that_never_began__is_paid_no_time_that_it_counts() -> None:
    lot = program()
    check(lot, say(lot, b"", end=End.UNSTARTED, used=Usage(), units=0), b"")
    for used in (Usage(cpu_us=1000, wall_us=1000), Usage(wall_us=1000), Usage(octets=4)):
        with pytest.raises((WrongAnswer, WrongReading)):
            check(lot, say(lot, b"", end=End.UNSTARTED, used=used), b"")


def test_a_program__may_take_no_more_processor_time_than_wall_time_by_its_cores() -> None:
    lot, output = program(), b"out"
    check(lot, say(lot, output), output)
    octets = len(b"data") + len(output)
    for used in (Usage(0, 2001, octets, 1000), Usage(0, 1_000_001, octets, 4_000_000)):
        with pytest.raises(WrongReading):
            check(lot, say(lot, output, used=used), output)


def test_a_program_that_failed__is_an_answer_all_the_same() -> None:
    lot, output = program(), b"half"
    check(lot, say(lot, output, end=End.EXITED, status=1), output)
