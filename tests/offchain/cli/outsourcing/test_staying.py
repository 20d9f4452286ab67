"""A command that waits says for what, tells the result at once, and waits as long as it needs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.cli.outsourcing.asking import Reading
from edgemark.cli.outsourcing.staying import MARGIN_S, compute_patience, stay, tell_waiting
from edgemark.cli.terminal.exits import Exit, exit_of
from edgemark.cli.terminal.invocation import Invocation
from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.device import Device, NotThereYet, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.staying import find_awaited
from edgemark.systems.outsourcing.protocol.life import reach_time
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
RESULT = cast.dense_function().evaluate(cast.small_batch())
FIVE = DeviceJob(
    phase=DevicePhase.STARTED,
    order=ORDER,
    indices=(IndexPhase.COMMITTED,) * 6,
    answers=tuple(cast.right_answer(ORDER, j) for j in (1, 2, 3, 4, 6)),
)


class Waits:
    """A device whose job is as far as a test says, for ever."""

    def __init__(self, state: DeviceJob) -> None:
        self.state = state
        self._fault = None
        self.waited: list[tuple[Until, float]] = []
        self.runtime = SimpleNamespace(wait_until=lambda there, _: there({}))
        decided = SimpleNamespace(limits=cast.LIMITS)
        self.station = SimpleNamespace(
            chain=SimpleNamespace(now=lambda: cast.START),
            deployment=SimpleNamespace(group=lambda _: decided),
        )

    def job(self, _: object) -> DeviceJob:
        return self.state

    def wait(self, job: Any, timeout_s: float, until: Until) -> DeviceJob:
        self.waited.append((until, timeout_s))
        itself: Any = self
        return Device.wait(itself, job, timeout_s, until)


def stay_with(device: Any, until: Until, *, as_json: bool = False) -> None:
    """As `submit` and `result` do."""
    stay(Invocation(as_json=as_json), device, ORDER.job, until, Reading(None), None)


def test_result__is_told_while_a_silent_node_is_awaited(capsys: pytest.CaptureFixture[str]) -> None:
    stay_with(Waits(replace(FIVE, result=RESULT)), Until.CLEARED)
    out, err = capsys.readouterr()
    assert re.search(r"The result is checked: -?\d+[-, ;\d]*$", err, re.MULTILINE)
    assert "waits for the answer of node 5 until 1970-01-01 00:18:10 UTC" in err
    assert out == ""


def test_result__is_not_told_twice_to_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    stay_with(Waits(replace(FIVE, result=RESULT)), Until.CLEARED, as_json=True)
    assert capsys.readouterr() == ("", "")


def test_no_result_in_time__says_what_is_awaited_and_is_to_be_tried_later() -> None:
    with pytest.raises(NotThereYet) as late:
        stay_with(Waits(FIVE), Until.CLEARED)
    assert "it waits for the answer of node 5 until" in str(late.value)
    assert exit_of(late.value) is Exit.LEDGER_UNAVAILABLE


def test_a_posting_that_nobody_saw__is_not_there_yet() -> None:
    with pytest.raises(NotThereYet, match="waits for the posting until"):
        stay_with(Waits(DeviceJob(phase=DevicePhase.DRAFTED, order=ORDER)), Until.POSTED)


@pytest.mark.parametrize(
    ("until", "by"),
    [
        (Until.POSTED, ORDER.terms.accept_by),
        (Until.DELIVERED, ORDER.terms.compute_by),
        (Until.RESULT, ORDER.gather_until),
        (Until.CLEARED, ORDER.terms.collect_by),
    ],
)
def test_without_a_timeout__it_is_as_long_as_the_job_needs(until: Until, by: int) -> None:
    needed = by - cast.START + MARGIN_S
    assert compute_patience(FIVE, until, cast.LIMITS, cast.START) == needed
    assert compute_patience(FIVE, until, cast.LIMITS, by + 1000) == MARGIN_S
    device = Waits(replace(FIVE, phase=DevicePhase.SETTLED, result=RESULT))
    stay_with(device, until)
    assert all(abs(waited - needed) < 1 for _, waited in device.waited)


def test_until_settled__the_judges_have_their_time_too() -> None:
    longest = compute_patience(FIVE, Until.SETTLED, cast.LIMITS, cast.START)
    judges_s = cast.LIMITS.judge_window + 2 * max(cast.LIMITS.judge_window, 2 * 600)
    assert longest == ORDER.terms.collect_by + judges_s - cast.START + MARGIN_S


def _phases(*phases: IndexPhase) -> tuple[IndexPhase, ...]:
    return (*phases, *[IndexPhase.PAID] * (6 - len(phases)))


SILENT = replace(FIVE, phase=DevicePhase.VALID, silent=(ShareIndex(1),), result=RESULT)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeviceJob(), "nothing"),
        (replace(FIVE, phase=DevicePhase.SETTLED), "nothing"),
        (replace(FIVE, phase=DevicePhase.DRAFTED), "the posting until"),
        (
            replace(
                FIVE,
                phase=DevicePhase.POSTED,
                indices=(IndexPhase.NAMED, IndexPhase.ACCEPTED, IndexPhase.NAMED),
            ),
            "the acceptance of nodes 1, 3 until",
        ),
        (replace(FIVE, phase=DevicePhase.EXPIRED), "its end"),
        (FIVE, "the answer of node 5 until"),
        (replace(FIVE, phase=DevicePhase.GATHERED), "decoding"),
        (
            replace(SILENT, indices=_phases(IndexPhase.COMMITTED)),
            "the time at which silence can be charged, of node 1 until",
        ),
        (
            reach_time(
                replace(SILENT, indices=_phases(IndexPhase.COMMITTED)),
                Timestamp(ORDER.terms.compute_by + 1),
            ),
            "the charge of node 1 until",
        ),
        (
            replace(
                SILENT,
                phase=DevicePhase.CHARGED,
                indices=_phases(IndexPhase.SERVED),
                verdicts_by=((ShareIndex(1), Timestamp(2_000)),),
            ),
            "the judges' word of node 1 until 1970-01-01 00:33:20 UTC",
        ),
        (
            replace(SILENT, indices=_phases(IndexPhase.PAID, IndexPhase.COMMITTED)),
            "the payment of node 2 until",
        ),
    ],
)
def test_what_is_awaited__is_said_with_whom_and_until_when(state: DeviceJob, words: str) -> None:
    assert str(find_awaited(state)).startswith(words)


def test_the_line_at_a_terminal__says_phase_whom_and_until_when() -> None:
    line = tell_waiting(replace(FIVE, result=RESULT))
    assert line.startswith(f"job {ORDER.job.hex()[:16]} is started: its result is there, waits for")
    assert "node 5 until" in line


def test_output_file__is_written_before_the_charges(tmp_path: Path) -> None:
    written = list[bytes]()

    def describe(result: bytes, _: int) -> dict[str, Any]:
        written.append(result)
        return {"output": tmp_path / "o.csv"}

    device: Any = Waits(replace(FIVE, result=RESULT))
    reading: Any = SimpleNamespace(describe=describe)
    stay(Invocation(as_json=True), device, ORDER.job, Until.CLEARED, reading)
    assert written == [RESULT]
