"""What the seller remembers of a channel, and what follows from that alone; see `seller.sale`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Self

from edgemark.identifiers import NO_TIME, Address, Timestamp, Tokens
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.protocol.accords.messages import Reducing
from edgemark.systems.trading.protocol.agreement import NO_TOKENS, Readings, Registers, later
from edgemark.systems.trading.protocol.life import SellerPhase, TradeTime
from edgemark.systems.trading.protocol.messages import Countersigned, Proposal, Settlement
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.seller.works import MAX_WORKS, Billed, Work
from edgemark.systems.trading.work.messages import lasts_s


@dataclass(frozen=True)
class Account(Side):
    """State of one channel at its seller.

    Attributes:
        works: requests from `received` + 1 on, by number.
        received: the buyer has the answers of all numbers up to this.
        used: all that works ever used, by register.
        billed: what is signed.
        voucher: the newest one with both signatures, of the payer's key in force.
        unissued: bills that both signed, of which no credential came yet; oldest first.
        proposed: the bill that is out.
        asked_at: since when a voucher is awaited.
        last_index: the highest that was ever proposed; `rekeyed`: when keys changed last.
        former_keys: of this seller, that the bill which is out may be signed by as well.
        reducing: how much of the deposit may go back to the buyer, signed or about to be.
        overdrawn_since: since when work was wanted that the deposit does not cover.
        warned: the deposit of which the buyer knows that it is nearly used up.
        answered: so much of what is signed and not on chain a tower answers for.
    """

    phase: SellerPhase = SellerPhase.UNKNOWN
    works: tuple[Work, ...] = ()
    received: int = 0
    used: Registers = ()
    billed: Billed = field(default_factory=Billed)
    voucher: Countersigned | None = None
    unissued: tuple[Settlement, ...] = ()
    proposed: Proposal | None = None
    asked_at: Timestamp = NO_TIME
    last_index: int = 0
    rekeyed: int = 0
    former_keys: tuple[Address, ...] = ()
    reducing: Reducing | None = None
    overdrawn_since: Timestamp = NO_TIME
    warned: Tokens = NO_TOKENS
    answered: Tokens = NO_TOKENS

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        is_over = self.phase in (SellerPhase.ENDED, SellerPhase.DROPPED)
        return is_over and not self.keeping

    @property
    def signed(self) -> Tokens:
        """The largest amount that the payer signed, as far as it came here."""
        return self.voucher.voucher.amount if self.voucher else self.billed.amount

    @property
    def unpaid(self) -> Tokens:
        """What of it is not on the chain yet, as far as the deposit goes."""
        left = self.worth(self.signed) - self.paid
        return Tokens(0 if self.ending is not None else max(0, left))

    @property
    def shown(self) -> Countersigned | None:
        """The newest voucher for those who ask for both keys in force: a controller, a tower."""
        if self.voucher is None or self.voucher.voucher.index <= self.rekeyed:
            return None
        return self.voucher

    @property
    def covered(self) -> Tokens:
        """What is deposited, and surely does not go back."""
        back = 0 if self.reducing is None else self.reducing.amount
        return Tokens(self.deposit - back)

    @property
    def is_rekeying(self) -> bool:
        """Whether the payer's next key may come on chain at any time, by this seller's word."""
        offered = self.offered if not self.reason else None
        words = [word.signers.payer_key for word in (offered, self.consent) if word is not None]
        return any(key != self.in_force.payer_key for key in words)

    @property
    def said(self) -> tuple[Timestamp, ...]:
        """Until when words count that are out, or may be."""
        return super().said + (() if self.reducing is None else (self.reducing.valid_until,))

    @property
    def due(self) -> int:
        """All that the payer signed; what is paid is."""
        return max(self.worth(self.signed), self.paid)

    def keys_in(self, signers: Signers) -> tuple[Address, Address]:
        """The seller's key among them, and the payer's."""
        return signers.seller_key, signers.payer_key

    def may_follow(self, signers: Signers) -> bool:
        """While a bill is out the payer's key stays: the old one might sign it."""
        return self.proposed is None or signers.payer_key == self.in_force.payer_key

    @property
    def claimed(self) -> Tokens:
        """The same with the bill that is out."""
        return self.proposed.voucher.amount if self.proposed else self.billed.amount

    @property
    def in_hand(self) -> tuple[Work, ...]:
        """Requests that were taken and are not answered."""
        return tuple(work for work in self.works if work.answer is None)

    @property
    def begun(self) -> Billed:
        """Where the interval begins that is not billed yet."""
        if self.proposed is None:
            return self.billed
        readings = self.proposed.readings
        return Billed(self.proposed.voucher.amount, readings.end, readings.after)

    @property
    def needs_new_index(self) -> bool:
        """Whether the bill that is out cannot be signed any more as it stands."""
        if self.proposed is None:
            return False
        voucher, signers = self.proposed.voucher, self.in_force
        is_old = (voucher.controller, voucher.epoch) != (signers.controller, signers.epoch)
        return is_old or self.is_rekeyed or self.is_over(TradeTime.VALIDITY)

    @property
    def is_rekeyed(self) -> bool:
        """Whether the bill that is out is from before keys changed."""
        return self.proposed is not None and self.proposed.voucher.index <= self.rekeyed

    @property
    def stopped_since(self) -> Timestamp:
        """As `Side`; without a top-up service stops as well."""
        if self.is_over(TradeTime.OVERDRAFT) and self.stopped_at == NO_TIME:
            return Timestamp(self.overdrawn_since + self.decided.patience_s)
        return super().stopped_since

    @property
    def time_ends(self) -> Timestamp:
        """Until when a meter of time may run: with what is in hand (`Ceasing.worked_to`)."""
        return self.worked_to if self.phase is SellerPhase.STOPPED else self.service_ends

    @property
    def lasting_s(self) -> int:
        """For how long what is in hand may go on, as far as its buyer pays for that."""
        contents = [work.request.content for work in self.in_hand]
        return lasts_s(contents, self.known.conditions.interval_s)

    def is_whole(self, readings: Readings, amount: int) -> bool:
        """Whether nothing is left to bill once these readings are, at this amount in all.

        That is so when they show all that was used, up to the last second that is billed; or when
        the deposit is used up.
        """
        shown = zip_longest(self.used, readings.after, fillvalue=0)
        has_all = all(used <= had for used, had in shown) and readings.end >= self.served_until
        return has_all or amount >= self.covered

    def work(self, number: int) -> Work | None:
        """The request of this number, when it is under way."""
        return next((work for work in self.works if work.number == number), None)

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times that matter to this channel."""
        if self.agreement is None or self.is_finished or self.opened_at == NO_TIME:
            return ()
        terms, agreed, decided = self.agreement.terms, self.agreement.conditions, self.decided
        times = [
            (self.service_ends, TimeOver(TradeTime.SERVICE)),
            (terms.expires_at, TimeOver(TradeTime.EXPIRY)),
            *self.ends(),
        ]

        def after(start: int, seconds: int, what: TradeTime) -> None:
            times.append((Timestamp(start + seconds), TimeOver(what)))

        if self.proposed is None:
            after(self.billed.end, agreed.interval_s, TradeTime.INTERVAL)
        else:
            times.append((self.proposed.valid_until, TimeOver(TradeTime.VALIDITY)))
            after(self.asked_at, agreed.grace_s, TradeTime.GRACE)
            if self.is_losing_patience():
                wait = agreed.grace_s + decided.patience_s
                after(self.asked_at, wait, TradeTime.PATIENCE)
                since = max(self.asked_at, self.stopped_since)
                if self.in_hand:  # no end for a late voucher while work is under way
                    after(since, wait, TradeTime.LAST)
                else:
                    after(max(since, self.worked_until), agreed.grace_s, TradeTime.LAST)
        if self.overdrawn_since != NO_TIME and not self.blocks_stopped:
            after(self.overdrawn_since, decided.patience_s, TradeTime.OVERDRAFT)
        if self.failing_since != NO_TIME and not self.blocks_stopped:
            after(self.failing_since, decided.patience_s, TradeTime.FAILOVER)
        return times

    def with_time_from(self, at: Timestamp) -> Self:
        """The same for a buyer that could not sign, top up or be heard until then."""
        since = self.overdrawn_since if self.reason else later(self.overdrawn_since, at)
        told = replace(self, overdrawn_since=since)
        if self.proposed is None:
            return told
        return replace(told, asked_at=later(self.asked_at, at)).forget(TradeTime.GRACE)

    def after_credential(self, index: int) -> Self:
        """The same when a controller issued that of this index: of it none is asked for again."""
        left = tuple(each for each in self.unissued if each.proposal.voucher.index > index)
        return replace(self, unissued=left)

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        numbers = [work.number for work in self.works]
        within = range(self.received + 1, self.received + MAX_WORKS + 1)
        return {
            **super().laws(),
            "requests are few, in order, each once": numbers == sorted(set(numbers) & set(within)),
            "an amount never falls": self.billed.amount <= self.claimed,
            "the newest voucher is the largest": self.signed == self.billed.amount,
            "what is claimed is covered": self.claimed <= self.covered,
            "no bill is out while the payer's key changes": self.proposed is None
            or not self.is_rekeying,
            "an index never restarts": self.index <= self.last_index,
            "former keys are those of a bill that is out": not self.former_keys
            or self.proposed is not None,
            "a bill that is out is awaited": (self.proposed is None) or self.asked_at > 0,
        }

    @property
    def index(self) -> int:
        """Of the newest voucher, or of the bill that is out."""
        if self.proposed is not None:
            return self.proposed.voucher.index
        return self.voucher.voucher.index if self.voucher else 0

    @property
    def is_bill_due(self) -> bool:
        """Whether a bill is to be drafted.

        Once service has stopped, what is answered is billed at once: what is in hand may last.
        """
        if self.is_rekeying:
            return False
        if self.proposed is not None:
            return self.needs_new_index
        is_over = self.is_over(TradeTime.INTERVAL)
        if self.phase is SellerPhase.STOPPED:
            return not self.in_hand or is_over or self.has_more_used
        return is_over

    @property
    def has_more_used(self) -> bool:
        """Whether works used more than the last interval showed; of no meaning where time runs."""
        shown = zip_longest(self.used, self.begun.registers, fillvalue=0)
        return any(used > had for used, had in shown)

    @property
    def is_settling(self) -> bool:
        """Whether service has stopped, and a bill that nothing follows may be drafted."""
        return self.phase is SellerPhase.STOPPED and not self.in_hand
