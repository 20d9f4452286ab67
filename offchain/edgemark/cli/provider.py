"""`edgemark provider`: an organisation that runs compute nodes or judges."""

from __future__ import annotations

import click

from edgemark.cli.invocation import Invocation, takes_settings
from edgemark.identifiers import parse_address
from edgemark.systems.outsourcing.joining import admit_server, join_as_provider
from edgemark.systems.outsourcing.station import Station


@click.group()
def provider() -> None:
    """An organisation: it registers once, and admits the servers that work for it."""


@provider.command("register")
@takes_settings
@click.argument("name")
def register(invocation: Invocation, name: str) -> None:
    """Register this home's account as the organisation NAME."""
    with Station.open(invocation.settings()) as station:
        join_as_provider(station, name)
        me = station.address
    invocation.show({"provider": me, "name": name})


@provider.command("admit")
@takes_settings
@click.argument("account")
def admit(invocation: Invocation, account: str) -> None:
    """Let ACCOUNT register as a node or judge of this organisation."""
    admitted = parse_address(account, who="account")
    with Station.open(invocation.settings()) as station:
        admit_server(station, admitted)
        me = station.address
    invocation.show({"provider": me, "admitted": admitted})
