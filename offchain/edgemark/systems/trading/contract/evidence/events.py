"""Events of Controllers and EvidenceRegistry, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.trading.identifiers import ChannelId


@dataclass(frozen=True)
class ControllerBonded(ChainEvent):
    """A controller locked more, or made its bond last longer; it does not unbond now."""

    controller: Address
    amount: Tokens
    total: Tokens
    expires_at: Timestamp


@dataclass(frozen=True)
class ControllerUnbonding(ChainEvent):
    """A controller leaves; until `free_at` its bond still answers."""

    controller: Address
    amount: Tokens
    free_at: Timestamp


@dataclass(frozen=True)
class BondReleased(ChainEvent):
    """A bond went back to its controller."""

    controller: Address
    amount: Tokens


@dataclass(frozen=True)
class ControllerConvicted(ChainEvent):
    """A controller had signed two issuances of one index; its bond went to the pool."""

    controller: Address
    channel: ChannelId
    index: int
    epoch: int
    amount: Tokens
    first_digest: Hash32
    second_digest: Hash32


@dataclass(frozen=True)
class EvidenceRecorded(ChainEvent):
    """Evidence was recorded; `subject` is a channel, or the holder of a qualification."""

    evidence: Hash32
    kind: int
    subject: Hash32
    index: int
    credential_hash: Hash32
    digest: Hash32
    signers: tuple[Address, ...]


@dataclass(frozen=True)
class RootAnchored(ChainEvent):
    """A controller anchored the root of many settlements; nobody has verified them."""

    controller: Address
    root: Hash32
    leaves: int
    cid: str
