"""`edgemark demo outsourcing`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.page import html_option, save_page
from edgemark.demo.folder import passing_folder
from edgemark.ledger.evm.development.launching import DEFAULT_KIND, KINDS
from edgemark.logs import configure_logs
from edgemark.systems.outsourcing.demo.examples import ExampleName
from edgemark.systems.outsourcing.demo.play import tell


@click.command("outsourcing")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as one JSON value.")
@click.option(
    "--example",
    type=click.Choice([name.value for name in ExampleName]),
    default=ExampleName.DIGITS.value,
    show_default=True,
    help="Images, patients, or wines by way of CSV files and typed commands.",
)
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
@html_option
def demonstrate(
    as_json: bool, example: str, keep: Path | None, chain_kind: str, html: Path | None
) -> int:
    """Strangers compute on private data; the liar is named and fined.

    Starts a chain, six compute nodes, four judges. On the digits three jobs run with one dishonest
    node each: one lies, one commits and serves nothing, one signs a result for another task. On the
    other examples one job runs, and a node lies.
    """
    configure_logs("error")
    console = Console(stderr=as_json)
    if keep is not None:
        receipt = tell(keep, console, ExampleName(example), chain_kind=chain_kind)
    else:
        with passing_folder("edgemark-demo-") as folder:
            receipt = tell(folder, console, ExampleName(example), chain_kind=chain_kind)
    if html is not None:
        save_page(html, receipt)
    if as_json:
        click.echo(json.dumps(receipt.as_dict()))
    else:
        receipt.print(console)
    return Exit.DONE if receipt.ok else Exit.CHECK_FAILED
