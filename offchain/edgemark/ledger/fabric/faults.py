"""What a consortium ledger answers, sorted by remedy.

| error | family | what to do |
|---|---|---|
| `MessageMalformed` | PeerFault | keep the bytes: whoever sent them broke the protocol |
| `IdentityRefused` | RefusedInput | another certificate, role, organisation |
| `ChaincodeRefused` | RefusedInput | the chaincode said no: mend the call |
| `NotEndorsed` | RefusedInput | see what each endorser said |
| `EndorsementsDiffer` | PeerFault | organisations computed different results: see where |
| `TransactionInvalid` | RefusedInput | it does not count; for a conflict ask anew |
| `LedgerSilent` | LedgerUnavailable | it did not answer in time; what was sent may still come |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.ledger.fabric.wire.codes import CONFLICTS, Code


class MessageMalformed(PeerFault):
    """Bytes from outside are no message of the protocol."""


class IdentityRefused(RefusedInput):
    """An identity may not do this, or is none."""


class ChaincodeRefused(RefusedInput):
    """A chaincode answered with an error."""


class LedgerSilent(LedgerUnavailable):
    """No answer in time, or nobody there."""


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


class NotEndorsed(RefusedInput):
    """Too few endorsed it.

    Attributes:
        endorsers: what each of them said.
    """

    endorsers: Sequence[EndorserWords] = ()


class EndorsementsDiffer(PeerFault):
    """Organisations answered the same proposal with different results."""


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

    @property
    def is_conflict(self) -> bool:
        """Whether another one, on a newer state, may do what this one could not."""
        return self.code in CONFLICTS
