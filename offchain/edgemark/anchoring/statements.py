"""What an account of the anchor signs for somebody else to send. Pure."""

from __future__ import annotations

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens

ALLOWANCE = StructType(
    "Allowance",
    (
        ("address", "account"),
        ("address", "locker"),
        ("uint256", "amount"),
        ("uint256", "expiresAt"),
        ("uint256", "nonce"),
    ),
)


class AnchorDomain(Domain):
    """What an account signs for somebody else to send, for one AssetAnchor on one chain.

    Args:
        chain_id: EIP-155 chain id.
        anchor: its AssetAnchor contract.
    """

    def __init__(self, chain_id: int, anchor: Address) -> None:
        super().__init__("Edgemark Anchor", "1", chain_id, anchor)

    def allowance(
        self, account: Address, locker: Address, amount: Tokens, expires_at: Timestamp, nonce: int
    ) -> Hash32:
        """The locker may lock `amount` of the account's free balance; checked on chain."""
        return self.digest(ALLOWANCE, (account, locker, amount, expires_at, nonce))
