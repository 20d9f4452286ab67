"""What an owner of MetaCoin signs. Pure."""

from __future__ import annotations

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens

PERMIT = StructType(
    "Permit",
    (
        ("address", "owner"),
        ("address", "spender"),
        ("uint256", "value"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)


class TokenDomain(Domain):
    """What an owner of MetaCoin signs, for one token on one chain.

    Args:
        chain_id: EIP-155 chain id.
        token: its MetaCoin contract.
    """

    def __init__(self, chain_id: int, token: Address) -> None:
        super().__init__("MetaCoin", "1", chain_id, token)

    def permit(
        self, owner: Address, spender: Address, value: Tokens, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """The spender may take `value` from the owner (ERC-2612); checked on chain."""
        return self.digest(PERMIT, (owner, spender, value, nonce, deadline))
