"""Asks the sellers of a buyer's channels, wherever they are now."""

from __future__ import annotations

from edgemark.errors import PeerFault
from edgemark.systems.trading.buyer.market.choosing import SellerPlace, find_seller
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.station import TradingStation


class Reach:
    """Where a seller is, is looked up once, and again when it moved.

    Args:
        station: of the buyer.
    """

    def __init__(self, station: TradingStation) -> None:
        self._station = station
        self._places: dict[ChannelId, SellerPlace] = {}

    def ask(self, state: Purchase, method: str, path: str, body: bytes, most: int) -> bytes:
        """What the seller of a channel answers.

        Raises:
            PeerFault: nothing that counts.
            SellerUnreachable, DidDeactivated, EdgemarkError: as `find_seller`.
        """
        channel, seller = state.known.channel, state.known.terms.seller
        place = self._places.get(channel)
        if place is None:
            place = self._places[channel] = find_seller(self._station, seller)
        asked = (place.endpoint, place.pin, method, path, body)
        try:
            card = self._station.visitor.card_for(seller)  # a stranger may bring little
            return self._station.strangers.request(*asked, most_bytes=most, card=card)
        except PeerFault:
            self.forget(channel)
            raise

    def forget(self, channel: ChannelId) -> None:
        """A channel that is over, or whose seller moved."""
        self._places.pop(channel, None)
