"""The process that serves a ledger's folder: started, found again, ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.files import make_private_folder
from edgemark.ledger.embedded.running.control import ask_ledger
from edgemark.ledger.embedded.running.place import STARTING, STOP_FIRST, Place, Served
from edgemark.ledger.launching.notes import read_note
from edgemark.ledger.launching.ports import check_port_free
from edgemark.ledger.launching.program import Program
from edgemark.ledger.launching.turns import in_turn

NAME = "ledger"
START_S = 30.0  # until a silent one counts as failed; it is ready within 2 s on an idle machine


@dataclass(frozen=True)
class Running:
    """A ledger that runs.

    Attributes:
        program: its process.
        facts: what it says of itself: ports, channels, heights.
    """

    program: Program
    facts: dict[str, Any]


def command_of(folder: Path) -> Sequence[str]:
    """What serves the ledger in a folder of a home, until it is told to end."""
    words = [sys.executable, "-m", "edgemark", "ledger", "serve"]
    return [*words, "--home", str(folder.parent), "--log-level", "info"]


def ledger_up(folder: Path, command: Callable[[Path], Sequence[str]] = command_of) -> Running:
    """Start the ledger of a folder, to stay when this process ends; or find it running.

    Args:
        folder: of the ledger, with organisations and `served.json`.
        command: that serves the folder.

    Raises:
        PortInUse: something else listens where it did, or was told to.
        ProgramDied: it ended at the start; with its last words.
        NoteDamaged: what is known of its process cannot be read.
    """
    with starting_alone(Place(folder)):
        return bring_up(folder, command)


def bring_up(folder: Path, command: Callable[[Path], Sequence[str]] = command_of) -> Running:
    """As `ledger_up`, by who is `starting_alone` already."""
    return ledger_status(folder) or _start(Place(folder), command(folder))


@contextmanager
def starting_alone(place: Place) -> Iterator[None]:
    """One at a time makes, starts or ends the ledger of a folder; the others wait for it.

    The folder is made where it is not there.

    Raises:
        FileInUse: somebody else took too long.
    """
    if not place.folder.exists():
        make_private_folder(place.folder)
    with in_turn(place.folder / STARTING, START_S + Program.STOP_S):
        yield


def _start(place: Place, command: Sequence[str]) -> Running:
    served = Served.load(place) or Served()
    for port in served.ports.values():
        check_port_free(port)
    program = Program.start(NAME, place.folder, command, stays=True)

    def is_ready() -> bool:
        note = read_note(place.note)
        if note is None or note.get("pid") != program.pid:
            return False
        ask_ledger(place.socket, "ping")
        return True

    try:
        program.wait_until_ready(is_ready, START_S)
    except BaseException:
        program.close()
        raise
    return Running(program, ask_ledger(place.socket, "status"))


def ledger_status(folder: Path) -> Running | None:
    """The ledger of a folder when it runs.

    Raises:
        NoteDamaged: what is known of its process cannot be read.
        LedgerSilent: its process runs and does not answer.
    """
    place = Place(folder)
    note = read_note(place.note)
    if note is None:
        return None
    program = Program.from_note(NAME, folder, note, place.note)
    if not program.is_running:
        return None
    return Running(program, ask_ledger(place.socket, "status"))


def ledger_down(folder: Path) -> bool:
    """End the ledger of a folder; False when none ran.

    Raises:
        NoteDamaged: what is known of its process cannot be read.
    """
    if not folder.is_dir():
        return False
    with starting_alone(Place(folder)):
        return take_down(folder)


def take_down(folder: Path) -> bool:
    """As `ledger_down`, by who is `starting_alone` already: none is being started meanwhile."""
    place = Place(folder)
    note = read_note(place.note)
    if note is None:
        return False
    program = Program.from_note(NAME, folder, note, place.note)
    was_running = program.is_running
    program.close()
    if read_note(place.note) == note:  # else one that was started otherwise has come up
        place.note.unlink()
        place.socket.unlink(missing_ok=True)
    return was_running


def check_served_so(folder: Path, wished: Served, names: Sequence[str]) -> None:
    """Check that a ledger, where there is one, is served as somebody wishes.

    Args:
        folder: of the ledger.
        wished: as what it is to be served.
        names: of the facts of it that were said.

    Raises:
        RefusedInput: it runs otherwise.
    """
    had = Served.load(Place(folder))
    if had is None or ledger_status(folder) is None:
        return
    for name in names:
        if getattr(had, name) != getattr(wished, name):
            raise RefusedInput(
                "runs already, and otherwise",
                who=folder,
                had=_in_words(name, getattr(had, name)),
                needed=_in_words(name, getattr(wished, name)),
                remedy=STOP_FIRST,
            )


def _in_words(name: str, value: object) -> str:
    """A fact of what is served: channels with who is on them, ports with whose they are."""
    if name == "channels" and isinstance(value, Mapping):
        told = [f"{each} of {', '.join(members) or 'all'}" for each, members in value.items()]
        return f"channels {'; '.join(told)}"
    if isinstance(value, Mapping):
        return f"{name} {', '.join(f'{whose} {each}' for whose, each in value.items())}"
    return f"{name} {value}"
