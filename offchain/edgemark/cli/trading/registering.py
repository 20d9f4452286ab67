"""`edgemark trading template register|deprecate|list|registered`: on a chain, texts beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.trading.looking import (
    Registered,
    find_registered,
    list_registered,
    read_text,
)
from edgemark.cli.trading.template import FILE, facts_of, read_file, show_template
from edgemark.errors import RefusedInput
from edgemark.identifiers import Moment, parse_address
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.identifiers import (
    TemplateVersionId,
    compute_template_id,
    compute_version_id,
)
from edgemark.systems.trading.station.templates import FOLDER, TemplateStation
from edgemark.systems.trading.station.templates import register as register_version

MOST_VERSIONS = 10_000  # in one answer
MOST_VERSION = 2**32 - 1
COLUMNS = ("version_id", "name", "version", "kind", "registered", "deprecated", "registrant", "cid")


@click.command("register")
@spends()
@click.argument("file", type=FILE)
@click.option("--settlement", type=FILE, help="The TST that an initiation template has to name.")
def register(spending: Spending, file: Path, settlement: Path | None) -> None:
    """Register the template in FILE, and keep its text in this home.

    The settlement template first: an initiation template names it, and the chain asks for it.
    """
    template = read_file(file)
    named = None if settlement is None else read_file(settlement)

    def act(station: TemplateStation) -> Receipt:
        return register_version(station, template, named)

    spending.carry_out(TemplateStation, act, lambda _, __: facts_of(template))


@click.command("deprecate")
@spends(for_good="A version that is deprecated stays so.")
@click.argument("name")
@click.argument("version", type=WholeRange(1, MOST_VERSION))
def deprecate(spending: Spending, name: str, version: int) -> None:
    """Let VERSION of your template NAME be for no new template, and no new offer.

    What was opened with it goes on.
    """

    def act(station: TemplateStation) -> TemplateVersionId:
        template = compute_template_id(station.address, name)
        found = compute_version_id(template, version)
        if at := station.templates.version_of(found).deprecated_at:
            raise RefusedInput(
                "is deprecated already", who=f"template {name} {version}", had=Moment(at)
            )
        station.lane.send(station.templates.deprecate(name, version))
        return found

    def tell(station: TemplateStation, found: TemplateVersionId) -> dict[str, Any]:
        at = station.templates.version_of(found).deprecated_at
        facts = {"name": name, "version": version, "version_id": f"0x{found.hex()}"}
        return {**facts, "deprecated": Moment(at)}

    spending.carry_out(TemplateStation, act, tell)


@click.command("list")
@takes_settings
@click.option("--seller", "registrant", metavar="ACCOUNT", help="Who registered them.")
@click.option(
    "--limit",
    type=WholeRange(1, MOST_VERSIONS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
@sync_option
def list_templates(
    invocation: Invocation, registrant: str | None, limit: int, is_synced: bool
) -> None:
    """List the templates that are registered, the newest first."""
    wanted = None if registrant is None else parse_address(registrant, who="--seller")
    with IndexedChain.connect(invocation).reading(is_synced) as store:
        found = [each for each in list_registered(store) if wanted in (None, each.registrant)]
    rows = [_row_of(each) for each in found[:limit]]
    if invocation.as_json:
        invocation.show({"templates": rows})
        return
    click.echo(in_columns(rows, COLUMNS))


@click.command("registered")
@takes_settings
@click.argument("version_id")
@click.option("--text", type=FILE, help="The text, where it is not in this home.")
@sync_option
def show_registered(
    invocation: Invocation, version_id: str, text: Path | None, is_synced: bool
) -> None:
    """Print the template that a chain has under VERSION_ID, or its beginning.

    Its text comes from this home, or from --text, and has the hash that the chain has.
    """
    settings = invocation.settings()
    with IndexedChain.connect(invocation).reading(is_synced) as store:
        registered = find_registered(store, version_id)
    found = read_text(registered, LocalStore(settings.home / FOLDER), text)
    show_template(invocation, found, _row_of(registered))


def _row_of(each: Registered) -> dict[str, Any]:
    return {
        "version_id": f"0x{each.version_id.hex()}",
        "name": each.name,
        "version": each.number,
        "kind": each.kind.value,
        "registered": Moment(each.registered_at),
        "deprecated": Moment(each.deprecated_at),
        "registrant": each.registrant,
        "cid": each.locator,
        "content_hash": f"0x{each.content_hash.hex()}",
        "bytes": each.text_bytes,
    }
