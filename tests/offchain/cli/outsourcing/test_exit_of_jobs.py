"""The exit status of `submit`, `result` and `status JOB` is 0 only where a script may go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import edgemark_here

from edgemark.cli.outsourcing.ordering import exit_of_job
from edgemark.cli.terminal.exits import Exit
from edgemark.demo.commands import run_command
from edgemark.errors import Unrecoverable
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
RESULT = b"\0" * 17


def exit_as_it_was(state: DeviceJob) -> Exit:
    """The rule before: only what is undecided is no success."""
    return Exit.CHECK_FAILED if state.undecided_because else Exit.DONE


@pytest.mark.parametrize("phase", [DevicePhase.CANCELLED, DevicePhase.SETTLED])
def test_a_job_that_ended_without_a_result__is_no_success(phase: DevicePhase) -> None:
    state = DeviceJob(phase=phase, order=ORDER)
    assert exit_of_job(state) is Exit.CHECK_FAILED
    assert exit_as_it_was(state) is Exit.DONE


@pytest.mark.parametrize(
    ("phase", "result"),
    [
        (DevicePhase.DRAFTED, None),  # what `--no-wait` leaves
        (DevicePhase.POSTED, None),
        (DevicePhase.STARTED, None),  # what `--until delivered` leaves
        (DevicePhase.VALID, RESULT),
        (DevicePhase.SETTLED, RESULT),
    ],
)
def test_a_job_that_has_its_result_or_may_have_it_yet__is_a_success(
    phase: DevicePhase, result: bytes | None
) -> None:
    assert exit_of_job(DeviceJob(phase=phase, order=ORDER, result=result)) is Exit.DONE


def test_an_undecided_job__is_no_success() -> None:
    state = DeviceJob(phase=DevicePhase.UNDECIDED, order=ORDER, undecided_because="too few")
    assert exit_of_job(state) is Exit.CHECK_FAILED


def test_help__says_that_no_result_is_status_1() -> None:
    assert "1 a check failed or no result" in " ".join(edgemark_here("--help").out.split())


def test_a_typed_command_that_fails__is_told_in_words_of_its_error(tmp_path: Path) -> None:
    with pytest.raises(Unrecoverable) as failed:
        run_command(tmp_path, ["config", "show", "--json", "--config", "nowhere.toml"])
    assert "SettingInvalid: nowhere.toml: cannot be read" in str(failed.value)
    assert '"error"' not in str(failed.value)  # which was for programs
