"""What can happen to a seller's word for who watches a channel, and what it owes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.tower.messages import SignedReceipt


class Unwatched(IntEnum):
    """Why no tower answers for what a channel owes and the chain does not have."""

    WATCHED = 0  # one does
    NOBODY_ASKED = 1
    NO_VOUCHER = 2  # nothing is owed yet
    TAKES_NONE = 3  # the tower has no bond, no terms that last, or retired
    BOND_SMALL = 4  # the channel's, for this tower
    TIME_SHORT = 5  # it watches no longer than the lock may last
    TOO_DEAR = 6  # its retainer is above what this seller pays
    NO_TOKENS = 7  # for the retainer
    AWAITED = 8  # retainer, cover or receipt are under way
    UNREACHABLE = 9
    REFUSED = 10  # the tower does not take the state
    NO_COVER = 11  # nothing is set aside on chain, or not for long enough
    RECEIPT_WRONG = 12  # the tower gave no receipt for what it was handed
    DISMISSED = 13
    OVER = 14  # the channel ended
    CLOSE_SHORT = 15  # the channel's window, or time to close, for this tower
    RETAINER_OLD = 16  # no state was taken in the time for which a retainer counts
    LITTLE_OWED = 17  # for a retainer: what is signed and not paid is far below the seller's limit
    ENDING = 18  # the channel is closed, or ends before a tower could bring anything
    KEY_CHANGED = 19  # the account's key, which says who watches, signs no more for the channel
    BOND_TAKEN = 20  # what is left of the tower's bond is less than it would set aside
    PLACES_TAKEN = 21  # the tower watches as many channels as it takes


@dataclass(frozen=True)
class KeptReceipt:
    """A receipt that is on this disk: the largest of its tower under its pair of keys."""

    tower: Address
    signed: SignedReceipt


@dataclass(frozen=True)
class AskedWatch:
    """A tower is to watch a channel: the first, or another in the place of the last.

    Attributes:
        channel, terms: which.
        lock_expiry: until when the tower has to watch.
        claimed_by: after which no receipt counts.
        tower: its account.
    """

    channel: ChannelId
    terms: Terms
    lock_expiry: Timestamp
    claimed_by: Timestamp
    tower: Address


@dataclass(frozen=True)
class AskedFirstWatch:
    """The same of a tower that nobody named for this channel: counts where none was asked ever."""

    asked: AskedWatch


@dataclass(frozen=True)
class AskedDismissal:
    """No tower is to watch it any more."""


@dataclass(frozen=True)
class HeardSigned:
    """The payer signed more; the voucher is on the seller's disk."""

    voucher: Countersigned


@dataclass(frozen=True)
class FoundRetained:
    """The retainer of this tower was moved, by this transaction; zero: it asks none."""

    tower: Address
    retainer: Hash32


@dataclass(frozen=True)
class FoundRetainerOld:
    """The retainer of this tower counts no more, and it took no state of the channel before."""

    tower: Address


@dataclass(frozen=True)
class FoundReceipt:
    """A receipt of the tower for this number, and what stands on chain for it."""

    kept: KeptReceipt
    number: int
    cover: Tokens


@dataclass(frozen=True)
class FoundUnwatched:
    """Nobody answers, and why."""

    why: Unwatched


@dataclass(frozen=True)
class SawGone:
    """The channel ended: what its seller got, what went back, the last second for more."""

    amount: Tokens
    returned: Tokens
    last_second: Timestamp


@dataclass(frozen=True)
class FoundCompensated:
    """What a tower owes for this channel is paid, or nothing is owed."""

    tower: Address
    due: Tokens


GuardEvent = (
    AskedWatch
    | AskedFirstWatch
    | AskedDismissal
    | HeardSigned
    | FoundRetained
    | FoundRetainerOld
    | FoundReceipt
    | FoundUnwatched
    | SawGone
    | FoundCompensated
)


@dataclass(frozen=True)
class MoveRetainer:
    """Pay this tower, once."""

    tower: Address


@dataclass(frozen=True)
class HandState:
    """Hand the newest voucher to the tower, with the delegation of this number."""

    amount: Tokens
    number: int


@dataclass(frozen=True)
class ClaimCover:
    """Have this tower pay what it did not bring."""

    tower: Address = field()


GuardEffect = MoveRetainer | HandState | ClaimCover
