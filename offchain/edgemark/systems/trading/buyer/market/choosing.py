"""Whom a buyer asks: offers that suit it, where their sellers are, and whether auditors vouch.

| what                                   | is believed because                                     |
|----------------------------------------|---------------------------------------------------------|
| offer, price, capacity                 | the contract says so                                    |
| where its seller is                    | the seller's DID document says so                       |
| text of a template, a qualification    | its hash stands on the chain                            |
| a qualification still stands           | signature, period and status list of its auditor's DID  |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import EdgemarkError, PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.status.reading import ListMissing
from edgemark.identity.credentials.verification import Wanted, verify
from edgemark.identity.did.identifier import Did, is_same, make_did
from edgemark.indexer.keeping import keep_in_step
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.storage.cid import parse_cid
from edgemark.storage.content import ContentMissing
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.evidence.events import ControllerBonded
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import (
    EvidenceDomain,
    compute_evidence_id,
)
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.payloads import QUALIFICATION
from edgemark.systems.trading.credentials.qualification import Qualification, read_qualification
from edgemark.systems.trading.identifiers import TemplateVersionId
from edgemark.systems.trading.protocol.asking.texts import (
    MAX_TEXT_BYTES,
    check_text,
    path_of,
)
from edgemark.systems.trading.station.documents import SELLER_SERVICE, Documents
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.template import Template, open_anchored, read_template
from edgemark.transport.asking.endpoint import parse_endpoint
from edgemark.transport.asking.http import HttpClient

MAX_PIN_HEX = 64
NEEDED = '{"uri": "https://HOST:PORT", "pin": 64 hexadecimal digits}'


class SellerUnreachable(PeerFault):
    """Nobody can say where this seller is."""


class NotQualified(RefusedInput):
    """No auditor that was asked for vouches for this seller, as far as anybody can show."""


class NoController(RefusedInput):
    """No controller in good standing is known."""


class Inquirer(Protocol):
    """Who asks: what it reads the chain by, and what it asks strangers with."""

    @property
    def documents(self) -> Documents:
        """Who sellers and auditors are."""

    @property
    def evidence(self) -> EvidenceContract:
        """What auditors recorded."""

    @property
    def evidence_domain(self) -> EvidenceDomain:
        """Of what they signed for that."""

    @property
    def content(self) -> LocalStore:
        """Lists of status, by their CID."""

    @property
    def strangers(self) -> HttpClient:
        """Asks where a document says that a seller is."""


@dataclass(frozen=True)
class SellerPlace:
    """Where a seller serves.

    Attributes:
        did: of the seller.
        endpoint, pin: of its HTTPS face.
    """

    did: Did
    endpoint: str
    pin: bytes

    def get(self, station: Inquirer, path: str, *, most: int) -> bytes:
        """What it shows to everybody; raises as `HttpClient.request`."""
        asked = (self.endpoint, self.pin, "GET", path)
        return station.strangers.request(*asked, most_bytes=most)


def find_seller(station: Inquirer, seller: Address) -> SellerPlace:
    """Where a seller serves, as its DID document says.

    Raises:
        SellerUnreachable: it says nothing that can be dialled.
        DidDeactivated: it has ended.
        EdgemarkError: as `Documents.document`.
    """
    did = make_did(station.documents.chain_id, seller)
    for service in station.documents.services(did, SELLER_SERVICE):
        place = _place_of(did, service.endpoint)
        if place is not None:
            return place
    raise SellerUnreachable(
        "does not say where it serves",
        who=did,
        needed=f"a service of type {SELLER_SERVICE}: {NEEDED}",
        remedy="It has not begun to serve: try later, or choose another offer.",
    )


def _place_of(did: Did, told: Any) -> SellerPlace | None:
    uri, pin = (told.get("uri"), told.get("pin")) if isinstance(told, dict) else (None, None)
    if not isinstance(uri, str) or not isinstance(pin, str) or len(pin) != MAX_PIN_HEX:
        return None
    try:
        parse_endpoint(uri)
        raw = bytes.fromhex(pin)
        return SellerPlace(did, uri, raw) if 2 * len(raw) == MAX_PIN_HEX else None
    except (RefusedInput, ValueError):
        return None


def fetch_text(station: Inquirer, place: SellerPlace, digest: Hash32) -> bytes:
    """The text of a hash, from the seller that shows it.

    Raises:
        TextStrange: it shows another.
        PeerFault: it shows none.
    """
    raw = place.get(station, path_of(digest), most=MAX_TEXT_BYTES)
    return check_text(raw, digest, place.did)


def fetch_templates(
    station: TradingStation,
    place: SellerPlace,
    version: TemplateVersionId,
    texts: Sequence[bytes] = (),
) -> Templates:
    """Both templates of a trade, as the chain has their hashes.

    Args:
        station: knows the chain.
        place: whom to ask for what is not at hand.
        version: of the initiation template.
        texts: at hand.

    Raises:
        VersionUnknown: the chain has no such version.
        TemplateSwapped, TemplateInvalid, TextStrange, PeerFault: its text is not to be had.
    """
    at_hand = {each.content_hash: each for each in map(read_template, texts)}

    def find(wanted: TemplateVersionId) -> Template:
        kept = station.templates.version_of(wanted)
        known = at_hand.get(kept.content_hash)
        if known is not None:
            return known
        raw = fetch_text(station, place, kept.content_hash)
        return open_anchored(raw, kept.content_hash, who=f"template {wanted.hex()}")

    initiation = find(version)
    settlement = station.templates.version_of(version).settlement
    return Templates(initiation, find(settlement))


@dataclass(frozen=True)
class Auditor:
    """Whose qualification is demanded.

    Attributes:
        did: of the auditor.
        account: that signs its evidence; an offer is compared by it.
    """

    did: Did
    account: Address


def check_qualified(
    station: Inquirer,
    offer: Offer,
    auditor: Auditor,
    show: Callable[[Hash32], bytes],
) -> Qualification:
    """Check that a qualification which an offer names still stands.

    Args:
        station: knows both chains.
        offer: of the seller.
        auditor: who has to vouch.
        show: the signed credential of a digest.

    Raises:
        NotQualified: the offer names none of this auditor, or none that stands; with why.
        LedgerUnavailable: nobody knows.
    """
    seller = make_did(station.documents.chain_id, offer.seller)
    named = [each for each in offer.draft.qualifications if each.issuer == auditor.account]
    why: EdgemarkError | None = None
    for each in named:
        try:
            return _check_one(station, seller, auditor, each.credential_hash, show)
        except (RefusedInput, PeerFault) as error:
            why = error
    raise NotQualified(
        "is vouched for by no qualification that stands",
        who=f"offer {offer.id.hex()}",
        had=f"{len(named)} of this auditor" if why is None else str(why),
        needed=f"a qualification of {auditor.did}",
    ) from why


def _check_one(
    station: Inquirer,
    seller: Did,
    auditor: Auditor,
    digest: Hash32,
    show: Callable[[Hash32], bytes],
) -> Qualification:
    text = check_text(show(digest), digest, "qualification")
    signed = read_signed(text.decode("ascii", "replace"))
    evidence = station.evidence_domain.qualification(seller.identity, digest)
    identifier = compute_evidence_id(evidence, [auditor.account])
    recorded = station.evidence.recorded([identifier])[0].recorded_at
    known = station.documents.knowledge(signed, lists_of(station), recorded or None)
    wanted = Wanted(issuer=auditor.did, subject=seller, kind=QUALIFICATION)
    verify(signed, known, wanted)
    said = read_qualification(signed)
    if not is_same(said.seller, seller):
        raise NotQualified("is about another", who="qualification", had=said.seller, needed=seller)
    return said


def lists_of(station: Inquirer) -> Callable[[str], bytes]:
    """Texts of lists of status that are in this home, by CID."""

    def fetch(name: str) -> bytes:
        try:
            return station.content.get(parse_cid(name))
        except ContentMissing as missing:
            raise ListMissing(
                "is not at hand, so whether the qualification was revoked is not known",
                who=f"status list {name}",
                remedy="Put the auditor's lists into this home's content folder.",
            ) from missing

    return fetch


def find_controller(station: TradingStation, randomness: Randomness | None = None) -> Address:
    """A controller in good standing, drawn among all that ever had a bond.

    Raises:
        NoController: there is none.
        LedgerUnavailable, IndexBusy, IndexDamaged: nobody knows.
    """
    path = index_path(station.home, station.deployment)
    keep_in_step(station.chain, station.deployment, path)
    with IndexStore.open_to_read(path, station.deployment) as store:
        events = [dated.event for dated in store.of_kind(ControllerBonded)]
    known = {event.controller for event in events if isinstance(event, ControllerBonded)}
    lots = randomness or Randomness()
    drawn = sorted(known, key=lambda _: lots.octets(16))
    for controller in drawn:
        if station.controllers.is_in_standing(controller):
            return controller
    raise NoController(
        "is in good standing",
        who="no controller",
        had=f"{len(drawn)} that had a bond",
        needed="one",
        remedy="Name one: --controller ACCOUNT.",
    )
