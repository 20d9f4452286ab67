"""The buyer's memory of one channel, and what it owes in each phase.

Rule 1: it checks a bill, signs its voucher, writes both down, and only then returns it: what bears
        its signature is known to it in the next life.
Rule 2: it signs what the strategy gives for readings that it can bound, never above the cap of an
        interval nor the confirmed deposit (`checking.check_proposal`); index and amount only grow.
Rule 3: it closes below nothing that it signed. One that lost its disk does not close at all: it
        asks the seller for its word, or waits for `close_by`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from edgemark.identifiers import NO_TIME, Address, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.contract.terms import MAX_TIME
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.messages import Reducing
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Fault,
    Reason,
    Registers,
    later,
)
from edgemark.systems.trading.protocol.life import BuyerPhase, TradeTime
from edgemark.systems.trading.protocol.messages import Answer, Countersigned, Proposal, Request
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.work.messages import lasts_s

MAX_REQUESTS = 256  # of one channel that are not answered yet; the seller takes a few at a time


@dataclass(frozen=True)
class Signed:
    """Up to where the buyer signed.

    Attributes:
        index, amount: of the voucher.
        end: of its interval.
        registers: what the meter showed then; () at the opening.
    """

    index: int = 0
    amount: Tokens = NO_TOKENS
    end: Timestamp = NO_TIME
    registers: Registers = ()

    @classmethod
    def of(cls, proposal: Proposal) -> Signed:
        """Once a bill is signed."""
        readings, voucher = proposal.readings, proposal.voucher
        return cls(voucher.index, voucher.amount, readings.end, readings.after)


@dataclass(frozen=True)
class Purchase(Side):
    """State of one channel at its buyer.

    Attributes:
        requests: not answered, by number.
        last_number: of the newest request.
        answers: not handed to the user yet.
        units_came: that all answers used.
        signed: the newest voucher that the buyer signed.
        voucher: that one; `is_returned`: the seller has it.
        proposed: a bill that is right and not signed yet.
        saw_last: the seller said that no work follows, and that is signed.
        wanted_deposit: that the user wants in all.
        asking: how much of the deposit the user wants back; `reducing`: the seller's word for it.
        asked_back: how much that was the last time, unless it came.
        warned: the deposit that is nearly used up, as the seller said; `left` of it.
        fault, wrong: a bill that can never be right, kept as evidence.
        is_lost: the disk was lost: what was signed is not known here.
        refused: why the chain refused the opening.
        beside: channels that one transaction opens, this one among them; empty: this one alone.
    """

    phase: BuyerPhase = BuyerPhase.UNKNOWN
    requests: tuple[Request, ...] = field(default=(), repr=False)
    last_number: int = 0
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    units_came: int = 0
    signed: Signed = field(default_factory=Signed)
    voucher: Countersigned | None = None
    is_returned: bool = True
    proposed: Proposal | None = None
    saw_last: bool = False
    wanted_deposit: Tokens = NO_TOKENS
    asking: Reducing | None = None
    reducing: Reducing | None = None
    asked_back: Tokens = NO_TOKENS
    warned: Tokens = NO_TOKENS
    left: Tokens = NO_TOKENS
    fault: Fault | None = None
    wrong: Proposal | None = None
    is_lost: bool = False
    refused: str = ""
    beside: tuple[ChannelId, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        is_over = self.phase in (BuyerPhase.ENDED, BuyerPhase.DROPPED)
        return is_over and not self.keeping and not self.answers

    @property
    def time_ends(self) -> Timestamp:
        """Until when time may be billed: without end while service goes on."""
        return self.worked_to if self.reason else Timestamp(MAX_TIME)

    @property
    def said(self) -> tuple[Timestamp, ...]:
        """Until when words count that are out, or may be."""
        words = (self.asking, self.reducing)
        return super().said + tuple(word.valid_until for word in words if word is not None)

    @property
    def has_bills(self) -> bool:
        """Whether it has the bills that it signed."""
        return not self.is_lost

    @property
    def deposits(self) -> tuple[int, ...]:
        """Deposits that a bill may be limited by, as its seller saw them: the present one first."""
        former = self.former_deposit or self.deposit
        return (self.deposit, former, self.deposit - self.asked_back)

    @property
    def due(self) -> int:
        """At most what this buyer signed; what is paid is."""
        return max(self.worth(self.signed.amount), self.paid)

    def keys_in(self, signers: Signers) -> tuple[Address, Address]:
        """The payer's key among them, and the seller's."""
        return signers.payer_key, signers.seller_key

    def may_follow(self, signers: Signers) -> bool:  # noqa: ARG002 - whoever they are
        """Whoever signs for the seller: what the buyer signed, it signed."""
        return True

    def request(self, number: int) -> Request | None:
        """The request of this number, while it is not answered."""
        return next((each for each in self.requests if each.number == number), None)

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times that matter to this channel."""
        if self.agreement is None or self.is_finished or self.opened_at == NO_TIME:
            return ()
        times = [(self.service_ends, TimeOver(TradeTime.SERVICE)), *self.ends()]
        agreed, decided = self.agreement.conditions, self.decided
        if self.failing_since != NO_TIME and not self.blocks_stopped:
            over = Timestamp(self.failing_since + decided.patience_s)
            times.append((over, TimeOver(TradeTime.FAILOVER)))
        if self.phase is BuyerPhase.STOPPED and self.is_losing_patience() and not self.is_lost:
            wait = 2 * agreed.grace_s + decided.patience_s  # the seller's own grace comes first
            since = max(self.stopped_since, self.worked_until) + self._lasts(0)
            times.append((Timestamp(since + wait), TimeOver(TradeTime.PATIENCE)))
        return times

    @property
    def lasting_s(self) -> int:
        """For how long open orders may go on, as far as they are paid for."""
        return self._lasts(self.known.conditions.interval_s)

    def _lasts(self, usual: int) -> int:
        return lasts_s([each.content for each in self.requests], usual)

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        numbers = [each.number for each in self.requests]
        return {
            **super().laws(),
            "requests are in order, each once": numbers == sorted(set(numbers)),
            "no request is newer than the newest": max(numbers, default=0) <= self.last_number,
            "nothing is signed but what is deposited": self.signed.amount <= self.most_signed,
            "what is signed is kept": (self.voucher is None) == (self.signed.index == 0),
            "a voucher that is missing is not returned": self.voucher is not None
            or self.is_returned,
            "a fault has its evidence": (self.fault is None) == (self.wrong is None),
        }

    @property
    def most_signed(self) -> int:
        """Most that may ever be signed; once an agreement reduced the deposit, what was signed."""
        return max(self.deposit, self.signed.amount if self.agreements else 0)

    def after(self, event: on.BuyerEvent) -> Purchase:  # noqa: C901, PLR0911, PLR0912 - a line each
        """The same with what the event told; the phase is the protocol's business."""
        match event:
            case on.AskedBuy(agreement, policy, opening, beside):
                asked = replace(self, agreement=agreement, policy=policy, opening=opening)
                return replace(asked, beside=beside)
            case on.AskedRecover(agreement, policy, at):
                lost = replace(self, agreement=agreement, policy=policy, is_lost=True)
                return lost.stop(Reason.DISK_LOST, at)
            case on.FoundOpeningRefused(error):
                return replace(self, refused=error).stop(Reason.OPENING_REFUSED)
            case on.AskedRequest(request):
                return self._asked(request)
            case on.HeardAnswer(answer, at):
                return self._answered(answer, at)
            case on.FoundAnswerKept(number):
                left = tuple(each for each in self.answers if each.number != number)
                return replace(self, answers=left)
            case on.HeardProposal(proposal):
                return self._heard_proposal(proposal)
            case on.FoundCountersigned(index, signature):
                return self._countersigned(index, signature)
            case on.HeardVoucherTaken(index):
                return replace(self, is_returned=self.is_returned or index == self.signed.index)
            case on.HeardOverdraft(overdraft):
                return replace(self, warned=overdraft.deposit, left=overdraft.left)
            case on.AskedTopUp(deposit):
                return self._top_up(deposit)
            case accord.AskedReduce(reducing):
                return self._reduce(reducing)
            case accord.HeardReducingBack(reducing):
                return self._may_reduce(reducing)
            case on.FoundProposalWrong(fault, proposal, at):
                wrong = replace(self, fault=fault, wrong=proposal, proposed=None)
                return wrong.stop(Reason.PROPOSAL_WRONG, at)
            case accord.FoundClosing(closing):
                return replace(self, closing=closing)
            case accord.HeardClosingBack(closing):
                return replace(self, closing_back=closing)
            case _:
                return self._heard(event)

    def _heard(self, event: on.Common) -> Purchase:  # noqa: PLR0911 - one line an event
        told = self.heard(event)
        match event:
            case on.AskedStop(at):
                return told.stop(Reason.ASKED_BY_BUYER, at)
            case on.FoundBrokerBack(at):
                return told.with_time_from(at)
            case on.SawBlocksGoOn(at) if self.blocks_stopped:
                return told.with_time_from(at)
            case on.SawMoney(deposit):
                return told.with_money_after(self, came=deposit < self.deposit)
            case accord.SawLapsed(at):
                asking, reducing = self.asking, self.reducing
                if asking is not None and asking.valid_until < at:
                    return replace(told, asking=None, reducing=None)
                is_left = reducing is not None and reducing.valid_until >= at
                return replace(told, reducing=reducing if is_left else None)
            case on.SawAmended():  # its seller proposes it anew, for the next controller
                return replace(told, proposed=None)
            case on.SawClosing() | on.SawEnded():
                return replace(told, proposed=None, is_returned=True)
            case _:
                return told

    def with_time_from(self, at: Timestamp) -> Purchase:
        """The same for a seller that could not bill, claim or be heard until then."""
        if self.phase is not BuyerPhase.STOPPED:
            return self
        ceased_at = self.ceased_at or self.stopped_since
        return replace(self, stopped_at=later(self.stopped_since, at), ceased_at=ceased_at)

    def with_money_after(self, had: Purchase, *, came: bool) -> Purchase:
        """The same when a deposit went back, or another agreement took the number of that."""
        if came:
            return replace(self, asking=None, reducing=None, asked_back=NO_TOKENS)
        if self.agreements == had.agreements or self.asking is None:
            return self
        asking = replace(self.asking, number=self.agreements)
        return replace(self, asking=asking, reducing=None)

    def _top_up(self, deposit: Tokens) -> Purchase:
        if self.asking is not None:
            raise self._stale("top-up while deposit goes back")
        return replace(self, wanted_deposit=max(self.wanted_deposit, deposit))

    def _may_reduce(self, reducing: Reducing) -> Purchase:
        if self.asking is None or reducing.number != self.asking.number:
            raise self._stale("reduction that nobody asked for")
        return replace(self, reducing=reducing)

    def _reduce(self, reducing: Reducing) -> Purchase:
        is_next = reducing.number == self.agreements and 0 < reducing.amount <= self.deposit
        if self.asking is not None or not is_next:
            raise self._stale("reduction beside another")
        back = reducing.amount
        return replace(self, asking=reducing, asked_back=back, wanted_deposit=NO_TOKENS)

    def _stale(self, what: str) -> IllegalMove:
        had = self.phase.value
        return IllegalMove(what, who="purchase", had=had, needed="what this state waits for")

    def _asked(self, request: Request) -> Purchase:
        if request.number != self.last_number + 1 or len(self.requests) >= MAX_REQUESTS:
            raise self._stale("request out of turn, or one too many")
        return replace(self, requests=(*self.requests, request), last_number=request.number)

    def _answered(self, answer: Answer, at: Timestamp) -> Purchase:
        request = self.request(answer.number)
        if request is None or answer.units > request.most:
            raise self._stale("answer to what was not asked, or above what it may cost")
        left = tuple(each for each in self.requests if each is not request)
        units = self.units_came + answer.units
        told = replace(self.with_work_at(at), requests=left, units_came=units)
        return replace(told, answers=(*self.answers, answer))

    def _heard_proposal(self, proposal: Proposal) -> Purchase:
        is_next = proposal.begins_at == self.signed.amount and proposal.fee > 0
        is_newer = proposal.voucher.index > self.signed.index
        if not (is_next and is_newer) or self.blocks_stopped:
            raise self._stale("bill that is old, or comes while no blocks do")
        return replace(self, proposed=proposal)

    def _countersigned(self, index: int, signature: bytes) -> Purchase:
        proposal = self.proposed
        if proposal is None or proposal.voucher.index != index or self.blocks_stopped:
            raise self._stale("signature under what is not to be signed any more")
        voucher = Countersigned(proposal.voucher, proposal.signature, signature)
        told = replace(self, signed=Signed.of(proposal), voucher=voucher, proposed=None)
        told = replace(told, is_returned=False, amending=None)  # that is below what is owed now
        return replace(told.with_bill(proposal), saw_last=self.saw_last or proposal.is_last)

    # --- what is owed --------------------------------------------------------------------------

    def owed(self) -> tuple[do.BuyerEffect, ...]:  # noqa: PLR0911 - one line a phase
        """Effects that this state still needs."""
        match self.phase:
            case BuyerPhase.UNKNOWN:
                return ()
            case BuyerPhase.AGREED:
                return (do.SubmitOpening(),)
            case BuyerPhase.RECOVERING:
                return ()
            case BuyerPhase.BUYING:
                return (*self._owed_buying(), *self._owed_signing(), *self.owed_talk())
            case BuyerPhase.STOPPED:
                ending = self._owed_ending()
                return (*self._owed_signing(), *self._owed_answers(), *ending, *self.owed_talk())
            case BuyerPhase.CLOSING:
                return (*self._owed_answers(), *self._owed_close(), *self.owed_talk())
            case BuyerPhase.WINDOW:
                return (*self._owed_answers(), *self._owed_in_window(), *self.owed_keeping())
            case BuyerPhase.ENDED | BuyerPhase.DROPPED:
                return (*self._owed_answers(), *self.owed_keeping())
            case _:
                assert_never(self.phase)

    def _owed_answers(self) -> tuple[do.BuyerEffect, ...]:
        return tuple(do.KeepAnswer(answer.number) for answer in self.answers)

    def _owed_buying(self) -> tuple[do.BuyerEffect, ...]:
        asking = () if self.blocks_stopped else self.requests
        owed: list[do.BuyerEffect] = [do.SendRequest(each.number) for each in asking]
        if self.wanted_deposit > self.deposit:
            owed.append(do.SubmitTopUp(self.wanted_deposit))
        if self.reducing is not None:
            owed.append(do.SubmitReduce())
        elif self.asking is not None:
            owed.append(do.SendReducing())
        return (*owed, *self._owed_answers())

    def _owed_signing(self) -> tuple[do.BuyerEffect, ...]:
        owed: list[do.BuyerEffect] = []
        if self.proposed is not None and not self.blocks_stopped:
            owed.append(do.Countersign(self.proposed.voucher.index))
        if not self.is_returned:
            owed.append(do.SendVoucher(self.signed.index))
        return tuple(owed)

    def _owed_ending(self) -> tuple[do.BuyerEffect, ...]:
        """The seller ends it with its newest voucher; where it has none, by the buyer's word."""
        if self.is_over(TradeTime.CLOSE_BY):
            return (do.SubmitEndUnclosed(),)
        back = self.closing_back
        if back is not None and back.is_within(self.paid, self.deposit):
            return (do.SubmitCloseTogether(),)
        if self.is_lost:
            return (do.SendClosing(),)
        if self.saw_last or self.signed.index == 0:
            return (do.SignClosing() if self.closing is None else do.SendClosing(),)
        return ()

    def _owed_close(self) -> tuple[do.BuyerEffect, ...]:
        if self.is_over(TradeTime.CLOSE_BY):
            return (do.SubmitEndUnclosed(),)
        back = self.closing_back
        if back is not None and back.is_within(self.paid, self.deposit):
            return (do.SubmitCloseTogether(),)
        return (do.SubmitClose(self.signed.amount),)

    def _owed_in_window(self) -> tuple[do.BuyerEffect, ...]:
        if self.is_over(TradeTime.LOCK):
            return (do.SubmitEndUnclosed(),)
        return (do.SubmitSettle(),) if self.is_over(TradeTime.WINDOW) else ()
