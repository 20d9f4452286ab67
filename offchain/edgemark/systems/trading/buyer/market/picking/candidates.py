"""Those that are asked: where they are, what they share, and which of them this home knows.

| they share             | since                                                                |
|------------------------|----------------------------------------------------------------------|
| the account            | all its offers are served by one seller                              |
| host and port          | all of it is one server, whoever names it                            |

A host alone nobody shares: who names a neighbour's, with a port at which nobody answers, would hold
that one up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Address
from edgemark.systems.trading.buyer.market.choosing import Inquirer, SellerPlace, find_seller
from edgemark.systems.trading.buyer.market.picking.passing import by_fault_of, fault_of_offer
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.station.deals import DealBook
from edgemark.transport.asking.endpoint import parse_endpoint

MOST_DEALS = 256  # of this home, that say which sellers it knows: some milliseconds each

Place = SellerPlace | EdgemarkError


def find_places(home: Inquirer, offers: Iterable[Offer]) -> Mapping[Address, Place]:
    """Where each seller is, by its document, or why nobody can say; no seller is asked.

    What is no fault of a seller's (a chain that is away) stands for all that come after it.
    """
    places: dict[Address, Place] = {}
    unknown: EdgemarkError | None = None
    for offer in offers:
        if offer.seller not in places:
            place = unknown or _find_place(home, offer)
            if isinstance(place, EdgemarkError) and fault_of_offer(place) is None:
                unknown = place
            places[offer.seller] = place
    return places


def _find_place(home: Inquirer, offer: Offer) -> Place:
    try:
        with by_fault_of(offer):
            return find_seller(home, offer.seller)
    except EdgemarkError as error:
        return error


def shares_of(place: Place, seller: Address) -> frozenset[Hashable]:
    """What this one may share with others."""
    if isinstance(place, EdgemarkError):
        return frozenset({seller})
    return frozenset({seller, parse_endpoint(place.endpoint)})


def find_known(deals: DealBook, payer: Address) -> frozenset[Address]:
    """Sellers whose word this home took before, by its deals; of very many, some.

    Args:
        deals: of this home.
        payer: its account.
    """
    found = set()
    for channel in sorted(deals.channels())[:MOST_DEALS]:
        try:
            deal = deals.find(channel)
        except RefusedInput:  # damaged: it says nothing
            continue
        if deal is not None and deal.terms.payer == payer:
            found.add(deal.terms.seller)
    return frozenset(found)
