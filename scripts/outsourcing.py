"""The first job on the network that ape is connected to, a running one or one of ape's own.

ape run outsourcing --network ethereum:local:hardhat
ape run outsourcing --network http://127.0.0.1:8545 --example regression
"""

import click
from ape.cli import ConnectedProviderCommand
from rich.console import Console

from edgemark.demo.folder import passing_folder
from edgemark.errors import EdgemarkError
from edgemark.logs import configure_logs
from edgemark.systems.outsourcing.demo.examples import ExampleName
from edgemark.systems.outsourcing.demo.play import tell


@click.command(cls=ConnectedProviderCommand)
@click.option(
    "--example",
    type=click.Choice([name.value for name in ExampleName]),
    default=ExampleName.DIGITS.value,
    show_default=True,
    help="Images, patients, or wines by way of CSV files and typed commands.",
)
def cli(provider, example):
    """Strangers compute on private data; the liar is named and fined. Needs a local network."""
    configure_logs("error")
    try:
        with passing_folder("edgemark-ape-") as folder:
            told = ExampleName(example)
            receipt = tell(folder, Console(), told, chain_url=provider.http_uri)
    except EdgemarkError as error:
        raise click.ClickException(str(error)) from error
    receipt.print(Console())
    raise SystemExit(0 if receipt.ok else 1)
