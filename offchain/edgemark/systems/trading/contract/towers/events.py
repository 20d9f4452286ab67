"""Events of Watchtowers, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class TowerBonded(ChainEvent):
    """A tower locked more, or made its bond last longer; it is not retired now."""

    tower: Address
    amount: Tokens
    total: Tokens
    expires_at: Timestamp


@dataclass(frozen=True)
class TermsPublished(ChainEvent):
    """A tower watches on these terms from now on."""

    tower: Address
    least_bond: Tokens
    retainer: Tokens
    until: Timestamp


@dataclass(frozen=True)
class ChannelCovered(ChainEvent):
    """`amount` of a tower's bond is set aside for a channel."""

    tower: Address
    channel: ChannelId
    amount: Tokens
    until: Timestamp


@dataclass(frozen=True)
class ChannelUncovered(ChainEvent):
    """`amount` of a tower's bond is set aside no more."""

    tower: Address
    channel: ChannelId
    amount: Tokens


@dataclass(frozen=True)
class SellerCompensated(ChainEvent):
    """A tower had not brought the amount of a receipt; the seller had less, and was paid `due`."""

    tower: Address
    channel: ChannelId
    seller: Address
    amount: Tokens
    had: Tokens
    due: Tokens


@dataclass(frozen=True)
class TowerRetired(ChainEvent):
    """A tower covers nothing new."""

    tower: Address
    covered: Tokens


@dataclass(frozen=True)
class TowerReleased(ChainEvent):
    """A bond went back to its tower."""

    tower: Address
    amount: Tokens
