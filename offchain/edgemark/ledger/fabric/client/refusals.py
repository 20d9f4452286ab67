"""What a ledger refused, sorted by remedy.

gRPC's code alone tells little: a Gateway says ABORTED of a chaincode that said no, of organisations
that differ and of an orderer that took nothing. So the code decides first, then what each endorser
said, then the text; where no text is known, the error is the general one of the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    ChainTakenBack,
    EndorsementsDiffer,
    EndorserWords,
    FirstCallMissing,
    FromEndorsers,
    IdentityRefused,
    LedgerBusy,
    LedgerSilent,
    MessageTooLarge,
    NotEndorsed,
    PeersMissing,
    SubmissionGivenUp,
    SubmissionGone,
    SubmitRefused,
    TransactionInvalid,
)
from edgemark.ledger.fabric.wire.codes import Code

FAILED = "the chaincode failed"  # as our shim says of an exception that was not caught
_MEND_CHAINCODE = (
    "It ended in an error of its own: see that the function is there and takes so many arguments, "
    "then the log of its process."
)
LONGEST_WORDS = 300  # characters of what one of them said
_FIRST = "must call as init first"
_HEX = re.compile(r"\[?[0-9a-fA-F]{80,}\]?")  # Fabric writes the whole creator of a duplicate
_CHAINCODE = re.compile(r"chaincode response (\d{3}), (.*)", re.DOTALL)

# Whether anything was done is open: the answer was lost, or nobody was there.
SILENT = frozenset(
    {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL", "DATA_LOSS"}
)


class Asking(StrEnum):
    """What was asked."""

    EVALUATE = "Evaluate"
    ENDORSE = "Endorse"
    SUBMIT = "Submit"
    STATUS = "CommitStatus"
    EVENTS = "ChaincodeEvents"
    BLOCKS = "Deliver"


@dataclass(frozen=True)
class Refusal:
    """A call that did not succeed.

    Attributes:
        asking: what was asked.
        code: of gRPC, by name.
        details: its text.
        endorsers: what each of them said.
        target: HOST:PORT that was asked.
    """

    asking: Asking
    code: str
    details: str
    endorsers: tuple[EndorserWords, ...] = ()
    target: str = ""


def explain(refusal: Refusal) -> EdgemarkError:
    """The error of a refused call, with every endorser's words."""
    error = _explain(refusal)
    if isinstance(error, FromEndorsers):
        error.endorsers = refusal.endorsers
    return error


def _explain(refusal: Refusal) -> EdgemarkError:
    said = _said(refusal)
    for texts, make in _BY_TEXT if refusal.asking is not Asking.SUBMIT else ():
        if any(text in said for text in texts):
            return make(refusal)
    if refusal.code in _BY_CODE:
        return _BY_CODE[refusal.code](refusal)
    if refusal.asking is Asking.SUBMIT and refusal.code not in SILENT:
        return _not_submitted(refusal)
    if refusal.code in SILENT and not (refusal.endorsers and refusal.asking in _SIMULATED):
        return _silent(refusal)
    if refusal.asking in _SIMULATED:
        return _not_endorsed(refusal)
    return RefusedInput("refused", who=refusal.target, had=_words(refusal))


def _said(refusal: Refusal) -> str:
    return " ".join([refusal.details, *(each.message for each in refusal.endorsers)])


def _chaincode_refused(refusal: Refusal) -> EdgemarkError:
    texts = [each.message for each in refusal.endorsers] or [refusal.details]
    found = [match for match in map(_CHAINCODE.search, texts) if match]
    said = sorted({match[2] for match in found})
    has_failed = any(each.startswith(FAILED) for each in said)
    return ChaincodeRefused(
        "refused",
        who="chaincode",
        had=_short(" | ".join(said)),
        remedy=_MEND_CHAINCODE if has_failed else "It says why: mend the call and ask anew.",
    )


def _differ(refusal: Refusal) -> EdgemarkError:
    return EndorsementsDiffer(
        "organisations computed different results",
        who="endorsements",
        had=_words(refusal),
        needed="equal ones",
        remedy="Ask again: one may be a block behind. If they differ again, a chaincode is not "
        "deterministic, or another one runs there.",
    )


def _out_of_time(refusal: Refusal) -> EdgemarkError:
    return LedgerSilent(
        "chaincode did not answer in time",
        who="endorsers",
        had=_words(refusal),
        remedy="See that its process runs and answers, then ask again; a debugger needs "
        "`edgemark ledger up --execute-timeout 0`, and --wait SECONDS (wait_s) here.",
    )


def _wrong_time(refusal: Refusal) -> EdgemarkError:
    return NotEndorsed(
        "this clock is too far from that of the ledger",
        who="proposal",
        had=_words(refusal),
        needed="at most 15 minutes",
        remedy="Set the clock.",
    )


def _denied(refusal: Refusal) -> EdgemarkError:
    return IdentityRefused(
        "is refused by the ledger",
        who="identity",
        had=_words(refusal),
        needed="a member of an organisation of this channel",
        remedy="See that channel, msp_id and msp_folder belong together. Where its certificate is "
        "of another CA, name an identity of this ledger; where it was revoked or has expired, have "
        "another issued. Set msp_folder to its folder `msp`.",
    )


def _known_already(refusal: Refusal) -> EdgemarkError:
    return NotEndorsed(
        "was committed before", who="transaction", had=_words(refusal), remedy="Ask its status."
    )


def _taken_back(refusal: Refusal) -> EdgemarkError:
    return ChainTakenBack(
        "chain was taken back below what this stream had told",
        who=refusal.target,
        had=_words(refusal),
        remedy="Begin anew at a block that is there, and undo what came of those before.",
    )


def _no_such_channel(refusal: Refusal) -> EdgemarkError:
    return NotEndorsed(
        "does not know the channel",
        who=refusal.target,
        had=_words(refusal),
        remedy="Name one that this peer has joined.",
    )


def _no_endorsers(refusal: Refusal) -> EdgemarkError:
    return NotEndorsed(
        "nobody can endorse this",
        who=refusal.target,
        had=_words(refusal),
        remedy="See that channel and chaincode are named right, that the chaincode is deployed, "
        "and that its process runs; for some seconds after it was deployed, ask again.",
    )


def _peers_missing(refusal: Refusal) -> EdgemarkError:
    return PeersMissing(
        "too few peers are there that could endorse this",
        who=refusal.target,
        had=_words(refusal),
        remedy="See that the peers of the organisations that the policy names run, and have its "
        "package installed and approved.",
    )


def _too_large(refusal: Refusal) -> EdgemarkError:
    found = next(filter(None, (each.search(_said(refusal)) for each in _SIZES)), None)
    numbers = {name: int(value) for name, value in found.groupdict().items()} if found else {}
    size, limit = numbers.get("size", 0), numbers.get("limit", 0)
    error = MessageTooLarge(
        "message is too large",
        who=f"{refusal.asking} of {refusal.target}",
        had=f"{size} bytes: {_words(refusal)}" if size else _words(refusal),
        needed=f"<= {limit} bytes" if limit else None,
        remedy="Send less at once, or ask for less; asking again does not help.",
    )
    error.size, error.limit = size, limit
    return error


def _wrong_init(refusal: Refusal) -> EdgemarkError:
    """A definition may require a first call of each version that is marked, and only one."""
    had, remedy = _words(refusal), "Leave --init (is_init=True) out."
    if _FIRST not in _said(refusal):
        return NotEndorsed("is not to be marked", who="call", had=had, remedy=remedy)
    remedy = "Make it: `edgemark ledger invoke NAME --init ...` (is_init=True) runs its `init`."
    what = "wants a first call, which is marked"
    return FirstCallMissing(what, who="chaincode", had=had, remedy=remedy)


def _silent(refusal: Refusal) -> EdgemarkError:
    error = LedgerSilent(
        "did not answer",
        who=refusal.target or "ledger",
        had=_words(refusal),
        remedy="See that the peer runs and that the profile names its port and its TLS CA; what "
        "takes longer needs --wait SECONDS (wait_s).",
    )
    error.is_late = refusal.code == "DEADLINE_EXCEEDED"
    return error


def _not_endorsed(refusal: Refusal) -> EdgemarkError:
    had, remedy = _words(refusal), "See what each endorser said."
    return NotEndorsed("was not endorsed", who="proposal", had=had, remedy=remedy)


def _not_submitted(refusal: Refusal) -> EdgemarkError:
    return SubmitRefused(
        "was not taken by the ordering service",
        who="transaction",
        had=_words(refusal),
        remedy="See that the identity may write to this channel; it stays in the journal, and the "
        "same envelope can be submitted again.",
    )


def _exhausted(refusal: Refusal) -> EdgemarkError:
    """A message that is too long has the code of one that comes too early."""
    is_large = any(text in _said(refusal) for text in _LARGE)
    return _too_large(refusal) if is_large else _busy(refusal)


def _busy(refusal: Refusal) -> EdgemarkError:
    return LedgerBusy("has enough to do", who=refusal.target, had=_words(refusal))


def _no_gateway(refusal: Refusal) -> EdgemarkError:
    return RefusedInput(
        "is no Gateway",
        who=refusal.target,
        had=_short(refusal.details),
        remedy="Name the port of a peer: of Fabric 2.4 or later, or of the development ledger.",
    )


# As grpc's libraries in C, Go, Java and JavaScript say it.
_LARGE = (
    "larger than max",
    "exceeds maximum size",
    "metadata size exceeds",
    "metadata too big",
    "bigger than maximum",
)
_SIZES = (
    re.compile(r"\((?P<size>\d{1,18}) vs\.? (?P<limit>\d{1,18})\)"),
    re.compile(r"exceeds maximum size (?P<limit>\d{1,18}): (?P<size>\d{1,18})"),
    re.compile(r"max (?P<limit>\d{1,18})"),
)
_SIMULATED = (Asking.EVALUATE, Asking.ENDORSE)
_BY_CODE = {
    "PERMISSION_DENIED": _denied,
    "UNAUTHENTICATED": _denied,
    "RESOURCE_EXHAUSTED": _exhausted,
    "UNIMPLEMENTED": _no_gateway,
}
_BY_TEXT = (
    (("chaincode response ",), _chaincode_refused),
    (("ProposalResponsePayloads do not match",), _differ),
    (("timeout expired while executing",), _out_of_time),
    (("incorrect timestamp",), _wrong_time),
    (("access denied", "client identity expired", "Failed evaluating policy"), _denied),
    ((_FIRST, "but called as init"), _wrong_init),
    (("duplicate transaction found",), _known_already),
    (("could not get last config for channel", "is not known here"), _no_such_channel),
    (  # before the next: Fabric puts the cause behind "no combination of peers"
        (
            "no peer combination can satisfy",
            "not installed on sufficient peers",
            "due to unavailability of peers",
            "rpc error: code = Unavailable",  # an endorser's connection ended under the call
        ),
        _peers_missing,
    ),
    (
        ("no combination of peers", "no peers available", "failed to find any endorsing peers"),
        _no_endorsers,
    ),
    (_LARGE[:1], _too_large),
    (("took blocks back",), _taken_back),
)


def _words(refusal: Refusal) -> str:
    """What was said, each endorser by address and organisation, and nothing twice."""
    details = refusal.details
    for each in refusal.endorsers:  # Evaluate quotes the one that it asked
        if each.message:
            details = details.removesuffix(each.message).rstrip(": ")
    said = [f"{refusal.code}: {_short(details)}"]
    said += [_of_endorser(each) for each in refusal.endorsers]
    return " | ".join(said).rstrip(".")  # a remedy follows


def _of_endorser(words: EndorserWords) -> str:
    return f"{words.address[:80]} ({words.msp_id[:64]}): {_short(words.message)}"


def _short(text: str) -> str:
    whole = _HEX.sub("[...]", text)
    if len(whole) <= LONGEST_WORDS:
        return whole
    half = LONGEST_WORDS // 2  # the cause stands first, the remedy last
    return f"{whole[:half]} ... {whole[-half:]}"


def invalid(transaction_id: str, code: Code, block: int) -> TransactionInvalid:
    """Of a transaction that stands in a block and does not count."""
    error = TransactionInvalid(
        "does not count",
        who=f"transaction {transaction_id}",
        had=f"{code.name} in block {block}",
        needed=Code.VALID.name,
        remedy=_REMEDIES.get(code, ""),
    )
    error.code, error.block, error.transaction_id = code, block, transaction_id
    return error


def gone(name: str, transaction_id: str, told: str, refused: ChaincodeRefused) -> SubmissionGone:
    """Of a submission that was decided and is not on the ledger.

    Args:
        name: of it.
        transaction_id: of it.
        told: code and block that were told.
        refused: what the ledger says now.
    """
    return SubmissionGone(
        "was decided, and the ledger does not have it",
        who=f"submission {name}",
        had=f"transaction {transaction_id}, {told}; now {refused.had}",
        remedy="After a revert give the call another name; on a network ask again, for this peer "
        "may be behind. Nothing was sent.",
    )


def given_up(name: str, transaction_id: str, error: EdgemarkError) -> SubmissionGivenUp:
    """Of a submission that was given up, and what the ledger said when it was asked about it."""
    return SubmissionGivenUp(
        "was given up, and may still count",
        who=f"submission {name}",
        had=f"transaction {transaction_id}; asked now: {error.what}",
        remedy="Nothing was sent. Ask again for what became of it; a call by another name is "
        "another transaction, and both may count.",
    )


_AGAIN = "Ask anew: what it read has changed meanwhile."
_REMEDIES = {
    Code.MVCC_READ_CONFLICT: _AGAIN,
    Code.PHANTOM_READ_CONFLICT: _AGAIN,
    Code.ENDORSEMENT_POLICY_FAILURE: "Let the organisations endorse it that the policy names.",
    Code.BAD_CREATOR_SIGNATURE: "Use a certificate that the channel knows.",
}
