"""A seller's memory of who watches one channel, and what it owes for that. Pure.

Rule 1: the number of a delegation is on this disk before it is signed, and ascends with each tower.
Rule 2: a receipt counts once it is on this disk, and no further than what stands on chain for it.
Rule 3: what a tower that failed owes is claimed, from every tower that gave a receipt.
Rule 4: a retainer is moved when there is a voucher to hand in, as it counts for some time only, and
        once: one that was in vain is followed by another when a user asks for the tower again.
Rule 5: where nobody watches the reason is known; the sale then keeps below a limit of its own.
Rule 6: what comes late of a tower that was asked before says nothing of the one that is now; its
        receipt is kept, as it may have to pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from edgemark.identifiers import NO_HASH, NO_TIME, NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import IllegalMove, Line
from edgemark.loop.moves import CondensingMachine, Kind, Moves, Table, TimeOver, Waiting, stays
from edgemark.systems.trading.contract.records import MAX_DELEGATION
from edgemark.systems.trading.protocol.life import facts_of, words_of
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.watching import events as on
from edgemark.systems.trading.seller.watching.events import Unwatched

NO_TOKENS = Tokens(0)
MAX_RECEIPTS = 8  # of towers one after another, or under other keys; those that are smallest go


class GuardPhase(Enum):
    """Life of a channel's guard at its seller."""

    UNKNOWN = "unknown"
    HIRING = "hiring"  # the retainer is to be moved, once anything is signed
    GUARDED = "guarded"  # states are handed in
    DISMISSED = "dismissed"
    ENDED = "ended"


class GuardTime(Enum):
    """Chain times that matter."""

    CLAIMS = "claims"  # no receipt counts any more


_ASKED: dict[Kind, Enum | None] = {
    on.AskedWatch: GuardPhase.HIRING,
    on.AskedDismissal: GuardPhase.DISMISSED,
}
_OPEN: dict[Kind, Enum | None] = {
    on.SawGone: GuardPhase.ENDED,
    GuardTime.CLAIMS: GuardPhase.ENDED,
    **stays(on.HeardSigned, on.FoundUnwatched, on.FoundReceipt),
}
TABLE: Table = {
    GuardPhase.UNKNOWN: dict.fromkeys((on.AskedWatch, on.AskedFirstWatch), GuardPhase.HIRING),
    GuardPhase.HIRING: {on.FoundRetained: GuardPhase.GUARDED, **_ASKED, **_OPEN},
    GuardPhase.GUARDED: {
        on.FoundRetainerOld: GuardPhase.DISMISSED,
        **_ASKED,
        **_OPEN,
    },
    GuardPhase.DISMISSED: {on.AskedWatch: GuardPhase.HIRING, **_OPEN},
    GuardPhase.ENDED: stays(on.FoundReceipt, on.FoundCompensated, GuardTime.CLAIMS),
}
LIFE = Moves(TABLE)


@dataclass(frozen=True)
class Guard(Waiting):
    """State of one channel.

    Attributes:
        asked: which channel, and who is to watch it.
        number: of the newest delegation, `asked.tower`'s; of a dismissal the seller's own.
        retainer: of `asked.tower`: the transaction.
        spent: towers, once for each retainer that was moved to them in vain.
        voucher: the newest that the payer signed.
        receipts: that are kept, one of each tower and pair of keys.
        handed: number under which the newest receipt came; `cover`: what stands on chain for it.
        why: nobody answers.
        has_ended: then `paid` is what the seller got in all, `returned` what went back.
        settled: towers that owe nothing any more.
    """

    phase: GuardPhase = GuardPhase.UNKNOWN
    asked: on.AskedWatch | None = None
    number: int = 0
    retainer: Hash32 = NO_HASH
    spent: tuple[Address, ...] = ()
    voucher: Countersigned | None = None
    receipts: tuple[on.KeptReceipt, ...] = ()
    handed: int = 0
    cover: Tokens = NO_TOKENS
    why: Unwatched = Unwatched.NOBODY_ASKED
    has_ended: bool = False
    paid: Tokens = NO_TOKENS
    returned: Tokens = NO_TOKENS
    last_second: Timestamp = NO_TIME
    settled: tuple[Address, ...] = ()

    @property
    def known(self) -> on.AskedWatch:
        """What was asked for."""
        if self.asked is None:
            raise LookupError("a channel that nobody is to watch")
        return self.asked

    @property
    def tower(self) -> Address:
        """Who is to watch; NOBODY once it is dismissed."""
        is_asked = self.phase in (GuardPhase.HIRING, GuardPhase.GUARDED)
        return self.known.tower if is_asked else NOBODY

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        return self.phase is GuardPhase.ENDED and not self.owed()

    @property
    def receipt(self) -> on.KeptReceipt | None:
        """The largest of the tower that watches."""
        own = [each for each in self.receipts if each.tower == self.tower]
        return max(own, key=lambda each: each.signed.receipt.amount, default=None)

    @property
    def answered(self) -> Tokens:
        """Up to which difference to the chain a tower answers; 0: none does."""
        is_guarded = self.phase is GuardPhase.GUARDED and self.why is Unwatched.WATCHED
        return self.cover if is_guarded and self.receipt else NO_TOKENS

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times that matter to this channel."""
        if self.asked is None:
            return ()
        return ((self.asked.claimed_by, TimeOver(GuardTime.CLAIMS)),)

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        places = [_place(each) for each in self.receipts]
        return {
            "a tower has a number": (self.asked is None) == (self.number == 0),
            "a receipt is kept once": len(set(places)) == len(places) <= MAX_RECEIPTS,
            "who answers has given a receipt": not self.answered or self.receipt is not None,
        }

    def after(self, event: on.GuardEvent) -> Guard:  # noqa: C901, PLR0911 - a line each
        """The same with what the event told; the phase is the table's business."""
        match event:
            case on.AskedWatch():
                return self._asked(event)
            case on.AskedFirstWatch(asked):
                return self._asked(asked)
            case on.AskedDismissal():
                dismissed = replace(self, cover=NO_TOKENS, why=Unwatched.DISMISSED)
                return replace(dismissed, number=self._next())
            case on.HeardSigned(voucher):
                return self._signed(voucher)
            case on.FoundRetained(tower, retainer):
                self._check_present(event, tower)
                why = Unwatched.AWAITED if self.voucher else Unwatched.NO_VOUCHER
                return replace(self, retainer=retainer, why=why)
            case on.FoundRetainerOld(tower):
                self._check_present(event, tower)
                told = replace(self, spent=(*self.spent, tower), why=Unwatched.RETAINER_OLD)
                return replace(told, number=self._next(), cover=NO_TOKENS)
            case on.FoundReceipt():
                return self._handed(event)
            case on.FoundUnwatched(why):
                return replace(self, why=why)
            case on.SawGone(amount, returned, last_second):
                told = replace(self, has_ended=True, paid=amount, why=Unwatched.OVER)
                return replace(told, returned=returned, last_second=last_second)
            case on.FoundCompensated(tower, _):
                return replace(self, settled=(*self.settled, tower))
            case _:
                assert_never(event)

    def _check_present(self, event: object, tower: Address) -> None:
        """Check that a tower is the one that is to watch; raises `IllegalMove`."""
        if tower != self.tower:
            name = type(event).__name__
            raise IllegalMove("is of another tower", who=name, had=tower, needed=self.tower)

    def _handed(self, event: on.FoundReceipt) -> Guard:
        number, cover = event.number, event.cover
        told = replace(self, receipts=self._with(event.kept))
        if (event.kept.tower, number) != (self.tower, self.number):
            return told
        why = Unwatched.WATCHED if cover else Unwatched.NO_COVER
        return replace(told, handed=number, cover=cover, why=why)

    def _asked(self, event: on.AskedWatch) -> Guard:
        fresh = replace(self, asked=event, number=self._next(), cover=NO_TOKENS)
        why = Unwatched.AWAITED if self.voucher else Unwatched.NO_VOUCHER
        return replace(fresh, retainer=NO_HASH, why=why)

    def _next(self) -> int:
        if self.number >= MAX_DELEGATION:
            needed = f"<= {MAX_DELEGATION}"
            raise IllegalMove("has no more numbers", who="guard", had=self.number, needed=needed)
        return self.number + 1

    def _signed(self, voucher: Countersigned) -> Guard:
        if self.voucher and voucher.voucher.amount <= self.voucher.voucher.amount:
            raise IllegalMove("is no more than before", who="voucher", had=voucher.voucher.amount)
        is_first = self.why is Unwatched.NO_VOUCHER
        return replace(self, voucher=voucher, why=Unwatched.AWAITED if is_first else self.why)

    def _with(self, kept: on.KeptReceipt) -> tuple[on.KeptReceipt, ...]:
        """Largest first, one of each tower and pair of keys."""
        by_place = {_place(each): each for each in self.receipts}
        had = by_place.get(_place(kept))
        if had is None or kept.signed.receipt.amount >= had.signed.receipt.amount:
            by_place[_place(kept)] = kept
        found = sorted(by_place.values(), key=lambda each: -each.signed.receipt.amount)
        return tuple(found[:MAX_RECEIPTS])

    # --- what is owed --------------------------------------------------------------------------

    def owed(self) -> tuple[on.GuardEffect, ...]:
        """Effects that this state still needs."""
        match self.phase:
            case GuardPhase.UNKNOWN | GuardPhase.DISMISSED:
                return ()
            case GuardPhase.HIRING:
                return (on.MoveRetainer(self.tower),) if self.voucher else ()
            case GuardPhase.GUARDED:
                return self._owed_state()
            case GuardPhase.ENDED:
                return tuple(on.ClaimCover(tower) for tower in self._owing)
            case _:
                assert_never(self.phase)

    def _owed_state(self) -> tuple[on.GuardEffect, ...]:
        if self.voucher is None:
            return ()
        amount, given = self.voucher.voucher.amount, self.receipt
        had = given.signed.receipt.amount if given else NO_TOKENS
        if had >= amount and self.handed == self.number and self.cover:
            return ()
        return (on.HandState(amount, self.number),)

    @property
    def _owing(self) -> tuple[Address, ...]:
        """Towers with a receipt above what the seller has of the channel."""
        if not (self.has_ended and self.last_second and self.returned):
            return ()
        if self.is_over(GuardTime.CLAIMS):
            return ()
        lacking = (e.tower for e in self.receipts if e.signed.receipt.amount > self.paid)
        return tuple(tower for tower in dict.fromkeys(lacking) if tower not in self.settled)


def _place(kept: on.KeptReceipt) -> tuple[Address, ...]:
    """A receipt pays with the very keys in force that it names; others may be put back."""
    return kept.tower, *kept.signed.receipt.keys


def word_event(event: object) -> Line:
    """What the log says: of who watches, and why nobody does, for operators."""
    match event:
        case on.FoundUnwatched(why):
            return Line("nobody watches", {"why": why.name.lower().replace("_", " ")})
        case on.FoundRetainerOld(tower):
            return Line("retainer was in vain", {"tower": tower})
        case on.FoundReceipt(kept, number, cover):
            told = {"tower": kept.tower, "amount": kept.signed.receipt.amount}
            return Line("tower watches", {**told, "number": number, "cover": cover}, is_detail=True)
        case on.FoundCompensated(tower, due):
            return Line("tower compensated", {"tower": tower, "due": due})
        case _:
            return words_of(event)


class GuardMachine(CondensingMachine[Guard]):
    """One seller's side; a channel of months is told by its state."""

    def __init__(self) -> None:
        records = EventRecords.of(on, states=(Guard,), times=GuardTime)
        super().__init__(Guard, LIFE, records, facts=facts_of, words=word_event)
