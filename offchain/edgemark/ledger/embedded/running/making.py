"""Makes what a ledger's folder lacks before it can be served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from edgemark.errors import RefusedInput
from edgemark.files import find_holder, make_private_folder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.place import (
    DEFAULT_ORGANISATIONS,
    SERVING,
    STOP_FIRST,
    Place,
    Served,
)
from edgemark.ledger.fabric.identities.layout import CRYPTO
from edgemark.ledger.launching.turns import in_turn

MAKING_S = 30.0  # until somebody else has made it; 16 organisations take a few


def make_ledger(place: Place, count: int | None, served: Served | None) -> Served:
    """Make what a ledger's folder lacks: organisations, and as what it is served.

    Args:
        place: of the ledger.
        count: of organisations; None for those that are there, else for DEFAULT_ORGANISATIONS.
        served: as what it is to be served; None for what it was last.

    Raises:
        RefusedInput: it has another number of organisations already, a channel has one that is
            not there, or it is served as something else now.
        FileInUse: somebody else makes it, and took too long.
    """
    make_private_folder(place.folder)
    with in_turn(place.folder / "making", MAKING_S):
        if not (place.folder / CRYPTO).exists():
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
        had = Served.load(place)
        wanted = served or had or Served()
        _check_members(wanted, list(known))
        if wanted != had:
            _check_is_not_served(place, had)
            wanted.save(place)
    return wanted


def _check_members(wanted: Served, known: Sequence[str]) -> None:
    for name, members in wanted.channels.items():
        unknown = [each for each in members if each not in known]
        if unknown:
            had, needed = ", ".join(unknown), ", ".join(known)
            raise RefusedInput("has others", who=f"channel {name}", had=had, needed=needed)


def _check_is_not_served(place: Place, had: Served | None) -> None:
    """The process that serves it keeps as what: what was written beside it would be lost, or it."""
    holder = find_holder(place.folder / SERVING)
    if holder and had is not None:
        raise RefusedInput(
            "is served already, and otherwise",
            who=place.folder,
            had=f"process {holder}",
            remedy=STOP_FIRST,
        )
