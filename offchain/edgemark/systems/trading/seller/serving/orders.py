"""The work of a seller's channels: requests of letters become orders of its engine, and answers.

Rule 1: an order is in the engine before its request is noted, so what was taken is worked at, also
        by the next process; the same request again changes nothing.
Rule 2: what an answer says that it used is what the engine's meter says, in the meter of the
        channel's template, and never more than the request allows: what it used beyond is nobody's
        debt. By time of day it falls into the band in which the work was done, a run's processor
        time into those through which it lasted.
        So a request allows for all that its order may use (`Serving.check_paid`), and a run may
        not outlast the service in which it is paid (`Serving.check_in_time`); one that waits until
        it might is not begun. What a batch takes nobody says before: it gives way when service is
        over (`Serving.end_with`), and what is done of it is its answer.
Rule 3: where this machine is at fault (a full disk, no process to be had) the order waits, and
        nobody is billed. One that nobody can work at is answered as not begun, with nothing used.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.loop.machine import UnderWay
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import Pause, Pricing, Registers
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.protocol.messages import Answer, Request
from edgemark.systems.trading.seller.admission import NotServed
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.serving.parts import PartStore
from edgemark.systems.trading.seller.works import Work
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import DAY_S, TimeOfDay
from edgemark.systems.trading.work import messages as work
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import unstarted
from edgemark.systems.trading.work.meter import EngineBusy, OrderRefused

_SERVED = (SellerPhase.SERVING, SellerPhase.STOPPED)  # in which what is in hand is paid
US = 1_000_000


class OrderStrange(RefusedInput):
    """The content of a request is no order of its channel, or one that its meter does not count."""


class InHand(UnderWay):
    """The engine works at it, and says when it is done."""

    after_s = 30.0


def read_order(channel: ChannelId, request: Request, pricing: Pricing) -> work.Order:
    """The order of a request, which may cost no more than the request says.

    Args:
        channel: in which it came.
        request: of the buyer.
        pricing: of the channel.

    Raises:
        MalformedMessage: its content is no order.
        OrderStrange: it is of another channel or number, not counted by the meter of the channel,
            or may use more units than the request.
    """
    order = work.Order.from_bytes(request.content)
    meter, who = pricing.agreed.specification.meter, f"order {order.number}"
    least = least_units(order, meter)
    for what, had, needed, holds in (
        ("channel", order.channel.hex(), channel.hex(), order.channel == channel),
        ("number", order.number, request.number, order.number == request.number),
        ("kind", order.kind.name.lower(), meter.value, order.kind in work.COUNTED[meter]),
        ("most units", least, f"<= {request.most}", least <= request.most),
    ):
        if not holds:
            place = f"{who}, {what}"
            raise OrderStrange("does not go with its request", who=place, had=had, needed=needed)
    return order


def least_units(order: work.Order, meter: Meter) -> int:
    """What a request has to allow for an order, by what the order itself says."""
    match meter:
        case Meter.PRODUCTS:
            return order.most
        case Meter.CPU_MILLISECONDS:
            return order.most // 1000
        case Meter.BYTES:
            return order.data_bytes
        case Meter.SECONDS:
            return 0  # the meter runs with the clock


def count_used(used: work.Usage, most: int, pricing: Pricing, now: int) -> Registers:
    """By how much an answer lets each register grow.

    Args:
        used: as the engine metered it.
        most: that the request allows.
        pricing: of the channel.
        now: chain time, at which the work is done.
    """
    if pricing.counts_time:
        return pricing.zero
    units = min(used.on(pricing.agreed.specification.meter), most)
    if used.cpu_us and isinstance(pricing.agreed.strategy, TimeOfDay):
        return split_units(units, pricing.agreed.strategy, now - -(-used.wall_us // US), now)
    band = find_band(pricing, now)
    return tuple(units * (each == band) for each in range(len(pricing.zero)))


def split_units(units: int, strategy: TimeOfDay, start: int, end: int) -> Registers:
    """Units of a run, by the seconds that it was in each band: a band shows no more than it can.

    Args:
        units: of all bands.
        strategy: with the bands.
        start: second at which the run began.
        end: second at which it was over; a part of one is one.
    """
    seconds = strategy.count_seconds(min(start, end - 1), end)
    parts: list[int] = []
    for passed in accumulate(seconds):  # rounded up together, so none is above what it can be
        parts.append(-(-units * passed // sum(seconds)) - sum(parts))
    return tuple(parts)


def find_band(pricing: Pricing, now: int) -> int:
    """The register in which work falls that is done at this second."""
    strategy = pricing.agreed.strategy
    if not isinstance(strategy, TimeOfDay):
        return 0
    return bisect_right([band.begins for band in strategy.bands], now % DAY_S) - 1


class Serving:
    """What a seller's party asks its engine for; safe for many threads.

    Args:
        engine: of the seller.
        parts: that buyers brought.
    """

    def __init__(self, engine: Engine, parts: PartStore) -> None:
        self.engine, self.parts = engine, parts

    def check_paid(self, order: work.Order, request: Request, pricing: Pricing) -> None:
        """Check that a request pays for all that its order may use, before it is taken.

        Raises:
            OrderStrange: it allows nothing, or less than data and output of its program.
        """
        meter, least = pricing.agreed.specification.meter, 1
        if meter is Meter.SECONDS:
            return
        program = self.engine.catalogue.programs.get(order.what)
        if meter is Meter.BYTES and program is not None:
            least = max(least, order.data_bytes + program.limits.output_bytes)
        if request.most < least:
            who, needed = f"order {order.number}, most units", f">= {least}"
            raise OrderStrange(
                "pays less than it may use", who=who, had=request.most, needed=needed
            )

    def check_in_time(self, order: work.Order, until: int, now: int) -> None:
        """Check that a run is over in time to be billed, however long it may last.

        Args:
            order: of a program; what a polynomial takes nobody says before.
            until: the end of service; what is left after it is for the last bill.
            now: chain time.

        Raises:
            NotServed: its program may run beyond that.
        """
        program = self.engine.catalogue.programs.get(order.what)
        if program is None or now + program.limits.wall_s <= until:
            return
        raise _pause(order, Pause.OVER, "Open another channel: this run may outlast its service.")

    def take(self, order: work.Order) -> None:
        """Have an order worked at, or answered as not begun where nobody can.

        Raises:
            NotServed: its parts are not here, or the engine has no room for it now.
            JournalWriteFailed, OSError: the disk refuses; nothing was taken.
        """
        if self.engine.find(order.id) is not None:
            return
        if order.number > self.engine.highest(order.channel) + 1:
            raise _pause(order, Pause.BUSY, "Ask again when the earlier ones have come.")
        data = self.parts.find(order.channel, order.data)
        function = b""
        if order.what_bytes:
            function = self.parts.find(order.channel, order.what) or b""
        if data is None or len(function) != order.what_bytes:
            raise _pause(order, Pause.PARTS_MISSING, "Bring its parts over HTTPS, then ask again.")
        try:
            self.engine.take(order, data, function)
        except EngineBusy as busy:
            raise _pause(order, Pause.BUSY, busy.remedy) from busy
        except RefusedInput:  # for good: `answer` tells so
            return

    def answer(self, order: work.Order) -> work.Answer:
        """What became of an order that was taken.

        Raises:
            InHand: nothing yet.
            JournalWriteFailed, OSError: the disk refuses.
        """
        if self.engine.find(order.id) is None:
            try:
                self.take(order)
            except NotServed as error:
                if error.why is Pause.BUSY:
                    raise InHand("engine has no room yet", who=f"order {order.number}") from error
        known = self.engine.find(order.id)
        if known is None:
            return unstarted(order)[0]
        if known[1] is None:
            raise InHand("is worked at", who=f"order {order.number}")
        return known[1]

    def end_with(self, sales: Iterable[Sale], now: int) -> None:
        """Have what is in hand end with what is done of it, where service is over.

        So is it for a run that was not begun, when it may last beyond: those before it, of its
        channel or of others, took long.

        Args:
            sales: all channels.
            now: chain time.
        """
        for sale in sales:
            is_paid, ends = sale.phase in _SERVED, sale.service_ends if sale.in_hand else 0
            over = {
                each.number
                for each in sale.in_hand
                if not is_paid or now > ends - self._longest_s(each)
            }
            if over:
                self.engine.give_way(sale.known.channel, over)

    def _longest_s(self, taken: Work) -> int:
        """For which a run that was taken may last; 0 for a batch, which ends at any time."""
        content = taken.request.content
        if not work.is_run(content):
            return 0
        program = self.engine.catalogue.programs.get(work.Order.from_bytes(content).what)
        return 0 if program is None else program.limits.wall_s

    def complete(self, request: Request, order: work.Order, pricing: Pricing, now: int) -> Answer:
        """The answer of a request; raises as `answer`."""
        found = self.answer(order)
        used = count_used(found.used, request.most, pricing, now)
        return Answer(request.number, used, found.to_bytes())

    def output(self, channel: ChannelId, order: Hash32) -> bytes:
        """The output of an order of this channel, which is answered.

        Raises:
            OrderRefused: it is not known here, or another channel's.
            LedgerUnavailable: it is not answered yet.
            PartDamaged: the disk has other bytes.
        """
        known = self.engine.find(order)
        if known is None or known[0].channel != channel:
            raise OrderRefused("is not known here", who="order", had=order.hex())
        found = self.engine.answer(order)
        if found is None:
            raise LedgerUnavailable("is not answered yet", who=f"order {order.hex()}")
        return found[1]

    def forget(self, channel: ChannelId) -> None:
        """Let a channel go that ended; what is in hand of it is finished first."""
        self.parts.forget(channel)
        try:
            self.engine.forget(channel)
        except OrderRefused:
            return


def _pause(order: work.Order, why: Pause, remedy: str) -> NotServed:
    who, had = f"request {order.number}", why.name.lower().replace("_", " ")
    error = NotServed("work is not taken", who=who, had=had, remedy=remedy)
    error.why = why
    return error
