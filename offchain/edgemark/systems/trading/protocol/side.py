"""What seller and buyer remember of a channel alike: its money, its stop, who signs and issues.

Rule 1: what came first is the reason of the end (`reason`); nothing that comes later changes it,
        nor the second up to which time is billed, but to the earlier one of two that stopped.
Rule 2: a chain or broker that is away is no party that is away: while blocks stop nothing is signed
        or begun, while no letters come nobody loses patience, and for neither is anything closed.
Rule 3: what a party consented to may come on chain until a block that is later than its time is
        final without it (`SawLapsed`): until then the party counts as if it came.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, assert_never

from edgemark.identifiers import NO_TIME, NOBODY, Address, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.contract.records import ChannelEnding, ChannelPhase, Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.accords.ceasing import Ceasing
from edgemark.systems.trading.protocol.accords.messages import Amending, Closing
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Opening,
    Reason,
    later,
)
from edgemark.systems.trading.protocol.life import TradeTime
from edgemark.systems.trading.protocol.messages import Credential, Proposal

MAX_BILLS = 40  # a seller asks for 16 credentials, and a controller holds 17 for who is away
MAX_WRONG = 16

_BY_CLOSER = {
    ChannelPhase.CLOSING_BY_PAYER: Reason.CLOSED_BY_BUYER,
    ChannelPhase.CLOSING_BY_SELLER: Reason.CLOSED_BY_SELLER,
    ChannelPhase.CLOSING_BY_OTHER: Reason.CLOSED_BY_OTHER,
}
_BY_ENDING = {
    ChannelEnding.TOGETHER: Reason.CLOSED_TOGETHER,
    ChannelEnding.CLAIMED: Reason.CLOSED_BY_SELLER,
    ChannelEnding.SETTLED: Reason.CLOSED_BY_OTHER,
    ChannelEnding.UNCLOSED: Reason.NOBODY_CLOSED,
    ChannelEnding.LAPSED: Reason.NOBODY_CLOSED,
}


@dataclass(frozen=True)
class Side(Ceasing, ABC):
    """One channel at one of its parties; of its stop see `Ceasing`.

    Attributes:
        opening: signed for it.
        signers: in force on chain.
        opened_at: when it was opened.
        deposit, paid: on chain, confirmed; `former_deposit`: what was deposited before.
        agreements: number of the next one.
        counted, deadline: of the window, once somebody closed the channel.
        blocks_stopped, broker_away: what is out of reach.
        next_controller: that one.
        next_key: one's own, that the user wants.
        amending: one's own signed word for either; `offered`: the other's.
        consent: one's own signed word for the key that the other wants.
        closing: one's own signed word for the end; `closing_back`: the other's.
        credential: index of the newest one; `keeping`: those not yet in their place.
        bills: that these signed, and of which no credential came; the newest, in order.
        wrong_credentials: that said something else than their bills; the newest.
        ending, amount: how the channel ended on chain, and what its seller got in all.
    """

    opening: Opening | None = None
    signers: Signers | None = None
    opened_at: Timestamp = NO_TIME
    deposit: Tokens = NO_TOKENS
    former_deposit: Tokens = NO_TOKENS
    paid: Tokens = NO_TOKENS
    agreements: int = 0
    counted: Tokens = NO_TOKENS
    deadline: Timestamp = NO_TIME
    blocks_stopped: bool = False
    broker_away: bool = False
    next_controller: Address = NOBODY
    next_key: Address = NOBODY
    amending: Amending | None = None
    offered: Amending | None = None
    consent: Amending | None = None
    closing: Closing | None = None
    closing_back: Closing | None = None
    credential: int = 0
    keeping: tuple[Credential, ...] = field(default=(), repr=False)
    bills: tuple[Proposal, ...] = field(default=(), repr=False)
    wrong_credentials: tuple[on.FoundCredentialWrong, ...] = ()
    ending: ChannelEnding | None = None
    amount: Tokens = NO_TOKENS

    def worth(self, amount: int) -> int:
        """What a signed amount is worth: never more than the deposit."""
        return min(amount, self.deposit)

    @property
    @abstractmethod
    def due(self) -> int:
        """All that the seller has a right to, by what this party has signed, or can show."""

    @abstractmethod
    def keys_in(self, signers: Signers) -> tuple[Address, Address]:
        """This party's key among them, and the other's."""

    @abstractmethod
    def may_follow(self, signers: Signers) -> bool:
        """Whether these may sign next without a loss of this party, as things are."""

    def asks_consent(self, amending: Amending) -> bool:
        """Whether the other's word is for another key of its own: it brings that to the chain."""
        return self.keys_in(amending.signers)[1] != self.keys_in(self.in_force)[1]

    @property
    def said(self) -> tuple[Timestamp, ...]:
        """Until when this party's words count that are out, or may be."""
        words = (self.amending, self.offered, self.consent)
        return tuple(word.valid_until for word in words if word)

    @property
    def has_bills(self) -> bool:
        """Whether it has the bills that it signed."""
        return True

    def bill(self, index: int) -> Proposal | None:
        """The bill of this index, while no credential of it came."""
        return next((each for each in self.bills if each.voucher.index == index), None)

    def with_bill(self, bill: Proposal) -> Self:
        """The same when both have signed it."""
        return replace(self, bills=(*self.bills, bill)[-MAX_BILLS:])

    def without_bill(self, index: int) -> Self:
        """The same once a credential came, whatever it says: there is no second one."""
        return replace(self, bills=tuple(e for e in self.bills if e.voucher.index != index))

    def forget(self, *times: TradeTime) -> Self:
        """The same, waiting for these times anew."""
        return replace(self, over=frozenset(each for each in self.over if each.what not in times))

    def ends(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times after which what stands on chain, or waits for it, can be done no more."""
        terms = self.known.terms
        lock = terms.lock_expiry(self.decided.lock_grace_s)
        times = [(terms.close_by, TimeOver(TradeTime.CLOSE_BY)), (lock, TimeOver(TradeTime.LOCK))]
        if self.deadline != NO_TIME:
            times.append((self.deadline, TimeOver(TradeTime.WINDOW)))
        if self.offered is not None:
            times.append((self.offered.valid_until, TimeOver(TradeTime.OFFER)))
        return times

    def is_losing_patience(self) -> bool:
        """Whether the other is waited for: not while it cannot be heard, if that may pass."""
        can_hear = not self.broker_away or self.reason is Reason.CONTROLLER_LOST
        return can_hear and not self.blocks_stopped

    def heard(self, event: on.Common) -> Self:  # noqa: C901, PLR0911 - one line an event
        """The same with what an event told that both parties hear."""
        if isinstance(event, accord.OfBoth):
            return self._agreed(event)
        match event:
            case on.SawBlocksStop():
                return replace(self, blocks_stopped=True)
            case on.SawBlocksGoOn(at):
                is_late = self.blocks_stopped and not self.reason
                since = later(self.failing_since, at) if is_late else self.failing_since
                return replace(self, blocks_stopped=False, failing_since=since)
            case on.FoundBrokerAway() | on.FoundBrokerBack():
                return replace(self, broker_away=isinstance(event, on.FoundBrokerAway))
            case on.HeardCredential(credential):
                newest = max(self.credential, credential.index)
                told = replace(self, credential=newest, keeping=(*self.keeping, credential))
                return told.without_bill(credential.index)
            case on.FoundCredentialWrong(index):
                wrong = (*self.wrong_credentials, event)[-MAX_WRONG:]
                return replace(self, wrong_credentials=wrong).without_bill(index)
            case on.FoundCredentialKept(index):
                left = tuple(each for each in self.keeping if each.index != index)
                return replace(self, keeping=left)
            case on.HeardStop(reason, at, since):
                return self.hear_stop(reason, at, since)
            case on.HeardStopTaken():
                return replace(self, stop_told=True)
            case on.AskedStop():
                return self  # whose word it is, each side says itself
            case _:
                return self._saw(event)

    def _agreed(self, event: accord.OfBoth) -> Self:
        match event:
            case accord.AskedController(controller, at):
                fresh = replace(self, next_controller=controller, amending=None)
                if self.reason:  # a stop stays one, and its second
                    return fresh
                return replace(fresh, failing_since=at).forget(TradeTime.FAILOVER)
            case accord.AskedKey(key):
                return replace(self, next_key=key, amending=None)
            case accord.FoundAmending(amending):
                self._check_next(amending)
                return replace(self, amending=amending)
            case accord.FoundConsent(amending):
                return self._consented(amending)
            case accord.HeardAmending(amending):
                self._check_next(amending)
                return replace(self, offered=amending).forget(TradeTime.OFFER)
            case _:
                assert_never(event)

    def _saw(self, event: on.OnChain) -> Self:  # noqa: PLR0911 - one line an event
        match event:
            case on.SawOpened(deposit, at):
                return replace(self, deposit=deposit, opened_at=at, signers=self.in_force)
            case on.SawNeverOpened():
                return self.stop(Reason.NEVER_OPENED)
            case on.SawMoney():
                return self._has_money(event)
            case on.SawAmended(signers):
                return self._amended(signers)
            case accord.SawLapsed(at):
                return self.lapsed(at)
            case on.SawClosing(phase, counted, deadline):
                stopped = self.stop(_BY_CLOSER[phase])
                return replace(stopped, counted=counted, deadline=deadline)
            case on.SawShown(counted):
                return replace(self, counted=counted)
            case on.SawEnded(ending, amount):
                return replace(self.stop(_BY_ENDING[ending]), ending=ending, amount=amount)
            case _:
                assert_never(event)

    def _has_money(self, event: on.SawMoney) -> Self:
        """What was signed under the number of an agreement that counted meanwhile is void."""
        is_next = event.agreements == self.agreements
        return replace(
            self,
            deposit=event.deposit,
            former_deposit=self.former_deposit if event.deposit == self.deposit else self.deposit,
            paid=event.paid,
            agreements=event.agreements,
            amending=self.amending if is_next else None,
            offered=self.offered if is_next else None,
            consent=self.consent if is_next else None,
        )

    def lapsed(self, at: Timestamp) -> Self:
        """The same without what was to count until before this time."""

        def left(word: Amending | None) -> Amending | None:
            return None if word is None or word.valid_until < at else word

        amending, offered, consent = map(left, (self.amending, self.offered, self.consent))
        return replace(self, amending=amending, offered=offered, consent=consent)

    def _check_next(self, amending: Amending) -> None:
        if amending.number != self.agreements or not self.may_follow(amending.signers):
            raise IllegalMove("amendment of another state", who="side", had=amending)

    def _consented(self, amending: Amending) -> Self:
        offered = self.offered
        is_asked = offered is not None and self.asks_consent(offered) and not self.reason
        if offered is None or not is_asked or not amending.is_same(offered):
            raise IllegalMove("consent to what nobody asked", who="side", had=amending)
        return replace(self, consent=amending, offered=None)

    def _amended(self, signers: Signers) -> Self:
        """What was signed under its number counts no more; a stop stays one."""
        had = self.in_force
        told = replace(self, signers=signers, amending=None, offered=None, consent=None, bills=())
        if signers.keys != had.keys:  # an end that an old key signed is none
            told = replace(told, closing=None, closing_back=None)
        if self.keys_in(signers)[0] == self.next_key:
            told = replace(told, next_key=NOBODY)
        if self.reason is not Reason.NONE or signers.controller == had.controller:
            return told
        return replace(told, next_controller=NOBODY, failing_since=NO_TIME)

    def owed_talk(self) -> tuple[do.Shared, ...]:
        """What is owed in every phase in which the channel is open."""
        if self.reason is Reason.NONE:
            return (*self._owed_amending(), *self.owed_keeping())
        return (*(() if self.stop_told else (do.SendStop(),)), *self.owed_keeping())

    def _owed_amending(self) -> list[do.Shared]:
        owed: list[do.Shared] = []
        if self.consent is not None:
            owed.append(do.SendConsent())
        if self.offered is not None and not self.is_over(TradeTime.OFFER):
            if not self.asks_consent(self.offered):
                return [*owed, do.SubmitAmending()]
            owed += () if self.blocks_stopped else (do.SignConsent(),)
        if self.amending is not None:
            owed.append(do.SendAmending())
        elif (self.next_controller, self.next_key) != (NOBODY, NOBODY):
            owed.append(do.SignAmending())
        return owed

    def owed_keeping(self) -> tuple[do.KeepCredential, ...]:
        """Credentials that came and are not in their place."""
        return tuple(do.KeepCredential(each.index) for each in self.keeping)

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        indices = [each.index for each in self.keeping]
        billed = [each.voucher.index for each in self.bills]
        return {
            "what has an ending has a reason": self.ending is None or bool(self.reason),
            "a credential is kept once": len(set(indices)) == len(indices),
            "no credential is newer than the newest": max(indices, default=0) <= self.credential,
            "what has a channel has a policy": (self.agreement is None) == (self.policy is None),
            "bills wait in order, each once": billed == sorted(set(billed)),
            "nothing is paid but what is deposited": self.paid <= self.deposit,
            "what is said counts under the next number": {self.agreements}
            >= {word.number for word in (self.amending, self.offered, self.consent) if word},
        }
