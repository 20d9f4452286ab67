"""What a consortium ledger answers, sorted by remedy.

| error | family | what to do |
|---|---|---|
| `MessageMalformed` | PeerFault | keep the bytes: whoever sent them broke the protocol |
| `EventsUnclear` | MessageMalformed | ask another peer, or begin behind the block that is named |
| `IdentityRefused` | RefusedInput | another certificate, role, organisation |
| `ChaincodeRefused` | RefusedInput | the chaincode said no: mend the call |
| `NotEndorsed` | RefusedInput | see what each endorser said |
| `PeersMissing` | NotEndorsed | too few peers know of each other yet: ask again |
| `FirstCallMissing` | NotEndorsed | make the call first that the definition requires, marked |
| `PolicyRefused` | RefusedInput | mend the policy: it is none, or no ledger here knows it |
| `ApprovalsDiffer` | RefusedInput | agree on one definition: see what each did not approve |
| `EndorsementsDiffer` | PeerFault | organisations computed different results: see where |
| `SubmitRefused` | RefusedInput | nobody orders it: see why; it stays in the journal |
| `SubmissionDiffers` | RefusedInput | another call has this name: give this one its own |
| `SubmissionGivenUp` | RefusedInput | its caller gave it up; it may still count |
| `SubmissionGone` | RefusedInput | a revert took back what this name was told: give another name |
| `TransactionInvalid` | RefusedInput | it does not count; for a conflict ask anew |
| `ProfileInvalid` | RefusedInput | mend the connection profile |
| `ChainTakenBack` | RefusedInput | a revert took back blocks that were handled: begin anew |
| `MessageTooLarge` | RefusedInput | no node takes it: send less at once |
| `LedgerBusy` | RefusedInput | it has enough to do: ask again later |
| `LedgerSilent` | LedgerUnavailable | it did not answer in time; what was sent may still come |

Files of one's own have theirs: a journal those of `journal.journal`, and what is damaged or others
can read is `Unrecoverable`. A call that cannot be made so is `RefusedInput`, and `Overloaded` what
exceeds this side's own limits; nothing was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.errors import (
    EdgemarkError,
    LedgerUnavailable,
    Overloaded,
    PeerFault,
    RefusedInput,
)
from edgemark.ledger.fabric.wire.codes import CONFLICTS, Code


class MessageMalformed(PeerFault):
    """Bytes from outside are no message of the protocol."""


class EventsUnclear(MessageMalformed):
    """No checkpoint can stand among the events of a block: two name one transaction, or one none.

    Nothing of the block was handled, and nobody goes past it unasked.

    Attributes:
        block: number of it.
    """

    block: int = 0


class IdentityRefused(RefusedInput):
    """An identity may not do this, or is none."""


@dataclass(frozen=True)
class EndorserWords:
    """What one endorser said.

    Attributes:
        address: HOST:PORT of it.
        msp_id: its organisation.
        message: its own words.
    """

    address: str
    msp_id: str
    message: str


class FromEndorsers(EdgemarkError):
    """What a ledger answered, with every endorser's own message.

    Attributes:
        endorsers: what each of them said.
    """

    endorsers: Sequence[EndorserWords] = ()

    def as_dict(self) -> dict[str, object]:
        """With a record for each endorser."""
        words = [
            {"address": each.address, "msp_id": each.msp_id, "message": each.message}
            for each in self.endorsers
        ]
        return {**super().as_dict(), "endorsers": words}


class LedgerSilent(FromEndorsers, LedgerUnavailable):
    """No answer in time, or nobody there.

    Attributes:
        is_late: nobody said anything; the time of the call was over.
    """

    is_late: bool = False


class ChaincodeRefused(FromEndorsers, RefusedInput):
    """A chaincode answered with an error."""


class NotEndorsed(FromEndorsers, RefusedInput):
    """Too few endorsed it."""


class PolicyRefused(RefusedInput):
    """A policy is none, or asks for what this ledger does not know."""


class ApprovalsDiffer(RefusedInput):
    """Too few organisations approved a definition."""


class PeersMissing(NotEndorsed):
    """Peers that are needed are away, or nobody has heard yet that they are there."""


class FirstCallMissing(NotEndorsed):
    """A definition requires a first call of its version, marked as such, and nobody made it yet."""


class EndorsementsDiffer(FromEndorsers, PeerFault):
    """Organisations answered the same proposal with different results."""


class SubmitRefused(FromEndorsers, RefusedInput):
    """The ordering service did not take an envelope; it may still take a copy of it."""


class SubmissionDiffers(RefusedInput):
    """A name that was given to one call is given to another."""


class SubmissionGivenUp(RefusedInput):
    """What this name was given to was given up: it is not sent again, and may still count."""


class SubmissionGone(RefusedInput):
    """What was told of a name is not on the ledger that is asked; nothing was sent again."""


class ProfileInvalid(RefusedInput):
    """A connection profile that nobody can connect by."""


class ChainTakenBack(RefusedInput):
    """Blocks that a listener has handled are not of the chain any more."""


class MessageTooLarge(RefusedInput):
    """A message is longer than one side takes; it is so at any later time, too.

    Attributes:
        size: of the message, bytes; 0 where nobody said it.
        limit: of the side that refused it, bytes; 0 where nobody said it.
    """

    size: int = 0
    limit: int = 0

    def as_dict(self) -> dict[str, object]:
        """With both numbers."""
        return {**super().as_dict(), "size": self.size, "limit": self.limit}


class LedgerBusy(Overloaded):
    """The ledger has as much to do as it takes."""


class TransactionInvalid(RefusedInput):
    """A transaction stands in a block and does not count.

    Attributes:
        code: why; it never changes.
        transaction_id: of it.
        block: number of the block.
    """

    code: Code = Code.NOT_VALIDATED
    transaction_id: str = ""
    block: int = 0

    def as_dict(self) -> dict[str, object]:
        """With code, transaction and block, each by itself."""
        told = {"code": self.code.name, "transaction_id": self.transaction_id, "block": self.block}
        return {**super().as_dict(), **told}

    @property
    def is_conflict(self) -> bool:
        """Whether another one, on a newer state, may do what this one could not."""
        return self.code in CONFLICTS
