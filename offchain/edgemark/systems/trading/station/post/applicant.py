"""A party's station as who asks for the topics of its channels."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Login
from edgemark.systems.trading.station.post.logins import Papers
from edgemark.systems.trading.station.station import TradingStation


@dataclass(frozen=True)
class StationApplicant:
    """See `office.Applicant`; the account's key is one of its own identity."""

    station: TradingStation

    def place_of(self, controller: Address) -> tuple[str, Hash32]:
        """As it registered."""
        entry = self.station.server(controller)
        return entry.endpoint, entry.pin

    def ask(self, controller: Address, path: str, body: bytes, *, most: int) -> bytes:
        """With the account's card."""
        return self.station.ask(controller, path, body, most=most)

    def sign(self, login: Login) -> bytes:
        """By the account."""
        return self.station.keys.account.sign(self.station.domain.login(login))

    def papers(self, channel: ChannelId) -> Papers:
        """Of its deal; raises as `DealBook.get`."""
        deal = self.station.deals.get(channel)
        return Papers(deal.token, deal.initiation_text, deal.settlement_text)
