"""`edgemark config show`."""

from __future__ import annotations

import click

from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.naming import NamingGroup

MOST_ALIGNED = 40  # characters; what is longer, as a path may be, pushes its origin to the right


@click.group(cls=NamingGroup)
def config() -> None:
    """Settings: edgemark.toml < EDGEMARK_* environment < command line."""


@config.command("show")
@takes_settings
def show(invocation: Invocation) -> None:
    """Print every setting, its value and where it came from."""
    shown = invocation.settings().show()
    if invocation.as_json:
        invocation.show(
            {item.name: {"value": str(item.value), "origin": item.origin} for item in shown}
        )
        return
    names = max(len(item.name) for item in shown)
    values = min(MOST_ALIGNED, max(len(str(item.value)) for item in shown))
    for item in shown:
        value = "-" if item.value == "" else str(item.value)
        click.echo(f"{item.name:<{names}}  {value:<{values}}  {item.origin}")
