"""`edgemark identity resolve`: what an account says of itself."""

from __future__ import annotations

from typing import Any

import click

from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.identifiers import Moment
from edgemark.identity.did.history import Resolution
from edgemark.identity.did.identifier import parse_did_url
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.opening import open_identities_of
from edgemark.resolver.resolver import DidResolver
from edgemark.resolver.results import as_result


@click.command("resolve")
@takes_settings
@click.argument("did")
@sync_option
def resolve(invocation: Invocation, did: str, is_synced: bool) -> None:
    """Print the document of DID, as of now or as it was.

    DID is `did:ethr:CHAIN:ACCOUNT`; with `?versionId=BLOCK` or `?versionTime=2027-01-31T12:00:00Z`
    behind it, as it was then. Its registry is on the chain of the settings [identity], or on one of
    identity.more.
    """
    url = parse_did_url(did)
    place = open_identities_of(invocation.settings(), (DidContracts,), url.did.chain_id)
    indexed = IndexedChain(*place, invocation)
    with indexed.reading(is_synced) as store:
        found = DidResolver(indexed.chain, indexed.deployment, store).resolve(url)
    invocation.show(as_result(found), align(facts_of(found)))


def facts_of(found: Resolution) -> dict[str, Any]:
    """A resolution for people."""
    document, metadata = found.document, found.metadata
    version, following = metadata.version, metadata.next_version
    facts: dict[str, Any] = {"did": document.id, "deactivated": metadata.is_deactivated}
    if version is not None:
        facts |= {"version": version.block, "updated": Moment(version.at)}
    if following is not None:
        facts |= {"next_version": following.block, "next_update": Moment(following.at)}
    for method in document.methods:
        uses = [
            use
            for use, ids in (
                ("signs", document.assertion_method),
                ("logs in", document.authentication),
                ("agrees on keys", document.key_agreement),
            )
            if method.id in ids
        ]
        name = method.id.removeprefix(document.id)
        facts[name] = [method.type, method.key, *uses]
    for service in document.services:
        facts[service.id.removeprefix(document.id)] = [service.type, service.endpoint]
    return facts
