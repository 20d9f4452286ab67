"""When and why service stopped, what of it both know, and up to where time is billed then.

Rule 1: who stopped says since when. Where both did by themselves it is the earlier second for both:
        none of them served, or asked, after its own.
Rule 2: work in hand is paid for after the stop as long as one run may last, once; where no run is
        in hand, one interval (`worked_to`). So no answer that stays out makes time run on.
Rule 3: views of the chain differ: by so much (`compute_skew_s`) a bill may end later than its payer
        sees the stop. And a bill that was out as stops crossed, and began before the earlier one,
        may end at the later one (`latest_stop`): less than one interval.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

from edgemark.identifiers import NO_TIME, Timestamp
from edgemark.loop.moves import Waiting
from edgemark.systems.trading.protocol.agreement import Agreement, OfChannel, Policy, Reason
from edgemark.systems.trading.protocol.life import TradeTime
from edgemark.systems.trading.templates.readings import MAX_SKEW_S

MAX_VIEWS_S = 30  # by which views of a chain differ: two blocks of the slowest, and their way


_BY_TIME = {  # the first of them that a state has; a party stops by one, and waits for no other
    TradeTime.SERVICE: Reason.EXPIRED,
    TradeTime.FAILOVER: Reason.CONTROLLER_LOST,
    TradeTime.OVERDRAFT: Reason.OVERDRAWN,
    TradeTime.PATIENCE: Reason.VOUCHER_LATE,
}


def compute_skew_s(interval_s: int) -> int:
    """How much later than its payer sees the stop a bill may end; at most one interval."""
    return max(MAX_SKEW_S, min(MAX_VIEWS_S, interval_s))


@dataclass(frozen=True)
class Ceasing(OfChannel, Waiting, ABC):
    """What either party of a channel remembers of its stop.

    Attributes:
        agreement, policy: what was agreed on, and decided.
        why: reason of the end, as far as an event told it; see `reason`.
        stopped_at: when that was noticed here, for stops that are no times.
        ceased_at: when whoever stopped did, as far as it was another second.
        stops: when this party stopped, and when the other did, once the other said so.
        worked_until: when the newest answer was found by the seller, or came to the buyer.
        stop_told: the other knows it, or said it first.
        failing_since: when the user wanted another controller.
    """

    agreement: Agreement | None = None
    policy: Policy | None = None
    why: Reason = Reason.NONE
    stopped_at: Timestamp = NO_TIME
    ceased_at: Timestamp = NO_TIME
    stops: tuple[Timestamp, ...] = ()
    worked_until: Timestamp = NO_TIME
    stop_told: bool = False
    failing_since: Timestamp = NO_TIME

    @property
    def decided(self) -> Policy:
        """The party's own policy."""
        if self.policy is None:
            raise LookupError("a channel nobody heard of has no policy")
        return self.policy

    @property
    def reason(self) -> Reason:
        """Why the channel ends or ended; NONE while it goes on."""
        if self.why is not Reason.NONE:
            return self.why
        return next((why for what, why in _BY_TIME.items() if self.is_over(what)), Reason.NONE)

    @property
    def service_ends(self) -> Timestamp:
        """Last second at which work is begun."""
        return Timestamp(self.known.terms.expires_at - self.decided.margin_s)

    @property
    def stopped_since(self) -> Timestamp:
        """Since when the end is waited for; `NO_TIME` while service goes on, or a voucher is late.

        A buyer that was away for longer than the grace, and then asks for the end, signs the bill
        that is out: its seller waits for the grace anew.
        """
        if self.stopped_at != NO_TIME:
            return self.stopped_at
        if self.is_over(TradeTime.FAILOVER):
            return Timestamp(self.failing_since + self.decided.patience_s)
        return self.service_ends if self.is_over(TradeTime.SERVICE) else NO_TIME

    @property
    def stops_at(self) -> Timestamp:
        """When service stopped, as who stopped says it; only the other's earlier stop moves it.

        `NO_TIME` while it goes on, or where a voucher was late: nothing was served after its bill.
        """
        since = self.ceased_at or self.stopped_since
        return since if since == NO_TIME else min(since, self.service_ends)

    @property
    def served_until(self) -> Timestamp:
        """Until when a meter of time runs, where nothing is in hand: all that is ever billed.

        That is the stop, or the last answer after it. `NO_TIME` as `stops_at`.
        """
        stop = self.stops_at
        return stop if stop == NO_TIME else max(stop, self.worked_until)

    @property
    def said_stop(self) -> Timestamp:
        """Since when this party says that service stopped: its own second, where both stopped."""
        return self.stops[0] if self.stops else self.stops_at

    @property
    def latest_stop(self) -> Timestamp:
        """The later one of two stops that crossed; else the stop."""
        return max(self.stops, default=self.stops_at)

    @property
    @abstractmethod
    def lasting_s(self) -> int:
        """For how long what is in hand may go on; 0 where nothing is."""

    @property
    def worked_to(self) -> Timestamp:
        """Last second that is ever billed, with what is in hand; `NO_TIME` as `stops_at`."""
        stop = self.stops_at
        if stop == NO_TIME or not self.lasting_s:
            return self.served_until
        return max(self.served_until, Timestamp(stop + self.lasting_s))

    def with_work_at(self, at: Timestamp) -> Self:
        """The same with an answer of then; work after the stop is bounded (`worked_to`)."""
        until = at if self.stops_at == NO_TIME else min(at, self.worked_to)
        return replace(self, worked_until=max(self.worked_until, until))

    def stop(self, reason: Reason, at: Timestamp = NO_TIME, since: Timestamp = NO_TIME) -> Self:
        """The same with a reason, unless there was one."""
        if self.reason is not Reason.NONE:
            return self
        return replace(self, why=reason, stopped_at=at, ceased_at=since)

    def hear_stop(self, reason: Reason, at: Timestamp, since: Timestamp) -> Self:
        """The same once the other said that it stopped; what it says first counts.

        Args:
            reason: that it gives.
            at: when it came.
            since: as it says; `NO_TIME` where that is not known.
        """
        had = self.stops_at
        if self.reason is Reason.NONE:
            told = replace(self.stop(reason, at, since), stop_told=True)
            return replace(told, stops=(told.stops_at, told.stops_at))
        if self.stops:
            return self
        if had == NO_TIME:
            return replace(self, stop_told=True)
        other = since or at
        return replace(self, ceased_at=min(had, other), stops=(had, other))
