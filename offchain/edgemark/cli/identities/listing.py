"""`edgemark index identities|identity`: which identities were changed, whose they are, and how."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

import click

from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.begun_ids import ACCOUNT, Known, find_id
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Hash32, Moment
from edgemark.identity.did.attributes import decode_name
from edgemark.identity.did.events import (
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
    DIDSignaturesRevoked,
)
from edgemark.identity.did.identifier import make_did, parse_did
from edgemark.indexer.store import DatedEvent
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.listing import ChangedIdentity, list_identities, read_events, said_in, sum_up
from edgemark.resolver.opening import open_all_identities, open_identities_of
from edgemark.resolver.results import DidNotFound
from edgemark.words import in_words

MOST_LISTED = 10_000  # of a chain, in one answer
COLUMNS = ("did", "changed", "changes", "owner")
IN_FRONT = ("at", "block", "event", "tx")  # of an event's line, or left out of it


@click.command("identities")
@takes_settings
@click.option("--owner", help="Account that they belong to now.")
@click.option(
    "--limit",
    type=WholeRange(1, MOST_LISTED),
    default=50,
    show_default=True,
    help="Print no more than so many of each chain.",
)
@sync_option
def identities(invocation: Invocation, owner: str | None, limit: int, is_synced: bool) -> None:
    """List the identities that were changed, the last one first.

    Of every chain that the settings [identity] name. An account of which nothing was changed owns
    itself, and is in no list. The owner of those that were deactivated is the account of zeros.
    """
    places = open_all_identities(invocation.settings(), (DidContracts,))
    chains = [IndexedChain(*place, invocation) for place in places]
    with ExitStack() as stack:
        stores = [stack.enter_context(each.reading(is_synced)) for each in chains]

        def accounts() -> list[str]:
            return [account.hex() for store in stores for account in store.accounts()]

        wanted = None if owner is None else find_id(ACCOUNT, owner, Known("the index", accounts))
        rows = [
            describe(found, each.deployment)
            for each, store in zip(chains, stores, strict=True)
            for found in islice(list_identities(store, wanted), limit)
        ]
    text = None if invocation.as_json else in_columns(rows, COLUMNS)
    invocation.show({"identities": rows}, text)


@click.command("identity")
@takes_settings
@click.argument("did")
@sync_option
def identity(invocation: Invocation, did: str, is_synced: bool) -> None:
    """Print whose DID is, and event by event what happened to it.

    What it comes to, as a document, `edgemark identity resolve` prints.
    """
    named = parse_did(did)
    place = open_identities_of(invocation.settings(), (DidContracts,), named.chain_id)
    indexed = IndexedChain(*place, invocation)
    if indexed.deployment.chain_id != named.chain_id:
        raise DidNotFound(
            "is on another chain than those of these settings",
            who=named,
            had=f"chain id {named.chain_id}",
            needed=f"chain id {indexed.deployment.chain_id}",
            remedy="Name its chain in the settings: identity.more.",
        )
    with indexed.reading(is_synced) as store:
        dated = read_events(store, named.identity)
    facts = describe(sum_up(named.identity, dated), indexed.deployment)
    events = [describe_event(each) for each in dated]
    text = None if invocation.as_json else "\n".join([align(facts), "", *_lines(events)])
    invocation.show({**facts, "events": events}, text)


def describe(found: ChangedIdentity, deployment: Deployment) -> dict[str, Any]:
    """An identity, whose it is, and when it was changed last."""
    return {
        "did": make_did(deployment.chain_id, found.identity).text,
        "owner": found.owner,
        "deactivated": found.is_deactivated,
        "changes": found.changes,
        "changed": Moment(found.changed),
    }


def describe_event(dated: DatedEvent) -> dict[str, Any]:
    """One thing that happened to an identity."""
    event = said_in(dated)
    facts: dict[str, Any] = {"at": Moment(dated.at), "event": type(event).__name__}
    match event:
        case DIDOwnerChanged(owner=owner):
            facts["owner"] = owner
        case DIDDelegateChanged():
            facts |= {"kind": _word(event.delegate_type), "delegate": event.delegate}
            facts["valid_until"] = Moment(event.valid_to)
        case DIDAttributeChanged():
            facts |= {"name": _word(event.name), "value": event.value.hex()}
            facts["valid_until"] = Moment(event.valid_to)
        case DIDSignaturesRevoked(nonce=nonce):
            facts["nonce"] = nonce
    return {**facts, "block": event.at.block_number, "tx": event.at.tx_hash.hex()}


def _word(name: Hash32) -> str:
    """As text; others write into such registries too, and what is none is told in hex."""
    return decode_name(name) or name.hex()


def _lines(events: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{event['at']}  block {event['block']:<8} {event['event']:<20} "
        + ", ".join(f"{k} {in_words(v)}" for k, v in event.items() if k not in IN_FRONT)
        for event in events
    ]
