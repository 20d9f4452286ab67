"""The folder of a home's development ledger."""

from __future__ import annotations

from collections.abc import Collection

from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.streams import say
from edgemark.errors import RefusedInput
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, FOLDERS, LedgerSettings


def place_of(invocation: Invocation) -> Place:
    """The folder of this home's ledger, whether it is there or not."""
    return Place(invocation.settings().home.absolute() / FOLDERS[DEVELOPMENT])


def tell_of_channel(invocation: Invocation, channels: Collection[str]) -> None:
    """Say so where commands would ask for a channel that a ledger does not have.

    Args:
        invocation: with the settings in force.
        channels: names of those that it has.
    """
    wanted = invocation.settings().of(LedgerSettings).channel
    if wanted not in channels:
        there = sorted(channels)
        say(
            f"Beware: commands ask channel {wanted}, and this ledger has {', '.join(there)}. "
            f"Give them --channel {there[0]}, or for good: "
            f"`edgemark config set ledger.channel {there[0]}`."
        )


def check_is_made(place: Place) -> Place:
    """The same folder.

    Raises:
        RefusedInput: there is no ledger.
    """
    if not place.served.exists():
        home, remedy = place.folder.parent, "Make one: `edgemark ledger init`, or `ledger up`."
        if (network := home / FOLDERS[FABRIC]).is_dir():
            remedy = (
                f"That of `edgemark fabric up` has its profiles in {network / 'profiles'}, and "
                "organisations below crypto-config beside: `identity --organisation-folder FOLDER`."
            )
        raise RefusedInput("has no development ledger", who=home, remedy=remedy)
    return place
