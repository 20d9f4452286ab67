"""What can go wrong with a chain, sorted by remedy (see `edgemark.errors`)."""

from __future__ import annotations

from collections.abc import Mapping

from edgemark.errors import LedgerUnavailable, RefusedInput, Unrecoverable
from edgemark.ledger.evm.contract.token_values import tell_values


class NoChain(LedgerUnavailable):
    """Nothing at the address answers like a chain."""


class ChainIdMismatch(LedgerUnavailable):
    """The chain at the address is another one than the one expected."""


class ConnectionLost(LedgerUnavailable):
    """The chain stopped answering, also after repeated attempts."""


class NodeAnswerMalformed(LedgerUnavailable):
    """The node's answer is none, lacks a field or has one of another kind."""


class ChainBusy(LedgerUnavailable):
    """The chain's node takes no more requests at present, this one included.

    Args:
        had: its words.
        who: the node.
        retry_after_s: seconds after which asking again makes sense, > 0.
    """

    def __init__(self, had: str, *, who: object, retry_after_s: float) -> None:
        super().__init__(
            "the node is busy",
            who=who,
            had=had,
            remedy=f"Ask again after {retry_after_s:.1f} s; nothing is lost.",
        )
        self.retry_after_s = retry_after_s


class NodeBehind(LedgerUnavailable):
    """The node knows less of the chain than it, or another one at its address, knew before.

    Attributes:
        retry_after_s: seconds after which a look tells more, >= 0.
    """

    retry_after_s: float = 0.0


class NodeRefused(LedgerUnavailable):
    """The chain's node answered a request with an error of its own.

    Args:
        code: JSON-RPC error code.
        message: the node's words.
        data: bytes that came with it, for example of a revert.
    """

    def __init__(self, code: int, message: str, data: bytes, *, who: object) -> None:
        super().__init__("the node refused a request", who=who, had=f"{code}: {message[:300]}")
        self.code = code
        self.message = message
        self.data = data


class BatchRefused(NodeRefused):
    """The node refused a message of many requests as a whole, not one of the requests."""


class AnswerTooLarge(LedgerUnavailable):
    """The chain's node sent more than anybody asked for."""


class FeeAboveCap(LedgerUnavailable):
    """A transaction costs more per gas at present than the settings allow."""


class NotYetMined(LedgerUnavailable):
    """A transaction is under way but not on the chain; it is followed on the next attempt."""


class NotYetConfirmed(LedgerUnavailable):
    """A contract is on the chain, but not deep enough yet to be read."""


class NonceTaken(LedgerUnavailable):
    """Somebody else used the account's nonce; the transaction did not happen. Send it again."""


class NoCode(RefusedInput):
    """There is no contract at the address."""


class CodeMismatch(RefusedInput):
    """The code at a contract's address is not the code that this installation knows.

    Args:
        contract: its name.
        what: is wrong with it.
        had: hash of the code that is there.
        needed: hash of the code that should be.
        remedy: what to do.
    """

    def __init__(self, contract: str, what: str, had: str, needed: str, remedy: str) -> None:
        super().__init__(what, who=contract, had=had, needed=needed, remedy=remedy)
        self.contract = contract


class NoFunds(RefusedInput):
    """The account cannot pay for the transaction."""


class GasAboveCap(RefusedInput):
    """A transaction needs more gas than the settings allow."""


class TransactionRefused(RefusedInput):
    """The chain's node does not take the transaction; it did not happen."""


class ContractRefused(RefusedInput):
    """A contract reverted.

    Args:
        contract: its name.
        function: what was called.
        error_name: the Solidity error, `Error` and `Panic` included; empty when it gave none.
        values: the error's arguments by snake_case name.
    """

    def __init__(
        self, contract: str, function: str, error_name: str, values: Mapping[str, object]
    ) -> None:
        super().__init__(
            f"reverted with {error_name or 'no reason'}",
            who=f"{contract}.{function}",
            had=tell_values(error_name, values) or None,
        )
        self.contract = contract
        self.function = function
        self.error_name = error_name
        self.values = dict(values)


class ReorgTooDeep(Unrecoverable):
    """A block that counted as final is no longer on the chain."""


class OtherChain(LedgerUnavailable):
    """Another chain answers than the one that this process began with."""


class OtherChainsFile(Unrecoverable):
    """A file of this account belongs to another chain."""


class ChainMoved(LedgerUnavailable):
    """The chain changed again and again while it was read."""


class LogsContradicted(LedgerUnavailable):
    """The node's logs and its headers, or the contracts' interfaces, contradict each other."""


class IndexMissing(RefusedInput):
    """There is no index of this deployment yet."""


class IndexBusy(RefusedInput):
    """Another process writes into the index."""


class IndexOfAnother(RefusedInput):
    """The file is an index of another deployment, or of another version."""


class IndexDamaged(Unrecoverable):
    """The index file is not what was written. It can be made anew from the chain."""
