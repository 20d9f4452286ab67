"""Where the commands of this system are, each with its summary; imported when they are called."""

from __future__ import annotations

import click

from edgemark.cli.terminal.lazy import LazyGroup, NetworkPlace, Place

COMMANDS = {
    "template": Place(
        "trading.template", "template", "What a trade and its settlements say, and cost."
    ),
}

GROUPS = {
    "trading": Place("trading.commands", "trading", "Computing power sold by the minute."),
}
DEMOS: dict[str, Place] = {}
NETWORKS: dict[str, NetworkPlace] = {}  # of `edgemark chain up`
QUERIES: dict[str, Place] = {}  # of the index
RESERVES: tuple[Place, ...] = ()  # of an account's tokens, for matters that are under way


@click.group(cls=LazyGroup, places=COMMANDS)
def trading() -> None:
    """Computing power sold by the minute, settled off chain."""
