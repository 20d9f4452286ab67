"""One purchase of one command, step by step: offer, price, quote, channel, orders, result, end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from edgemark.cli.spending.command import Spending
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.buying.desks import Desk, OwnDesk, open_desk, open_to_look
from edgemark.cli.trading.buying.quoting import Quotation, Quoting, price_of
from edgemark.cli.trading.buying.reading import Whom
from edgemark.cli.trading.buying.staying import Waiting, naming_when_interrupted
from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.systems.trading.buyer.market.bidding import (
    Wishes,
)
from edgemark.systems.trading.buyer.market.choosing import SellerUnreachable, find_seller
from edgemark.systems.trading.buyer.market.programs import Run, find_program
from edgemark.systems.trading.buyer.market.recovering import find_agreement
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.buyer.orders.shelf import Done
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import BuyerPhase

QUOTE_ATTEMPTS = 3  # each for `request_timeout_s`


class SellerAway(LedgerUnavailable):
    """The seller that was named is nowhere to be reached now; nothing was begun."""


class NotComputed(PeerFault):
    """The seller began nothing of it: its machine, or its list of programs, does not have it."""


@dataclass(frozen=True)
class Errand:
    """What one command does.

    Attributes:
        work: what is wanted; of a program the seller's list says what may be ordered.
        sample: inputs of each answer that are computed again; 0: all.
        out: whole path of the result's file; empty for none.
        ends_at: monotonic seconds; None: as long as it takes.
        keep_open: the channel stays when the result is there.
    """

    work: Wanted | Run
    sample: int
    out: str
    ends_at: float | None
    keep_open: bool

    def buy(self, spending: Spending, whom: Whom, wishes: Wishes) -> int:
        """Open a channel, and order in it.

        Raises:
            NoOffer, DepositUnknown, TooFewTokens, SellerAway, RefusedInput: nothing was begun.
            EdgemarkError: as of every step.
        """
        if spending.is_dry:
            with telling_absence(), open_to_look(spending) as station:
                (quoted,) = Quoting(spending, station, self.ends_at).ask(whom, wishes, [self.work])
                spending.show_dry(price_of(spending, station, [quoted]), quoted.describe())
            return Exit.DONE
        with open_desk(spending) as desk:
            asked = Quoting(spending, desk.station, self.ends_at)
            with telling_absence():
                (quoted,) = asked.ask(whom, wishes, [self.work])
            spending.agree(price_of(spending, desk.station, [quoted]))
            channel = begin(desk, [quoted])[0]
            with naming_when_interrupted(desk, channel):
                waiting = self.wait_for(spending, desk, channel)
                waiting.until_open()
                told = {"passed_over": quoted.describe()["passed_over"]}
                return self._order(spending, desk, waiting, quoted.wanted, told)

    def order_in(self, spending: Spending, channel: ChannelId) -> int:
        """Order in a channel that is open; nothing is sent for it."""
        if spending.is_dry:
            with open_to_look(spending) as station:
                _, price = spending.rehearse(station, lambda _: None)
                spending.show_dry(price, {"channel": channel.hex()})
            return Exit.DONE
        with open_desk(spending) as desk, naming_when_interrupted(desk, channel):
            wanted = self._for_seller_of(desk, channel)
            return self._order(spending, desk, self.wait_for(spending, desk, channel), wanted)

    def _for_seller_of(self, desk: Desk, channel: ChannelId) -> Wanted:
        """The work as the seller of an open channel lists it."""
        if not isinstance(self.work, Run):
            return self.work
        with telling_absence():
            place = find_seller(desk.station, desk.state(channel).known.terms.seller)
        return self.work.of(find_program(desk.station, place, self.work.program))

    def _order(
        self,
        spending: Spending,
        desk: Desk,
        waiting: Waiting,
        wanted: Wanted,
        told: Mapping[str, object] = MappingProxyType({}),
    ) -> int:
        channel = waiting.channel
        done = waiting.until_done(self.order(desk, channel, wanted))
        if not self.keep_open:
            end(desk, waiting)
        return show(spending, desk, channel, done, told)

    def order(self, desk: Desk, channel: ChannelId, wanted: Wanted) -> int:
        """Order in a channel that is open; number of the first order."""
        return desk.order(channel, wanted, sample=self.sample, out=self.out)

    def wait_for(self, spending: Spending, desk: Desk, channel: ChannelId) -> Waiting:
        """This command's patience with a channel."""
        return Waiting(desk, channel, self.ends_at, spending.invocation.as_json)


@contextmanager
def telling_absence() -> Iterator[None]:
    """Tell of a seller that says nowhere where it serves by what helps: to ask later."""
    try:
        yield
    except SellerUnreachable as away:
        facts = {"who": away.who, "had": away.had, "needed": away.needed}
        raise SellerAway(away.what, **facts, remedy=away.remedy) from away


def begin(desk: Desk, quotations: Sequence[Quotation]) -> list[ChannelId]:
    """Keep what was agreed on, then have it opened, by one transaction; the channels.

    Raises:
        RefusedInput: there are too few tokens, or they are too many for one transaction.
    """
    for each in quotations:
        desk.station.deals.keep(each.taken.deal)
    quoted = [each.taken.quoted for each in quotations]
    openings = {each.agreement.channel: each.opening for each in quoted}
    desk.begin(openings)
    return list(openings)


def end(desk: Desk, waiting: Waiting) -> Purchase:
    """Ask for nothing more, once there is a channel, and wait for the end on chain."""
    waits = (BuyerPhase.UNKNOWN, BuyerPhase.AGREED, BuyerPhase.RECOVERING)
    state = waiting.until(lambda each: each.phase not in waits)
    if state.phase is BuyerPhase.BUYING:
        desk.stop(waiting.channel)
    return waiting.until_ended()


def show(
    spending: Spending, desk: Desk, channel: ChannelId, done: Done, told: Mapping[str, object]
) -> int:
    """Print what came of it beside `told`; raises `NotComputed` where there is no result."""
    state = desk.state(channel)
    facts = describe(state, wrong=[str(path) for path in desk.shelf.wrong(channel)])
    result = {
        "out": read_result(desk, channel, done),
        **({"ends": dict(done.ends)} if done.ends else {}),
    }
    spending.invocation.show({**result, **facts, **told})
    return Exit.CHECK_FAILED if done.ends else Exit.DONE


def read_result(desk: Desk, channel: ChannelId, done: Done) -> str:
    """The file of a result; raises `NotComputed` where there is none."""
    if done.out:
        return done.out
    raise NotComputed(
        "did not begin the work",
        who=f"seller {desk.state(channel).known.terms.seller}",
        had=", ".join(f"order {number}: {end}" for number, end in done.ends.items()),
        remedy="Nothing of it is paid. Ask another seller, or for another program.",
    )


def recover_channel(
    spending: Spending, channel: ChannelId, waiting: Callable[[Desk], Waiting]
) -> int:
    """Look after a channel of a lost disk until it has ended.

    Raises:
        NotOpenedHere: this account opened no such channel.
        RefusedInput: another process holds the home.
    """
    if spending.is_dry:
        with open_to_look(spending) as station:
            agreement = find_agreement(station, channel)
            _, price = spending.rehearse(station, lambda _: None)
            spending.show_dry(price, {"channel": channel.hex(), "seller": agreement.terms.seller})
        return Exit.DONE
    with open_desk(spending) as desk:
        if not isinstance(desk, OwnDesk):
            raise RefusedInput("is held by another process", who=desk.station.home)
        desk.recover(find_agreement(desk.station, channel))
        state = waiting(desk).until_ended()
    spending.invocation.show(describe(state))
    return Exit.DONE
