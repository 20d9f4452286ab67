"""What controllers, parties and issuers sign for evidence; twin of both contracts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.ethereum.abi import encode
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.typed_data import Domain, StructType
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.contract.evidence.records import Claim, Signatures
from edgemark.systems.trading.identifiers import ChannelId

ISSUANCE = StructType(
    "Issuance",
    (
        ("bytes32", "channel"),
        ("uint256", "index"),
        ("uint256", "epoch"),
        ("bytes32", "voucherDigest"),
        ("bytes32", "credentialHash"),
    ),
)
INITIATION = StructType("Initiation", (("bytes32", "channel"), ("bytes32", "credentialHash")))
QUALIFICATION = StructType("Qualification", (("address", "holder"), ("bytes32", "credentialHash")))


class ControllersDomain(Domain):
    """What a controller signs, for one Controllers contract on one chain.

    Args:
        chain_id: EIP-155 chain id.
        controllers: its Controllers contract.
    """

    def __init__(self, chain_id: int, controllers: Address) -> None:
        super().__init__("Edgemark Controllers", "1", chain_id, controllers)

    def issuance(self, claim: Claim, voucher_digest: Hash32) -> Hash32:
        """It issues a credential around a voucher: one for each index, or its bond is lost.

        Args:
            claim: what the credential says.
            voucher_digest: what both parties signed, see `EscrowDomain.voucher`.
        """
        voucher = claim.voucher
        said = (claim.channel, voucher.index, voucher.epoch, voucher_digest, claim.credential_hash)
        return self.digest(ISSUANCE, said)


class EvidenceDomain(Domain):
    """What parties and issuers sign, for one EvidenceRegistry on one chain.

    Args:
        chain_id: EIP-155 chain id.
        registry: its EvidenceRegistry contract.
    """

    def __init__(self, chain_id: int, registry: Address) -> None:
        super().__init__("Edgemark Evidence", "1", chain_id, registry)

    def initiation(self, channel: ChannelId, credential_hash: Hash32) -> Hash32:
        """Buyer and seller: this is their initiation credential."""
        return self.digest(INITIATION, (channel, credential_hash))

    def qualification(self, holder: Address, credential_hash: Hash32) -> Hash32:
        """An issuer: this is a credential of the holder."""
        return self.digest(QUALIFICATION, (holder, credential_hash))


def compute_evidence_id(digest: Hash32, signers: Sequence[Address]) -> Hash32:
    """Under which evidence is known: what was signed, and by whom, in their order.

    Raises:
        RefusedInput: a value does not fit its type.
    """
    return keccak256(encode(("bytes32", "address[]"), (digest, list(signers))))


def compute_leaf(claim: Claim, issuance: Hash32, signatures: Signatures) -> Hash32:
    """Leaf of a settlement in the tree (`edgemark.crypto.ethereum.merkle`) that is anchored.

    Args:
        claim: what the credential says.
        issuance: digest that its controller signed.
        signatures: of all three.

    Raises:
        RefusedInput: a value does not fit its type.
    """
    kinds = ("bytes32", "uint256", "bytes32", "bytes", "bytes", "bytes")
    said = (claim.channel, claim.voucher.index, issuance, *signatures.as_abi())
    return keccak256(keccak256(encode(kinds, said)))
