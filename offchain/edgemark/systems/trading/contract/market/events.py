"""Events of TemplateRegistry and OfferBook, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.identifiers import (
    ChannelId,
    OfferId,
    TemplateId,
    TemplateVersionId,
)


@dataclass(frozen=True)
class TemplateRegistered(ChainEvent):
    """A version was registered; `draft` has the fields of `ITemplateRegistry.Draft`."""

    version: TemplateVersionId
    template: TemplateId
    registrant: Address
    draft: Any


@dataclass(frozen=True)
class TemplateDeprecated(ChainEvent):
    """A version is for no new offer any more."""

    version: TemplateVersionId


@dataclass(frozen=True)
class OfferPosted(ChainEvent):
    """An offer is listed; `said` has the fields of `IOfferBook.Offer`."""

    offer: OfferId
    escrow: Address
    category: Hash32
    deposit: Tokens
    said: Any


@dataclass(frozen=True)
class OfferRenewed(ChainEvent):
    """An offer is listed for longer."""

    offer: OfferId
    expires_at: Timestamp


@dataclass(frozen=True)
class OfferWithdrawn(ChainEvent):
    """Its seller took an offer off the list; the deposit returns after `expires_at`."""

    offer: OfferId
    expires_at: Timestamp


@dataclass(frozen=True)
class OfferDisplaced(ChainEvent):
    """An offer made room for another one; its deposit went back."""

    offer: OfferId
    by: OfferId


@dataclass(frozen=True)
class OfferCleared(ChainEvent):
    """An offer that had expired is off the list."""

    offer: OfferId


@dataclass(frozen=True)
class CapacityReleased(ChainEvent):
    """A channel ended and holds none of an offer's capacity any more."""

    offer: OfferId
    channel: ChannelId
    taken: int
