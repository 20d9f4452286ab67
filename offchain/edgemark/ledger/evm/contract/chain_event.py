"""What every event of our contracts has: the place on the chain where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import Address, Hash32


@dataclass(frozen=True)
class LogPlace:
    """Where a log stands on the chain.

    Args:
        contract: that wrote it.
        block_number: height.
        block_hash: of the block.
        tx_hash: of the transaction.
        log_index: position in the block.
    """

    contract: Address
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True)
class ChainEvent:
    """Something that a contract says happened.

    Args:
        at: where it stands; no part of the comparison.
    """

    at: LogPlace = field(compare=False, kw_only=True)


@dataclass(frozen=True)
class SignaturesRevoked(ChainEvent):
    """What an account signed with this nonce counts no more."""

    account: Address
    nonce: int
