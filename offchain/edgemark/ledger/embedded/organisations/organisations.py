"""All organisations of a ledger: made together, read together."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.files import hold_folder, make_private_folder, sync_folder
from edgemark.ledger.embedded.organisations.faults import RESTORE, FolderDamaged
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder, TlsFiles
from edgemark.ledger.embedded.organisations.syncing import sync_tree
from edgemark.ledger.fabric.identities.layout import (
    CRYPTO,
    ORDERER_MSP,
    domain_of,
    msp_id_of,
    organisation_that_orders,
    organisation_with_peers,
)
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.limits import MAX_ORGANISATIONS

LISTED = "organisations.json"  # MSP id of each folder, which cryptogen's layout does not say


@dataclass(frozen=True)
class Organisations:
    """The organisations in a folder `crypto-config`.

    Attributes:
        folder: that holds `peerOrganizations` and `ordererOrganizations`.
        peers: folder of each organisation that has a peer, by its MSP id, in their order.
        orderer: folder of the organisation that orders.
    """

    folder: Path
    peers: Mapping[str, OrganisationFolder]
    orderer: OrganisationFolder

    @classmethod
    def make(cls, folder: Path, count: int, at: datetime) -> Organisations:
        """New organisations in a folder, all of them or none.

        Args:
            folder: of the ledger; gets a folder `crypto-config`.
            count: of organisations with a peer, 1 .. MAX_ORGANISATIONS.
            at: the time now, with its zone.

        Raises:
            RefusedInput: another count, or there are some already.
        """
        if not 1 <= count <= MAX_ORGANISATIONS:
            needed = f"1 .. {MAX_ORGANISATIONS}"
            raise RefusedInput("number of organisations", who="ledger", had=count, needed=needed)
        folder.mkdir(parents=True, exist_ok=True)
        with hold_folder(folder):  # two at once would fill one folder
            _make(folder, count, at)
        return Organisations.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Organisations:
        """The organisations in a folder of a ledger; everything that is needed of them is read.

        Raises:
            RefusedInput: there are none.
            FolderDamaged, Unrecoverable: some is missing or damaged, or others can open a key.
        """
        place = folder / CRYPTO
        if not place.is_dir():
            remedy = "Make them: `edgemark ledger init`."
            raise RefusedInput("has no organisations", who=folder, needed=CRYPTO, remedy=remedy)
        names = _read_names(place / LISTED)
        peers = {
            msp_id: OrganisationFolder(organisation_with_peers(place, domain), msp_id)
            for msp_id, domain in names.items()
        }
        orderer = OrganisationFolder(organisation_that_orders(place), ORDERER_MSP)
        found = cls(place, peers, orderer)
        for each in (*peers.values(), orderer):
            if not each.path.is_dir():
                raise FolderDamaged("is not there", who=each.path, remedy=RESTORE)
            each.tls(), each.signer(), each.read()
        return found

    @cached_property
    def organisations(self) -> dict[str, Organisation]:
        """Those with a peer, as their folders say now."""
        return {msp_id: each.read() for msp_id, each in self.peers.items()}

    @cached_property
    def orderer_signer(self) -> Signer:
        """Who signs blocks."""
        return self.orderer.signer()

    def folder_of(self, msp_id: str) -> OrganisationFolder:
        """The folder of an organisation, the orderer's among them.

        Raises:
            RefusedInput: there is no such organisation.
        """
        known = {**self.peers, self.orderer.msp_id: self.orderer}
        if msp_id not in known:
            raise RefusedInput(
                "is no organisation here",
                who=msp_id[:64],
                needed=f"one of {', '.join(known)}",
                remedy="Name one of these.",
            )
        return known[msp_id]

    def with_peer(self, msp_id: str) -> OrganisationFolder:
        """The folder of an organisation that has a peer: the others are on no channel.

        Raises:
            RefusedInput: there is no such organisation, or it orders.
        """
        if msp_id not in self.peers:
            raise RefusedInput(
                "is no organisation with a peer here",
                who=msp_id[:64],
                needed=f"one of {', '.join(self.peers)}",
                remedy="Name one of these.",
            )
        return self.peers[msp_id]

    def peer_signer(self, msp_id: str) -> Signer:
        """Who endorses for an organisation.

        Raises:
            RefusedInput: there is no such organisation.
        """
        return self.folder_of(msp_id).signer()

    def tls_of(self, msp_id: str) -> TlsFiles:
        """TLS of an organisation's server.

        Raises:
            RefusedInput: there is no such organisation.
        """
        return self.folder_of(msp_id).tls()


def _make(folder: Path, count: int, at: datetime) -> None:
    place = folder / CRYPTO
    if place.exists():
        raise RefusedInput("has organisations already", who=place, needed="a new folder")
    part = folder / f"{CRYPTO}.part"
    shutil.rmtree(part, ignore_errors=True)
    make_private_folder(part)
    names = {msp_id_of(number): domain_of(number) for number in range(1, count + 1)}
    for msp_id, domain in names.items():
        path = organisation_with_peers(part, domain)
        OrganisationFolder(path, msp_id).make("peer0", MemberRole.PEER, at)
    path = organisation_that_orders(part)
    OrganisationFolder(path, ORDERER_MSP).make("orderer", MemberRole.ORDERER, at)
    (part / LISTED).write_text(json.dumps(names))
    sync_tree(part)  # whole also after a power cut: its name must not come before it
    os.rename(part, place)
    sync_folder(folder)


def count_organisations(place: Path, otherwise: int) -> int:
    """How many have a peer in a ledger's folder; `otherwise` where none were made yet."""
    path = place / CRYPTO / LISTED
    return len(_read_names(path)) if path.exists() else otherwise


def _read_names(path: Path) -> dict[str, str]:
    try:
        names = json.loads(path.read_bytes())
        if not names or not all(isinstance(each, str) for each in names.values()):
            raise ValueError
    except (OSError, ValueError, AttributeError) as error:
        needed = "MSP id and domain of each organisation"
        raise FolderDamaged("cannot be read", who=path, needed=needed, remedy=RESTORE) from error
    if any("/" in domain or domain.startswith(".") for domain in names.values()):
        raise FolderDamaged("names a folder outside", who=path, remedy=RESTORE)
    return dict(names)
