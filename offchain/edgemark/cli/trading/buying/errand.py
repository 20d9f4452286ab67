"""One purchase of one command, step by step: offer, price, quote, channel, orders, result, end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import click

from edgemark.amounts import Amount
from edgemark.cli.spending.command import Spending
from edgemark.cli.spending.price import Price
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.trading.buying.desks import Desk, OwnDesk, open_desk, open_to_look
from edgemark.cli.trading.buying.reading import Whom
from edgemark.cli.trading.buying.staying import Waiting, naming_when_interrupted
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Moment, Timestamp, Tokens
from edgemark.systems.trading.buyer.market.asking import Bid, Taken, ask_quote, draft_request
from edgemark.systems.trading.buyer.market.bidding import (
    Choice,
    Wishes,
    compute_cost,
    describe_price,
    draft_bid,
    name_controller,
)
from edgemark.systems.trading.buyer.market.choosing import find_seller
from edgemark.systems.trading.buyer.market.picking.passing import PassedOver
from edgemark.systems.trading.buyer.market.picking.picking import Picking
from edgemark.systems.trading.buyer.market.programs import Listed, Run, find_program
from edgemark.systems.trading.buyer.market.recovering import find_agreement
from edgemark.systems.trading.buyer.money.means import bring_in_tokens, check_means
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.buyer.orders.shelf import Done
from edgemark.systems.trading.buyer.outlook import describe
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.escrow import BroughtOpening
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.faults import PeerUnreachable

QUOTE_ATTEMPTS = 3  # each for `request_timeout_s`


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
            NoOffer, DepositUnknown, TooFewTokens, RefusedInput: nothing was begun.
            EdgemarkError: as of every step.
        """
        if spending.is_dry:
            with open_to_look(spending) as station:
                quoted = self._get_quote(spending, station, whom, wishes)
                spending.show_dry(_price(spending, station, quoted.taken), quoted.describe())
            return Exit.DONE
        with open_desk(spending) as desk:
            quoted = self._get_quote(spending, desk.station, whom, wishes)
            taken = quoted.taken
            spending.agree(_price(spending, desk.station, taken))
            channel = taken.quoted.agreement.channel
            desk.station.deals.keep(taken.deal)
            desk.begin(channel, taken.quoted.opening)
            with naming_when_interrupted(desk, channel):
                waiting = self._wait_for(spending, desk, channel)
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
            return self._order(spending, desk, self._wait_for(spending, desk, channel), wanted)

    def _get_quote(
        self, spending: Spending, station: TradingStation, whom: Whom, wishes: Wishes
    ) -> Quotation:
        """The word of the first seller that gives it for terms as they are wished for."""
        until = Timestamp(station.head().block + station.settings.of(BuyerSettings).quote_s)
        work, controller = self.work, name_controller(station, wishes.controller)
        program = work.program if isinstance(work, Run) else ""
        wished = replace(wishes, demand=whom.read_demand(station, until), program=program)

        def take(choice: Choice) -> Quotation:
            wanted = _as_listed(work, choice.program)
            bid = draft_bid(station, choice, wished, wanted, controller)
            check_means(station, bid.money.deposit, bid.money.bond)
            request = draft_request(station, bid)
            ask = partial(ask_quote, station, choice.place, request, choice.templates)
            taken = ask_again(ask, self.ends_at)
            return Quotation(choice, bid, wanted, taken)

        def tell(passed: PassedOver) -> None:
            if not spending.invocation.as_json:
                offer = passed.offer.hex()[:16]
                click.echo(f"offer {offer} is passed over: {passed.why}", err=True)

        def cost(choice: Choice) -> int:
            return compute_cost(station, choice, wished, _as_listed(work, choice.program))

        picking = Picking(station, wished, tell)
        return replace(picking.pick(take, cost), passed_over=tuple(picking.passed_over))

    def _for_seller_of(self, desk: Desk, channel: ChannelId) -> Wanted:
        """The work as the seller of an open channel lists it."""
        if not isinstance(self.work, Run):
            return self.work
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
        first = desk.order(channel, wanted, sample=self.sample, out=self.out)
        done = waiting.until_done(first)
        if not self.keep_open:
            end(desk, waiting)
        return show(spending, desk, channel, done, told)

    def _wait_for(self, spending: Spending, desk: Desk, channel: ChannelId) -> Waiting:
        return Waiting(desk, channel, self.ends_at, spending.invocation.as_json)


def ask_again(ask: Callable[[], Taken], ends_at: float | None) -> Taken:
    """A quote, of a seller that may be slow once: the same request has the same answer.

    Args:
        ask: asks for it.
        ends_at: monotonic seconds, from which on it is asked no more.

    Raises:
        PeerUnreachable: it did not answer, `QUOTE_ATTEMPTS` times, or until then.
        EdgemarkError: what `ask` raises.
    """
    for _ in range(QUOTE_ATTEMPTS - 1):
        try:
            return ask()
        except PeerUnreachable:
            if ends_at is not None and time.monotonic() >= ends_at:
                raise
    return ask()


@dataclass(frozen=True)
class Quotation:
    """A seller's word for the terms, checked; nothing is owed for it yet.

    Attributes:
        choice: the offer.
        bid: what its seller was asked for.
        wanted: what is to be done, as its seller lists it.
        taken: its word.
        passed_over: offers that cannot be taken, of those that were looked at.
    """

    choice: Choice
    bid: Bid
    wanted: Wanted
    taken: Taken
    passed_over: tuple[PassedOver, ...] = ()

    def describe(self) -> dict[str, object]:
        """What is bought, of whom and on which terms."""
        choice, money, wanted = self.choice, self.bid.money, self.bid.conditions
        tariff = self.taken.quoted.agreed.tariff
        return {
            "offer": choice.offer.id.hex(),
            "seller": self.bid.seller,
            "endpoint": choice.place.endpoint,
            "controller": self.bid.controller,
            "price": Amount(tariff.unit_price),
            "per": tariff.per,
            "dearest_price": Amount(tariff.compute_dearest(tariff.per)),
            "first_price": Amount(tariff.first_price),
            "deposit": Amount(money.deposit),
            "bond": Amount(money.bond),
            "service_ends": Moment(money.expires_at),
            "close_by": Moment(money.close_by),
            "interval_s": wanted.interval_s,
            "interval_cap": Amount(wanted.cap),
            "credit": Amount(wanted.credit),
            "grace_s": wanted.grace_s,
            "passed_over": [each.as_dict() for each in self.passed_over],
        }


def _as_listed(work: Wanted | Run, listed: Listed | None) -> Wanted:
    if not isinstance(work, Run):
        return work
    if listed is None:
        raise LookupError("a choice for a program names it")
    return work.of(listed)


def _price(spending: Spending, station: TradingStation, taken: Taken) -> Price:
    """What is brought in, and what the opening locks; the seller has given its word for it."""
    terms, opening = taken.quoted.agreement.terms, taken.quoted.opening
    agreed = taken.quoted.agreed
    locked = Tokens(terms.deposit + terms.bond)

    def act(rehearsed: TradingStation) -> None:
        bring_in_tokens(rehearsed, locked)
        brought = BroughtOpening(terms, opening.valid_until, opening.signature)
        rehearsed.lane.send(rehearsed.escrow.open([brought]))

    later = (
        f"The seller's price: {describe_price(agreed.tariff, agreed.specification.meter)}.",
        f"Of {Amount(terms.deposit)} what is not used comes back, and the bond of "
        f"{Amount(terms.bond)}.",
    )
    return spending.rehearse(station, act, later)[1]


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
    if not done.out:
        raise NotComputed(
            "did not begin the work",
            who=f"seller {state.known.terms.seller}",
            had=", ".join(f"order {number}: {end}" for number, end in done.ends.items()),
            remedy="Nothing of it is paid. Ask another seller, or for another program.",
        )
    result = {"out": done.out, **({"ends": dict(done.ends)} if done.ends else {})}
    spending.invocation.show({**result, **facts, **told})
    return Exit.CHECK_FAILED if done.ends else Exit.DONE


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
