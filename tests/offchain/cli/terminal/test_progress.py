"""Long work says how far it is, and that the chain is slow while it is."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from tests.offchain.systems.outsourcing import cast

from edgemark.cli.outsourcing.naming import Naming
from edgemark.cli.terminal import progress
from edgemark.cli.terminal.progress import SLOW_S, Pace, telling_phase, telling_progress


class Clock:
    """Monotonic seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What somebody sees who sits at one."""
    seen = io.StringIO()

    def make(*, stderr: bool) -> Console:
        assert stderr  # what is printed is for whoever reads it, or a program
        return Console(file=seen, force_terminal=True, force_interactive=True, width=100)

    monkeypatch.setattr(progress, "Console", make)
    return seen


def test_at_a_terminal__there_is_a_bar(terminal: io.StringIO) -> None:
    with telling_progress("index", is_quiet=False) as report:
        report(2_000, 8_000)
    assert "index" in terminal.getvalue()
    assert "2000/8000" in terminal.getvalue()
    assert "slow" not in terminal.getvalue()


def test_while_the_chain_does_not_answer__the_bar_says_so(terminal: io.StringIO) -> None:
    clock = Clock()
    with telling_progress("index", is_quiet=False, pace=Pace(clock)) as report:
        report(1, 8)
        clock.now = SLOW_S + 7
    assert "the chain is slow: no answer for 12 s" in terminal.getvalue()


def test_in_a_pipe__one_line_tells_of_a_slow_chain(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with telling_progress("index", is_quiet=False, pace=Pace(clock)) as report:
        for step_s in (1, 9, 8):
            clock.now += step_s
            report(int(clock.now), 100)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "index: the chain is slow, 9 s for one answer\n")


def test_for_a_program__nothing_but_that_is_printed(terminal: io.StringIO) -> None:
    with telling_progress("index", is_quiet=True) as report, telling_phase("asks", is_quiet=True):
        report(1, 2)
    assert terminal.getvalue() == ""


def test_asking__is_a_phase(terminal: io.StringIO) -> None:
    with telling_phase("asks nodes", is_quiet=False):
        pass
    assert "asks nodes" in terminal.getvalue()


def test_nodes_auto__shows_how_far_the_index_is(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_: object, __: object, report: Any) -> list[str]:
        report(3, 4)
        return list(cast.NODE_ADDRESSES)

    monkeypatch.setattr("edgemark.cli.outsourcing.naming.find_nodes", find)
    station: Any = SimpleNamespace()
    named = cast.NODE_ADDRESSES[2]
    found = Naming((named,), with_others=True).find(station, is_quiet=False)
    assert found[0] == named
    assert sorted(found) == sorted(cast.NODE_ADDRESSES)
    assert "3/4" in terminal.getvalue()
