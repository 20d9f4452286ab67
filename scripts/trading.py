"""Trades by the minute on the network that ape is connected to, a running one or one of ape's own.

ape run trading --network ethereum:local:hardhat
ape run trading --network http://127.0.0.1:8545
"""

import click
from ape.cli import ConnectedProviderCommand
from rich.console import Console

from edgemark.demo.folder import passing_folder
from edgemark.errors import EdgemarkError
from edgemark.logs import configure_logs
from edgemark.systems.trading.demo.play import tell


@click.command(cls=ConnectedProviderCommand)
def cli(provider):
    """Computing power is sold by the minute; cheats gain nothing. Needs a local network."""
    configure_logs("error")
    try:
        with passing_folder("edgemark-ape-") as folder:
            receipt = tell(folder, Console(), chain_url=provider.http_uri)
    except EdgemarkError as error:
        raise click.ClickException(str(error)) from error
    receipt.print(Console())
    raise SystemExit(0 if receipt.ok else 1)
