"""`edgemark demo outsourcing`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
from rich.console import Console

from edgemark.cli.exits import Exit
from edgemark.ledger.launching import DEFAULT_KIND, KINDS
from edgemark.logs import configure_logs
from edgemark.systems.outsourcing.demo.story import tell


@click.group()
def demo() -> None:
    """Run a whole system on this machine and print a receipt."""


@demo.command("outsourcing")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as one JSON value.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep keys, journals and logs in this folder (default: a temporary one).",
)
@click.option(
    "--chain",
    "chain_kind",
    type=click.Choice(list(KINDS)),
    default=DEFAULT_KIND,
    show_default=True,
    help="Kind of the chain that is started.",
)
def outsourcing(as_json: bool, keep: Path | None, chain_kind: str) -> int:
    """Strangers recognise private digits; the liar is named and fined.

    Starts a chain, six compute nodes, four judges; runs three jobs with one dishonest node each:
    one lies, one commits and serves nothing, one signs a result for another task.
    """
    configure_logs("error")
    console = Console(stderr=as_json)
    if keep is not None:
        receipt = tell(keep, console, chain_kind=chain_kind)
    else:
        with tempfile.TemporaryDirectory(prefix="edgemark-demo-") as folder:
            receipt = tell(Path(folder), console, chain_kind=chain_kind)
    if as_json:
        click.echo(json.dumps(receipt.as_dict()))
    else:
        receipt.print(console)
    return Exit.DONE if receipt.ok else Exit.CHECK_FAILED
