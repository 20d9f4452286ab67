"""What the owner of an identity signs for somebody else to send. Pure."""

from __future__ import annotations

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32, Timestamp

_ENDS = (("uint256", "nonce"), ("uint256", "deadline"))
_DELEGATE = (("bytes32", "delegateType"), ("address", "delegate"))
_ATTRIBUTE = (("bytes32", "name"), ("bytes32", "valueHash"))
_IDENTITY, _VALID_TO = ("address", "identity"), ("uint256", "validTo")

OWNER_CHANGE = StructType("OwnerChange", (_IDENTITY, ("address", "newOwner"), *_ENDS))
DEACTIVATION = StructType("Deactivation", (_IDENTITY, *_ENDS))
DELEGATE_ADDITION = StructType("DelegateAddition", (_IDENTITY, *_DELEGATE, _VALID_TO, *_ENDS))
DELEGATE_REVOCATION = StructType("DelegateRevocation", (_IDENTITY, *_DELEGATE, *_ENDS))
ATTRIBUTE_SETTING = StructType("AttributeSetting", (_IDENTITY, *_ATTRIBUTE, _VALID_TO, *_ENDS))
ATTRIBUTE_REVOCATION = StructType("AttributeRevocation", (_IDENTITY, *_ATTRIBUTE, *_ENDS))


class IdentityDomain(Domain):
    """What owners sign, for one registry on one chain; every statement is checked on chain.

    A nonce is the identity's, and any change of the identity uses it up; a deadline is the last
    second at which the statement counts, chain time.

    Args:
        chain_id: EIP-155 chain id.
        registry: its DidRegistry contract.
    """

    def __init__(self, chain_id: int, registry: Address) -> None:
        super().__init__("Edgemark Identities", "1", chain_id, registry)

    def owner_change(
        self, identity: Address, new_owner: Address, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """The identity belongs to another account."""
        return self.digest(OWNER_CHANGE, (identity, new_owner, nonce, deadline))

    def deactivation(self, identity: Address, nonce: int, deadline: Timestamp) -> Hash32:
        """The identity ends, for good."""
        return self.digest(DEACTIVATION, (identity, nonce, deadline))

    def delegate_addition(
        self,
        identity: Address,
        delegate_type: Hash32,
        delegate: Address,
        valid_to: Timestamp,
        nonce: int,
        deadline: Timestamp,
    ) -> Hash32:
        """A delegate may act until a second, whenever this is sent."""
        values = (identity, delegate_type, delegate, valid_to, nonce, deadline)
        return self.digest(DELEGATE_ADDITION, values)

    def delegate_revocation(
        self,
        identity: Address,
        delegate_type: Hash32,
        delegate: Address,
        nonce: int,
        deadline: Timestamp,
    ) -> Hash32:
        """A delegate may act no longer."""
        values = (identity, delegate_type, delegate, nonce, deadline)
        return self.digest(DELEGATE_REVOCATION, values)

    def attribute_setting(
        self,
        identity: Address,
        name: Hash32,
        value: bytes,
        valid_to: Timestamp,
        nonce: int,
        deadline: Timestamp,
    ) -> Hash32:
        """The identity says something of itself until a second, whenever this is sent."""
        values = (identity, name, keccak256(value), valid_to, nonce, deadline)
        return self.digest(ATTRIBUTE_SETTING, values)

    def attribute_revocation(
        self, identity: Address, name: Hash32, value: bytes, nonce: int, deadline: Timestamp
    ) -> Hash32:
        """The identity says something of itself no longer."""
        values = (identity, name, keccak256(value), nonce, deadline)
        return self.digest(ATTRIBUTE_REVOCATION, values)
