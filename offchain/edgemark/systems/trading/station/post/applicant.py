"""A party's station as who asks for the topics of its channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import OfChannel
from edgemark.systems.trading.protocol.letters import Login
from edgemark.systems.trading.station.accords.keys import HomeKeys
from edgemark.systems.trading.station.post.logins import Papers
from edgemark.systems.trading.station.station import TradingStation


@dataclass(frozen=True)
class StationApplicant:
    """See `office.Applicant`; the account's key is one of its own identity.

    Args:
        station: of the party.
        state_of: a channel's present state; None of one that is not at hand.
    """

    station: TradingStation
    state_of: Callable[[ChannelId], OfChannel | None]

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

    def sign_as_party(self, login: Login) -> bytes | None:
        """By another key than the account's, once both parties agreed on one."""
        state, me = self.state_of(login.channel), self.station.address
        if state is None or state.agreement is None:
            return None
        signers = state.in_force
        mine = signers.payer_key if state.known.terms.payer == me else signers.seller_key
        if mine == me:
            return None
        key = HomeKeys.of_station(self.station).of(mine)
        return key.sign(self.station.domain.login(login))

    def papers(self, channel: ChannelId) -> Papers:
        """Of its deal; raises as `DealBook.get`."""
        deal = self.station.deals.get(channel)
        return Papers(deal.terms, deal.token, deal.initiation_text, deal.settlement_text)

    def word(self, channel: ChannelId) -> bytes:
        """By the account in the terms; empty where the deal is not here.

        It says nothing beside the terms, which name the credential, and is the same however often
        it is made: so nothing of it is written down.
        """
        deal = self.station.deals.find(channel)
        if deal is None:
            return b""
        domain = self.station.evidence_domain
        return self.station.keys.account.sign(domain.initiation(channel, deal.terms.initiation))
