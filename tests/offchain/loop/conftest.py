"""Loops that are stopped when their test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.loop.queued import QUICK, Waiting
from tests.offchain.loop.tally import Fetcher, TallyMachine

from edgemark.errors import Unrecoverable
from edgemark.journal.journal import Journal
from edgemark.loop.runtime import Runtime

Start = Callable[..., Runtime[Any, Any, Any]]
Wait = Callable[..., Waiting]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a loop on the test's journal; an earlier one of the test must have stopped."""
    with ExitStack() as cleanup:

        def begin(
            perform: Any = None, *, machine: Any = None, most_bytes: int = 4096, **options: Any
        ) -> Runtime[Any, Any, Any]:
            journal = cleanup.enter_context(
                Journal.open(tmp_path / "journal", max_record_bytes=most_bytes)
            )
            loop: Runtime[Any, Any, Any] = Runtime(
                machine or TallyMachine(),
                journal,
                perform or Fetcher(),
                **{"pace": QUICK, **options},
            )
            loop.start()
            cleanup.callback(end, loop, journal)
            return loop

        yield begin


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Wait]:
    """Makes a loop that was not started; it is stopped when the test ends."""
    with ExitStack() as cleanup:

        def make(perform: Any = None, *, most_bytes: int = 2**22, **options: Any) -> Waiting:
            journal = Journal.open(tmp_path / "journal", max_record_bytes=most_bytes)
            made = Waiting(journal, perform or Fetcher(), **options)
            cleanup.callback(end, made.loop, journal)
            return made

        yield make


def end(loop: Runtime[Any, Any, Any], journal: Journal) -> None:
    """Stop a loop and give its journal free."""
    loop.stop()
    with suppress(Unrecoverable):
        loop.join(10)
    journal.close()
