"""`edgemark identity`: accounts as DIDs name them, each on its chain."""

from __future__ import annotations

from typing import Any

import click

from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.terminal.facts import Moment
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.identity.did.history import Resolution
from edgemark.identity.did.identifier import parse_did_url
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.opening import open_identities
from edgemark.resolver.resolver import DidResolver
from edgemark.resolver.results import as_result


@click.group(cls=NamingGroup)
def identity() -> None:
    """Accounts as DIDs name them: keys, delegates, services."""


@identity.command("resolve")
@takes_settings
@click.argument("did")
@sync_option
def resolve(invocation: Invocation, did: str, is_synced: bool) -> None:
    """Print the document of DID, as of now or as it was.

    DID is `did:ethr:CHAIN:ACCOUNT`; with `?versionId=BLOCK` or `?versionTime=2027-01-31T12:00:00Z`
    behind it, as it was then. The registry is that of the settings [identity].
    """
    url = parse_did_url(did)
    indexed = IndexedChain(*open_identities(invocation.settings(), (DidContracts,)), invocation)
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
