"""Archives finished jobs, or does something else, and dies before the n-th call of the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.offchain.loop.nursery import be_born
from tests.offchain.loop.tally import Asked, Closed, Fetched, Tally, TallyMachine

from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.memory import MatterMemory
from edgemark.seam import kill_self

DISK = ("open", "pwrite", "fsync", "replace", "fchmod", "unlink")
CLOSED, OPEN = 4, 2  # jobs


def key_of(number: int) -> bytes:
    """Key of a job."""
    return f"job {number}".encode()


def open_memory(journal: Journal, folder: Path) -> MatterMemory[Any, Any, Any]:
    """What a process remembers; finished jobs leave when there are four."""
    return MatterMemory(
        TallyMachine(),
        journal,
        Archive(folder / "archive"),
        seam=None,
        max_open=100,
        archive_after=CLOSED,
        name="test",
    )


def fill(folder: Path) -> None:
    """Write down six jobs, four of which are over; nothing is archived yet."""
    machine = TallyMachine()
    with Journal.open(folder / "journal") as journal:
        memory = open_memory(journal, folder)
        memory.load()
        for event in (Asked(1), Fetched(1), Asked(2)):
            for number in range(CLOSED + OPEN):
                step(machine, memory, number, event)
        for number in range(CLOSED):
            step(machine, memory, number, Closed())


def step(
    machine: TallyMachine, memory: MatterMemory[Any, Any, Any], number: int, event: Any
) -> None:
    """Let something happen to a job."""
    key = key_of(number)
    after, _ = machine.step(memory.state_before(key), event)
    memory.change(key, type(event).__name__, memory.admit(key, event), after)
    memory.commit()


def expected(number: int) -> Tally:
    """The state of a job, whatever was killed."""
    return Tally(wanted=(2,), got=(1,), is_closed=number < CLOSED)


class Fuse:
    """Ends the process at the n-th call; 0 never."""

    def __init__(self, place: int) -> None:
        self.count = 0
        self._place = place

    def burn(self) -> None:
        """One call more."""
        self.count += 1
        if self.count == self._place:
            kill_self()


@contextmanager
def before_each(names: tuple[str, ...], burn: Callable[[], None]) -> Iterator[None]:
    """Call `burn` before each of these functions of the operating system."""
    real = {name: getattr(os, name) for name in names}

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            burn()
            return function(*arguments, **options)

        return wrapped

    try:
        for name, function in real.items():
            setattr(os, name, wrap(function))
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def tidy(journal: Journal, folder: Path) -> None:
    """Take up what the journal holds, which archives what is over."""
    open_memory(journal, folder).load()


def tidy_and_go_on(journal: Journal, folder: Path) -> None:
    """The same a piece at a time, while the open jobs go on after each."""
    memory = open_memory(journal, folder)
    memory.load()
    for number in range(CLOSED, CLOSED + OPEN):
        step(TallyMachine(), memory, number, Closed())
    for number in range(CLOSED + OPEN, CLOSED + OPEN + 3):
        step(TallyMachine(), memory, number, Asked(1))
        step(TallyMachine(), memory, number, Fetched(1))
        step(TallyMachine(), memory, number, Asked(2))
    for number in (CLOSED + OPEN, CLOSED + OPEN + 1):
        step(TallyMachine(), memory, number, Closed())
    assert memory._tidying is None
    last = CLOSED + OPEN + 2
    for value in range(100, 200):
        memory.tidy()
        if memory._tidying is None:
            break
        step(TallyMachine(), memory, last, Asked(value))
    else:
        raise AssertionError


def live(folder: Path, place: int, do: Callable[[Journal, Path], None] = tidy) -> int:
    """One life: open, do it, die before call number `place` (0: live on).

    Returns:
        The exit status: how many calls there were, or minus the signal that ended it.
    """
    return be_born(_live, folder, place, do)


def _live(folder: Path, place: int, do: Callable[[Journal, Path], None]) -> int:
    with Journal.open(folder / "journal") as journal:
        fuse = Fuse(place)
        with before_each(DISK, fuse.burn):
            do(journal, folder)
    return fuse.count
