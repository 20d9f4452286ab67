"""Which offers auditors still vouch for: what `buy` asks of one, asked of all that suit a demand.

Who asks has no channel, and needs no key: an `Onlooker` reads the chains, and asks sellers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgemark.closing import Closing
from edgemark.deployment.deployment import Deployment
from edgemark.errors import EdgemarkError
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.settings.settings import Settings
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.buyer.market.choosing import (
    Auditor,
    Inquirer,
    SellerUnreachable,
    check_qualified,
    fetch_text,
)
from edgemark.systems.trading.buyer.market.picking.candidates import Place, find_places, shares_of
from edgemark.systems.trading.buyer.market.picking.canvass import Canvass
from edgemark.systems.trading.buyer.market.picking.passing import (
    PassedOver,
    by_fault_of,
    fault_of_offer,
)
from edgemark.systems.trading.buyer.market.picking.window import Asked, Window, compute_paces
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import EvidenceDomain
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.station.documents import Documents
from edgemark.systems.trading.station.station import make_client
from edgemark.systems.trading.station.templates import FOLDER
from edgemark.transport.asking.http import HttpClient


@dataclass(frozen=True)
class Onlooker(Closing):
    """An `Inquirer` without a key.

    Attributes:
        documents: of identities; their index is kept in the home.
        evidence: what auditors recorded.
        content: lists of status in the home.
        strangers: asks sellers.
    """

    documents: Documents
    evidence: EvidenceContract
    content: LocalStore
    strangers: HttpClient

    @classmethod
    def open(cls, settings: Settings, chain: EvmChain, deployment: Deployment) -> Onlooker:
        """Of a home, which need not be there; identities are opened when they are asked for."""
        return cls(
            Documents(settings),
            EvidenceContract(chain, deployment.contract("EvidenceRegistry")),
            LocalStore(settings.home / FOLDER),
            make_client(settings, chain.chain_id),
        )

    @property
    def evidence_domain(self) -> EvidenceDomain:
        """Of what auditors sign."""
        return self.evidence.domain

    def close(self) -> None:
        """Ask nobody any more."""
        self.documents.close()
        self.strangers.close()


@dataclass
class Vouching:
    """One round of questions.

    Args:
        home: of who asks.
        auditors: all of whom have to vouch for a seller.
        at_hand: signed credentials, by digest; for any other its seller is asked.
        seconds: for all offers together.
        clock: seconds that never go back.

    Attributes:
        passed_over: offers for whose sellers not all vouch, or of which nobody said so in time.
    """

    home: Inquirer
    auditors: Sequence[Auditor]
    at_hand: Mapping[Hash32, bytes]
    seconds: float
    clock: Callable[[], float] = time.monotonic
    passed_over: list[PassedOver] = field(default_factory=list)

    def keep_vouched(self, offers: Sequence[Offer]) -> list[Offer]:
        """Those that are vouched for, in their order.

        Raises:
            LedgerUnavailable, Overloaded, Unrecoverable: nobody knows.
        """
        places = find_places(self.home, offers)
        shares = [shares_of(places[each.seller], each.seller) for each in offers]
        window = Window(shares, compute_paces(len(offers), self.seconds))

        def ask(asked: Asked) -> None:
            offer = offers[asked.seller]
            with by_fault_of(offer):
                self._check(offer, places[offer.seller])

        canvass, ends_at = Canvass(window, ask, self.clock), self.clock() + self.seconds
        why: dict[int, EdgemarkError | None] = {}
        while (heard := canvass.hear(ends_at)) is not None:
            found = heard.found
            fault = fault_of_offer(found) if found is not None else None
            if found is not None and fault is None:
                raise found
            why[heard.asked.seller] = fault
        late = SellerUnreachable(
            "was not asked in time",
            who="seller",
            needed=f"all in {self.seconds} s",
            remedy="Give it more: trading.buyer.choose_s.",
        )
        said = [(offer, why.get(number, late)) for number, offer in enumerate(offers)]
        self.passed_over += [PassedOver(offer.id, fault) for offer, fault in said if fault]
        return [offer for offer, fault in said if fault is None]

    def _check(self, offer: Offer, place: Place) -> None:
        def show(digest: Hash32) -> bytes:
            if digest in self.at_hand:
                return self.at_hand[digest]
            if isinstance(place, EdgemarkError):
                raise place
            return fetch_text(self.home, place, digest)

        for auditor in self.auditors:
            check_qualified(self.home, offer, auditor, show)
