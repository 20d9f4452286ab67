"""`edgemark demo ledger`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from edgemark.cli.options.demonstrations import shows_receipt
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC
from edgemark.receipt import Receipt
from edgemark.systems.trading.demo.consortium.play import tell


@click.command("ledger")
@shows_receipt
@click.option(
    "--ledger",
    "kind",
    type=click.Choice([DEVELOPMENT, FABRIC]),
    default=DEVELOPMENT,
    show_default=True,
    help="What is started: the development ledger, or Fabric's own programs ($FABRIC_BIN).",
)
def demonstrate(folder: Path, console: Console, kind: str) -> Receipt:
    """Evidence of trades on a consortium ledger; nothing is lost, none counts twice.

    Two organisations record settlements. The same again is refused, an endorsement by one alone
    does not count, one that was held back dies with its phase. Two organisations disagree, a client
    and the ledger are killed, and a changed byte is found.
    """
    return tell(folder, console, kind=kind)
