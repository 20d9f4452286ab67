"""`edgemark credential revoke|suspend`: credentials that count no more, or not for a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import click

from edgemark.cli.credentials.places import find_issued, store_of
from edgemark.cli.index import IndexedChain
from edgemark.cli.spending.command import Spending, spends
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.status.announced import Announcement, find_announced
from edgemark.identity.credentials.status.entries import ListName, Purpose, parse_entry
from edgemark.party.evm.did.station import IdentityStation
from edgemark.party.evm.did.statuses import change_list, open_keeper
from edgemark.resolver.resolver import DidResolver

Bits = dict[ListName, dict[int, bool]]

credentials_argument = click.argument("credentials", nargs=-1, required=True)


class NoEntry(RefusedInput):
    """A credential was issued without a way to take it back."""


@click.command("revoke")
@spends(for_good="A revoked credential never counts again.")
@credentials_argument
def revoke(spending: Spending, credentials: tuple[str, ...]) -> None:
    """Take CREDENTIALS of this home back: digests, or how they begin; several in one transaction.

    What was sent counts when the chain has confirmed it; whatever comes between, the same command
    goes on.
    """
    change(spending, credentials, Purpose.REVOCATION, is_set=True)


@click.command("suspend")
@spends()
@credentials_argument
@click.option("--lift", "is_lifted", is_flag=True, help="Let them count again.")
def suspend(spending: Spending, credentials: tuple[str, ...], *, is_lifted: bool) -> None:
    """Let CREDENTIALS of this home not count until that is lifted; as `revoke`."""
    change(spending, credentials, Purpose.SUSPENSION, is_set=not is_lifted)


def change(
    spending: Spending, credentials: Sequence[str], purpose: Purpose, *, is_set: bool
) -> None:
    """Set the bits of credentials, or take them back."""
    settings = spending.invocation.settings()
    found = [find_issued(settings, named) for named in credentials]
    bits: Bits = {}
    for signed in found:
        listed, index = find_entry(signed, purpose)
        bits.setdefault(listed, {})[index] = is_set

    def act(station: IdentityStation) -> None:
        look = partial(read_announced, station, spending)
        for listed, changes in bits.items():
            keeper = open_keeper(station, listed, purpose)
            change_list(station, keeper, changes, look, put)

    def put(raw: bytes) -> str:
        return str(store_of(settings).put(raw))

    def tell(station: IdentityStation, _: None) -> Mapping[str, object]:
        texts = [open_keeper(station, listed, purpose).published() for listed in bits]
        return {
            "credentials": [signed.digest.hex() for signed in found],
            purpose.value: is_set,
            "lists": [text.cid for text in texts if text is not None],
        }

    spending.carry_out(IdentityStation, act, tell)


def find_entry(signed: SignedCredential, purpose: Purpose) -> tuple[ListName, int]:
    """The list and the index of a credential.

    Raises:
        NoEntry: it has none for this purpose.
    """
    for part in signed.credential.status:
        entry = parse_entry(part)
        if entry.purpose is purpose:
            return entry.listed, entry.index
    raise NoEntry(
        "was issued without a status",
        who=f"credential {signed.digest.hex()}",
        needed=f"an entry for {purpose}",
        remedy="It counts until its period ends; give the next one a status.",
    )


def read_announced(
    station: IdentityStation, spending: Spending, listed: ListName
) -> Announcement | None:
    """What counts of a list, in blocks that nothing takes back any more."""
    indexed = IndexedChain(station.chain, station.deployment, spending.invocation)
    with indexed.reading(is_synced=True) as store:
        resolver = DidResolver(indexed.chain, indexed.deployment, store)
        changes, _ = resolver.history(listed.issuer)
    final = station.chain.confirmed()
    found = find_announced(listed.name, [dated for dated in changes if dated.block <= final])
    return None if found is None else found.what
