"""`edgemark index nodes`: who computes for others, in what standing, and what each takes."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.amounts import MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import NOTHING
from edgemark.cli.terminal.invocation import Invocation, lay_out, takes_settings
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Moment, Timestamp, Tokens
from edgemark.identity.directory import Fitness, Member, Standing
from edgemark.identity.records import Participant
from edgemark.identity.registry import EndpointInvalid, ParticipantRegistry, server_of
from edgemark.identity.resources import Resources
from edgemark.party.settings import PartySettings
from edgemark.systems.outsourcing.order.finding import draw_order, read_directory
from edgemark.systems.outsourcing.order.inquiring import ASKING_S, Asker, tell_fault
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.steps.inquire import Inquiry, Readiness
from edgemark.transport.asking.http import HttpClient
from edgemark.words import count

MOST_NODES = 1000  # in one answer
MOST_ASKED = 256  # in one answer, with --ask
REQUEST_S = 5.0  # for one node's answer


@dataclass(frozen=True)
class Listed:
    """A node as it is listed.

    Attributes:
        member, standing: as the events tell.
        name: of its provider, in its own words.
        entry: as the contract has it.
        said: what it takes, or in words why it did not say; None when it was not asked.
    """

    member: Member
    name: str
    standing: Standing
    entry: Participant
    said: Readiness | str | None = None


@click.command("nodes")
@takes_settings
@click.option(
    "--standing",
    "fitness",
    type=click.Choice([each.value for each in Fitness]),
    multiple=True,
    help="Only nodes in this standing; several times for several.",
)
@click.option("--ask", is_flag=True, help="Ask each node what it takes, over its registered key.")
@click.option("--max-fee", type=MTC, help="Only nodes that work for so little. Asks.")
@click.option(
    "--limit",
    type=WholeRange(1, MOST_NODES),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
@sync_option
def nodes(
    invocation: Invocation,
    fitness: Sequence[str],
    ask: bool,
    max_fee: Tokens | None,
    limit: int,
    is_synced: bool,
) -> None:
    """List compute nodes, those that registered first first.

    What a node says of itself is no promise, and nothing is reserved: the offer of a job decides.
    """
    is_asked = ask or max_fee is not None
    if is_asked and limit > MOST_ASKED:
        raise RefusedInput("asks too many", who="--limit", had=limit, needed=f"<= {MOST_ASKED}")
    indexed = IndexedChain.connect(invocation)
    wanted = frozenset(map(Fitness, fitness or [each.value for each in Fitness]))
    with indexed.reading(is_synced) as store:
        directory = read_directory(store, indexed.deployment)
    now = Timestamp(indexed.chain.block("latest").timestamp)
    servers = ((each, directory.standing(each, now)) for each in directory.servers(COMPUTE_NODE))
    fitting = [one for one in servers if one[1].fitness in wanted]
    found = fitting[:limit] if max_fee is None else _choose_asked(fitting)
    listed = _describe(indexed, directory.names, found)
    if is_asked:
        timeout_s = invocation.settings().of(PartySettings).request_timeout_s
        listed = _ask(listed, min(REQUEST_S, timeout_s))
    if max_fee is not None:
        listed = [one for one in listed if _works_for(one.said, max_fee)][:limit]
    facts: dict[str, object] = {"nodes": list(map(_facts, listed))}
    text = _text(listed, is_asked=is_asked)
    if is_asked:
        facts |= {"asked": len(found)}
    if is_asked and len(found) < len(fitting):
        text += f"\n{len(found)} of {len(fitting):,} nodes were asked"
    invocation.show(facts, text)


def _choose_asked(fitting: Sequence[tuple[Member, Standing]]) -> list[tuple[Member, Standing]]:
    """Whom to ask where not all can be: of each provider some, so that none hides all others."""
    drawn = frozenset(draw_order(member for member, _ in fitting)[:MOST_ASKED])
    return [one for one in fitting if one[0].account in drawn]


def _describe(
    indexed: IndexedChain,
    names: dict[Address, str],
    found: Sequence[tuple[Member, Standing]],
) -> list[Listed]:
    contract = indexed.deployment.contract("ParticipantRegistry")
    registry = ParticipantRegistry(indexed.chain, contract)
    entries = registry.participants([member.account for member, _ in found])
    return [
        Listed(member, names.get(member.provider, ""), standing, entry)
        for (member, standing), entry in zip(found, entries, strict=True)
    ]


def _ask(listed: Sequence[Listed], request_s: float) -> list[Listed]:
    asker = Asker(HttpClient(timeout_s=request_s), lambda _: "", time.monotonic() + ASKING_S)
    said: dict[Address, Readiness | str] = {}
    entries = []
    for one in listed:
        try:
            entries.append(server_of(one.member.account, one.entry))
        except EndpointInvalid as invalid:
            said[one.member.account] = tell_fault(invalid)
    said |= asker.ask_all(entries, Inquiry())
    return [dataclasses.replace(one, said=said[one.member.account]) for one in listed]


def _works_for(said: Readiness | str | None, fee: int) -> bool:
    return isinstance(said, Readiness) and said.least_fee <= fee


def _facts(one: Listed) -> dict[str, Any]:
    member = one.member
    facts: dict[str, Any] = {
        "account": member.account,
        "provider": member.provider,
        "provider_name": one.name,
        "endpoint": one.entry.endpoint,
        "tls_pin": one.entry.tls_key_hash.hex(),
        "standing": one.standing.fitness.value,
        "counts_from": Moment(one.standing.until),
        "resources": dataclasses.asdict(one.entry.resources),
    }
    if isinstance(one.said, Readiness):
        takes = {**dataclasses.asdict(one.said), "least_fee": Amount(one.said.least_fee)}
        del takes["has_function"]  # of nothing that was asked about
        return {**facts, "takes": takes, "refused": None}
    return {**facts, "takes": None, "refused": one.said}


def _text(listed: Iterable[Listed], *, is_asked: bool) -> str:
    heads = ["account", "standing", "endpoint", "resources", "provider", "name"]
    rows = [heads[:3] + ["fee from", "free"] * is_asked + heads[3:]]
    for one in listed:
        member, until = one.member, Moment(one.standing.until)
        paused = f" until {until}" if until.second else ""
        row = [member.account, f"{one.standing.fitness}{paused}", one.entry.endpoint]
        if is_asked:
            row += _tell_said(one.said)
        rows.append([*row, _tell_resources(one.entry.resources), member.provider, one.name])
    return lay_out(rows) if len(rows) > 1 else "no node"


def _tell_said(said: Readiness | str | None) -> list[str]:
    if isinstance(said, Readiness):
        return [str(Amount(said.least_fee)), f"{said.free_places} of {said.places}"]
    return [NOTHING, said or NOTHING]


def _tell_resources(offered: Resources) -> str:
    return (
        f"{count(offered.cpu_cores, 'core')}, {offered.ram_mib} MiB, "
        f"{offered.storage_mib} MiB disk, {offered.network_mbps} Mbit/s"
    )
