"""What a buyer finds of answers that are not true."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.work.work_cast import (
    draw,
    make_batch,
    make_dense,
    order_run,
    order_values,
)

from edgemark.confinement.limits import End
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.errors import RefusedInput
from edgemark.systems.trading.work.checking import (
    Work,
    WrongAnswer,
    WrongReading,
    check_answer,
    check_values,
    count_units,
    draw_inputs,
)
from edgemark.systems.trading.work.messages import Answer, Usage

FUNCTION = make_dense()
BATCH = make_batch(FUNCTION, 10)
VALUES = FUNCTION.evaluate(BATCH)
WORK = Work(order_values(FUNCTION, BATCH), count_units(FUNCTION, 10), 0)
USED = Usage(WORK.units, 0, len(BATCH) + len(VALUES), 50)
ANSWER = Answer(WORK.order.id, End.FINISHED, 0, hash_long(VALUES), len(VALUES), USED)

RUN = Work(order_run(hash_long(b"program"), b"data"), 0, 2)
RUN_USED = Usage(0, 150, 4 + 3, 90)
RUN_ANSWER = Answer(RUN.order.id, End.EXITED, 1, hash_long(b"out"), 3, RUN_USED)


def test_right_values__pass_whole_and_by_sample() -> None:
    check_values(FUNCTION, BATCH, VALUES)
    check_values(FUNCTION, BATCH, VALUES, draw_inputs(10, 3, draw("sample")))
    check_answer(WORK, ANSWER, VALUES, 60)
    check_answer(RUN, RUN_ANSWER, b"out", 100)


@pytest.mark.parametrize("at", [0, 4, 9])
def test_a_wrong_value__is_found_where_it_is_recomputed(at: int) -> None:
    row = FUNCTION.outputs * ELEMENT_BYTES
    wrong = bytearray(VALUES)
    wrong[(at + 1) * row - 1] ^= 1
    with pytest.raises(WrongAnswer, match=f"value {at}"):
        check_values(FUNCTION, BATCH, bytes(wrong))
    with pytest.raises(WrongAnswer, match=f"value {at}"):
        check_values(FUNCTION, BATCH, bytes(wrong), [at])
    check_values(FUNCTION, BATCH, bytes(wrong), [each for each in range(10) if each != at])


def test_values_of_another_length_or_no_elements__are_refused() -> None:
    with pytest.raises(WrongAnswer, match="another length"):
        check_values(FUNCTION, BATCH, VALUES[:-ELEMENT_BYTES])
    with pytest.raises(WrongAnswer, match="no element"):
        check_values(FUNCTION, BATCH, VALUES[:-ELEMENT_BYTES] + b"\xff" * ELEMENT_BYTES, [0])


def test_samples__are_drawn_evenly_without_repeating() -> None:
    randomness, seen = draw("even"), Counter[int]()
    for _ in range(600):
        drawn = draw_inputs(6, 2, randomness)
        assert len(set(drawn)) == 2
        seen.update(drawn)
    assert all(150 < seen[each] < 250 for each in range(6))
    assert draw_inputs(3, 9, randomness) == [0, 1, 2]
    with pytest.raises(RefusedInput, match="checks nothing"):
        draw_inputs(3, 0, randomness)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"order": hash_long(b"another")}, "another order"),
        ({"output": hash_long(b"another")}, "another output"),
        ({"output_bytes": 1}, "another output"),
        ({"end": End.EXITED}, "no polynomial"),
        ({"used": replace(USED, units=WORK.units + 1)}, "units"),
        ({"used": replace(USED, units=WORK.units - 1)}, "units"),
        ({"used": replace(USED, octets=USED.octets + 1)}, "bytes"),
        ({"used": replace(USED, cpu_us=1)}, "processor time"),
        ({"used": replace(USED, wall_us=61)}, "wall time"),
    ],
)
def test_an_answer_that_cannot_be__is_refused(changes: dict[str, Any], found: str) -> None:
    with pytest.raises((WrongAnswer, WrongReading), match=found):
        check_answer(WORK, replace(ANSWER, **changes), VALUES, 60)


def test_t20_more_processor_time_than_wall_time_and_cores_allow__is_refused() -> None:
    most = replace(RUN_USED, cpu_us=180)
    check_answer(RUN, replace(RUN_ANSWER, used=most), b"out", 90)
    with pytest.raises(WrongReading, match="processor time"):
        check_answer(RUN, replace(RUN_ANSWER, used=replace(most, cpu_us=181)), b"out", 90)
    with pytest.raises(WrongReading, match="wall time"):
        check_answer(RUN, replace(RUN_ANSWER, used=most), b"out", 89)
    little = replace(RUN, order=replace(RUN.order, most=179))
    answer = replace(RUN_ANSWER, used=most, order=little.order.id)
    with pytest.raises(WrongReading, match="processor time"):
        check_answer(little, answer, b"out", 90)


def test_what_never_began__has_no_bytes_to_be_paid() -> None:
    none = Answer(RUN.order.id, End.UNSTARTED, 0, hash_long(b""), 0, Usage())
    check_answer(RUN, none, b"", 1)
    for used in (Usage(units=1), Usage(cpu_us=1), Usage(octets=1), Usage(wall_us=1)):
        with pytest.raises(WrongReading, match="needed 0"):
            check_answer(RUN, replace(none, used=used), b"", 10)
    told = replace(none, output=hash_long(b"out"), output_bytes=3)
    with pytest.raises(WrongReading, match="output"):
        check_answer(RUN, told, b"out", 10)


@pytest.mark.parametrize("work", [RUN, WORK])
def test_what_its_seller_stopped__is_no_answer(work: Work) -> None:
    output = b"out"
    used = RUN_USED if work is RUN else Usage(units=work.units, octets=work.order.data_bytes + 3)
    told = Answer(work.order.id, End.STOPPED, 0, hash_long(output), len(output), used)
    with pytest.raises(WrongAnswer, match="ended as no"):
        check_answer(work, told, output, 90)
