"""What a participant signs: for somebody else to send, and to show itself to a server. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, Timestamp

REGISTRATION = StructType(
    "Registration",
    (
        ("address", "account"),
        ("uint16", "role"),
        ("address", "provider"),
        ("bytes32", "tlsKeyHash"),
        ("string", "endpoint"),
        ("string", "name"),
        ("uint256", "cpuCores"),
        ("uint256", "ramMiB"),
        ("uint256", "storageMiB"),
        ("uint256", "networkMbps"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)


SUCCESSION = StructType(
    "Succession",
    (
        ("address", "account"),
        ("address", "successor"),
        ("uint256", "nonce"),
        ("uint256", "deadline"),
    ),
)


VISIT = StructType("Visit", (("address", "visitor"), ("address", "server")))


class RegistryDomain(Domain):
    """What a participant signs for somebody else to send, for one registry on one chain.

    Args:
        chain_id: EIP-155 chain id.
        registry: its ParticipantRegistry contract.
    """

    def __init__(self, chain_id: int, registry: Address) -> None:
        super().__init__("Edgemark Participants", "1", chain_id, registry)

    def registration(self, values: Sequence[object]) -> Hash32:
        """An account asks to be registered; checked on chain.

        Args:
            values: of `REGISTRATION`, in order.
        """
        return self.digest(REGISTRATION, values)

    def succession(
        self, account: Address, successor: Address, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """An account gives its place to another; checked on chain."""
        return self.digest(SUCCESSION, (account, successor, nonce, deadline))

    def visit(self, visitor: Address, server: Address) -> Hash32:
        """An account shows itself to one server; never on chain."""
        return self.digest(VISIT, (visitor, server))
