"""Whether a ledger of this home is known to be down: nobody has to wait to learn that."""

from __future__ import annotations

from pathlib import Path

from edgemark.files import find_holder
from edgemark.ledger.embedded.running.place import SERVING, STARTING, Place
from edgemark.ledger.fabric.faults import LedgerSilent
from edgemark.ledger.fabric.lifecycle.opening import ledger_folder
from edgemark.ledger.fabric.network.network import find_network
from edgemark.ledger.fabric.opening import STARTS
from edgemark.ledger.fabric.settings import DEVELOPMENT, LedgerSettings
from edgemark.ledger.launching.notes import NoteDamaged, read_note
from edgemark.ledger.launching.program import Program


def check_is_up(settings: LedgerSettings, home: Path) -> None:
    """Check that a ledger of this home is not known to be down; one elsewhere is asked.

    Args:
        settings: [ledger].
        home: this home.

    Raises:
        LedgerSilent: no process of it runs, and nobody is starting one; nothing was sent.
    """
    folder = ledger_folder(settings, home)
    if folder is not None and is_down(settings, folder):
        raise LedgerSilent(
            "is not running",
            who=f"ledger in {folder}",
            remedy=how_to_start(settings),
        )


def how_to_start(settings: LedgerSettings) -> str:
    """The remedy where a ledger of this home is down."""
    return f"It is down: start it with `{STARTS[settings.kind]}`."


def is_down(settings: LedgerSettings, folder: Path) -> bool:
    """Whether the note of a folder names processes that have ended; what is not known is not down.

    Args:
        settings: [ledger].
        folder: of the ledger, in this home.
    """
    try:
        if settings.kind == DEVELOPMENT:
            return _has_ended(Place(folder))
        return _peers_have_ended(folder, settings.msp_id)
    except NoteDamaged:
        return False


def _has_ended(place: Place) -> bool:
    if find_holder(place.folder / STARTING) or find_holder(place.folder / SERVING):
        return False
    note = read_note(place.note)
    if note is None:  # `down` takes it away; one that nobody ever served is not there at all
        return (place.folder / f"{SERVING}.lock").exists()
    return not Program.from_note("ledger", place.folder, note, place.note).is_running


def _peers_have_ended(folder: Path, msp_id: str) -> bool:
    """Of the organisation whose peers are asked."""
    network = None if find_holder(folder) else find_network(folder)
    if network is None:
        return False
    names = [each.name for each in network.places.peers if each.msp_id == msp_id]
    started = [network.programs[name] for name in names if name in network.programs]
    return bool(names) and not any(each.is_running for each in started)
