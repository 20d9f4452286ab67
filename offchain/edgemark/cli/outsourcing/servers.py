"""`edgemark node run` and `edgemark judge run`: servers that register themselves and stay."""

from __future__ import annotations

import click

from edgemark.cli.options.server_settings import takes_settings_of
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.party.evm.opening import open_station
from edgemark.party.running import serve, telling_end
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE, ENCLAVE
from edgemark.systems.outsourcing.station.station import OutsourcingStation


@click.group(cls=NamingGroup)
def node() -> None:
    """A compute node: computes shares for devices that it does not know."""


@click.group(cls=NamingGroup)
def judge() -> None:
    """A judge: computes charged tasks again and signs what it finds."""


@node.command("run")
@takes_settings_of(OutsourcingStation.SECTIONS, "node")
def run_node(invocation: Invocation) -> None:
    """Register (unless done), deposit the stake, serve until interrupted.

    Options count for this run; `edgemark config set NAME VALUE` keeps a setting for all.
    """
    settings = invocation.settings()
    with telling_end("node"):
        serve(open_station(OutsourcingStation, settings, COMPUTE_NODE), ComputeNode)


@judge.command("run")
@takes_settings_of(OutsourcingStation.SECTIONS, "judge")
def run_judge(invocation: Invocation) -> None:
    """Register (unless done), serve until interrupted.

    Options count for this run; `edgemark config set NAME VALUE` keeps a setting for all.
    """
    settings = invocation.settings()
    with telling_end("judge"):
        serve(open_station(OutsourcingStation, settings, ENCLAVE), Judge)
