"""The seller's memory of one channel, and what it owes in each phase.

Rule 1: service first, voucher after. What is served and not signed for is never more than one
        interval's cap and the credit (`admission.check_request`); what is in hand is finished.
Rule 2: the seller signs first, writes down, and then proposes. One bill is out at a time; until it
        is signed its content stays, whatever index it is proposed under.
Rule 3: the index never restarts, an amount never falls. A voucher that the payer signed counts by
        its amount, under whichever index, and whenever it comes.
Rule 4: while the payer's next key may come on chain no bill is out, so nothing that the old key
        signed is lost; deposit that may go back covers nothing.
Rule 5: once service has stopped it bills what is answered at once, and by time up to the stop; the
        last bill is the one that nothing follows. So what is in hand holds no earlier work back.
Rule 6: it never closes without a voucher: a payer may have signed one that never came, and would
        then be right to show it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Reducing
from edgemark.systems.trading.protocol.agreement import Readings, Reason, Registers, plus
from edgemark.systems.trading.protocol.life import SellerPhase, TradeTime
from edgemark.systems.trading.protocol.messages import (
    Answer,
    Countersigned,
    Proposal,
    Request,
    Settlement,
)
from edgemark.systems.trading.seller.account import Account
from edgemark.systems.trading.seller.works import MAX_WORKS, Billed, Work

MAX_FORMER = 4  # keys of this seller while one bill is out; a voucher under an older one is refused
MAX_UNISSUED = 16  # vouchers without a credential; amounts are of all before, so older ones go

_OPEN = (SellerPhase.SERVING, SellerPhase.STOPPED, SellerPhase.CLAIMING)


@dataclass(frozen=True)
class Sale(Account):
    """State of one channel at its seller."""

    def after(self, event: on.SellerEvent) -> Sale:  # noqa: C901, PLR0911, PLR0912 - a line each
        """The same with what the event told; the phase is the protocol's business."""
        match event:
            case on.AskedSell(agreement, policy, opening):
                return replace(self, agreement=agreement, policy=policy, opening=opening)
            case on.HeardRequest(request):
                return self._taken(request)
            case on.FoundServed(answer, at):
                return self._served(answer, at)
            case on.HeardAnswerTaken(number):
                return self._handed_over(number)
            case on.FoundProposal(proposal):
                return self._proposed(proposal)
            case on.FoundNothingDue(readings, used):
                return self._found_nothing(readings, used)
            case on.FoundOverdrawn(at):
                since = self.overdrawn_since if self.overdrawn_since != NO_TIME else at
                return replace(self, overdrawn_since=since)
            case on.HeardVoucher(voucher) | on.HeardLastVoucher(voucher):
                return self._signed(voucher)
            case on.HeardOverdraftTaken(deposit):
                return replace(self, warned=deposit)
            case on.FoundAnswered(limit):
                return replace(self, answered=limit)
            case accord.HeardReducing(reducing):
                if self.reducing is not None or reducing.number != self.agreements:
                    raise self._stale("reduction beside another")
                return self._covered_by(reducing)
            case accord.FoundReducing(reducing):
                if self.reducing != replace(reducing, signature=b""):
                    raise self._stale("reduction of another state")
                return replace(self, reducing=reducing)
            case accord.HeardClosing(closing):
                return replace(self, closing_back=closing)
            case accord.FoundClosing(closing):
                return replace(self, closing=closing)
            case _:
                return self._heard(event)

    def _heard(self, event: on.Common) -> Sale:  # noqa: PLR0911 - one line an event
        told = self.heard(event)
        match event:
            case on.SawOpened(_, at):
                return replace(told, billed=Billed(end=at))
            case on.SawMoney(deposit):
                is_more = deposit > self.deposit and not self.reason
                since = NO_TIME if is_more else self.overdrawn_since
                reducing = self.reducing if told.agreements == self.agreements else None
                return replace(told, overdrawn_since=since, reducing=reducing)
            case on.SawAmended():
                return told.with_signers_after(self.in_force)
            case accord.SawLapsed(at) if self.reducing and self.reducing.valid_until < at:
                since = self.overdrawn_since if self.reason else NO_TIME  # as more is covered
                return replace(told, reducing=None, overdrawn_since=since)
            case on.HeardCredential(credential):
                return told.after_credential(credential.index)
            case on.FoundCredentialWrong(index):
                return told.after_credential(index)
            case on.FoundBrokerBack(at):
                return told.with_time_from(at)
            case on.SawBlocksGoOn(at) if self.blocks_stopped:
                return told.with_time_from(at)
            case on.AskedStop(at):
                return told.stop(Reason.ASKED_BY_SELLER, at)
            case _:
                return told

    def with_signers_after(self, had: Signers) -> Sale:
        """The same when others have signed before: what they signed and is not paid is void.

        Nothing is: the payer's key changes at an amount that pays all that it signed.
        """
        now = self.in_force
        left = tuple(e for e in self.unissued if e.proposal.voucher.epoch == now.epoch)
        if now.keys == had.keys:
            return replace(self, unissued=left)
        voucher = self.voucher if now.payer_key == had.payer_key else None
        told = replace(self, voucher=voucher, unissued=(), rekeyed=self.last_index)
        if self.proposed is None or now.seller_key == had.seller_key:
            return told
        return replace(told, former_keys=(*self.former_keys, had.seller_key)[-MAX_FORMER:])

    def _covered_by(self, reducing: Reducing) -> Sale:
        told = replace(self, reducing=reducing)
        if told.claimed > told.covered:
            raise self._stale("reduction below what is claimed")
        return told

    def _stale(self, what: str) -> IllegalMove:
        return IllegalMove(what, who="sale", had=self.phase.value, needed="what this state owes")

    def _taken(self, request: Request) -> Sale:
        is_near = self.received < request.number <= self.received + MAX_WORKS
        if not is_near or self.work(request.number) is not None:
            raise self._stale("request that was taken, or comes too early")
        works = sorted((*self.works, Work(request)), key=lambda work: work.number)
        return replace(self, works=tuple(works))

    def _served(self, answer: Answer, at: Timestamp) -> Sale:
        """Each request is metered once, whoever does its work again."""
        work = self.work(answer.number)
        if work is None or work.answer is not None or answer.units > work.charge:
            raise self._stale("answer to what is not in hand, or above what it may cost")
        works = tuple(
            replace(work, request=replace(work.request, content=b""), answer=answer)
            if work.number == answer.number
            else work
            for work in self.works
        )
        told = self.with_work_at(at)
        return replace(told, works=works, used=plus(self.used, answer.used))

    def _handed_over(self, number: int) -> Sale:
        works = [
            replace(work, answer=replace(work.answer, content=b""), is_taken=True)
            if work.number == number and work.answer is not None
            else work
            for work in self.works
        ]
        received = self.received
        while works and works[0].number == received + 1 and works[0].is_taken:
            received = works.pop(0).number
        return replace(self, works=tuple(works), received=received)

    def _proposed(self, proposal: Proposal) -> Sale:
        is_anew = self.proposed is not None and not self.is_rekeyed
        if not self._is_drafted_of_this(proposal) or proposal.voucher.amount > self.covered:
            raise self._stale("draft of another state")
        told = replace(
            self,
            proposed=proposal,
            asked_at=self.asked_at if is_anew else self._drafted_at(proposal),
            last_index=proposal.voucher.index,
        )
        told = told if is_anew else told.forget(TradeTime.GRACE)
        return told.forget(TradeTime.INTERVAL, TradeTime.VALIDITY)

    def _found_nothing(self, readings: Readings, used: Registers) -> Sale:
        """An interval that costs nothing; after the stop it ends all, so nothing may be left."""
        is_last = self.is_settling and self.is_whole(readings, self.billed.amount)
        is_early = self.phase is SellerPhase.STOPPED and not is_last
        if self.proposed is not None or is_early or not self._begins_here(readings, used):
            raise self._stale("draft of another state")
        billed = Billed(self.billed.amount, readings.end, readings.after)
        return replace(self, billed=billed).forget(TradeTime.INTERVAL)

    def _drafted_at(self, proposal: Proposal) -> Timestamp:
        return Timestamp(proposal.valid_until - self.decided.valid_s)

    def _is_drafted_of_this(self, proposal: Proposal) -> bool:
        voucher, signers, readings = proposal.voucher, self.in_force, proposal.readings
        is_named = (voucher.controller, voucher.epoch) == (signers.controller, signers.epoch)
        if not (self.is_bill_due and is_named and voucher.index == self.last_index + 1):
            return False
        if self.proposed is not None:
            return readings == self.proposed.readings and voucher.amount == self.claimed
        begins = proposal.begins_at == self.billed.amount and proposal.fee > 0
        is_whole = self.is_settling and self.is_whole(readings, voucher.amount)
        if proposal.is_last and not is_whole:
            return False
        return begins and self._begins_here(readings, self.used)

    def _begins_here(self, readings: Readings, used: Registers) -> bool:
        """Whether an interval goes on where the last one ended, and nothing came meanwhile.

        Once service has stopped it may begin later: where work is billed as all of it ends now, and
        where time is as what was before costs nothing, which the meter shows already.
        """
        had = self.billed.registers or readings.before
        goes_on = readings.start == self.billed.end and readings.before == had
        if self.phase is SellerPhase.STOPPED and readings.start > self.billed.end:
            pairs = zip(readings.before, had, strict=False)
            goes_on = all(shown >= before for shown, before in pairs)
        return self.is_bill_due and goes_on and used == self.used

    def _signed(self, voucher: Countersigned) -> Sale:
        """The bill that is out is settled, whichever index of it was signed."""
        if self.proposed is None or voucher.voucher.amount != self.proposed.voucher.amount:
            raise self._stale("voucher of no bill that is out")
        told = replace(self, voucher=voucher, billed=self.begun, proposed=None, former_keys=())
        if told.shown is not None and self._is_issued(voucher.voucher):
            settled = Settlement.of(self.proposed, voucher)
            told = replace(told, unissued=(*self.unissued, settled)[-MAX_UNISSUED:])
            told = told.with_bill(settled.proposal)
        return told.forget(TradeTime.GRACE, TradeTime.VALIDITY, TradeTime.LAST)

    def _is_issued(self, voucher: Voucher) -> bool:
        """Whether the controller in force issues a credential of it, and not one of before."""
        signers = self.in_force
        return (voucher.controller, voucher.epoch) == (signers.controller, signers.epoch)

    # --- what is owed --------------------------------------------------------------------------

    def owed(self) -> tuple[do.SellerEffect, ...]:
        """Effects that this state still needs."""
        match self.phase:
            case SellerPhase.UNKNOWN | SellerPhase.AGREED | SellerPhase.DROPPED:
                return ()
            case SellerPhase.SERVING | SellerPhase.STOPPED:
                return (*self._owed_service(), *self._owed_chain(), *self.owed_talk())
            case SellerPhase.CLAIMING:
                owed = (*self._owed_answers(), *self._owed_issuing(), *self._owed_claim())
                return (*owed, *self.owed_talk())
            case SellerPhase.WINDOW:
                return (*self._owed_answers(), *self._owed_in_window(), *self.owed_keeping())
            case SellerPhase.ENDED:
                return self.owed_keeping()
            case _:
                assert_never(self.phase)

    def _owed_service(self) -> tuple[do.SellerEffect, ...]:
        owed: list[do.SellerEffect] = [do.Serve(work.number) for work in self.in_hand]
        owed += self._owed_answers()
        if self.is_bill_due:
            owed.append(do.Propose(self.last_index + 1))
        elif self.proposed is not None:
            owed.append(do.SendProposal(self.proposed.voucher.index))
        if self.reducing is not None and self.phase is SellerPhase.SERVING:
            owed += self._owed_reducing(self.reducing)
        left = self.covered - self.claimed
        if left < self.decided.warn_below and self.warned != self.deposit:
            owed.append(do.SendOverdraft(self.deposit))
        return (*owed, *self._owed_issuing())

    def _owed_answers(self) -> tuple[do.SellerEffect, ...]:
        """Also when the channel is about to end: what was held may be paid by now."""
        done = (work for work in self.works if work.answer is not None and not work.is_taken)
        return tuple(do.SendAnswer(work.number) for work in done)

    def _owed_reducing(self, reducing: Reducing) -> tuple[do.SellerEffect, ...]:
        if reducing.signature:
            return (do.SendReducing(),)
        return () if self.blocks_stopped else (do.SignReducing(),)

    def _owed_issuing(self) -> tuple[do.SellerEffect, ...]:
        if not self.unissued:
            return ()
        return (do.SendSettlement(self.unissued[0].proposal.voucher.index),)

    def _owed_chain(self) -> tuple[do.SellerEffect, ...]:
        due = Tokens(self.worth(self.signed))
        limit = max(self.answered, self.decided.checkpoint_above)  # its own where nobody watches
        is_much = due > self.paid and due - self.paid >= limit
        return (do.SubmitCheckpoint(due),) if is_much else ()

    def _owed_claim(self) -> tuple[do.SellerEffect, ...]:
        due = Tokens(self.worth(self.signed))
        if self.is_over(TradeTime.LOCK):
            return (do.SubmitEndUnclosed(),)
        if self.is_over(TradeTime.CLOSE_BY):
            more = due > self.paid
            return (do.SubmitCheckpoint(due) if more else do.SubmitEndUnclosed(),)
        back = self.closing_back
        if back is not None and back.is_within(max(due, self.paid), self.deposit):
            return (do.SubmitCloseTogether(),)
        if self.voucher is not None:
            return (do.SubmitClaim(due),)
        return (do.SignClosing() if self.closing is None else do.SendClosing(),)

    def _owed_in_window(self) -> tuple[do.SellerEffect, ...]:
        if self.is_over(TradeTime.LOCK):
            return (do.SubmitEndUnclosed(),)
        if self.is_over(TradeTime.WINDOW):
            return (do.SubmitSettle(),)
        due = Tokens(self.worth(self.signed))
        return (do.SubmitResponse(due),) if due > self.counted else ()
