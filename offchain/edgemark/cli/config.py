"""`edgemark config show`."""

from __future__ import annotations

import click

from edgemark.cli.invocation import Invocation, takes_settings


@click.group()
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
    width = max(len(item.name) for item in shown)
    for item in shown:
        click.echo(f"{item.name:<{width}}  {item.value}  ({item.origin})")
