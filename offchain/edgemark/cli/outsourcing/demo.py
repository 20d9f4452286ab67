"""`edgemark demo outsourcing`."""

from __future__ import annotations

from functools import partial

import click

from edgemark.cli.options.demonstrations import Story, tells_story
from edgemark.systems.outsourcing.demo.examples import ExampleName
from edgemark.systems.outsourcing.demo.play import tell


@click.command("outsourcing")
@click.option(
    "--example",
    type=click.Choice([name.value for name in ExampleName]),
    default=ExampleName.DIGITS.value,
    show_default=True,
    help="Images, patients, or wines by way of CSV files and typed commands.",
)
@tells_story
def demonstrate(example: str) -> Story:
    """Strangers compute on private data; the liar is named and fined.

    Starts a chain, six compute nodes, four judges. On the digits three jobs run with one dishonest
    node each: one lies, one commits and serves nothing, one signs a result for another task. On the
    other examples one job runs, and a node lies.
    """
    return partial(tell, name=ExampleName(example))
