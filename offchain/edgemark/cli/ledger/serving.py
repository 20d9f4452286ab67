"""`edgemark ledger init|up|serve|down|status`: the process of the development ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from edgemark.cli.ledger.places import check_is_made, place_of, tell_of_channel
from edgemark.cli.options.plain_numbers import RealRange, WholeRange
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_home
from edgemark.cli.terminal.streams import say
from edgemark.ledger.embedded.organisations.organisations import (
    count_organisations,
)
from edgemark.ledger.embedded.running.making import make_ledger
from edgemark.ledger.embedded.running.place import (
    DEFAULT_ORGANISATIONS,
    LONGEST_BATCH_S,
    LONGEST_EXECUTE_S,
    MAX_BATCH_COUNT,
    MAX_SKEW,
    SHORTEST_BATCH_S,
    Place,
    Served,
)
from edgemark.ledger.embedded.running.process import (
    bring_up,
    check_served_so,
    ledger_status,
    starting_alone,
    take_down,
)
from edgemark.ledger.fabric.identities.layout import ORDERER_MSP, msp_id_of
from edgemark.ledger.fabric.lifecycle.hosting import start_hosts, stop_hosts
from edgemark.ledger.fabric.settings import FABRIC, FOLDERS
from edgemark.ledger.fabric.wire.limits import MAX_ORGANISATIONS
from edgemark.party.consortium.clocks import start_clocks, stop_clocks
from edgemark.transport.ports import hold_ports

F = TypeVar("F", bound=Callable[..., Any])

_OF = Served()  # what is not said, the first time
OPTIONS = (
    click.option(
        "--orgs",
        type=WholeRange(1, MAX_ORGANISATIONS),
        help=f"Organisations.  [default: {DEFAULT_ORGANISATIONS}]",
    ),
    click.option(
        "--channel",
        "channels",
        multiple=True,
        metavar="NAME[=MSP,...]",
        help="A channel, and who is on it; may be given again.  [default: mychannel, all]",
    ),
    click.option(
        "--port",
        type=WholeRange(0, 65000),
        help="Of the first organisation; the others follow, the orderer last.  [default: free]",
    ),
    click.option(
        "--batch-count",
        type=WholeRange(1, MAX_BATCH_COUNT),
        help=f"Transactions of a full block.  [default: {_OF.batch_count}]",
    ),
    click.option(
        "--batch-timeout",
        "batch_timeout_s",
        type=RealRange(SHORTEST_BATCH_S, LONGEST_BATCH_S),
        help=f"Seconds until a block is cut that is not full.  [default: {_OF.batch_timeout_s:g}]",
    ),
    click.option(
        "--execute-timeout",
        "execute_timeout_s",
        type=RealRange(0, LONGEST_EXECUTE_S),
        help="Seconds that a chaincode has; 0 for ever, for a debugger.  "
        f"[default: {_OF.execute_timeout_s:g}]",
    ),
    click.option(
        "--skew",
        type=WholeRange(0, MAX_SKEW),
        help=f"Blocks by which the peers that are asked second are behind.  [default: {_OF.skew}]",
    ),
    click.option(
        "--metrics-port", type=WholeRange(-1, 65535), help="0: a free one, -1: none.  [default: 0]"
    ),
)


def takes_ledger(command: F) -> F:
    """Options that say as what a ledger is made and served; what is not said stays as it was."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def serve_so(place: Place, said: dict[str, Any]) -> tuple[Served, list[str]]:
    """As what a ledger is to be served, and which facts of it were said.

    Raises:
        RefusedInput: a fact is out of range.
    """
    had = Served.load(place)
    told = {name: value for name, value in said.items() if value not in (None, ())}
    count = told.pop("orgs", None) or count_organisations(place.folder, DEFAULT_ORGANISATIONS)
    if "channels" in told:
        known = {} if had is None else had.channels
        told["channels"] = {**known, **dict(_read_channel(each) for each in told["channels"])}
    names = [*(msp_id_of(number) for number in range(1, count + 1)), ORDERER_MSP]
    first = told.pop("port", None)
    if first:
        told["ports"] = {name: first + place for place, name in enumerate(names)}
    elif first is not None or had is None:
        with hold_ports(len(names)) as held:  # below those of outgoing connections: free next time
            told["ports"] = dict(zip(names, held.numbers, strict=True))
    return replace(had or Served(), **told), list(told)


def _read_channel(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, members = text.partition("=")
    return name, tuple(filter(None, members.split(",")))


def _make(place: Place, said: dict[str, Any]) -> Served:
    """Make what a ledger lacks, by who is `starting_alone`: nobody else writes it meanwhile."""
    wanted, names = serve_so(place, said)
    check_served_so(place.folder, wanted, names)
    return make_ledger(place, said["orgs"], wanted)


@click.command("init")
@takes_home
@takes_ledger
def init(invocation: Invocation, orgs: int | None, **said: Any) -> None:
    """Make a ledger's organisations, identities and channels, without starting it."""
    place = place_of(invocation)
    serve_so(place, {"orgs": orgs, **said})  # refuses what nobody can serve, and makes nothing
    with starting_alone(place):
        wanted = _make(place, {"orgs": orgs, **said})
    facts = {"folder": str(place.folder), "channels": list(wanted.channels)}
    invocation.show(facts, f"ledger is made in {place.folder}")


@click.command("up")
@takes_home
@takes_ledger
def up(invocation: Invocation, orgs: int | None, **said: Any) -> None:
    """Start a development ledger; it goes on until `edgemark ledger down`.

    It speaks Hyperledger Fabric's protocols, for one machine and one operator. One that runs is
    found again. The first start makes organisations, their identities and certificates, and a
    channel.
    """
    place = place_of(invocation)
    serve_so(place, {"orgs": orgs, **said})  # refuses what nobody can serve, and makes nothing
    with starting_alone(place):
        _make(place, {"orgs": orgs, **said})
        running = bring_up(place.folder)
        for failure in start_hosts(place.folder):
            say(f"Beware: {failure}")
        start_clocks(place.folder)
    home = place.folder.parent
    lines = [f"ledger is up, from {home}: for development only, one operator has all its keys"]
    lines += [f"  {who}  127.0.0.1:{port}" for who, port in running.facts["ports"].items()]
    tell_of_channel(invocation, running.facts["channels"])
    invocation.show({**running.facts, "folder": str(place.folder)}, "\n".join(lines))


@click.command("down")
@takes_home
def down(invocation: Invocation) -> None:
    """Stop this home's ledger and its chaincode; what it committed stays."""
    place = place_of(invocation)
    stopped = place.folder.is_dir() and _end(place)
    invocation.show({"stopped": stopped}, "ledger is down" if stopped else "no ledger was up")


def _end(place: Place) -> bool:
    with starting_alone(place):
        stop_clocks(place.folder)
        stop_hosts(place.folder)
        return take_down(place.folder)


@click.command("status")
@takes_home
def status(invocation: Invocation) -> Exit:
    """Print whether this home's ledger runs, and where it listens; status 1 when it does not."""
    place = place_of(invocation)
    running = ledger_status(place.folder)
    if running is None:
        words = "no development ledger is up; start it: edgemark ledger up"
        if (place.folder.parent / FOLDERS[FABRIC]).is_dir():
            words += "\nhow this home's network of Fabric is, says: edgemark fabric status"
        invocation.show({"runs": False}, words)
        return Exit.CHECK_FAILED
    invocation.show({"runs": True, **running.facts})
    return Exit.DONE


@click.command("serve")
@takes_home
def serve(invocation: Invocation) -> None:
    """Serve this home's ledger in the foreground until interrupted, as `up` does behind it."""
    place = check_is_made(place_of(invocation))
    from edgemark.cli.ledger.foreground import (  # noqa: PLC0415 - only who serves needs the doors
        serve_until_told,
    )

    serve_until_told(place)
