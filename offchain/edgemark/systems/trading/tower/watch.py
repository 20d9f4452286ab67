"""The tower's memory of one channel, and what it owes in each phase.

Rule 1: what a receipt was given for is brought: shown in a window below it, checkpointed a margin
        before `close_by`, and settled, as else the lock returns it to the payer.
Rule 2: a transaction is sent where a receipt binds, or where it has the payer's bond for the tower;
        for nothing else. In a window that the seller began nothing is: its word ended the channel.
Rule 3: the number of a delegation never falls, nor does an amount under the same key.
Rule 4: what is set aside is asked back when it can pay nothing any more, not before.
Rule 5: nobody but time dismisses a tower: what it gave a receipt for it brings until it may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from edgemark.identifiers import NO_TIME, Timestamp, Tokens
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import CondensingMachine, Moves, Table, TimeOver, Waiting, stays
from edgemark.systems.trading.contract.records import ChannelPhase, Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.life import facts_of, words_of
from edgemark.systems.trading.tower import events as on

NO_TOKENS = Tokens(0)


class TowerPhase(Enum):
    """Life of a channel at a tower."""

    UNKNOWN = "unknown"
    COVERING = "covering"  # the retainer came; what it answers with is not on chain yet
    WATCHING = "watching"
    WINDOW = "window"  # somebody closed it
    ENDED = "ended"  # what is set aside stays as long as it may have to pay
    RELEASED = "released"


class WatchTime(Enum):
    """Chain times that a tower waits for; each is over one second later."""

    MARGIN = "margin"  # before `close_by`: what is not on chain is brought
    CLOSE_BY = "close by"  # nobody closes any more
    WINDOW = "window"
    LOCK = "lock"  # the escrow pays no more
    CLAIMS = "claims"  # no receipt counts any more


_TIMES = stays(WatchTime.MARGIN, WatchTime.CLOSE_BY, WatchTime.LOCK)
_OPEN = {
    on.SawWindow: TowerPhase.WINDOW,
    on.SawOver: TowerPhase.ENDED,
    WatchTime.CLAIMS: TowerPhase.ENDED,
    **stays(on.HeardState, on.SawFunds, on.SawSigners),
    **_TIMES,
}
TABLE: Table = {
    TowerPhase.UNKNOWN: {on.HeardPromise: TowerPhase.COVERING},
    TowerPhase.COVERING: {on.SawCovered: TowerPhase.WATCHING, **_OPEN},
    TowerPhase.WATCHING: _OPEN,
    TowerPhase.WINDOW: {
        on.SawOver: TowerPhase.ENDED,
        WatchTime.CLAIMS: TowerPhase.ENDED,
        **stays(on.SawCovered, on.SawResponse, WatchTime.WINDOW, WatchTime.LOCK),
    },
    TowerPhase.ENDED: {
        on.SawUncovered: TowerPhase.RELEASED,
        **stays(on.SawCovered, WatchTime.CLAIMS),
    },
}
LIFE = Moves(TABLE)


@dataclass(frozen=True)
class Watch(Waiting):
    """State of one channel at its tower.

    Attributes:
        promise: what the tower took on.
        signers: in force on chain.
        held: the newest state.
        covered: what is set aside on chain.
        deposit, paid: on chain, confirmed.
        closed_by: whose window runs or ran; NONE: none did.
        counted, deadline: of it; `number`: of the newest delegation shown.
        is_answered: whether a response showed what counts.
        has_ended: the channel did; then `paid` is all that its seller got, `returned` what of the
            deposit went back, `last_second` the last one for more.
    """

    phase: TowerPhase = TowerPhase.UNKNOWN
    promise: on.Promise | None = None
    signers: Signers | None = None
    held: on.HeldState | None = None
    covered: Tokens = NO_TOKENS
    deposit: Tokens = NO_TOKENS
    paid: Tokens = NO_TOKENS
    closed_by: ChannelPhase = ChannelPhase.NONE
    counted: Tokens = NO_TOKENS
    deadline: Timestamp = NO_TIME
    number: int = 0
    is_answered: bool = False
    has_ended: bool = False
    returned: Tokens = NO_TOKENS
    last_second: Timestamp = NO_TIME

    @property
    def known(self) -> on.Promise:
        """What was promised."""
        if self.promise is None:
            raise LookupError("a channel that nobody handed in has no promise")
        return self.promise

    @property
    def newest(self) -> on.HeldState:
        """What is held."""
        if self.held is None:
            raise LookupError("a channel that nobody handed in has no state")
        return self.held

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        if self.phase is TowerPhase.ENDED:
            return not self.covered
        return self.phase is TowerPhase.RELEASED

    @property
    def is_bound(self) -> bool:
        """Whether a receipt is out."""
        return bool(self.held and self.held.receipt)

    @property
    def due(self) -> Tokens:
        """What the state that is held is worth: nothing under a key that is not in force."""
        if self.signers is None or self.newest.payer_key != self.signers.payer_key:
            return NO_TOKENS
        return Tokens(min(self.newest.amount, self.deposit))

    @property
    def delegates(self) -> bool:
        """Whether the delegation to this tower is the newest one that was shown."""
        is_in_force = self.signers is not None and self.newest.seller_key == self.signers.seller_key
        return is_in_force and self.newest.number > self.number

    @property
    def may_pay(self) -> bool:
        """Whether a receipt, of whatever amount, may still have something of the cover."""
        if self.is_over(WatchTime.CLAIMS):
            return False
        in_time = 0 < self.last_second <= self.known.lock_expiry
        return not self.has_ended or (in_time and self.returned > 0)

    def times(self) -> Sequence[tuple[Timestamp, TimeOver]]:
        """Chain times that matter to this channel."""
        if self.promise is None or self.is_finished:
            return ()
        promise = self.promise
        close_by = promise.terms.close_by
        times = [
            (Timestamp(close_by - promise.margin_s), TimeOver(WatchTime.MARGIN)),
            (close_by, TimeOver(WatchTime.CLOSE_BY)),
            (promise.lock_expiry, TimeOver(WatchTime.LOCK)),
            (promise.claimed_by, TimeOver(WatchTime.CLAIMS)),
        ]
        if self.deadline != NO_TIME:
            times.append((self.deadline, TimeOver(WatchTime.WINDOW)))
        return times

    def laws(self) -> Mapping[str, bool]:
        """What holds of the fields of every state that can be reached."""
        return {
            "what was promised has a state": (self.promise is None) == (self.held is None),
            "nothing more is set aside than was promised": self.promise is None
            or self.covered <= self.promise.cover,
            "a receipt stands on a cover": not self.is_bound
            or self.covered > 0
            or self.phase is TowerPhase.RELEASED,
            "what ended has no window": not self.has_ended
            or self.phase in (TowerPhase.ENDED, TowerPhase.RELEASED),
        }

    def after(self, event: on.TowerEvent) -> Watch:  # noqa: PLR0911 - one line an event
        """The same with what the event told; the phase is the table's business."""
        match event:
            case on.HeardPromise(promise, signers, deposit, paid, held):
                told = replace(self, promise=promise, signers=signers, held=held)
                return replace(told, deposit=deposit, paid=paid)
            case on.HeardState(held):
                return self._newer(held)
            case on.SawCovered(amount):
                return replace(self, covered=amount)
            case on.SawFunds(deposit, paid):
                return replace(self, deposit=deposit, paid=paid)
            case on.SawSigners(signers):
                return replace(self, signers=signers)
            case on.SawWindow(phase, counted, deadline):
                return replace(self, closed_by=phase, counted=counted, deadline=deadline)
            case on.SawResponse(counted, number, is_answered):
                return replace(self, counted=counted, number=number, is_answered=is_answered)
            case on.SawOver(amount, returned, last_second):
                told = replace(self, has_ended=True, paid=amount)
                return replace(told, returned=returned, last_second=last_second)
            case on.SawUncovered():
                return replace(self, covered=NO_TOKENS)
            case _:
                assert_never(event)

    def _newer(self, held: on.HeldState) -> Watch:
        """Another state; a receipt only once the cover stands, and while what it is for counts."""
        had = self.newest
        same_key = held.payer_key == had.payer_key
        falls = held.amount < had.amount and same_key
        is_early = bool(held.receipt) and not self.covered
        is_new = held.amount > had.amount or not same_key or not had.receipt
        is_late = is_new and self.is_over(WatchTime.MARGIN)
        forgets = bool(had.receipt) and not held.receipt
        if falls or is_early or is_late or forgets or held.number < had.number:
            raise IllegalMove(
                "state is older than what is held, or no receipt of it can be given now",
                who="state",
                had=f"amount {held.amount}, delegation {held.number}",
                needed=f"at least {had.amount} and {had.number}, covered, before the margin",
            )
        return replace(self, held=held)

    # --- what is owed --------------------------------------------------------------------------

    def owed(self) -> tuple[on.TowerEffect, ...]:
        """Effects that this state still needs."""
        match self.phase:
            case TowerPhase.UNKNOWN | TowerPhase.RELEASED:
                return ()
            case TowerPhase.COVERING:
                return () if self.is_over(WatchTime.LOCK) else (on.SubmitCover(),)
            case TowerPhase.WATCHING:
                return self._owed_open()
            case TowerPhase.WINDOW:
                return self._owed_in_window()
            case TowerPhase.ENDED:
                return (on.SubmitUncover(),) if self.covered and not self.may_pay else ()
            case _:
                assert_never(self.phase)

    def _owed_open(self) -> tuple[on.TowerEffect, ...]:
        if not self.is_bound or self.is_over(WatchTime.LOCK):
            return ()
        is_signed = self.signers is not None and self.newest.seller_key == self.signers.seller_key
        if self.due > self.paid and is_signed:
            return (do.SubmitCheckpoint(self.due),) if self.is_over(WatchTime.MARGIN) else ()
        return (do.SubmitEndUnclosed(),) if self.is_over(WatchTime.CLOSE_BY) else ()

    def _owed_in_window(self) -> tuple[on.TowerEffect, ...]:
        if self.is_over(WatchTime.LOCK) or self.closed_by is ChannelPhase.CLOSING_BY_SELLER:
            return ()
        if self.is_over(WatchTime.WINDOW):
            return (do.SubmitSettle(),) if self.is_bound else ()
        by_payer = self.closed_by is ChannelPhase.CLOSING_BY_PAYER
        if self.due > self.counted:
            has_gain = by_payer and self.delegates
            return (do.SubmitResponse(self.due),) if self.is_bound or has_gain else ()
        has_bond = by_payer and self.is_answered and self.delegates
        return (do.SubmitResponse(self.due),) if has_bond and self.due == self.counted else ()


class TowerMachine(CondensingMachine[Watch]):
    """A tower's side; a channel of months is told by its state."""

    def __init__(self) -> None:
        records = EventRecords.of(on, states=(Watch,), times=WatchTime)
        super().__init__(Watch, LIFE, records, facts=facts_of, words=words_of)
