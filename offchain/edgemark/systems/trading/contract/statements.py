"""What payer and seller sign about a channel; the plain twin of `ChannelStatements.sol`. Pure.

Every statement names its channel, whose id is the hash of its terms: none counts for another.
"""

from __future__ import annotations

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.identifiers import ChannelId

OPENING = StructType("Opening", (("bytes32", "channel"), ("uint256", "validUntil")))

VOUCHER = StructType(
    "Voucher",
    (
        ("bytes32", "channel"),
        ("uint256", "index"),
        ("uint256", "amount"),
        ("bytes32", "templateHash"),
        ("address", "controller"),
        ("uint256", "epoch"),
    ),
)

REDUCTION = StructType(
    "Reduction",
    (
        ("bytes32", "channel"),
        ("uint256", "number"),
        ("uint256", "amount"),
        ("uint256", "validUntil"),
    ),
)

AMENDMENT = StructType(
    "Amendment",
    (
        ("bytes32", "channel"),
        ("uint256", "number"),
        ("uint256", "amount"),
        ("address", "payerKey"),
        ("address", "sellerKey"),
        ("address", "controller"),
        ("uint256", "epoch"),
        ("uint256", "validUntil"),
    ),
)

CLOSING = StructType(
    "Closing", (("bytes32", "channel"), ("uint256", "amount"), ("uint256", "validUntil"))
)

DELEGATION = StructType(
    "Delegation", (("bytes32", "channel"), ("address", "tower"), ("uint256", "number"))
)


class EscrowDomain(Domain):
    """The six statements about a channel, for one ChannelEscrow on one chain.

    Args:
        chain_id: EIP-155 chain id.
        escrow: its ChannelEscrow contract.
    """

    def __init__(self, chain_id: int, escrow: Address) -> None:
        super().__init__("Edgemark Trading", "1", chain_id, escrow)

    def opening(self, channel: ChannelId, valid_until: Timestamp) -> Hash32:
        """A party takes the terms; by its account, not by its signing address."""
        return self.digest(OPENING, (channel, valid_until))

    def voucher(self, channel: ChannelId, voucher: Voucher) -> Hash32:
        """All that the payer ever owed."""
        return self.digest(VOUCHER, (channel, *voucher.as_abi()))

    def reduction(
        self, channel: ChannelId, number: int, amount: Tokens, valid_until: Timestamp
    ) -> Hash32:
        """Unused deposit goes back, by agreement `number`."""
        return self.digest(REDUCTION, (channel, number, amount, valid_until))

    def amendment(
        self,
        channel: ChannelId,
        number: int,
        amount: Tokens,
        signers: Signers,
        valid_until: Timestamp,
    ) -> Hash32:
        """A checkpoint after which others sign, by agreement `number`."""
        return self.digest(AMENDMENT, (channel, number, amount, *signers.as_abi(), valid_until))

    def closing(self, channel: ChannelId, amount: Tokens, valid_until: Timestamp) -> Hash32:
        """The last amount."""
        return self.digest(CLOSING, (channel, amount, valid_until))

    def delegation(self, channel: ChannelId, tower: Address, number: int) -> Hash32:
        """Who watches for the party that signs it."""
        return self.digest(DELEGATION, (channel, tower, number))
