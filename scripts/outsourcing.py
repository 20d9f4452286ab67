"""The first job on the network that ape is connected to: `ape run outsourcing --network ...`."""

import tempfile
from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand
from rich.console import Console

from edgemark.systems.outsourcing.demo.story import tell


@click.command(cls=ConnectedProviderCommand)
def cli(provider):
    """Strangers recognise private digits; the liar is named and fined. Needs a local network."""
    with tempfile.TemporaryDirectory(prefix="edgemark-ape-") as folder:
        receipt = tell(Path(folder), Console(), chain_url=provider.http_uri)
    receipt.print(Console())
    raise SystemExit(0 if receipt.ok else 1)
