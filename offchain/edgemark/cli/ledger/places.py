"""The folder of a home's development ledger."""

from __future__ import annotations

from edgemark.cli.terminal.invocation import Invocation
from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.running.place import Place

FOLDER = "ledger"  # of the home


def place_of(invocation: Invocation) -> Place:
    """The folder of this home's ledger, whether it is there or not."""
    return Place(invocation.settings().home.absolute() / FOLDER)


def check_is_made(place: Place) -> Place:
    """The same folder.

    Raises:
        RefusedInput: there is no ledger.
    """
    if not place.served.exists():
        remedy = "Make one: `edgemark ledger init`, or start one: `edgemark ledger up`."
        raise RefusedInput("has no ledger", who=place.folder.parent, remedy=remedy)
    return place
