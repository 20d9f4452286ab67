"""`edgemark ledger chaincode deploy|run`: bring a chaincode to a channel, and run its processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from edgemark.cli.ledger.asking.choosing import chooses_ledger
from edgemark.cli.ledger.asking.naming import no_such_channel, say_how_to_start
from edgemark.cli.options.plain_numbers import RealRange
from edgemark.cli.terminal.invocation import Invocation
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.errors import RefusedInput
from edgemark.files import read_limited
from edgemark.ledger.fabric.faults import LedgerSilent, NotEndorsed
from edgemark.ledger.fabric.lifecycle.administrator import Administrator
from edgemark.ledger.fabric.lifecycle.checking import HOST
from edgemark.ledger.fabric.lifecycle.deploying import (
    Deployed,
    check_committed,
    check_endorsers,
    deploy,
    members_of,
)
from edgemark.ledger.fabric.lifecycle.dialling import check_answers
from edgemark.ledger.fabric.lifecycle.hosting import Hosts, find_hosts, hosting_alone
from edgemark.ledger.fabric.lifecycle.messages import check_wanted
from edgemark.ledger.fabric.lifecycle.opening import ledger_folder, open_administrators
from edgemark.ledger.fabric.lifecycle.swapping import swap_hosts
from edgemark.ledger.fabric.lifecycle.wishing import FIRST_VERSION, Wish, list_changes
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.making import make_package
from edgemark.ledger.fabric.packages.reading import MAX_PACKAGE_BYTES, parse_package
from edgemark.ledger.fabric.settings import DEVELOPMENT, LedgerSettings
from edgemark.ledger.fabric.wire.policy.policies import OfChannel, make_policy
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_words
from edgemark.party.consortium.clock import has_clocks
from edgemark.party.consortium.clocks import LONGEST_S, SHORTEST_S, tick_for
from edgemark.transport.ports import hold_ports
from edgemark_chaincode.clock import CLOCK_S

LOOK_S = 0.2


@click.group("chaincode", cls=NamingGroup)
def chaincode() -> None:
    """Bring chaincode to a channel, and run its processes."""


@chaincode.command("deploy")
@chooses_ledger
@click.argument("name")
@click.option(
    "--run",
    "code",
    metavar="MODULE:CLASS",
    help="Chaincode of your own, run here and packaged as a service (type ccaas).  [default: what "
    "NAME ran here before, else NAME of ours]",
)
@click.option(
    "--version",
    help="The definition's chaincode version: whatever you call it.  [default: as committed; "
    f"{FIRST_VERSION} the first time]",
)
@click.option(
    "--policy",
    help="Who endorses: as in AND('Org1MSP.peer', 'Org2MSP.peer'), or `majority`, the channel's "
    "Endorsement = MAJORITY.  [default: as committed; majority the first time]",
)
@click.option(
    "--init-required/--no-init-required",
    default=None,
    help="Its first call has to be marked as such: `invoke --init`.  [default: as committed]",
)
@click.option("--reload", is_flag=True, help="Its processes restart when their source changes.")
@click.option(
    "--address", metavar="HOST:PORT", help="Where its process listens already, for its package."
)
@click.option(
    "--clock-every",
    "clock_s",
    type=RealRange(SHORTEST_S, LONGEST_S),
    help=f"Seconds between ticks of the development ledger's clocks.  [default: {CLOCK_S:g}]",
)
@click.option(
    "--package",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A chaincode package of type ccaas, made elsewhere; its process listens already.",
)
def deploy_command(invocation: Invocation, name: str, **given: Any) -> None:
    """Bring NAME to the channel, and wait until it is endorsed.

    It is installed, approved for each organisation, and committed.
    On a ledger of this home it is done for every organisation of the channel, and a process is
    started for each. On a network of a connection profile it is done for your own organisation:
    say where its process listens, by --address or --package. What is done already is not repeated,
    but processes that run are started anew, with the code as it is now; one whose calls block is
    killed after 10 s. Where the new ones cannot run, those of before run on or again, unless the
    error says that they cannot. What is not said of its definition stays as it is committed, and
    what changes is told.
    On the development ledger the clocks of all organisations tick for it from then on.
    """
    settings = invocation.settings()
    chosen = settings.of(LedgerSettings)
    text = given["policy"]
    policy = None if text is None else parse_policy_words(text)
    said = None if policy is None else make_policy(policy)
    wish = Wish(name, given["version"], said, given["init_required"])
    check_wanted(wish.over(None))
    folder = ledger_folder(chosen, settings.home)
    console = Console(stderr=True)
    with (
        open_administrators(chosen, settings.home) as everybody,
        console.status("asking the ledger ...") as status,
    ):
        members = _members(everybody[0], name, chosen)
        if policy is not None and not isinstance(policy, OfChannel):
            check_endorsers(text, policy, members)
        acting = [each for each in everybody if each.msp_id in members]
        hosts, packages = None, _named_packages(folder, name, acting, given)
        if not packages:
            hosts = _start_hosts(folder, name, acting, given)
            packages = {each.msp_id: hosts.package_of(each.msp_id)[1] for each in acting}
        deployed = deploy(acting, wish, packages, lambda what: status.update(f"{what} ..."))
        check_committed(deployed)
        if chosen.kind == DEVELOPMENT:
            _begin_ticking(folder, acting[0], name, given["clock_s"])
    _show(invocation, chosen.channel, deployed, hosts)


def _members(first: Administrator, name: str, chosen: LedgerSettings) -> list[str]:
    """Organisations of the channel; of one that is not there, which there are."""
    try:
        return members_of(first, name)
    except LedgerSilent as silent:
        say_how_to_start(silent, chosen)
        raise
    except NotEndorsed as refused:
        channel, there = first.client.desk.channel, first.channels()
        if channel in there:
            raise
        missing = no_such_channel(channel, there)
        missing.had, missing.endorsers = refused.had, refused.endorsers
        raise missing from refused


def _show(invocation: Invocation, channel: str, deployed: Deployed, hosts: Hosts | None) -> None:
    """Print what stands on a channel now."""
    wanted = deployed.wanted
    places = {} if hosts is None else {each: hosts.address_of(each) for each in hosts.ports}
    facts = {
        "chaincode": wanted.name,
        "version": wanted.version,
        "sequence": wanted.sequence,
        "channel": channel,
        "packages": dict(deployed.packages),
        "processes": places,
    }
    lines = [f"{wanted.name} {wanted.version} is on {channel}, sequence {wanted.sequence}"]
    if changes := list_changes(deployed.former, wanted, deployed.repackaged):
        lines.append(f"  changed: {'; '.join(changes)}")
        facts["changed"] = changes
    lines += [
        f"  {each}  {places.get(each, 'elsewhere')}  {package_id}"
        for each, package_id in deployed.packages.items()
    ]
    invocation.show(facts, "\n".join(lines))


def _begin_ticking(
    folder: Path | None, first: Administrator, name: str, clock_s: float | None
) -> None:
    """Let the clocks of the ledger of a folder tick for a chaincode that has any."""
    if folder is not None and has_clocks(first.client, name):
        tick_for(folder, first.client.desk.channel, name, clock_s)


@chaincode.command("run")
@chooses_ledger
@click.argument("name")
@click.option("--package-id", help="LABEL:HASH, as the peer said; for one process.")
@click.option("--address", metavar="HOST:PORT", help="To listen on; for one process.")
@click.option("--reload", is_flag=True, help="Restart when the source changes.")
@click.option(
    "--alone", is_flag=True, help="That of --msp-id's organisation alone, with this terminal."
)
def run(
    invocation: Invocation,
    name: str,
    *,
    package_id: str | None,
    address: str | None,
    reload: bool,
    alone: bool,
) -> None:
    """Run the processes of NAME here, until interrupted.

    On a ledger of this home: those that `deploy` started, again, one for each organisation. With
    --alone: the process of one of them, which reads this terminal, so that `breakpoint()` stops in
    it; the others run on as they did. With --package-id and --address: one process, of NAME or
    MODULE:CLASS, for any network.
    """
    if (package_id is None) != (address is None):
        raise RefusedInput("stand together", who="--package-id and --address")
    if package_id is not None and address is not None:
        words = [name, "--package-id", package_id, "--address", address]
        command = [sys.executable, "-m", HOST, *words, *(["--reload"] if reload else [])]
        os.execv(sys.executable, command)  # noqa: S606 - our own program
    settings = invocation.settings()
    folder = ledger_folder(settings.of(LedgerSettings), settings.home)
    hosts = None if folder is None else find_hosts(folder, name)
    if folder is None or hosts is None:
        raise RefusedInput(
            "was not deployed from this home",
            who=f"chaincode {name}",
            remedy="Deploy it: `edgemark ledger chaincode deploy`; or name --package-id and "
            "--address.",
        )
    with hosting_alone(folder):
        hosts = find_hosts(folder, name) or hosts  # others may have been at it
        if alone:
            hosts.become(settings.of(LedgerSettings).msp_id, reload=reload)
        hosts.close()
        hosts.start(reload=reload, stays=False)
    with hosts:
        lines = [f"  {each}  {hosts.address_of(each)}" for each in hosts.ports]
        invocation.show({"processes": dict(hosts.ports)}, "\n".join([f"{name} runs", *lines]))
        while hosts.is_running:
            time.sleep(LOOK_S)
        ended = next(each for each in hosts.programs.values() if not each.is_running)
        raise ended.died("ended")


def _named_packages(
    folder: Path | None, name: str, acting: Sequence[Administrator], given: dict[str, Any]
) -> dict[str, bytes]:
    """What the options say that organisations install; empty for none.

    On a ledger of this home its process is dialled first: the peers are on this machine as well.
    """
    if given["package"] and given["address"]:
        raise RefusedInput("are alternatives", who="--package and --address")
    if given["package"]:
        raw = read_limited(given["package"], MAX_PACKAGE_BYTES)
    elif given["address"]:
        raw = make_package(name, Connection(given["address"]))
    else:
        return {}
    if folder is not None:
        check_answers(parse_package(raw))
    return {each.msp_id: raw for each in acting}


def _start_hosts(
    folder: Path | None, name: str, acting: Sequence[Administrator], given: dict[str, Any]
) -> Hosts:
    if folder is None:
        raise RefusedInput(
            "does not say where its process listens",
            who=f"chaincode {name}",
            needed="--address HOST:PORT, or --package FILE",
            remedy="Run it: `edgemark ledger chaincode run`, where your peer reaches it.",
        )
    with hold_ports(len(acting)) as held:
        msp_ids = [each.msp_id for each in acting]
        before = None if given["code"] else find_hosts(folder, name)
        code = given["code"] or (before.code if before else name)
        cwd = before.cwd if before else None
        reload = bool(given["reload"])
        return swap_hosts(folder, name, code, msp_ids, held.numbers, cwd, reload=reload)
