"""What sellers are asked for, and their words, checked: of one channel, or of several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import click

from edgemark.amounts import Amount
from edgemark.cli.spending.command import Spending
from edgemark.cli.spending.price import Price
from edgemark.cli.trading.buying.reading import Whom
from edgemark.identifiers import Moment, Timestamp, Tokens
from edgemark.systems.trading.buyer.market.asking import Bid, Taken, ask_quote, draft_request
from edgemark.systems.trading.buyer.market.bidding import (
    Choice,
    Wishes,
    check_allowed,
    check_unasked,
    compute_cost,
    describe_price,
    draft_bid,
    name_controller,
)
from edgemark.systems.trading.buyer.market.picking.passing import PassedOver
from edgemark.systems.trading.buyer.market.picking.picking import Picking
from edgemark.systems.trading.buyer.market.programs import Listed, Run
from edgemark.systems.trading.buyer.money.means import bring_in_tokens, check_means
from edgemark.systems.trading.buyer.orders.ordering import Wanted
from edgemark.systems.trading.contract.escrow import BroughtOpening
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.contracts import TradingContracts
from edgemark.systems.trading.station.station import TradingStation
from edgemark.transport.faults import PeerUnreachable

QUOTE_ATTEMPTS = 3  # each for `request_timeout_s`


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


@dataclass
class Quoting:
    """The words of sellers for channels that one command wants.

    What all of them lock is bounded together, as if it were one.

    Args:
        spending: of the command.
        station: of the buyer.
        ends_at: monotonic seconds, from which on nobody is asked again.
    """

    spending: Spending
    station: TradingStation
    ends_at: float | None
    _given: tuple[Quotation, ...] = ()

    def ask(self, whom: Whom, wishes: Wishes, works: Sequence[Wanted | Run]) -> Sequence[Quotation]:
        """The words of the first seller that gives them, for a channel for each of these works.

        Raises:
            AboveDeployment, NoOffer, DepositUnknown, TooFewTokens, TooDear, RefusedInput: nothing
                was begun.
            PeerFault, LedgerUnavailable: of the seller that was named, or nobody knows.
        """
        station, settings = self.station, self.station.settings.of(BuyerSettings)
        if wishes.deposit:
            limits = station.deployment.group(TradingContracts).limits
            check_allowed(wishes.deposit, limits.max_deposit)
        until = Timestamp(station.head().block + settings.quote_s)
        controller = name_controller(station, wishes.controller)
        program = next((work.program for work in works if isinstance(work, Run)), "")
        wished = replace(wishes, demand=whom.read_demand(station, until), program=program)

        def cost(choice: Choice) -> int:
            listed = [_as_listed(work, choice.program) for work in works]
            return sum(compute_cost(station, choice, wished, each) for each in listed)

        def take(choice: Choice) -> Sequence[Quotation]:
            listed = [_as_listed(work, choice.program) for work in works]
            bids = [draft_bid(station, choice, wished, each, controller) for each in listed]
            self._check_sum(bids, wished, settings.max_deposit)
            return [
                Quotation(choice, bid, each, self._ask(choice, bid))
                for bid, each in zip(bids, listed, strict=True)
            ]

        picking = Picking(station, wished, self._tell)
        found = picking.pick(take, cost, len(works))
        passed = tuple(picking.passed_over)
        told = [replace(each, passed_over=passed) for each in found]
        self._given = (*self._given, *told)
        return told

    def _ask(self, choice: Choice, bid: Bid) -> Taken:
        request = draft_request(self.station, bid)
        asked = (self.station, choice.place, request, choice.templates)
        return ask_again(partial(ask_quote, *asked), self.ends_at)

    def _check_sum(self, bids: Sequence[Bid], wishes: Wishes, unasked: Tokens) -> None:
        """Check what all channels lock together, before a seller is asked for any of them."""
        moneys = [each.money for each in (*(given.bid for given in self._given), *bids)]
        deposit = Tokens(sum(each.deposit for each in moneys))
        check_means(self.station, deposit, Tokens(sum(each.bond for each in moneys)))
        if not wishes.deposit and len(moneys) > 1:
            check_unasked(deposit, unasked)

    def _tell(self, passed: PassedOver) -> None:
        if not self.spending.invocation.as_json:
            offer = passed.offer.hex()[:16]
            click.echo(f"offer {offer} is passed over: {passed.why}", err=True)


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


def _as_listed(work: Wanted | Run, listed: Listed | None) -> Wanted:
    if not isinstance(work, Run):
        return work
    if listed is None:
        raise LookupError("a choice for a program names it")
    return work.of(listed)


def price_of(spending: Spending, station: TradingStation, quotations: Sequence[Quotation]) -> Price:
    """What is brought in, and what one opening of all locks; the sellers gave their words for it.

    Raises:
        RefusedInput: it would not go.
    """
    quoted = [each.taken.quoted for each in quotations]
    terms = [each.agreement.terms for each in quoted]
    deposit = Tokens(sum(each.deposit for each in terms))
    bond = Tokens(sum(each.bond for each in terms))

    def act(rehearsed: TradingStation) -> None:
        bring_in_tokens(rehearsed, Tokens(deposit + bond))
        words = [each.opening for each in quoted]
        brought = [
            BroughtOpening(each, word.valid_until, word.signature)
            for each, word in zip(terms, words, strict=True)
        ]
        rehearsed.lane.send(rehearsed.escrow.open(brought))

    agreed = [each.agreed for each in quoted]
    prices = [describe_price(each.tariff, each.specification.meter) for each in agreed]
    later = (
        *(f"The seller's price: {each}." for each in dict.fromkeys(prices)),
        f"Of {Amount(deposit)} what is not used comes back, and the bond of {Amount(bond)}.",
    )
    return spending.rehearse(station, act, later)[1]
