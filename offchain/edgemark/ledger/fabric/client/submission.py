"""The life of one submission: sent once, or the same again; no clock, socket or file in sight.

Rule 1: every phase and every legal move is in `MOVES`; nothing else changes `Submission.phase`.
Rule 2: nothing is sent before it is kept: id, proposal and envelope are in the journal first.
Rule 3: while no code is known, what is sent is the same envelope. A second copy is a duplicate, and
        harmless; a new proposal is a second execution. No envelope is ever taken for lost: an
        orderer may take it at any later time, whatever it said before.
Rule 4: a new proposal follows a final code of a conflict alone, once that code is kept, and only as
        often as the caller allowed. What an earlier call kept is none: its block may be taken back
        by now, so the ledger is asked what it has.

    DRAFTING -HeardEndorsed-> KEEPING -FoundKept-> SENDING -HeardTaken-> WAITING -HeardCode->
    DECIDED -FoundKept-> TOLD, or DRAFTING after a conflict;   found in the journal: ASKING, or
    DECIDED where the ledger confirmed its code
    LEFT: refused while DRAFTING; later too, or the caller's time is over, and then it stays open
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edgemark.errors import EdgemarkError
from edgemark.ledger.fabric.faults import LedgerBusy, LedgerSilent
from edgemark.ledger.fabric.wire.codes import CONFLICTS, Code

SHORT_WAIT_S = 2.0  # for the status of what may have been sent; commits take less, where they come
LONG_WAIT_S = 20.0  # for the status of what an orderer took, before the same is sent again
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Phase(StrEnum):
    """How far it is."""

    DRAFTING = "drafting"
    KEEPING = "keeping"
    SENDING = "sending"
    WAITING = "waiting"
    ASKING = "asking"
    DECIDED = "decided"
    TOLD = "told"
    LEFT = "left"


@dataclass(frozen=True)
class HeardEndorsed:
    """Endorsers answered, and the envelope is signed."""


@dataclass(frozen=True)
class HeardRefusal:
    """The ledger refused what was asked.

    Attributes:
        error: why.
    """

    error: EdgemarkError


@dataclass(frozen=True)
class FoundKept:
    """The record is on the disk."""


@dataclass(frozen=True)
class HeardTaken:
    """An orderer took the envelope."""


@dataclass(frozen=True)
class HeardSilence:
    """No answer, or none in time.

    Attributes:
        error: of the call.
        is_over: the caller's time is over.
    """

    error: EdgemarkError
    is_over: bool = False


@dataclass(frozen=True)
class HeardCode:
    """The transaction stands in a block.

    Attributes:
        code: of it.
        block: number of the block.
    """

    code: Code
    block: int


SubmissionEvent = HeardEndorsed | HeardRefusal | FoundKept | HeardTaken | HeardSilence | HeardCode


@dataclass(frozen=True)
class Endorse:
    """Have a new proposal endorsed."""


@dataclass(frozen=True)
class KeepEnvelope:
    """Write what was endorsed into the journal."""


@dataclass(frozen=True)
class SendEnvelope:
    """Submit the envelope that is kept.

    Attributes:
        pause_s: seconds to wait before.
    """

    pause_s: float = 0.0


@dataclass(frozen=True)
class AskStatus:
    """Ask what became of the transaction.

    Attributes:
        wait_s: longest time to wait for it.
    """

    wait_s: float


@dataclass(frozen=True)
class KeepCode:
    """Write the code into the journal.

    Attributes:
        code: of the transaction.
        block: number of the block.
    """

    code: Code
    block: int


@dataclass(frozen=True)
class TellCode:
    """It is over.

    Attributes:
        code: of the transaction; it never changes.
        block: number of the block.
    """

    code: Code
    block: int


@dataclass(frozen=True)
class TellError:
    """It goes no further now; what is kept stays open.

    Attributes:
        error: why.
        is_kept: whether an envelope is in the journal, which may count at any later time.
    """

    error: EdgemarkError
    is_kept: bool


SubmissionEffect = (
    Endorse | KeepEnvelope | SendEnvelope | AskStatus | KeepCode | TellCode | TellError
)


@dataclass(frozen=True)
class Outcome:
    """A transaction that counts.

    Attributes:
        transaction_id: 64 hex digits.
        code: VALID.
        block: number of the block that it stands in.
        response: what the chaincode answered its endorsers.
        name: of the submission; one that was drawn is forgotten, and is for logs alone.
    """

    transaction_id: str
    code: Code
    block: int
    response: bytes
    name: str


MOVES: dict[Phase, dict[type, frozenset[Phase]]] = {
    Phase.DRAFTING: {
        HeardEndorsed: frozenset({Phase.KEEPING}),
        HeardRefusal: frozenset({Phase.LEFT}),
        HeardSilence: frozenset({Phase.LEFT}),
    },
    Phase.KEEPING: {FoundKept: frozenset({Phase.SENDING})},
    Phase.SENDING: {
        HeardTaken: frozenset({Phase.WAITING}),
        HeardSilence: frozenset({Phase.ASKING, Phase.LEFT}),
        HeardRefusal: frozenset({Phase.ASKING, Phase.LEFT}),
    },
    Phase.WAITING: {
        HeardCode: frozenset({Phase.DECIDED}),
        HeardSilence: frozenset({Phase.SENDING, Phase.LEFT}),
        HeardRefusal: frozenset({Phase.LEFT}),
    },
    Phase.ASKING: {
        HeardCode: frozenset({Phase.DECIDED}),
        HeardSilence: frozenset({Phase.SENDING, Phase.LEFT}),
        HeardRefusal: frozenset({Phase.LEFT}),
    },
    Phase.DECIDED: {FoundKept: frozenset({Phase.TOLD, Phase.DRAFTING})},
}


class IllegalMove(AssertionError):
    """An event in a phase that does not know it: a fault of the shell."""


@dataclass(frozen=True)
class Submission:
    """One submission.

    Attributes:
        phase: how far it is.
        retries: new proposals that may still follow a conflict.
        is_doubtful: an envelope may have been sent whose answer nobody has.
        refused: why an orderer refused it last, while it is doubtful.
        told: why it goes on no further, as it was last said since an orderer took it.
        sent: times that this envelope was sent.
        code, block: of the transaction, once it is decided.
    """

    phase: Phase
    retries: int = 0
    is_doubtful: bool = False
    refused: EdgemarkError | None = None
    told: EdgemarkError | None = None
    sent: int = 0
    code: Code = Code.NOT_VALIDATED
    block: int = 0


def begin(retries: int) -> tuple[Submission, SubmissionEffect]:
    """A call that nobody made before."""
    return Submission(Phase.DRAFTING, retries), Endorse()


def begin_endorsed() -> tuple[Submission, SubmissionEffect]:
    """A call that was endorsed before, whenever."""
    return Submission(Phase.KEEPING), KeepEnvelope()


def resume(retries: int) -> tuple[Submission, SubmissionEffect]:
    """An envelope that the journal has: it may have been sent."""
    return Submission(Phase.ASKING, retries, is_doubtful=True), AskStatus(SHORT_WAIT_S)


def begin_decided(retries: int, code: Code, block: int) -> tuple[Submission, SubmissionEffect]:
    """An envelope that was decided before, with the code that the ledger has of it now."""
    return _after_kept(Submission(Phase.DECIDED, retries, code=code, block=block))


def step(submission: Submission, event: SubmissionEvent) -> tuple[Submission, SubmissionEffect]:
    """What an event leads to.

    Raises:
        IllegalMove: the phase does not know it.
    """
    if type(event) not in MOVES.get(submission.phase, {}):
        raise IllegalMove(f"{type(event).__name__} while {submission.phase}")
    match event:
        case HeardEndorsed():
            return _moved(submission, Phase.KEEPING), KeepEnvelope()
        case FoundKept():
            return _after_kept(submission)
        case HeardTaken():
            is_new = submission.refused is None and submission.told is None
            taken = submission if is_new else replace(submission, refused=None, told=None)
            return _moved(taken, Phase.WAITING), AskStatus(LONG_WAIT_S)
        case HeardCode(code, block):
            decided = _moved(submission, Phase.DECIDED, code, block)
            return decided, KeepCode(code, block)
        case HeardSilence(error, is_over):
            return _after_silence(submission, error, is_over)
        case HeardRefusal(error):
            return _after_refusal(submission, error)


def _moved(
    submission: Submission,
    phase: Phase,
    code: Code = Code.NOT_VALIDATED,
    block: int = 0,
    *,
    sent: int | None = None,
) -> Submission:
    """In another phase: `replace` of a few fields, at half its price on the way of every call."""
    count = submission.sent if sent is None else sent
    return Submission(
        phase,
        submission.retries,
        submission.is_doubtful,
        submission.refused,
        submission.told,
        count,
        code,
        block,
    )


def _after_kept(submission: Submission) -> tuple[Submission, SubmissionEffect]:
    if submission.phase is Phase.KEEPING:
        return _moved(submission, Phase.SENDING, sent=1), SendEnvelope()
    if submission.code in CONFLICTS and submission.retries:
        return begin(submission.retries - 1)
    told = _moved(submission, Phase.TOLD, submission.code, submission.block)
    return told, TellCode(submission.code, submission.block)


def _after_silence(
    submission: Submission, error: EdgemarkError, is_over: bool
) -> tuple[Submission, SubmissionEffect]:
    if submission.phase is Phase.DRAFTING:
        return replace(submission, phase=Phase.LEFT), TellError(error, is_kept=False)
    told = better_told(submission.told, error)
    if is_over:
        left = replace(submission, phase=Phase.LEFT)
        return left, TellError(submission.refused or told, is_kept=True)
    if submission.phase is Phase.SENDING:
        asking = replace(submission, phase=Phase.ASKING, is_doubtful=True, told=told)
        return asking, AskStatus(SHORT_WAIT_S)
    again = replace(submission, phase=Phase.SENDING, sent=submission.sent + 1, told=told)
    return again, SendEnvelope(compute_pause_s(submission.sent))


def _after_refusal(
    submission: Submission, error: EdgemarkError
) -> tuple[Submission, SubmissionEffect]:
    """Who refuses may have taken an earlier copy, if there may have been one."""
    if submission.phase is Phase.SENDING and submission.is_doubtful and not submission.refused:
        asking = replace(submission, phase=Phase.ASKING, refused=error)
        return asking, AskStatus(LONG_WAIT_S)
    is_kept = submission.phase is not Phase.DRAFTING
    return replace(submission, phase=Phase.LEFT), TellError(error, is_kept)


def better_told(before: EdgemarkError | None, error: EdgemarkError) -> EdgemarkError:
    """Of two silences the later one, unless it says nothing but that the time was over."""
    is_late = isinstance(error, LedgerSilent) and error.is_late
    return before if is_late and before is not None else error


def compute_pause_s(attempt: int) -> float:
    """Seconds before the next attempt, after so many."""
    longest: float = min(FIRST_PAUSE_S * 2.0 ** min(attempt, 10), LONGEST_PAUSE_S)
    return longest


def event_of(error: EdgemarkError, *, is_over: bool) -> HeardSilence | HeardRefusal:
    """What a failed call says: nothing, or no; who has enough to do may take it soon."""
    if isinstance(error, LedgerSilent | LedgerBusy):
        return HeardSilence(error, is_over)
    return HeardRefusal(error)
