"""Bits of credentials' status, set and taken back by the owner of the issuer's identity.

First on the disk, then on the chain, then where others find it: the phases stand in
`identity.credentials.status.publishing`, here they are gone through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.announced import NAME, Announcement
from edgemark.identity.credentials.status.entries import ListName, Purpose, StatusEntry
from edgemark.identity.credentials.status.publishing import (
    ListFull,
    ListText,
    Put,
    StatusKeeper,
)
from edgemark.identity.did.acts import AttributeSetting
from edgemark.identity.did.identifier import Did
from edgemark.party.evm.did.acting import act_as_owner
from edgemark.party.evm.did.station import IdentityStation
from edgemark.storage.cid import cid_of

FOLDER = "lists"  # below the folder of credentials
LASTS_S = 10 * 365 * 86_400  # in documents; what was announced counts beyond that
MOST_LISTS = 99  # of a purpose, 65,536 credentials each

Look = Callable[[ListName], Announcement | None]


def open_keeper(station: IdentityStation, listed: ListName, purpose: Purpose) -> StatusKeeper:
    """A list of an identity that belongs to this home's account."""
    issuer = listed.issuer  # of several identities each has its own, on each chain
    whose = f"{issuer.chain_id}-{issuer.identity}"
    folder = station.settings.home / "credentials" / FOLDER / whose
    signer = CredentialSigner(station.keys.account, listed.issuer)
    return StatusKeeper(folder, listed, purpose, signer, compute_cid)


def draw_entry(
    station: IdentityStation, issuer: Did, purpose: Purpose, randomness: Randomness
) -> StatusEntry:
    """An entry for a credential to be, of the first list that has room.

    Raises:
        ListFull: none has.
    """
    for number in range(1, MOST_LISTS):
        keeper = open_keeper(station, ListName(issuer, f"{purpose}-{number}"), purpose)
        try:
            return keeper.draw(randomness)
        except ListFull:
            continue
    return open_keeper(station, ListName(issuer, f"{purpose}-{MOST_LISTS}"), purpose).draw(
        randomness
    )


def change_list(
    station: IdentityStation, keeper: StatusKeeper, bits: Mapping[int, bool], look: Look, put: Put
) -> None:
    """Set bits of a list, or take them back; nothing is sent for what is so already.

    Args:
        station: of the account that the issuer's identity belongs to.
        keeper: of the list.
        bits: by index.
        look: what counts of a list on the chain, as deep as nothing is taken back.
        put: keeps a text where others find it.

    Raises:
        NotTheOwner: the identity belongs to another account.
        ListLost: the chain names a text that this home does not have.
        LedgerUnavailable: what was sent is not confirmed yet; the same again goes on.
    """
    if station.is_rehearsed:
        for text in (keeper.pending(), keeper.draft(bits, station.now())):
            if text is not None:
                _announce(station, keeper, text)
        return
    pending = keeper.settle(look(keeper.listed), put)
    if pending is not None:
        _publish(station, keeper, pending, look, put)
    drafted = keeper.draft(bits, station.now())
    if drafted is not None:
        keeper.prepare(drafted)
        _publish(station, keeper, drafted, look, put)


def compute_cid(raw: bytes) -> str:
    """The CID of a list's text."""
    return str(cid_of(raw))


def _publish(
    station: IdentityStation, keeper: StatusKeeper, text: ListText, look: Look, put: Put
) -> None:
    _announce(station, keeper, text)
    if keeper.settle(look(keeper.listed), put) is not None:
        raise LedgerUnavailable(
            "is not seen on the chain as deep as nothing is taken back any more",
            who=keeper.listed.url,
            had=f"text {text.announcement.number} is sent",
            remedy="Ask for the same again: it goes on from there.",
        )


def _announce(station: IdentityStation, keeper: StatusKeeper, text: ListText) -> None:
    value, identity = text.announcement.encode(), keeper.listed.issuer.identity
    act_as_owner(
        station, lambda now: AttributeSetting(identity, NAME, value, Timestamp(now + LASTS_S))
    )
