"""Makes what a ledger's folder lacks before it can be served."""

from __future__ import annotations

from datetime import UTC, datetime

from edgemark.errors import RefusedInput
from edgemark.files import make_private_folder
from edgemark.ledger.embedded.organisations.organisations import FOLDER, Organisations
from edgemark.ledger.embedded.running.place import DEFAULT_ORGANISATIONS, Place, Served


def make_ledger(place: Place, count: int | None, served: Served | None) -> Served:
    """Make what a ledger's folder lacks: organisations, and as what it is served.

    Args:
        place: of the ledger.
        count: of organisations; None for those that are there, else for DEFAULT_ORGANISATIONS.
        served: as what it is to be served; None for what it was last.

    Raises:
        RefusedInput: it has another number of organisations already, or a channel has one that is
            not there.
    """
    make_private_folder(place.folder)
    if not (place.folder / FOLDER).exists():
        Organisations.make(place.folder, count or DEFAULT_ORGANISATIONS, datetime.now(UTC))
    known = Organisations.open(place.folder).peers
    if count not in (None, len(known)):
        raise RefusedInput(
            "has other organisations",
            who=place.folder,
            had=len(known),
            needed=count,
            remedy="Use another home folder.",
        )
    wanted = served or Served.load(place) or Served()
    for name, members in wanted.channels.items():
        unknown = [each for each in members if each not in known]
        if unknown:
            had, needed = ", ".join(unknown), ", ".join(known)
            raise RefusedInput("has others", who=f"channel {name}", had=had, needed=needed)
    wanted.save(place)
    return wanted
