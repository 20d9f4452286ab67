"""What a party owes to do next. Each is idempotent: done twice, it changes nothing more.

`Submit...` puts a transaction on chain, `Send...` writes a letter, `Sign...` and the rest compute.
**Whatever is signed comes back as an event, and leaves by a `Send...` or `Submit...` that its state
owes from then on**: so nothing that bears a signature is out and forgotten. A state says by `owed`
which effects it still needs. What each party may owe is a union, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Tokens

# --- of both parties ---------------------------------------------------------------------------


@dataclass(frozen=True)
class SendStop:
    """Tell the other that no new work is taken or asked for, and why."""


@dataclass(frozen=True)
class KeepCredential:
    """Put the credential of this index where the party keeps them."""

    index: int


@dataclass(frozen=True)
class SignAmending:
    """Sign for the next controller, or for one's own next key."""


@dataclass(frozen=True)
class SendAmending:
    """Ask the other for its word for the same."""


@dataclass(frozen=True)
class SubmitAmending:
    """Bring the other's word to the chain; sending it is one's own."""


@dataclass(frozen=True)
class SignConsent:
    """Sign for the key that the other wants."""


@dataclass(frozen=True)
class SendConsent:
    """Give the other one's word for its key; it brings that to the chain."""


@dataclass(frozen=True)
class SendReducing:
    """Ask the seller for deposit back; or give the buyer one's word for it."""


@dataclass(frozen=True)
class SignClosing:
    """Sign the end at what this party knows to be owed."""


@dataclass(frozen=True)
class SendClosing:
    """Give the other one's word for the end; of a buyer that lost its disk, ask for its."""


@dataclass(frozen=True)
class SubmitCloseTogether:
    """End the channel at the amount that the other signed."""


@dataclass(frozen=True)
class SubmitSettle:
    """End it after the window."""


@dataclass(frozen=True)
class SubmitEndUnclosed:
    """End what nobody closed by `close_by`, or what its lock outlived."""


# --- of the seller -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Serve:
    """Do the work of this request; what it uses beyond its bound is nobody's debt."""

    number: int


@dataclass(frozen=True)
class SendAnswer:
    """Hand the answer of this request over."""

    number: int


@dataclass(frozen=True)
class Propose:
    """Draft and sign the bill of the interval, under this index."""

    index: int


@dataclass(frozen=True)
class SendProposal:
    """Hand the bill of this index over."""

    index: int


@dataclass(frozen=True)
class SendSettlement:
    """Have a credential issued of the voucher of this index, which both signed."""

    index: int


@dataclass(frozen=True)
class SendOverdraft:
    """Say that this deposit is nearly used up."""

    deposit: Tokens


@dataclass(frozen=True)
class SignReducing:
    """Sign that deposit goes back to the buyer."""


@dataclass(frozen=True)
class SubmitCheckpoint:
    """Be paid up to this amount; the channel stays open."""

    amount: Tokens


@dataclass(frozen=True)
class SubmitClaim:
    """Close with the newest voucher: final at once."""

    amount: Tokens


@dataclass(frozen=True)
class SubmitResponse:
    """Show this amount in the window that another began below it."""

    amount: Tokens


# --- of the buyer ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SubmitOpening:
    """Open the channel, with the seller's word for its terms."""


@dataclass(frozen=True)
class SendRequest:
    """Ask for the work of this number."""

    number: int


@dataclass(frozen=True)
class KeepAnswer:
    """Hand the answer of this number to the user."""

    number: int


@dataclass(frozen=True)
class Countersign:
    """Check the bill of this index once more, and sign its voucher."""

    index: int


@dataclass(frozen=True)
class SendVoucher:
    """Return the signed voucher of this index."""

    index: int


@dataclass(frozen=True)
class SubmitTopUp:
    """Deposit what is missing of this sum."""

    deposit: Tokens


@dataclass(frozen=True)
class SubmitReduce:
    """Have deposit back, by the seller's word; sending it is one's own."""


@dataclass(frozen=True)
class SubmitClose:
    """Close at the largest amount that was signed; 0: none was, and what is paid counts."""

    amount: Tokens


# --- of the controller -------------------------------------------------------------------------


@dataclass(frozen=True)
class Issue:
    """Make and sign the credential of this index."""

    index: int


@dataclass(frozen=True)
class SendCredential:
    """Hand the credential of this index to the buyer, or else the seller."""

    index: int
    to_buyer: bool


@dataclass(frozen=True)
class SubmitEvidence:
    """Put the hash of the credential of this index on chain."""

    index: int


@dataclass(frozen=True)
class KeepFloor:
    """Keep the index of the newest credential where it outlives this desk."""

    index: int


@dataclass(frozen=True)
class SubmitInitiation:
    """Put the hash of the initiation credential on chain, with the word of both parties."""


Shared = (
    SendStop
    | KeepCredential
    | SignAmending
    | SendAmending
    | SubmitAmending
    | SignConsent
    | SendConsent
    | SendReducing
    | SignClosing
    | SendClosing
    | SubmitCloseTogether
    | SubmitSettle
    | SubmitEndUnclosed
)
SellerEffect = (
    Shared
    | Serve
    | SendAnswer
    | Propose
    | SendProposal
    | SendSettlement
    | SendOverdraft
    | SignReducing
    | SubmitCheckpoint
    | SubmitClaim
    | SubmitResponse
)
BuyerEffect = (
    Shared
    | SubmitOpening
    | SendRequest
    | KeepAnswer
    | Countersign
    | SendVoucher
    | SubmitTopUp
    | SubmitReduce
    | SubmitClose
)
ControllerEffect = Issue | SendCredential | SubmitEvidence | SubmitInitiation | KeepFloor
Effect = SellerEffect | BuyerEffect | ControllerEffect
