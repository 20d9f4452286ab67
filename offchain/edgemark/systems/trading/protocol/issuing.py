"""What can happen to a channel at its controller; the others' are in `protocol.events`."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import Tokens
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Agreement
from edgemark.systems.trading.protocol.events import (
    SawAmended,
    SawBlocksGoOn,
    SawBlocksStop,
    SawClosing,
    SawEnded,
    SawMoney,
)
from edgemark.systems.trading.protocol.messages import Credential, Settlement


@dataclass(frozen=True)
class SawNamed:
    """A channel that is open names this controller, for the first time or again.

    Attributes:
        paid: of the deposit.
        floor: index of the newest credential of this channel that it issued before; whatever
            comes has a higher one.
    """

    agreement: Agreement
    signers: Signers
    deposit: Tokens
    paid: Tokens = NO_TOKENS
    floor: int = 0


@dataclass(frozen=True)
class SawDismissed:
    """Both parties named another controller, on chain."""


@dataclass(frozen=True)
class FoundDisplaced:
    """Its place went to a channel that has more locked."""


@dataclass(frozen=True)
class FoundFloorKept:
    """Whatever becomes of this desk, its newest index is known."""


@dataclass(frozen=True)
class HeardSettlement:
    """A voucher with both signatures, of which nothing was issued yet."""

    settlement: Settlement


@dataclass(frozen=True)
class FoundIssued:
    """Its credential is signed; on the disk, it may leave now."""

    credential: Credential


@dataclass(frozen=True)
class HeardCredentialTaken:
    """The buyer, or else the seller, has the credential of this index on its disk."""

    index: int
    is_buyer: bool


@dataclass(frozen=True)
class SawEvidence:
    """Evidence of the credential of this index is on chain."""

    index: int


@dataclass(frozen=True)
class HeardInitiation:
    """Both parties signed evidence of the initiation credential, EIP-712 `Initiation` each."""

    payer_signature: bytes = field(repr=False)
    seller_signature: bytes = field(repr=False)


@dataclass(frozen=True)
class SawInitiation:
    """Evidence of it is on chain."""


@dataclass(frozen=True)
class FoundQueue:
    """So many evidences of all channels wait for the chain, which sustains an N of `least`."""

    waiting: int
    least: int


ControllerEvent = (
    SawNamed
    | SawDismissed
    | FoundDisplaced
    | FoundFloorKept
    | HeardSettlement
    | FoundIssued
    | HeardCredentialTaken
    | SawEvidence
    | HeardInitiation
    | SawInitiation
    | FoundQueue
    | SawMoney
    | SawAmended
    | SawClosing
    | SawEnded
    | SawBlocksStop
    | SawBlocksGoOn
)
