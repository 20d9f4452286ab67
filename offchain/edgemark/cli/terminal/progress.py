"""How far long work is, at a terminal; and that the chain is slow, wherever somebody reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

SLOW_S = 5.0  # for one step; a node of one's own answers in a small part of a second

Report = Callable[[int, int], None]  # how far, of how many


class Pace:
    """When the last step was done.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self.is_told = False

    def step(self) -> float:
        """One more is done; the seconds that it took."""
        before, self._last = self._last, self._clock()
        return self._last - before

    def tell(self) -> str:
        """That the chain is slow, while it is."""
        quiet_s = self._clock() - self._last
        return f"the chain is slow: no answer for {quiet_s:.0f} s" if quiet_s > SLOW_S else ""


class _Slowness(ProgressColumn):
    """Looked at with each turn of the bar, also while nothing comes."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:  # noqa: ARG002 - rich's signature
        return Text(self._pace.tell(), style="yellow")


@contextmanager
def telling_progress(what: str, *, is_quiet: bool, pace: Pace | None = None) -> Iterator[Report]:
    """A bar at a terminal; elsewhere one line, once a step was slow.

    Args:
        what: is done, in a word or two.
        is_quiet: what is printed is for a program.
        pace: of the steps.
    """
    kept, aside = pace or Pace(), Console(stderr=True)
    is_bar = aside.is_interactive and not is_quiet
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _Slowness(kept),
    )
    with Progress(*columns, transient=True, console=aside, disable=not is_bar) as shown:
        task = shown.add_task(what, total=None)

        def report(done: int, of: int) -> None:
            took_s = kept.step()
            if took_s > SLOW_S and not is_bar and not kept.is_told:
                kept.is_told = True
                click.echo(f"{what}: the chain is slow, {took_s:.0f} s for one answer", err=True)
            shown.update(task, completed=done, total=of)

        yield report


@contextmanager
def telling_phase(what: str, *, is_quiet: bool) -> Iterator[None]:
    """What goes on, and for how long, at a terminal.

    Args:
        what: goes on, in a word or two.
        is_quiet: what is printed is for a program.
    """
    aside = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    is_hidden = is_quiet or not aside.is_interactive
    with Progress(*columns, transient=True, console=aside, disable=is_hidden) as shown:
        shown.add_task(what, total=None)
        yield
