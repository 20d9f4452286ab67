"""`edgemark demo ledger`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from edgemark.cli.options.demonstrations import shows_receipt
from edgemark.errors import RefusedInput
from edgemark.files import expand_home
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, PROFILE, LedgerSettings
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.consortium.elsewhere import tell_elsewhere
from edgemark.systems.trading.demo.consortium.play import tell

OF_A_PROFILE = {
    "profile": "--ledger-profile",
    "channel": "--channel",
    "msp_id": "--msp-id",
    "msp_folder": "--msp-folder",
}


@click.command("ledger")
@shows_receipt
@click.option(
    "--ledger",
    "kind",
    metavar=f"[{DEVELOPMENT}|{FABRIC}|{PROFILE}|FILE]",
    help="What is started: the development ledger, or Fabric's own programs ($FABRIC_BIN). Or a "
    f"network of your own: {PROFILE}, or its connection profile.  [default: {DEVELOPMENT}]",
)
@click.option(
    "--ledger-profile", "profile", metavar="FILE", help="Connection profile, JSON or YAML."
)
@click.option(
    "--channel", metavar="NAME", help=f"Of that network.  [default: {LedgerSettings().channel}]"
)
@click.option(
    "--msp-id", metavar="MSP", help=f"Of the identity.  [default: {LedgerSettings().msp_id}]"
)
@click.option("--msp-folder", metavar="FOLDER", help="Of the identity there.")
def demonstrate(folder: Path, console: Console, kind: str | None, **given: Any) -> Receipt:
    """Evidence of trades on a consortium ledger; nothing is lost, none counts twice.

    Two organisations record settlements. The same again is refused, an endorsement by one alone
    does not count, one that was held back dies with its phase. Two organisations disagree, a client
    and the ledger are killed, and a changed byte is found. On a network of your own the chaincode
    `trading` has to be there; what one identity cannot show is named in the receipt.
    """
    told = {name: value for name, value in given.items() if value is not None}
    if kind is None:
        kind = PROFILE if "profile" in told else DEVELOPMENT
    if kind in (DEVELOPMENT, FABRIC):
        if told:
            raise RefusedInput(
                "are of a network that is there already",
                who=", ".join(OF_A_PROFILE[name] for name in told),
                needed=f"--ledger {PROFILE}, or no such option",
            )
        return tell(folder, console, kind=kind)
    return tell_elsewhere(folder, console, _access_of(kind, told))


def _access_of(kind: str, told: dict[str, str]) -> LedgerSettings:
    """The network of a profile, and who comes to it."""
    if kind != PROFILE:
        if "profile" in told:
            raise RefusedInput("name a profile each", who="--ledger and --ledger-profile")
        told = {**told, "profile": kind}
    for name in ("profile", "msp_folder"):
        if not told.get(name):
            raise RefusedInput(
                "is missing",
                who=OF_A_PROFILE[name],
                needed=f"for --ledger {kind}: where the network is, and the folder `msp` of an "
                "identity of it",
            )
    paths = {
        name: str(expand_home(told[name], who=OF_A_PROFILE[name]).absolute())
        for name in ("profile", "msp_folder")
    }
    if not Path(paths["profile"]).is_file():
        raise RefusedInput(
            "is no file",
            who=f"--ledger {kind}" if kind != PROFILE else OF_A_PROFILE["profile"],
            had=paths["profile"],
            needed=f"{DEVELOPMENT}, {FABRIC}, {PROFILE}, or a connection profile",
        )
    return LedgerSettings(kind=PROFILE, **{**told, **paths})
