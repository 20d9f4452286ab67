"""`--node` and `--nodes` of a submission: whom a user names, and whom a job is posted for then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from edgemark.cli.terminal.progress import telling_progress
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.systems.outsourcing.offline.drafting import check_named
from edgemark.systems.outsourcing.order.finding import find_nodes, read_node_file
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.inquire import MOST_NAMED

AUTO = "auto"  # a file of that name is ./auto

node_option = click.option(
    "--node", "named", multiple=True, help="Account of a node; m times, or more to choose from."
)
nodes_option = click.option(
    "--nodes",
    "listed",
    metavar="auto|FILE",
    help="More nodes: of a file, an account a line; or `auto`, any that are in good standing.",
)


@dataclass(frozen=True)
class Naming:
    """Whom a user named.

    Attributes:
        accounts: those that were named, in that order.
        with_others: nodes in good standing come behind them, as it falls.
    """

    accounts: tuple[Address, ...]
    with_others: bool = False

    @classmethod
    def read(cls, named: Sequence[str], listed: str | None) -> Naming:
        """What the options say.

        Raises:
            RefusedInput: none is named, or a word is no account.
        """
        if not named and listed is None:
            raise RefusedInput(
                "name nodes",
                who="--node and --nodes",
                needed="--node ACCOUNT, --nodes FILE, or --nodes auto",
                remedy="`edgemark index nodes` lists them.",
            )
        accounts = [parse_address(node, who="--node") for node in named]
        if listed not in (None, AUTO):
            accounts += read_node_file(Path(str(listed)))
        return cls(tuple(accounts), listed == AUTO)

    def check(self, needed: int) -> None:
        """Check that they are enough, unless others come behind; raises as `check_named`."""
        check_named(self.accounts, 0 if self.with_others else needed)

    def find(
        self, station: OutsourcingStation, *, is_quiet: bool, folder: Path | None = None
    ) -> list[Address]:
        """Whom the job may be posted for, those first that were named; raises as `find_nodes`.

        Args:
            station: whose chain.
            is_quiet: nobody looks how far the search is.
            folder: where what has to be written is written; the home folder when None.
        """
        if not self.with_others:
            return list(self.accounts[:MOST_NAMED])
        with telling_progress("index of nodes", is_quiet=is_quiet) as report:
            others = find_nodes(station, folder, report)
        nodes = [*self.accounts, *(node for node in others if node not in self.accounts)]
        return nodes[:MOST_NAMED]
