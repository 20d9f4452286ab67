"""The clocks of a development ledger: an identity, a home and a process for each organisation.

    LEDGER/clocks/clocks.json    chaincodes that they tick for, and how often
    LEDGER/clocks/Org1MSP/       home of one: settings, journal, log, note of its process

They end with their ledger (`ledger down` takes its note away), and go on where it is killed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.files import make_private_folder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.place import Place, Served
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import DEVELOPMENT
from edgemark.ledger.launching.notes import read_note, write_note
from edgemark.ledger.launching.program import Program
from edgemark.ledger.launching.turns import in_turn
from edgemark.settings.loading import without_settings
from edgemark.settings.toml_file import FILE_NAME
from edgemark.settings.writing import write_toml
from edgemark_chaincode.clock import CLOCK_S

FOLDER, NOTE = "clocks", "clocks.json"
IDENTITY, ATTRIBUTE = "clock", {"edgemark.clock": "true"}
PROCESS = "clock"  # its note and its log, in its home
MAX_CHAINCODES = 64
TURN_S = 90.0  # until others have started or ended them
SHORTEST_S, LONGEST_S = 0.5, 3600.0


@dataclass(frozen=True)
class Ticking:
    """What clocks tick for.

    Attributes:
        chaincodes: (channel, name), in order.
        period_s: seconds between two ticks.
    """

    chaincodes: tuple[tuple[str, str], ...] = ()
    period_s: float = CLOCK_S

    @classmethod
    def load(cls, ledger: Path) -> Ticking:
        """As it was kept last, in the folder of a ledger; for nothing when it never was.

        Raises:
            NoteDamaged: the file is not as it was written.
        """
        facts = read_note(ledger / FOLDER / NOTE) or {}
        chaincodes = tuple((channel, name) for channel, name in facts.get("chaincodes", []))
        return cls(chaincodes, facts.get("period_s", CLOCK_S))

    def save(self, ledger: Path) -> None:
        """Keep it: clocks that run take it up at their next tick."""
        make_private_folder(ledger / FOLDER)
        facts = {"chaincodes": self.chaincodes, "period_s": self.period_s}
        write_note(ledger / FOLDER / NOTE, facts)


def tick_for(ledger: Path, channel: str, chaincode: str, period_s: float | None = None) -> None:
    """Have the clocks of all organisations tick for a chaincode too, and start those that do not.

    Args:
        ledger: folder of a development ledger, which runs.
        channel: of the chaincode.
        chaincode: its name.
        period_s: seconds between two ticks from now on; None for what it was.

    Raises:
        RefusedInput: too many chaincodes, or a period out of range.
    """
    with _alone(ledger):
        had = Ticking.load(ledger)
        period_s = period_s or had.period_s
        wanted = tuple(dict.fromkeys((*had.chaincodes, (channel, chaincode))))
        if len(wanted) > MAX_CHAINCODES or not SHORTEST_S <= period_s <= LONGEST_S:
            needed = f"<= {MAX_CHAINCODES} chaincodes, {SHORTEST_S:g}..{LONGEST_S:g} s"
            had_facts = f"{len(wanted)} chaincodes, {period_s:g} s"
            raise RefusedInput("cannot tick so", who="clocks", had=had_facts, needed=needed)
        Ticking(wanted, period_s).save(ledger)
        _start_all(ledger)


@contextmanager
def _alone(ledger: Path) -> Iterator[None]:
    """One at a time says what clocks tick for, starts or ends them."""
    with in_turn(ledger / FOLDER, TURN_S):
        yield


def start_clocks(ledger: Path) -> list[str]:
    """Start the clocks of a ledger that do not run, where there is anything to tick for.

    Returns:
        MSP ids of those that were started.
    """
    with _alone(ledger):
        return _start_all(ledger)


def _start_all(ledger: Path) -> list[str]:
    if not Ticking.load(ledger).chaincodes:
        return []
    return [each for each in Organisations.open(ledger).peers if _start(ledger, each)]


def stop_clocks(ledger: Path) -> None:
    """End the clocks of a ledger that run."""
    if not (ledger / FOLDER).is_dir():
        return
    with _alone(ledger):
        for note in sorted((ledger / FOLDER).glob(f"*/{PROCESS}.json")):
            program = Program.from_note(PROCESS, note.parent, read_note(note) or {}, note)
            program.close()
            note.unlink(missing_ok=True)


def advance_of(ledger: Path) -> int:
    """Seconds by which the clocks of a ledger are ahead of this machine's."""
    served = Served.load(Place(ledger))
    return 0 if served is None else served.advance_s


def _start(ledger: Path, msp_id: str) -> bool:
    home = _make_home(ledger, msp_id)
    note = home / f"{PROCESS}.json"
    facts = read_note(note)
    if facts is not None and Program.from_note(PROCESS, home, facts, note).is_running:
        return False
    Program.start(
        PROCESS,
        home,
        command_of(home, ledger),
        environment=without_settings(os.environ),
        stays=True,
        note=lambda program: write_note(note, program.facts),
    )
    return True


def command_of(home: Path, ledger: Path) -> Sequence[str]:
    """What runs a clock."""
    words = [sys.executable, "-m", "edgemark", "ledger", "clock", "run"]
    return [*words, "--home", str(home), "--of", str(ledger), "--log-level", "info"]


def _make_home(ledger: Path, msp_id: str) -> Path:
    folder = Organisations.open(ledger).folder_of(msp_id)
    known = {each.name: each.folder for each in folder.identities()}
    identity = known.get(IDENTITY) or folder.issue(
        IDENTITY, MemberRole.CLIENT, datetime.now(UTC), ATTRIBUTE
    )
    home = ledger / FOLDER / msp_id
    make_private_folder(home)
    settings = {
        "ledger.kind": DEVELOPMENT,
        "ledger.msp_id": msp_id,
        "ledger.msp_folder": str(identity / "msp"),
        "ledger.profile": str(profile_path(ledger, msp_id)),
    }
    (home / FILE_NAME).write_text(write_toml(settings))
    return home
