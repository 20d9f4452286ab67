"""How a seller carries out what its channels owe, and what letters mean to it.

| effect                              | what is done                                        |
|-------------------------------------|-----------------------------------------------------|
| `Serve`                             | the engine has it; the answer is noted when it is   |
| `Propose`, `SignClosing`, ...       | drafted by `admission`, signed, noted, then sent    |
| `SendAnswer`, `SendProposal`, ...   | letters, until they are acknowledged                |
| `SubmitCheckpoint`, `SubmitClaim`,  | transactions                                        |
| `SubmitResponse`, `SubmitSettle`... |                                                     |

Law: whatever bears a signature comes back as an event first; it leaves by the effect that its state
     owes from then on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Timestamp, Tokens
from edgemark.loop.machine import NotOwed, UnderWay
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords.checking import check_amending
from edgemark.systems.trading.protocol.accords.events import FoundReducing
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing, Reducing
from edgemark.systems.trading.protocol.accords.signing import sign_accord, word_of_both
from edgemark.systems.trading.protocol.accords.stopping import hear_stop
from edgemark.systems.trading.protocol.agreement import Head, Pause
from edgemark.systems.trading.protocol.letters import Kind, Message, Role
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Credential,
    Overdraft,
    Proposal,
    Refusal,
    Request,
    Settlement,
    Stop,
    Taken,
)
from edgemark.systems.trading.seller.admission import (
    NotServed,
    check_closing,
    check_reducing,
    check_request,
    check_voucher,
    draft_bill,
    is_overdrawn,
    paused,
    with_signature,
)
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.sending import SellerSubmits, call_of_seller
from edgemark.systems.trading.seller.serving.holding import check_time_paid
from edgemark.systems.trading.seller.serving.orders import Serving, read_order
from edgemark.systems.trading.station.papers.issued import Issuances
from edgemark.systems.trading.station.speaking import Correspondent, Pulse
from edgemark.systems.trading.station.station import TradingStation

STRIPES = 64  # locks for channels: letters of one are taken one after the other

Letters = (
    do.SendAnswer
    | do.SendProposal
    | do.SendSettlement
    | do.SendOverdraft
    | do.SendStop
    | do.SendAmending
    | do.SendConsent
    | do.SendReducing
    | do.SendClosing
)
Find = Callable[[ChannelId], Sale | None]
Note = Callable[[ChannelId, on.SellerEvent], None]


class Final(UnderWay):
    """A transaction is final; what the state owes still, the next look tells."""


class Dealing:
    """Effects and letters of one seller; safe for many threads.

    Args:
        station: keys, chain, deals.
        serving: engine and parts.
        find: the present state of a channel.
        note: lets an event happen; on the disk when it returns.
        pulse: knows the time.
    """

    def __init__(
        self, station: TradingStation, serving: Serving, find: Find, note: Note, pulse: Pulse
    ) -> None:
        self._station, self.serving, self._pulse = station, serving, pulse
        self._find, self._note = find, note
        self._issued = Issuances(station, Role.SELLER)
        self._stripes = [threading.Lock() for _ in range(STRIPES)]

    # --- effects -------------------------------------------------------------------------------

    def perform(
        self, talk: Correspondent, state: Sale, effect: do.SellerEffect
    ) -> Sequence[on.SellerEvent]:
        """Carry out one effect; what it found out.

        Raises:
            Sent: a letter is out, and is sent again.
            TryAgain, LedgerUnavailable, EdgemarkError: not now.
        """
        match effect:
            case do.Serve(number):
                return [self._serve(state, number)]
            case do.Propose():
                return [self._propose(talk, state)]
            case do.KeepCredential(index):
                self._issued.kept.keep_of(state, index)
                return [on.FoundCredentialKept(index)]
            case do.SignReducing():
                return [self._sign_reducing(talk, state)]
            case do.SignAmending() | do.SignConsent() | do.SignClosing():
                told = (self._station.domain, self._head(), talk.key(state))
                return [sign_accord(state, effect, *told)]
            case (
                do.SubmitCheckpoint()
                | do.SubmitClaim()
                | do.SubmitResponse()
                | do.SubmitAmending()
                | do.SubmitCloseTogether()
                | do.SubmitSettle()
                | do.SubmitEndUnclosed()
            ):
                raise self._submit(state, effect)
            case _:
                message = _letter_of(state, effect)
                if isinstance(message, Answer):
                    pricing = self._station.deals.pricing(state.known.channel)
                    check_time_paid(state, pricing, self._head())
                if isinstance(message, Settlement):
                    message = self._issued.seals.hide(state.known.channel, message)
                if message is not None:
                    to = Role.CONTROLLER if isinstance(effect, do.SendSettlement) else Role.BUYER
                    talk.insist(state, message, to)
                return []

    def _submit(self, state: Sale, effect: SellerSubmits) -> Final:
        """Send what is owed, or follow it; the effect is done when a view of the chain says so.

        A call that joined an earlier one, of a voucher that was smaller, is so sent after that.
        """
        self._station.submit(call_of_seller(self._station.escrow, state, effect))
        final = Final("is final, and not seen yet", who=type(effect).__name__)
        final.after_s = 1.0 + self._station.seeing_s()
        return final

    def _serve(self, state: Sale, number: int) -> on.FoundServed:
        work = state.work(number)
        if work is None or work.answer is not None:
            raise NotOwed("is not in hand any more", who=f"request {number}")
        channel = state.known.channel
        pricing = self._station.deals.pricing(channel)
        order = read_order(channel, work.request, pricing)
        now = self._head().block
        answer = self.serving.complete(work.request, order, pricing, now)
        return on.FoundServed(answer, Timestamp(now))

    def _propose(self, talk: Correspondent, state: Sale) -> on.SellerEvent:
        channel = state.known.channel
        draft = draft_bill(state, self._station.deals.pricing(channel), self._head())
        if not isinstance(draft, Proposal):
            return draft
        digest = self._station.domain.voucher(channel, draft.voucher)
        return with_signature(draft, talk.key(state).sign(digest))

    def _sign_reducing(self, talk: Correspondent, state: Sale) -> FoundReducing:
        """The seller's word that deposit goes back."""
        back = state.reducing
        if back is None:
            raise NotOwed("is not asked for any more", who="reduction")
        told = (back.number, back.amount, back.valid_until)
        digest = self._station.domain.reduction(state.known.channel, *told)
        return FoundReducing(replace(back, signature=talk.key(state).sign(digest)))

    def _head(self) -> Head:
        head = self._pulse.head()
        if not head.block:
            raise LedgerUnavailable("has shown no block yet", who="chain")
        return head

    # --- letters -------------------------------------------------------------------------------

    def take(self, talk: Correspondent, channel: ChannelId, role: Role, message: Message) -> None:
        """What a checked message means; on the disk when this returns.

        Raises:
            IllegalMove: it cannot happen now, and is not acknowledged.
            EdgemarkError: it is refused.
        """
        with self._stripes[channel[0] % STRIPES]:
            state = self._find(channel)
            if state is not None:
                self._take(talk, state, role, message)

    def _take(self, talk: Correspondent, state: Sale, role: Role, message: Message) -> None:
        channel, head, domain = state.known.channel, self._head(), self._station.domain
        match message:
            case Request():
                self._take_request(talk, state, message, head)
            case Countersigned():
                self._heard(channel, check_voucher(state, message, domain))
            case Credential():
                self._take_credential(state, message)
            case Stop():
                self._heard(channel, hear_stop(message, role, head))
            case Closing():
                self._heard(channel, check_closing(state, message, domain, head))
            case Amending():
                limits = {"least": state.due, "most": state.deposit}
                signer = state.in_force.payer_key
                told = check_amending(state, message, signer, domain, head, **limits)
                self._heard(channel, told)
            case Reducing():
                pricing = self._station.deals.pricing(channel)
                self._heard(channel, check_reducing(state, message, pricing, head))
            case Taken():
                self._take_receipt(channel, message)
            case _:
                return  # for the buyer, or the controller

    def _take_receipt(self, channel: ChannelId, receipt: Taken) -> None:
        match receipt:
            case Taken(Kind.ANSWER, number):
                self._note(channel, on.HeardAnswerTaken(number))
            case Taken(Kind.OVERDRAFT, deposit):
                self._note(channel, on.HeardOverdraftTaken(Tokens(deposit)))
            case Taken(Kind.STOP):
                self._note(channel, on.HeardStopTaken())
            case _:
                return  # of what a seller does not wait for

    def _take_request(self, talk: Correspondent, state: Sale, request: Request, head: Head) -> None:
        """The engine has the order before the request is noted; a pause is said to the buyer."""
        channel = state.known.channel
        pricing = self._station.deals.pricing(channel)
        try:
            taken = check_request(state, request, pricing, head)
            if taken is None:
                return
            self._check_pace(state, request)
            order = read_order(channel, request, pricing)
            self.serving.check_paid(order, request, pricing)
            self.serving.check_in_time(order, state.service_ends, head.block)
            self.serving.take(order)
        except NotServed as error:
            self._heard(channel, is_overdrawn(state, error.why, head))
            talk.send(state, Refusal(request.number, error.why), Role.BUYER)
            return
        self._note(channel, taken)

    def _check_pace(self, state: Sale, request: Request) -> None:
        """Check that a close could be answered: else nothing more is served in this channel.

        Raises:
            NotServed: blocks come too slowly for its window.
        """
        window = state.known.terms.window
        if self._station.may_answer(window):
            return
        needed = f"> {self._station.bringing_s()} s, as blocks come now"
        raise paused(request, Pause.CHAIN_SLOW, had=f"a window of {window} s", needed=needed)

    def _take_credential(self, state: Sale, credential: Credential) -> None:
        """Heard once; the same again is only acknowledged."""
        self._heard(state.known.channel, self._issued.hear(state, credential))

    def _heard(self, channel: ChannelId, event: on.SellerEvent | None) -> None:
        if event is not None:
            self._note(channel, event)


def _letter_of(state: Sale, effect: Letters) -> Message | None:
    """What a letter says; None when the state has it no more."""
    match effect:
        case do.SendAnswer(number):
            work = state.work(number)
            return work.answer if work is not None else None
        case do.SendProposal():
            return state.proposed
        case do.SendSettlement():
            return state.unissued[0] if state.unissued else None
        case do.SendOverdraft(deposit):
            return Overdraft(deposit, Tokens(max(0, state.deposit - state.claimed)))
        case do.SendReducing():
            return state.reducing
        case _:
            return word_of_both(state, effect)
