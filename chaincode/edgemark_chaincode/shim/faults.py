"""What can go wrong between a chaincode and its peer, by remedy.

| error | family | what to do |
|---|---|---|
| `CallRefused` | RefusedInput | mend the call: a key, a value, an argument |
| `NotInShim` | CallRefused | do without: Fabric has it, and this shim has not |
| `LedgerRefused` | RefusedInput | the peer said no to what was asked; its words are there |
| `StreamBroken` | LedgerUnavailable | the peer has gone or did not answer: it asks anew |
| `CallMalformed` | PeerFault | the peer sent what is no call |
"""

from __future__ import annotations

from bdb import BdbQuit

from edgemark.errors import EdgemarkError, LedgerUnavailable, PeerFault, RefusedInput
from edgemark.words import printable
from edgemark_chaincode.shim.limits import MAX_WORDS

LEFT = (
    "the chaincode's debugger ended the call (BdbQuit): it was left, or breakpoint() was reached "
    "in a process without a terminal, as those that `deploy` starts; run one in yours: "
    "`edgemark ledger chaincode run NAME --alone`"
)


class CallRefused(RefusedInput):
    """A chaincode asked its stub for what cannot be, or was called so."""


class NotInShim(CallRefused):
    """A chaincode asked for what Fabric has and this shim does not."""


class LedgerRefused(RefusedInput):
    """The peer answered a question with an error."""


class StreamBroken(LedgerUnavailable):
    """The stream to the peer, or this call on it, is over."""


class CallMalformed(PeerFault):
    """What the peer sent is no call of a chaincode."""


def tell(fault: BaseException) -> str:
    """The words that whoever called the chaincode reads; at most MAX_WORDS characters."""
    if isinstance(fault, EdgemarkError):
        return str(fault)[:MAX_WORDS].encode(errors="replace").decode()
    if isinstance(fault, BdbQuit):
        return LEFT
    words = " ".join(str(part) for part in fault.args if isinstance(part, str | int))
    name = type(fault).__name__
    said = f"the chaincode failed: {name}: {words}" if words else f"the chaincode failed: {name}"
    return printable(said)[:MAX_WORDS].encode(errors="replace").decode()
