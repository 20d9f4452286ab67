"""R9: a second command of a home waits for its turn, or tells what the first one does; none stops.

Before, a second `submit` or `result` was refused as long as the first one stayed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.stage.command_line import edgemark_here

from edgemark.cli.outsourcing import ordering
from edgemark.cli.outsourcing.placing import turns
from edgemark.cli.outsourcing.placing.turns import (
    Countdown,
    await_turn,
    follow_or_open,
    open_device,
    watch,
)
from edgemark.cli.spending.command import Spending
from edgemark.cli.terminal.exits import Exit
from edgemark.errors import RefusedInput
from edgemark.journal.journal import Journal, JournalInUse
from edgemark.loop.replay import encode_record
from edgemark.systems.outsourcing.device.device import NotThereYet, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
MACHINE = PartyMachine(DeviceJob)
USED = JournalInUse("is in use", who="lane.journal", had="process 7", remedy="Wait.")


class Other:
    """Another command that stays with the jobs of a home."""

    def __init__(self, home: Path) -> None:
        self._held = ExitStack()
        self._held.enter_context(Journal.open(home / "lane.journal"))
        self.journal = self._held.enter_context(Journal.open(home / "device.journal"))

    def happen(self, *events: object) -> None:
        for event in events:
            self.journal.append(encode_record(MACHINE, ORDER.job, event))

    def leave(self) -> None:
        self._held.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    """It has ordered a job."""
    staying = Other(tmp_path)
    staying.happen(on.AskedSubmit(ORDER))
    yield staying
    staying.leave()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let things happen, one at each pause of who waits; no pause is long."""

    def plan(*deeds: Callable[[], object]) -> None:
        left = list(deeds)
        clock = SimpleNamespace(sleep=lambda _: left.pop(0)(), monotonic=time.monotonic)
        monkeypatch.setattr(turns, "time", clock)

    return plan


def test_second_submission__waits_for_its_turn_and_says_for_whom(
    tmp_path: Path, other: Other, meanwhile: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    meanwhile(lambda: None, other.leave)
    await_turn(tmp_path, USED)
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"Process {os.getpid()} stays with the jobs of this home; this command")
    assert "Nothing of it has begun: it may be left" in said


def test_what_stays_with_no_jobs__is_not_waited_for(
    tmp_path: Path, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "OPENING_S", 0.0)
    meanwhile(lambda: None)
    with (
        Journal.open(tmp_path / "lane.journal"),
        pytest.raises(JournalInUse, match="wait until it ends, or use another home"),
    ):
        await_turn(tmp_path, USED)


def test_device__is_opened_when_the_turn_has_come(
    tmp_path: Path, other: Other, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    @contextmanager
    def opened(_: object) -> Iterator[str]:
        tried.append(1)
        Journal.open(tmp_path / "lane.journal").close()
        yield "device"

    monkeypatch.setattr(turns.ordering, "open_device", opened)
    meanwhile(other.leave)
    invocation: Any = SimpleNamespace(settings=lambda: SimpleNamespace(home=tmp_path))
    with open_device(Spending(invocation, is_dry=False, is_agreed=True)) as device:
        assert (device, len(tried)) == ("device", 2)


def test_job_of_another_command__is_followed_in_its_journal(
    tmp_path: Path, other: Other, meanwhile: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = other.journal.count
    meanwhile(lambda: None, lambda: other.happen(on.SawPosted()))
    state = watch(tmp_path, ORDER.job, Until.POSTED, None)
    assert state is not None
    assert state.phase is DevicePhase.POSTED
    assert other.journal.count == before + 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "does what this job needs" in said


def test_job_of_another_command_that_leaves__is_taken_up(
    tmp_path: Path, other: Other, meanwhile: Any
) -> None:
    meanwhile(other.leave)
    assert watch(tmp_path, ORDER.job, Until.RESULT, None) is None


def test_of_two_that_follow__the_second_one_follows_the_first_that_took_over(
    tmp_path: Path, other: Other, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its time goes on: it does not begin anew with the other process."""
    taken: list[Other] = []

    def take_over() -> None:
        other.leave()
        taken.append(Other(tmp_path))

    @contextmanager
    def opened(_: object) -> Iterator[str]:
        take_over()
        raise USED
        yield

    monkeypatch.setattr(turns.ordering, "open_device", opened)
    invocation: Any = SimpleNamespace(settings=lambda: SimpleNamespace(home=tmp_path))
    spending = Spending(invocation, is_dry=False, is_agreed=True)
    countdown = Countdown.start(60.0)
    meanwhile(other.leave, lambda: taken[0].happen(on.SawPosted()))
    with ExitStack() as stack:
        found = follow_or_open(stack, spending, ORDER.job, Until.POSTED, countdown)
        assert isinstance(found, DeviceJob)
        assert found.phase is DevicePhase.POSTED
        with pytest.raises(NotThereYet):
            follow_or_open(stack, spending, ORDER.job, Until.RESULT, Countdown.start(0.0))
    taken[0].leave()


def test_who_waits__waits_for_a_command_only_as_long_as_that_one_stays(
    tmp_path: Path, other: Other, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the home behind it may never end: it is not waited for in its name."""
    monkeypatch.setattr(turns, "OPENING_S", 0.0)
    servers = []

    def serve() -> None:
        other.leave()
        servers.append(Journal.open(tmp_path / "lane.journal"))

    meanwhile(serve, lambda: None)
    await_turn(tmp_path, USED)
    with pytest.raises(JournalInUse, match="wait until it ends, or use another home"):
        await_turn(tmp_path, USED)
    servers[0].close()


def test_following__ends_with_its_time_and_says_what_is_awaited(
    tmp_path: Path, other: Other, meanwhile: Any
) -> None:
    meanwhile()
    with pytest.raises(NotThereYet, match="it waits for the posting until"):
        watch(tmp_path, ORDER.job, Until.RESULT, 0.0)
    with pytest.raises(RefusedInput, match="job is unknown here"):
        watch(tmp_path, JobId(bytes([0xEE] * 32)), Until.RESULT, 0.0)
    other.leave()
    assert watch(tmp_path, ORDER.job, Until.RESULT, 0.0) is None


def test_result__tells_a_job_with_which_another_command_stays(
    tmp_path: Path, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.happen(on.SawPosted())
    lookout = SimpleNamespace(chain=SimpleNamespace(now=lambda: cast.START))
    monkeypatch.setattr(ordering, "Lookout", SimpleNamespace(open=lambda _: lookout))
    asked = ("result", ORDER.job.hex(), "--until", "posted", "--home", tmp_path, "--json")
    done = edgemark_here("outsourcing", *asked)
    assert (done.status, done.value["phase"]) == (Exit.DONE, "posted")
    dry = edgemark_here("outsourcing", *asked, "--dry-run")
    assert (dry.status, dry.value["dry_run"]) == (Exit.DONE, True)
    assert dry.value["may_lock"] == str(ORDER.terms.errors * ORDER.terms.bond)
    assert dry.value["waits_for"].startswith("the acceptance of nodes 1, 2")
