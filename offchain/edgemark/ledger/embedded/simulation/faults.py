"""Why a proposal was not simulated: an endorser answers it with status 500 and no payload.

What a chaincode itself answers, an error too, is no fault: it is `Simulated.status`.
"""

from __future__ import annotations

from edgemark.errors import PeerFault, RefusedInput
from edgemark.ledger.fabric.faults import LedgerSilent

TIMED_OUT = "timeout expired while executing transaction"  # clients look for these words
TERMINATED = "chaincode stream terminated"


class NotSimulated(RefusedInput):
    """This organisation runs no such chaincode, or not for this member."""


class ChaincodeSilent(LedgerSilent):
    """Its process does not answer: it timed out, or cannot be reached."""


class ChaincodeEnded(LedgerSilent):
    """Its process, or the stream to it, ended while it was at work."""


class ChaincodeBroke(PeerFault):
    """Its process broke the protocol of chaincodes."""
