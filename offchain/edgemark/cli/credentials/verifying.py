"""`edgemark credential verify`: each check of a credential, in a line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgemark.cli.credentials.opening import CHECK, open_seals
from edgemark.cli.credentials.places import (
    FILE,
    FOLDER,
    credential_argument,
    did_option,
    fetch_lists,
    find_credential,
    read_schema_file,
)
from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, lay_out, takes_settings
from edgemark.identifiers import NO_TIME, Moment, Timestamp
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.verification import Knowledge, Outcome, Wanted, examine
from edgemark.identity.did.identifier import parse_second
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.knowledge import gather_knowledge
from edgemark.resolver.opening import open_identities_of
from edgemark.resolver.resolver import DidResolver

F = TypeVar("F", bound=Callable[..., Any])


def takes_wanted(command: F) -> F:
    """Options that say what a credential has to be; the command gets a `Wanted`."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        parts = {name: kwargs.pop(name) for name in ("issuer", "subject", "holder", "kind")}
        wanted = Wanted(**parts, schema=read_schema_file(kwargs.pop("schema")))
        return command(*args, wanted=wanted, **kwargs)

    found: Any = wrapped
    for option in (
        click.option("--schema", type=FILE, help="JSON Schema that its claims have to follow."),
        click.option("--type", "kind", help="A type that it has to have."),
        did_option("--holder", "Who shows it, and has to be its subject."),
        did_option("--subject", "Whom it has to be about."),
        did_option("--issuer", "Who has to have said it."),
    ):
        found = option(found)
    return found  # type: ignore[no-any-return]


@click.command("verify")
@takes_settings
@credential_argument
@takes_wanted
@click.option(
    "--recorded-at",
    metavar="TIME",
    help="When another chain recorded its digest: 2027-01-31T12:00:00Z.",
)
@click.option("--lists", type=FOLDER, help="Folder with lists of status, each called by its CID.")
@sync_option
def verify(
    invocation: Invocation,
    credential: str,
    wanted: Wanted,
    recorded_at: str | None,
    lists: Path | None,
    is_synced: bool,
) -> int:
    """Check CREDENTIAL, a file or the beginning of a digest of this home; status 1 if one fails.

    Its signature is checked with the key that its issuer had when its digest was anchored in an
    identity of issuer or subject, or at --recorded-at; without either, with the key of now. What is
    sealed in it is opened if this home has the key; what stays sealed fails nothing.
    """
    settings = invocation.settings()
    signed = find_credential(settings, credential)
    recorded = None if recorded_at is None else parse_second(recorded_at)
    place = open_identities_of(settings, (DidContracts,), signed.issuer.chain_id)
    indexed = IndexedChain(*place, invocation)
    with indexed.reading(is_synced) as store:
        resolver = DidResolver(indexed.chain, indexed.deployment, store)
        known = gather_knowledge(resolver, signed, fetch_lists(settings, lists), recorded)
        newest = store.highest()
    seals = open_seals(settings, signed)
    sealed = [Outcome(CHECK, each.told, each.error) for each in seals]
    outcomes = [*examine(signed, known, wanted), *sealed]
    until = NO_TIME if newest is None else Timestamp(newest.timestamp)
    facts = {**facts_of(signed, known, outcomes), "indexed_until": Moment(until)}
    invocation.show(facts, tell(outcomes))
    return Exit.DONE if all(each.error is None for each in outcomes) else Exit.CHECK_FAILED


def facts_of(signed: SignedCredential, known: Knowledge, outcomes: list[Outcome]) -> dict[str, Any]:
    """What came of all checks, for programs."""
    evidence = known.evidence
    return {
        "credential": signed.digest.hex(),
        "verified": all(each.error is None for each in outcomes),
        "recorded_at": Moment(NO_TIME if evidence is None else evidence.at),
        "checked_at": Moment(known.now),
        "checks": [
            {
                "name": each.name,
                "passed": each.error is None,
                "told": each.told,
                "error": None if each.error is None else type(each.error).__name__,
            }
            for each in outcomes
        ],
    }


def tell(outcomes: list[Outcome]) -> str:
    """A line a check, for people."""
    marks = {True: "holds", False: "FAILS"}
    return lay_out([[each.name, marks[each.error is None], each.told] for each in outcomes])
