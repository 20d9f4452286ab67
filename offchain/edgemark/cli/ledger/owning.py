"""`edgemark ledger snapshot|revert|advance|verify`: what only the owner of a ledger may ask."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from edgemark.cli.ledger.asking.reaching import check_is_up
from edgemark.cli.ledger.places import check_is_made, place_of
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_home
from edgemark.identifiers import Moment
from edgemark.ledger.embedded.channel.ledger import MAX_SNAPSHOTS, verify_folder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.control import LONG_S, ask_ledger
from edgemark.ledger.embedded.running.place import MAX_ADVANCE_S, Served
from edgemark.ledger.fabric.settings import LedgerSettings


@click.command("snapshot")
@takes_home
@click.option("--list", "is_list", is_flag=True, help="Take none; print the newest that are there.")
def snapshot(invocation: Invocation, *, is_list: bool) -> None:
    """Remember the state of all channels, and print the number to come back to it."""
    if not is_list:
        told = _ask(invocation, "snapshot")
        invocation.show(told, f"snapshot {told['number']}")
        return
    told = _ask(invocation, "snapshots")
    rows = [
        {"number": each["number"], "time": Moment(each["at"]), "channels": each["channels"]}
        for each in told["snapshots"]
    ]
    shown = [
        {**row, "blocks": " ".join(f"{name}={height}" for name, height in row["channels"].items())}
        for row in rows
    ]
    text = in_columns(shown, ("number", "time", "blocks")) if rows else "no snapshot was taken"
    if older := told["count"] - len(rows):
        text += f"\nand {older} older ones"
    invocation.show({"snapshots": rows, "count": told["count"]}, text)


@click.command("revert")
@takes_home
@click.argument("number", type=WholeRange(1, MAX_SNAPSHOTS))
def revert(invocation: Invocation, number: int) -> None:
    """Take all channels back to snapshot NUMBER; what was ordered since is gone.

    Which there are, and of when, `snapshot --list` says.

    Blocks that clients have seen are taken back too: clients that follow begin anew.
    """
    told = _ask(invocation, "revert", number=number)
    invocation.show(told, f"the ledger is as it was at snapshot {number}")


@click.command("advance")
@takes_home
@click.argument("seconds", type=WholeRange(0, MAX_ADVANCE_S))
def advance(invocation: Invocation, seconds: int) -> None:
    """Move the ledger's clocks SECONDS ahead, for good.

    From then on it takes timestamps that are up to that much ahead, and the organisations' clocks
    tick with it; other clients go on as they are, and certificates do not age.
    """
    told = _ask(invocation, "advance", seconds=seconds)
    invocation.show(told, f"clocks are {told['advanced_s']} s ahead")


@click.command("verify")
@takes_home
def verify(invocation: Invocation) -> None:
    """Check every block, signature, code and value of all channels; the ledger may run meanwhile.

    It shows damage, and tampering by whoever lacks the keys; not by who operates the ledger and has
    them all. Status 5 and the first thing that is wrong, when something is.
    """
    place = check_is_made(place_of(invocation))
    orderer = Organisations.open(place.folder).orderer.read()
    served = Served.load(place)
    found = verify_folder(place.folder, orderer, served.channels if served else ())
    lines = [
        f"ok  {each.channel}  {each.blocks} blocks  {each.valid} of {each.transactions} "
        f"transactions count  {each.keys} keys"
        for each in found
    ]
    invocation.show({"channels": [asdict(each) for each in found]}, "\n".join(lines))


def _ask(invocation: Invocation, what: str, **facts: object) -> dict[str, Any]:
    """What the process of this home's ledger answers to its owner.

    Raises:
        LedgerSilent: it is down, or does not answer.
        RefusedInput: there is none, or it says no.
    """
    place = check_is_made(place_of(invocation))
    check_is_up(LedgerSettings(), place.folder.parent)
    return ask_ledger(place.socket, what, limit_s=LONG_S, **facts)
