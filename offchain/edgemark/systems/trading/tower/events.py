"""What can happen to a channel at its tower, and what the tower owes besides what parties do.

`Heard...` comes from its seller, `Saw...` from the chain, at confirmed depth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.systems.trading.contract.records import ChannelPhase, Signers
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.messages import Countersigned


@dataclass(frozen=True)
class Promise:
    """What a tower takes on for one channel, before its first receipt.

    Attributes:
        channel, terms: which.
        lock_expiry: last second at which the escrow can pay; until then the tower watches.
        claimed_by: last second at which a receipt can be claimed on.
        cover: what it sets aside.
        margin_s: before `close_by`, from which on it brings what is not on the chain.
    """

    channel: ChannelId
    terms: Terms
    lock_expiry: Timestamp
    claimed_by: Timestamp
    cover: Tokens
    margin_s: int


@dataclass(frozen=True)
class HeldState:
    """The newest state of a channel that the tower holds under one pair of keys.

    Attributes:
        voucher: with both signatures.
        payer_key, seller_key: whose they are, and the delegation's.
        number: of the delegation; `delegation`: its signature.
        receipt: the tower's own signature; empty before the cover stands on chain.
    """

    voucher: Countersigned
    payer_key: Address
    seller_key: Address
    number: int
    delegation: bytes = field(repr=False)
    receipt: bytes = field(default=b"", repr=False)

    @property
    def amount(self) -> Tokens:
        """All that the payer signed."""
        return self.voucher.voucher.amount

    @property
    def keys(self) -> tuple[Address, Address]:
        """It counts while these are in force: the payer's and the seller's."""
        return self.payer_key, self.seller_key


@dataclass(frozen=True)
class HeardPromise:
    """A seller paid the retainer and handed in the first state; its cover is to be made."""

    promise: Promise
    signers: Signers
    deposit: Tokens
    paid: Tokens
    held: HeldState


@dataclass(frozen=True)
class HeardState:
    """A state that is newer than the one that is held, or the same with a receipt."""

    held: HeldState


@dataclass(frozen=True)
class SawCovered:
    """What the tower set aside stands on chain."""

    amount: Tokens


@dataclass(frozen=True)
class SawFunds:
    """What is deposited and paid, while the channel is open."""

    deposit: Tokens
    paid: Tokens


@dataclass(frozen=True)
class SawSigners:
    """Both parties put others in force."""

    signers: Signers


@dataclass(frozen=True)
class SawWindow:
    """Somebody closed: `phase` says who, `counted` counts until more is shown."""

    phase: ChannelPhase
    counted: Tokens
    deadline: Timestamp


@dataclass(frozen=True)
class SawResponse:
    """A response was shown: what counts now, and the number of the newest delegation."""

    counted: Tokens
    number: int
    is_answered: bool


@dataclass(frozen=True)
class SawOver:
    """The channel ended.

    Attributes:
        amount: what its seller got in all.
        returned: what of the deposit went back to the payer.
        last_second: for more; 0 where the seller's own word ended it.
    """

    amount: Tokens
    returned: Tokens
    last_second: Timestamp


@dataclass(frozen=True)
class SawUncovered:
    """Nothing is set aside for the channel any more."""


TowerEvent = (
    HeardPromise
    | HeardState
    | SawCovered
    | SawFunds
    | SawSigners
    | SawWindow
    | SawResponse
    | SawOver
    | SawUncovered
)


@dataclass(frozen=True)
class SubmitCover:
    """Set aside what was promised."""


@dataclass(frozen=True)
class SubmitUncover:
    """Have what was set aside free again."""


TowerEffect = (
    SubmitCover
    | SubmitUncover
    | do.SubmitCheckpoint
    | do.SubmitResponse
    | do.SubmitSettle
    | do.SubmitEndUnclosed
)
