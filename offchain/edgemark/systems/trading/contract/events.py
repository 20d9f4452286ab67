"""Events of the ChannelEscrow, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class ChannelOpened(ChainEvent):
    """A channel was opened; `terms` has the fields of `IChannelEscrow.Terms`."""

    channel: ChannelId
    payer: Address
    seller: Address
    terms: Any


@dataclass(frozen=True)
class DepositAdded(ChainEvent):
    """The payer locked more."""

    channel: ChannelId
    amount: Tokens


@dataclass(frozen=True)
class DepositReduced(ChainEvent):
    """Unused deposit went back to the payer, by agreement `number`."""

    channel: ChannelId
    number: int
    amount: Tokens


@dataclass(frozen=True)
class AmountPaid(ChainEvent):
    """The seller has `paid` in all, of voucher `index`; 0: by an amendment."""

    channel: ChannelId
    index: int
    paid: Tokens


@dataclass(frozen=True)
class ChannelAmended(ChainEvent):
    """Others sign from here on; `signers` has the fields of `IChannelEscrow.Signers`."""

    channel: ChannelId
    number: int
    signers: Any


@dataclass(frozen=True)
class ChannelClosed(ChainEvent):
    """A window began, in which `amount` counts until more is shown."""

    channel: ChannelId
    closer: Address
    phase: int
    amount: Tokens
    deadline: Timestamp


@dataclass(frozen=True)
class ResponseShown(ChainEvent):
    """A response counted; of tower and number, the newest ones shown."""

    channel: ChannelId
    sender: Address
    amount: Tokens
    tower: Address
    number: int


@dataclass(frozen=True)
class ChannelEnded(ChainEvent):
    """The channel ended, at `amount`, what was paid before included."""

    channel: ChannelId
    ending: int
    amount: Tokens
    to_seller: Tokens
    to_payer: Tokens
    penalty: Tokens
    penalty_to: Address
