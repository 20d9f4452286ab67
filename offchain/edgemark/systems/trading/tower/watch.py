"""The tower's memory of one channel, and what it owes in each phase.

Rule 1: what a receipt was given for is brought: shown in a window below it, checkpointed a margin
        before `close_by`, and settled, as else the lock returns it to the payer.
Rule 2: a transaction is sent where a receipt binds, or where it has the payer's bond for the tower;
        for nothing else. In a window that the seller began nothing is: its word ended the channel.
Rule 3: the number of a delegation never falls, nor does an amount under the same keys.
Rule 4: what is set aside is asked back when it can pay nothing any more, not before.
Rule 5: nobody but time dismisses a tower: what it gave a receipt for it brings until it may not.
Rule 6: a state is kept under each pair of keys: both parties may put former ones back until
        `expires_at`, with which a former receipt counts again. What is brought is the one of the
        keys in force, and the margin begins when these, and the deposit, are final.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from edgemark.identifiers import NO_TIME, Address, Timestamp, Tokens
from edgemark.loop.event_records import EventRecords
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import CondensingMachine, Moves, Table, TimeOver, Waiting, stays
from edgemark.systems.trading.contract.records import ChannelPhase, Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol.life import facts_of, words_of
from edgemark.systems.trading.tower import events as on

NO_TOKENS = Tokens(0)
MAX_PAIRS = 8  # of keys, under which states of one channel are held

Keys = tuple[Address, Address]
"""The payer's and the seller's."""


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
        held: the newest state under each pair of keys, the one that came last behind.
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
    held: tuple[on.HeldState, ...] = ()
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
        """What counts now; under keys of which nothing is held, what came last."""
        if not self.held:
            raise LookupError("a channel that nobody handed in has no state")
        return self.in_force or self.held[-1]

    @property
    def in_force(self) -> on.HeldState | None:
        """What is held under the keys in force."""
        return self.under(self.signers.keys) if self.signers else None

    def under(self, keys: Keys) -> on.HeldState | None:
        """What is held under a pair of keys."""
        return next((each for each in self.held if each.keys == keys), None)

    @property
    def newest_number(self) -> int:
        """Of the newest delegation that is held."""
        return max((each.number for each in self.held), default=0)

    @property
    def spare(self) -> on.HeldState | None:
        """What may be forgotten for another pair of keys: not promised, or paid, so never due."""
        for each in self.held:
            if each is not self.in_force and (not each.receipt or each.amount <= self.paid):
                return each
        return None

    @property
    def is_finished(self) -> bool:
        """Nothing is owed or awaited any more."""
        if self.phase is TowerPhase.ENDED:
            return not self.covered
        return self.phase is TowerPhase.RELEASED

    @property
    def is_bound(self) -> bool:
        """Whether a receipt is out, under whichever keys: they may be put back."""
        return any(each.receipt for each in self.held)

    @property
    def due(self) -> Tokens:
        """What the state under the keys in force is worth; nothing where none is held."""
        found = self.in_force
        return Tokens(min(found.amount, self.deposit)) if found else NO_TOKENS

    @property
    def delegates(self) -> bool:
        """Whether the delegation to this tower is the newest one that was shown."""
        found = self.in_force
        return found is not None and found.number > self.number

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
            "what was promised has a state": (self.promise is None) == (not self.held),
            "a pair of keys has one state": len({each.keys for each in self.held})
            == len(self.held)
            <= MAX_PAIRS,
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
                told = replace(self, promise=promise, signers=signers, held=(held,))
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
        had, number = self.under(held.keys), self.newest_number
        least = had.amount if had else NO_TOKENS
        is_early = bool(held.receipt) and not self.covered
        is_new = had is None or held.amount > least or not had.receipt
        is_late = is_new and self.is_over(WatchTime.MARGIN)
        forgets = had is not None and bool(had.receipt) and not held.receipt
        if held.amount < least or is_early or is_late or forgets or held.number < number:
            raise IllegalMove(
                "state is older than what is held, or no receipt of it can be given now",
                who="state",
                had=f"amount {held.amount}, delegation {held.number}",
                needed=f"at least {least} and {number}, covered, before the margin",
            )
        return replace(self, held=self._with(held))

    def _with(self, held: on.HeldState) -> tuple[on.HeldState, ...]:
        """One state of each pair of keys; where there are too many, one that is spare goes."""
        others = [each for each in self.held if each.keys != held.keys]
        if len(others) >= MAX_PAIRS:
            if self.spare is None:
                raise IllegalMove(
                    "is of more keys than are kept", who="state", had=MAX_PAIRS, needed="fewer"
                )
            others.remove(self.spare)
        return (*others, held)

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
        if self.due > self.paid:
            is_to_come = self.newest.receipt and self.is_over(WatchTime.MARGIN)
            return (do.SubmitCheckpoint(self.due),) if is_to_come else ()
        return (do.SubmitEndUnclosed(),) if self.is_over(WatchTime.CLOSE_BY) else ()

    def _owed_in_window(self) -> tuple[on.TowerEffect, ...]:
        if self.is_over(WatchTime.LOCK) or self.closed_by is ChannelPhase.CLOSING_BY_SELLER:
            return ()
        if self.is_over(WatchTime.WINDOW):
            return (do.SubmitSettle(),) if self.is_bound or self._has_bond else ()
        by_payer = self.closed_by is ChannelPhase.CLOSING_BY_PAYER
        if self.due > self.counted:
            has_gain = by_payer and self.delegates
            return (do.SubmitResponse(self.due),) if self.newest.receipt or has_gain else ()
        has_bond = by_payer and self.is_answered and self.delegates
        return (do.SubmitResponse(self.due),) if has_bond and self.due == self.counted else ()

    @property
    def _has_bond(self) -> bool:
        """Whether the payer's bond comes to this tower once somebody settles, and else back."""
        found, by_payer = self.in_force, self.closed_by is ChannelPhase.CLOSING_BY_PAYER
        is_last = found is not None and found.number == self.number
        return by_payer and self.is_answered and is_last


class TowerMachine(CondensingMachine[Watch]):
    """A tower's side; a channel of months is told by its state."""

    def __init__(self) -> None:
        records = EventRecords.of(on, states=(Watch,), times=WatchTime)
        super().__init__(Watch, LIFE, records, facts=facts_of, words=words_of)
