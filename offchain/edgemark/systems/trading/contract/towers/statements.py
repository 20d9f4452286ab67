"""What a tower signs; the plain twin of `Watchtowers.sol`. Pure."""

from __future__ import annotations

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.contract.towers.records import Receipt

RECEIPT = StructType(
    "Receipt",
    (
        ("bytes32", "channel"),
        ("uint256", "amount"),
        ("address", "payerKey"),
        ("address", "sellerKey"),
        ("uint256", "until"),
    ),
)


class TowersDomain(Domain):
    """What a tower signs, for one Watchtowers contract on one chain.

    Args:
        chain_id: EIP-155 chain id.
        towers: its Watchtowers contract.
    """

    def __init__(self, chain_id: int, towers: Address) -> None:
        super().__init__("Edgemark Watchtowers", "1", chain_id, towers)

    def receipt(self, receipt: Receipt) -> Hash32:
        """It holds this amount, and brings what counts until that second."""
        return self.digest(RECEIPT, receipt.as_abi())
