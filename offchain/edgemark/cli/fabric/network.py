"""`edgemark fabric up|down|status`: a network of Fabric's own programs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from edgemark.cli.ledger.places import tell_of_channel
from edgemark.cli.options.plain_numbers import RealRange, WholeRange
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_home
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.cli.terminal.streams import say
from edgemark.ledger.fabric.lifecycle.hosting import remove_hosts, start_hosts, stop_hosts
from edgemark.ledger.fabric.network.network import (
    FabricNetwork,
    find_network,
    network_down,
    network_up,
    remove_network,
)
from edgemark.ledger.fabric.network.plan import (
    BFT,
    LEAST_OF_BFT,
    LEAST_ORGANISATIONS,
    LONGEST_BATCH_MS,
    MOST_MESSAGES,
    MOST_ORDERERS,
    MOST_ORGANISATIONS,
    MOST_PEERS,
    RAFT,
    SHORTEST_BATCH_MS,
    Plan,
)
from edgemark.ledger.fabric.network.programs import find_programs
from edgemark.ledger.fabric.profile.writing import profile_path
from edgemark.ledger.fabric.settings import FABRIC, FOLDERS
from edgemark.ledger.launching.ports import LOOPBACK
from edgemark.transport.ports import hold_ports

_OF = Plan()  # what is not said, the first time


@click.group(cls=NamingGroup)
def fabric() -> None:
    """A network of Hyperledger Fabric's own programs on this machine.

    Peers, orderers and tools are found in $FABRIC_BIN or on PATH; none is brought along. For
    development without them there is `edgemark ledger up`.
    """


@fabric.command("up")
@takes_home
@click.option("--orderers", type=WholeRange(1, MOST_ORDERERS), help="Spare ones too.  [default: 1]")
@click.option(
    "--members", type=WholeRange(1, MOST_ORDERERS), help="Of them in the channels.  [default: all]"
)
@click.option(
    "--bft/--raft",
    default=None,
    help=f"Order by BFT: {LEAST_OF_BFT} members, Fabric 3.  [default: raft]",
)
@click.option(
    "--orgs",
    type=WholeRange(LEAST_ORGANISATIONS, MOST_ORGANISATIONS),
    help=f"Organisations.  [default: {_OF.organisations}]",
)
@click.option("--peers", type=WholeRange(1, MOST_PEERS), help="Of each.  [default: 1]")
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="One or more.  [default: mychannel]",
)
@click.option(
    "--batch-count",
    type=WholeRange(1, MOST_MESSAGES),
    help=f"Transactions of a full block.  [default: {_OF.batch_messages}]",
)
@click.option(
    "--batch-timeout",
    "batch_timeout_s",
    type=RealRange(SHORTEST_BATCH_MS / 1000, LONGEST_BATCH_MS / 1000),
    help="Seconds until a block is cut that is not full.  "
    f"[default: {_OF.batch_timeout_ms / 1000:g}]",
)
@click.option("--reset", is_flag=True, help="Remove what is there, blocks too, and begin anew.")
def up(invocation: Invocation, *, reset: bool, **wishes: Any) -> None:
    """Start the network; it goes on until `edgemark fabric down`. One that runs is found again.

    It is for development: all its nodes and all its keys are on this machine. What is not said is
    as it was, and after --reset as it is by default.
    """
    folder = invocation.settings().home.absolute() / FOLDERS[FABRIC]
    programs = find_programs()
    if reset:
        remove_hosts(folder)
        remove_network(folder)
    before = find_network(folder)
    plan = plan_of(wishes, before.plan if before else None)
    with hold_ports(plan.port_count) as held:
        network = network_up(folder, plan, held.numbers, programs=programs, stays=True)
    for failure in start_hosts(folder):
        say(f"Beware: {failure}")
    tell_of_channel(invocation, network.plan.channels)
    facts = {"fabric": programs.version, **facts_of(network)}
    lines = [f"Fabric {programs.version} is up: for development only, all keys are in {folder}"]
    invocation.show(facts, "\n".join([*lines, *rows_of(network)]))


def plan_of(wishes: Mapping[str, Any], before: Plan | None) -> Plan:
    """What network is wished.

    Args:
        wishes: options of `up`; None or empty for what is not said.
        before: the network that stands there.

    Raises:
        RefusedInput: no such network can be.
    """
    timeout_s = wishes["batch_timeout_s"]
    named = {
        "orderers": wishes["orderers"],
        "members": wishes["members"],
        "consensus": None if wishes["bft"] is None else (BFT if wishes["bft"] else RAFT),
        "organisations": wishes["orgs"],
        "peers": wishes["peers"],
        "channels": wishes["channels"] or None,
        "batch_timeout_ms": None if timeout_s is None else round(timeout_s * 1000),
        "batch_messages": wishes["batch_count"],
    }
    given = {name: wish for name, wish in named.items() if wish is not None}
    if before is None:
        least = LEAST_OF_BFT if wishes["bft"] else 1
        given.setdefault("orderers", max(given.get("members", 1), least))
        given.setdefault("members", given["orderers"])
    return replace(before or Plan(), **given)


@fabric.command("status")
@takes_home
def status(invocation: Invocation) -> Exit:
    """Print how each node is.

    Exit status 1 when one has ended, does not answer, or is not well.
    """
    network = find_network(invocation.settings().home / FOLDERS[FABRIC])
    if network is None:
        invocation.show({"nodes": {}}, "no network was ever up")
        return Exit.CHECK_FAILED
    facts = facts_of(network)
    invocation.show(facts, "\n".join(rows_of(network)))
    is_well = set(facts["nodes"].values()) == {"healthy"}
    return Exit.DONE if is_well else Exit.CHECK_FAILED


@fabric.command("down")
@takes_home
@click.option("--remove", is_flag=True, help="Remove its blocks, certificates and keys too.")
def down(invocation: Invocation, *, remove: bool) -> None:
    """End the network and its chaincode; it keeps its blocks."""
    folder = invocation.settings().home.absolute() / FOLDERS[FABRIC]
    (remove_hosts if remove else stop_hosts)(folder)
    stopped = (remove_network if remove else network_down)(folder)
    invocation.show({"stopped": stopped}, "Fabric is down" if stopped else "no network was up")


def facts_of(network: FabricNetwork) -> dict[str, Any]:
    """What clients and operators of a network need to know."""
    places = network.places
    return {
        "folder": str(network.folder),
        "channels": list(network.plan.channels),
        "nodes": network.status(),
        "peers": {each.name: f"{LOOPBACK}:{each.port}" for each in places.peers},
        "orderers": {each.name: f"{LOOPBACK}:{each.port}" for each in places.orderers},
        "profiles": {
            msp_id: str(profile_path(network.folder, msp_id)) for msp_id in places.organisations
        },
        "spare": [each.name for each in places.orderers if not each.is_member],
    }


def rows_of(network: FabricNetwork) -> list[str]:
    """The same, a line a node."""
    width = max(len(place.name) for place in network.places)
    states = network.status()
    rows = [
        f"{place.name:<{width}}  {LOOPBACK}:{place.port:<5}  {states[place.name]}"
        for place in network.places
    ]
    profiles = profile_path(network.folder, "MSP").parent
    return [*rows, f"channels: {', '.join(network.plan.channels)}", f"profiles: {profiles}"]
