"""Evaluate, endorse, submit and ask, as steps that either face of the client carries out.

A flow yields what it wishes (`Wish`) and is sent the answer's bytes; a failed call is thrown into
it as a typed error. It knows neither threads nor asyncio, neither a socket nor a file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from edgemark.errors import EdgemarkError
from edgemark.journal.faults import JournalDoubtful
from edgemark.ledger.fabric.client.calls import (
    Asked,
    Call,
    Endorsed,
    ask,
    endorse_request,
    evaluate_request,
    read_evaluation,
    read_processed,
    read_status,
    sign_endorsed,
    status_request,
    submit_request,
)
from edgemark.ledger.fabric.client.keeping.records import Kept, Name
from edgemark.ledger.fabric.client.refusals import Asking, given_up, gone, invalid
from edgemark.ledger.fabric.client.submission import (
    AskStatus,
    Endorse,
    FoundKept,
    HeardCode,
    HeardEndorsed,
    HeardTaken,
    IllegalMove,
    KeepCode,
    KeepEnvelope,
    Outcome,
    SendEnvelope,
    Submission,
    SubmissionEffect,
    SubmissionEvent,
    TellCode,
    TellError,
    begin,
    begin_decided,
    begin_endorsed,
    better_told,
    compute_pause_s,
    event_of,
    resume,
    step,
)
from edgemark.ledger.fabric.client.submissions import Submissions, keep
from edgemark.ledger.fabric.faults import (
    ChaincodeRefused,
    LedgerBusy,
    LedgerSilent,
    PeersMissing,
)
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import parse_transaction
from edgemark.ledger.fabric.wire.limits import NONCE_BYTES
from edgemark.ledger.fabric.wire.names import BLOCKS

T = TypeVar("T")
SUBMIT_WAIT_S = 15.0  # for an orderer to take an envelope
LOOK_S = 2.0  # for a transaction that was decided before: who has it answers at once
SHORTEST_WAIT_S = 0.001  # of a call whose time is nearly over


@dataclass(frozen=True)
class Ask:
    """Call the Gateway; the answer is the bytes of its message.

    Attributes:
        asking: which of its methods.
        request: bytes of the message.
        wait_s: longest time to wait.
    """

    asking: Asking
    request: bytes = field(repr=False)
    wait_s: float


@dataclass(frozen=True)
class Pause:
    """Wait.

    Attributes:
        seconds: how long.
    """

    seconds: float


@dataclass(frozen=True)
class Keep:
    """Write a submission, or what became of it, into the journal, durably.

    Attributes:
        kept: what is written.
    """

    kept: Kept


Wish = Ask | Pause | Keep
Flow = Generator[Wish, bytes, T]


@dataclass(frozen=True)
class Clocks:
    """Where a flow takes times and nonces from.

    Attributes:
        monotonic: seconds that never go back.
        time_ns: Unix nanoseconds.
        octets: so many bytes at random.
    """

    monotonic: Callable[[], float]
    time_ns: Callable[[], int]
    octets: Callable[[int], bytes] = field(repr=False)


@dataclass(frozen=True)
class Flows:
    """What a client of one identity does.

    Args:
        signer: who asks.
        clocks: where times and nonces come from.
    """

    signer: Signer
    clocks: Clocks

    def evaluate(self, call: Call, wait_s: float) -> Flow[bytes]:
        """What a chaincode answers, in at most `wait_s`; nothing is changed."""
        request = evaluate_request(self._ask(call))
        raw = yield from self._repeat(Asking.EVALUATE, request, wait_s, call.chaincode)
        return read_evaluation(raw)

    def endorse(self, call: Call, wait_s: float) -> Flow[Endorsed]:
        """What endorsers answer, checked and signed, and sent to nobody."""
        asked = self._ask(call)
        request = endorse_request(asked)
        raw = yield from self._repeat(Asking.ENDORSE, request, wait_s, call.chaincode)
        return sign_endorsed(asked, raw, self.signer)

    def status(self, channel: str, transaction_id: str, wait_s: float) -> Flow[tuple[Code, int]]:
        """Code and block of a transaction, as soon as there are any."""
        request = status_request(channel, transaction_id, self.signer)
        raw = yield Ask(Asking.STATUS, request, wait_s)
        return read_status(raw)

    def submit(
        self, call: Call, name: Name, submissions: Submissions, retries: int, wait_s: float
    ) -> Flow[Outcome]:
        """Have a call endorsed and ordered, and wait until it counts; see `submission`."""
        found = submissions.take(name.text, call.digest, is_drawn=name.is_drawn)
        try:
            under_way = _Submitting(self, call, name, found, self._until(wait_s))
            return (yield from under_way.run(retries))
        finally:
            submissions.give_back(name.text)

    def order(
        self, endorsed: Endorsed, name: Name, submissions: Submissions, wait_s: float
    ) -> Flow[Outcome]:
        """Have ordered what was endorsed before, and wait until it counts."""
        call = endorsed.asked.call
        kept = submissions.take(name.text, call.digest, is_drawn=name.is_drawn)
        try:
            under_way = _Submitting(self, call, name, kept, self._until(wait_s), endorsed)
            return (yield from under_way.run(0))
        finally:
            submissions.give_back(name.text)

    def finish(
        self, kept: Kept, submissions: Submissions, wait_s: float, *, gives_up: bool = False
    ) -> Flow[Outcome]:
        """Go on with a submission that the journal has, or give it up; nothing is proposed anew."""
        found = submissions.take(kept.name, kept.digest)
        try:
            call = Call(kept.channel, "", ())
            under_way = _Submitting(self, call, Name(kept.name), found, self._until(wait_s))
            if gives_up and found is not None and found.is_open:
                return (yield from under_way.look_up(found))
            return (yield from under_way.run(0))
        finally:
            submissions.give_back(kept.name)

    def _until(self, wait_s: float) -> float:
        return self.clocks.monotonic() + wait_s

    def _ask(self, call: Call) -> Asked:
        nonce = self.clocks.octets(NONCE_BYTES)
        return ask(call, self.signer, nonce=nonce, timestamp_ns=self.clocks.time_ns())

    def _repeat(self, asking: Asking, request: bytes, wait_s: float, chaincode: str) -> Flow[bytes]:
        """Ask until there is an answer or time is over: what changes nothing is asked freely.

        Peers hear of one that is back, and of a new definition, seconds later: that passes too.
        """
        until, attempt = self._until(wait_s), 0
        told: EdgemarkError | None = None
        while True:
            left = until - self.clocks.monotonic()
            try:
                return (yield Ask(asking, request, max(left, SHORTEST_WAIT_S)))
            except ChaincodeRefused as refused:
                refused.who = f"chaincode {chaincode}"
                raise
            except (LedgerSilent, LedgerBusy, PeersMissing) as error:
                pause, told = compute_pause_s(attempt), better_told(told, error)
                is_told = isinstance(error, LedgerSilent) and error.endorsers
                if is_told or self.clocks.monotonic() + pause >= until:
                    raise told from (None if told is error else error)
                yield Pause(pause)
                attempt += 1


@dataclass
class _Submitting:
    """Carries the effects of one submission out, one after the other.

    Args:
        flows: of the client.
        call: what is asked.
        name: of the submission.
        kept: what the journal has of it.
        until: monotonic seconds at which the caller's time is over.
        endorsed: what was endorsed before; None for what is endorsed now.
    """

    flows: Flows
    call: Call
    name: Name
    kept: Kept | None
    until: float
    endorsed: Endorsed | None = None

    def run(self, retries: int) -> Flow[Outcome]:
        if self.kept is not None:
            self.endorsed = None  # what is kept counts, not what was endorsed beside it
            if self.kept.is_given_up:
                return (yield from self.look_up(self.kept))
        if self.kept is None or self.kept.is_open:
            submission, effect = self._begin(retries)
        else:
            code, block, response = yield from self._confirm(self.kept)
            if code is Code.VALID:
                return self._outcome(code, block, response)
            submission, effect = begin_decided(retries, code, block)
        while not isinstance(effect, TellCode | TellError):
            event = yield from self._perform(submission, effect)
            submission, effect = step(submission, event)
        if isinstance(effect, TellError):
            raise self._told(effect)
        return self._tell(effect.code, effect.block)

    def look_up(self, kept: Kept) -> Flow[Outcome]:
        """What a block says of one that is given up, now or before: it is not sent again."""
        try:
            code, block = yield from self._status(kept, LOOK_S)
        except EdgemarkError as error:  # whoever expired is not even told what became of it
            if not kept.is_open:
                raise given_up(self.name.text, kept.transaction_id, error) from error
            yield Keep(replace(kept, envelope=b"", is_given_up=True))
            return Outcome(kept.transaction_id, Code.NOT_VALIDATED, 0, b"", self.name.text)
        self.kept = replace(kept, code=code, block=block, is_given_up=False)
        yield Keep(self.kept)
        return (yield from self.run(0))

    def _begin(self, retries: int) -> tuple[Submission, SubmissionEffect]:
        if self.kept is None and self.endorsed is not None:
            self.kept = keep(self.name.text, self.endorsed)
            return begin_endorsed()
        return begin(retries) if self.kept is None else resume(retries)

    def _perform(self, submission: Submission, effect: SubmissionEffect) -> Flow[SubmissionEvent]:
        match effect:
            case KeepEnvelope():
                yield from self._keep(self._held())
                return FoundKept()
            case KeepCode(code, block):
                is_named = not self.name.is_drawn
                self.kept = replace(self._held(), code=code, block=block, is_named=is_named)
                yield Keep(self.kept)
                return FoundKept()
            case Endorse() | SendEnvelope() | AskStatus():
                try:
                    return (yield from self._ask(effect))
                except EdgemarkError as error:
                    return event_of(error, is_over=self._left_s() <= 0)
            case TellCode() | TellError():
                raise IllegalMove(f"{effect} while {submission.phase}")

    def _keep(self, kept: Kept) -> Flow[None]:
        """Have it written, or say of one that may be there that it may count, and by which name."""
        try:
            yield Keep(kept)
        except JournalDoubtful as error:
            error.remedy = (
                f"{error.remedy} Transaction {kept.transaction_id} was not sent. Where it is kept, "
                f"as submission {kept.name}, `edgemark ledger finish` sends it; the same call of "
                "this name counts once, whether it is there or not."
            )
            raise

    def _ask(self, effect: Endorse | SendEnvelope | AskStatus) -> Flow[SubmissionEvent]:
        if isinstance(effect, Endorse):
            self.endorsed = yield from self.flows.endorse(self.call, self._left_s())
            self.kept = keep(self.name.text, self.endorsed)
            return HeardEndorsed()
        kept = self._held()
        if isinstance(effect, AskStatus):
            return HeardCode(*(yield from self._status(kept, effect.wait_s)))
        if effect.pause_s:
            yield Pause(min(effect.pause_s, max(self._left_s(), 0.0)))
        request = submit_request(kept.channel, kept.transaction_id, kept.envelope)
        yield Ask(Asking.SUBMIT, request, self._at_most(SUBMIT_WAIT_S))
        return HeardTaken()

    def _confirm(self, kept: Kept) -> Flow[tuple[Code, int, bytes]]:
        """Code, block and answer of what was decided once, as the ledger has it now.

        A revert may have taken it back, and its envelope may stand in another block since, with
        another code: what is kept is neither told nor gone by. Answer: of one that counts alone.
        """
        told: tuple[Code, int] | None = None
        with suppress(LedgerSilent):  # it waits for a transaction that is not there
            told = yield from self._status(kept, LOOK_S)
        if told is not None and told[0] is not Code.VALID:
            return *told, b""
        try:
            response = yield from self._fetch(kept)
        except ChaincodeRefused as refused:
            told_once = f"{kept.code.name} in block {kept.block}"
            raise gone(self.name.text, kept.transaction_id, told_once, refused) from refused
        code, block = told or (yield from self._status(kept, LOOK_S))
        return code, block, response

    def _status(self, kept: Kept, wait_s: float) -> Flow[tuple[Code, int]]:
        channel = self.call.channel
        return self.flows.status(channel, kept.transaction_id, self._at_most(wait_s))

    def _fetch(self, kept: Kept) -> Flow[bytes]:
        """The response of a transaction of ours, from the block that it stands in."""
        asked = ("GetTransactionByID", self.call.channel, kept.transaction_id)
        call = Call(self.call.channel, BLOCKS, tuple(each.encode() for each in asked))
        raw = yield from self.flows.evaluate(call, max(self._left_s(), SHORTEST_WAIT_S))
        return read_processed(raw, kept.transaction_id, self.flows.signer)

    def _at_most(self, wait_s: float) -> float:
        return max(min(wait_s, self._left_s()), SHORTEST_WAIT_S)

    def _held(self) -> Kept:
        if self.kept is None:
            raise IllegalMove("nothing was endorsed")
        return self.kept

    def _left_s(self) -> float:
        return self.until - self.flows.clocks.monotonic()

    def _told(self, effect: TellError) -> EdgemarkError:
        """The error, which says of what is kept that it may still count."""
        error = effect.error
        if effect.is_kept:
            error.remedy = (
                f"Transaction {self._held().transaction_id} may still count: it is kept as "
                f"submission {self.name.text}, and the same call of this name goes on with it. "
                f"{error.remedy}"
            ).strip()
        return error

    def _tell(self, code: Code, block: int) -> Outcome:
        response = b""
        if code is Code.VALID and self.endorsed is not None:
            response = self.endorsed.response
        elif code is Code.VALID:
            response = parse_transaction(self._held().envelope).action.response
        return self._outcome(code, block, response)

    def _outcome(self, code: Code, block: int, response: bytes) -> Outcome:
        kept = self._held()
        if code is Code.VALID:
            return Outcome(kept.transaction_id, code, block, response, self.name.text)
        raise invalid(kept.transaction_id, code, block)
