"""What a judge's cases hold is bounded, shared between payers, and promised of the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import Overloaded
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_output_bytes,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import MOST_ANSWERS, JudgeCase
from edgemark.systems.outsourcing.judge.holding import (
    LEAST_HELD_BYTES,
    CaseRoom,
    compute_most_held,
    compute_room,
)
from edgemark.systems.outsourcing.limits import (
    DISK_COPIES,
    DISK_RESERVE_BYTES,
    MAX_BATCH,
    MAX_JOB_VALUES,
    MAX_NODES,
    MAX_VALUES,
)
from edgemark.systems.outsourcing.protocol.phases import JudgePhase
from edgemark.systems.outsourcing.station.server import Payers

ORDER = cast.small_order()
LARGEST = replace(
    ORDER.terms, batch=4096, inputs=64, outputs=64, share_bytes=compute_share_bytes(4096, 64)
)
MOST = compute_most_held(512)


def case_with(number: int, kind: ChargeKind, terms: Terms, *, ended: bool = False) -> JudgeCase:
    """A case whose evidence came; of what is large only the sizes are there."""
    filed = replace(cast.case_of(ORDER, 1, kind), job=job_of(number))
    answers = (cast.right_answer(ORDER, 1),) if kind is ChargeKind.WRONG else ()
    phase = JudgePhase.ENDED if ended else JudgePhase.HOLDING
    return JudgeCase(
        cast.JUDGE_ADDRESSES[0],
        phase,
        filed,
        terms,
        ORDER.tasks[0],
        answers,
        0 if answers else None,
    )


def job_of(number: int) -> JobId:
    return JobId(number.to_bytes(32, "big"))


class Docket:
    """The cases of a judge, with room for them, or none as before."""

    def __init__(self, on_disk: Callable[[int, int], object] = lambda *_: None) -> None:
        self.cases: dict[int, JudgeCase] = {}
        self.payers = Payers()
        self.room = CaseRoom(lambda: list(self.cases.values()), self.payers, 512, on_disk)

    def charge(self, number: int, payer: str, kind: ChargeKind, terms: Terms = LARGEST) -> None:
        who: Any = payer
        self.payers.note(job_of(number), who)
        with self.room.taking(kind, terms, job_of(number)):
            self.cases[number] = case_with(number, kind, terms)

    def charge_all(self, payer: str, kind: ChargeKind, numbers: range) -> None:
        with suppress(Overloaded):
            for number in numbers:
                self.charge(number, payer, kind)

    def held(self) -> int:
        return sum(
            compute_room(ChargeKind.SILENT, each.terms or LARGEST) for each in self.cases.values()
        )


def test_one_payer__never_holds_more_than_is_left_for_the_others() -> None:
    docket = Docket()
    docket.charge_all("greedy", ChargeKind.SILENT, range(1000))
    assert 0 < docket.held() <= MOST // 2  # before, all thousand: 30 GiB
    with pytest.raises(Overloaded, match="charges of one payer hold as much") as refused:
        docket.charge(1000, "greedy", ChargeKind.SILENT)
    assert refused.value.retry_after_s > 0
    docket.charge(1001, "honest", ChargeKind.SILENT)
    for number in (0, 1):
        docket.cases[number] = case_with(number, ChargeKind.SILENT, LARGEST, ended=True)
    docket.charge(1002, "greedy", ChargeKind.WRONG)  # when some ended, it comes in


@pytest.mark.parametrize(("nodes", "errors", "jobs"), [(16, 3, 4), (64, 15, 3)])
def test_one_honest_payer__has_room_for_all_charges_of_several_large_jobs(
    nodes: int, errors: int, jobs: int
) -> None:
    """Setting aside every answer that may ever come, it had not, and those charges were void."""
    width = min(MAX_VALUES, MAX_JOB_VALUES // nodes) // 4096
    terms = replace(
        LARGEST,
        batch=4096,
        inputs=width,
        outputs=width,
        share_bytes=compute_share_bytes(4096, width),
    )
    docket = Docket()
    for number in range(jobs * errors):
        docket.charge(number, "honest", ChargeKind.SILENT, terms)
    planted = sum(compute_room(ChargeKind.SILENT, terms, MOST_ANSWERS) for _ in docket.cases)
    assert planted > MOST // 2


def test_answers__count_when_they_are_there() -> None:
    docket, right = Docket(), cast.right_answer(ORDER, 1)
    docket.charge(0, "payer", ChargeKind.SILENT)
    answer = compute_output_bytes(LARGEST.batch, LARGEST.outputs)
    for there in range(MOST_ANSWERS + 1):
        docket.cases[0] = replace(docket.cases[0], answers=(right,) * there)
        count = LARGEST.share_bytes + min(MOST_ANSWERS, there + 1) * answer
        docket.room.check((MOST - 2 * count) // 2, job_of(0))  # own and held, and this twice
        with pytest.raises(Overloaded):
            docket.room.check((MOST - 2 * count) // 2 + 1, job_of(0))


def test_several_payers_that_take_all_they_can__leave_room_for_another() -> None:
    docket = Docket()
    for payer in range(3):
        docket.charge_all(str(payer), ChargeKind.SILENT, range(100 * payer, 100 * payer + 100))
    docket.charge(1000, "honest", ChargeKind.WRONG)
    for number in range(1001, 1010):  # jobs of common size fit by the dozen
        docket.charge(number, "honest", ChargeKind.SILENT, ORDER.terms)
    assert docket.held() <= MOST


def test_all_charges_of_one_job__fit_whatever_is_set() -> None:
    assert compute_most_held(1) == LEAST_HELD_BYTES
    for nodes in (5, 16, 17, 61, MAX_NODES):
        values = min(MAX_VALUES, MAX_JOB_VALUES // nodes)
        batch = min(MAX_BATCH, values)
        width = values // batch
        terms = replace(
            LARGEST,
            batch=batch,
            inputs=width,
            outputs=width,
            share_bytes=compute_share_bytes(batch, width),
        )
        errors = (nodes - 1) // 4
        assert errors * compute_room(ChargeKind.SILENT, terms) <= LEAST_HELD_BYTES // 2


def test_case__counts_as_what_it_has_yet_to_write() -> None:
    docket, terms = Docket(), ORDER.terms
    answer = compute_output_bytes(terms.batch, terms.outputs)
    filed = JudgeCase(cast.JUDGE_ADDRESSES[0], JudgePhase.FILED, cast.case_of(ORDER, 1))
    wrong, silent = terms.share_bytes + answer, terms.share_bytes + MOST_ANSWERS * answer
    expected = {
        filed: 0,
        case_with(1, ChargeKind.WRONG, terms): wrong,
        case_with(1, ChargeKind.SILENT, terms): DISK_COPIES * silent - terms.share_bytes,
        case_with(1, ChargeKind.WRONG, terms, ended=True): wrong,
        case_with(1, ChargeKind.SILENT, terms, ended=True): terms.share_bytes,
    }
    for case, count in expected.items():
        docket.cases = {1: case}
        assert docket.room.count_promised() == count


@pytest.mark.parametrize("is_planted", [False, True])
def test_charges_on_a_small_disk__leave_room_for_the_copies_that_tidying_makes(
    is_planted: bool,
) -> None:
    """Before, each piece of evidence was looked at as if there were no others."""
    free = DISK_RESERVE_BYTES + 20 * compute_room(ChargeKind.WRONG, LARGEST)

    def on_disk(most: int, beside: int) -> None:
        needed = DISK_COPIES * most + (0 if is_planted else beside) + DISK_RESERVE_BYTES
        if free < needed:
            raise Overloaded("disk is nearly full", who="judge", had=free, needed=needed)

    docket = Docket(on_disk)
    with suppress(Overloaded):
        for number in range(100):
            docket.charge(number, str(number), ChargeKind.WRONG)
            free -= compute_room(ChargeKind.WRONG, LARGEST)
            if number % 2:
                docket.cases[number] = replace(docket.cases[number], phase=JudgePhase.ENDED)
    assert 5 < len(docket.cases) < 100
    copies = sum(compute_room(ChargeKind.WRONG, LARGEST) for _ in docket.cases)
    assert (free - DISK_RESERVE_BYTES >= copies) is not is_planted


def test_two_that_come_at_once__do_not_both_take_the_last_room() -> None:
    docket = Docket()
    while True:
        try:
            docket.charge(len(docket.cases), "greedy", ChargeKind.SILENT)
        except Overloaded:
            break
    del docket.cases[0]  # room for one
    refused: list[Overloaded] = []

    def charge(number: int) -> None:
        try:
            docket.charge(number, "greedy", ChargeKind.SILENT)
        except Overloaded as full:
            refused.append(full)

    threads = [threading.Thread(target=charge, args=(number,)) for number in range(500, 508)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
