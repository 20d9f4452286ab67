"""What Controllers and EvidenceRegistry store and take, as values: pure.

Amounts are in the token's smallest unit, times in Unix seconds of chain time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.identifiers import Hash32, Tokens
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.identifiers import ChannelId

MAX_PIECES = 100  # of evidence, in one call
MAX_CID_BYTES = 128


class EvidenceKind(IntEnum):
    """Kinds of evidence, in the order of `IEvidenceRegistry.EvidenceKind`."""

    NONE = 0
    INITIATION = 1
    SETTLEMENT = 2
    QUALIFICATION = 3


@dataclass(frozen=True)
class Bonding:
    """What controllers have at stake, fixed at deployment.

    Args:
        min_bond: least bond.
        unbonding_seconds: from leaving to having it back; until then it answers for whatever its
            controller ever signed.
    """

    min_bond: Tokens
    unbonding_seconds: int


@dataclass(frozen=True)
class Claim:
    """What a settlement credential says, in the order of `IEvidenceRegistry.Claim`.

    Args:
        channel: whose voucher it is.
        voucher: that both parties signed.
        credential_hash: of the whole credential around it.
    """

    channel: ChannelId
    voucher: Voucher
    credential_hash: Hash32

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return (self.channel, self.voucher.as_abi(), self.credential_hash)


@dataclass(frozen=True)
class Signatures:
    """Payer's and seller's under the voucher, the controller's under its issuance, 65 bytes."""

    payer: bytes
    seller: bytes
    controller: bytes

    def as_abi(self) -> tuple[bytes, ...]:
        """The tuple that the contract takes."""
        return (self.payer, self.seller, self.controller)  # for each of up to 65536 leaves
