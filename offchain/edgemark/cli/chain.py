"""`edgemark chain up|down`: a development chain on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.cli.invocation import Invocation, takes_settings
from edgemark.ledger.anvil import AnvilOptions, chain_down, chain_up


@click.group()
def chain() -> None:
    """A development chain on this machine (Anvil, one block a second)."""


@chain.command("up")
@takes_settings
@click.option("--port", type=click.IntRange(0, 65535), default=8545, show_default=True)
@click.option("--block-time", type=click.IntRange(1, 60), default=1, show_default=True)
def up(invocation: Invocation, port: int, block_time: int) -> None:
    """Start the chain; it goes on until `edgemark chain down`."""
    folder = Path(invocation.settings().home) / "chain"
    node = chain_up(folder, AnvilOptions(port=port, block_time_s=block_time))
    invocation.show({"url": node.url, "pid": node.pid}, f"chain is up at {node.url}")


@chain.command("down")
@takes_settings
def down(invocation: Invocation) -> None:
    """Stop the chain that `up` started from this home folder."""
    stopped = chain_down(Path(invocation.settings().home) / "chain")
    invocation.show({"stopped": stopped}, "chain is down" if stopped else "no chain was up")
