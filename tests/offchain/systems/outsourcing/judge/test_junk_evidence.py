"""F4: junk evidence makes a judge read no function, and honest evidence waits for no reading."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast, doors

from edgemark.crypto.polynomial import Polynomial, parse_polynomial
from edgemark.errors import RefusedInput
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.protocol.messages import Evidence
from edgemark.systems.outsourcing.station import functions as functions_module
from edgemark.systems.outsourcing.station.functions import FunctionStore
from edgemark.systems.outsourcing.steps.compute import WrongFunction, WrongTask
from edgemark.transport.serving.routes import Request, Response

ORDER = cast.small_order()
GOOD = Evidence(ORDER.terms, ORDER.tasks[0], None)
JUNK = replace(GOOD, task=replace(ORDER.tasks[0], share=b"", branch=()))
TIMES = 5


def make_judge(folder: Path) -> Any:
    """A judge of a charge as silent, whose function is on its disk and was not read lately."""
    FunctionStore(folder).add(cast.dense_function())
    judge: Any = doors.make_judge(cast.case_of(ORDER, 1, ChargeKind.SILENT), ORDER)
    judge.station.functions = FunctionStore(folder)
    return judge


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the functions that were read."""
    seen = list[int]()

    def parse(raw: bytes) -> Polynomial:
        seen.append(len(raw))
        return parse_polynomial(raw)

    monkeypatch.setattr(functions_module, "parse_polynomial", parse)
    return seen


def planted(judge: Any) -> Callable[[Request], Response]:
    """As it was: the function first, and then the rest."""

    def take(request: Request) -> Response:
        judge.station.functions.find(ORDER.terms.function_hash)
        judge.station.functions._parsed.clear()  # as others of the longest ones have pushed it out
        response: Response = judge._take_evidence(request)
        return response

    return take


def send_junk(door: Callable[[Request], Response]) -> None:
    for _ in range(TIMES):
        with pytest.raises(WrongTask):
            doors.knock(door, JUNK)


def test_f4_junk_evidence__reads_no_function(tmp_path: Path, reads: list[int]) -> None:
    judge = make_judge(tmp_path)
    send_junk(planted(judge))
    assert len(reads) == TIMES
    send_junk(judge._take_evidence)
    assert doors.knock(judge._take_evidence, GOOD) == TAKEN
    assert (len(reads), judge.runtime.heard) == (TIMES, 1)


def test_f4_honest_evidence__while_functions_are_read__is_taken_at_once(tmp_path: Path) -> None:
    judge, taken = make_judge(tmp_path), list[bytes]()
    with judge.station.functions._reading:
        waiting = threading.Thread(
            target=lambda: taken.append(doors.knock(planted(judge), GOOD)), daemon=True
        )
        waiting.start()
        assert doors.knock(judge._take_evidence, GOOD) == TAKEN
        assert not taken
    waiting.join(10)
    assert taken == [TAKEN]


def test_f4_evidence_under_terms_of_other_sizes__is_refused_by_the_header(
    tmp_path: Path, reads: list[int]
) -> None:
    judge = make_judge(tmp_path)
    terms = replace(ORDER.terms, term_count=ORDER.terms.term_count + 1)
    posted = judge.station.settlement.job(ORDER.job)
    posted.terms_hash = terms.hash
    judge._jobs = {ORDER.job: posted}
    with pytest.raises(WrongFunction, match="terms differs"):
        doors.knock(judge._take_evidence, replace(GOOD, terms=terms))
    assert not reads


def test_f4_junk_evidence__asks_for_no_function(tmp_path: Path) -> None:
    judge = make_judge(tmp_path)
    judge.station.functions = FunctionStore(tmp_path / "empty")
    send_junk(judge._take_evidence)
    with pytest.raises(RefusedInput, match="not asked for"):
        judge.station.functions.awaited_bytes(ORDER.terms.function_hash)
