"""From what a user wants to the bid that a seller gets: controller, money, conditions.

Law: what the user named counts; what it did not name, its settings do, within what the seller's
     template allows.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.amounts import Amount
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.buyer.market.asking import (
    Bid,
    Conditions,
    choose_encryption,
    find_readers_of,
    fit_conditions,
    plan_money,
    read_tariff,
    read_unit,
)
from edgemark.systems.trading.buyer.market.choosing import Auditor, SellerPlace, find_controller
from edgemark.systems.trading.buyer.market.leasts import NO_LEASTS, Leasts, meet
from edgemark.systems.trading.buyer.market.programs import Listed
from edgemark.systems.trading.buyer.orders.ordering import Wanted, check_cap, price_at_most
from edgemark.systems.trading.contract.market.records import Demand, Offer
from edgemark.systems.trading.contract.terms import compute_least_bond
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.identifiers import OfferId
from edgemark.systems.trading.settings import BuyerSettings
from edgemark.systems.trading.station.contracts import TradingContracts
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.readings import Meter
from edgemark.systems.trading.templates.strategies import Tariff, describe
from edgemark.systems.trading.templates.template import Template
from edgemark.systems.trading.work.messages import COUNTED


class TooDear(RefusedInput):
    """An offer's price, its first price, or all that the work costs, is above what was named."""


class AboveDeployment(RefusedInput):
    """A deposit that no channel of this escrow may have."""


class GraceLong(RefusedInput):
    """A template fixes a grace that would have its buyer wait for very long."""


class DepositUnknown(RefusedInput):
    """What the work may cost is not known beforehand, so a deposit has to be named."""


@dataclass(frozen=True)
class Wishes:
    """What a user says of a channel; None: the settings decide, or it is computed.

    Attributes:
        offer: of the market; None: the demand chooses.
        demand: what an offer has to be, without an `offer`.
        auditor: who has to vouch for the seller.
        controller: that issues the credentials.
        deposit, bond: tokens.
        most_price: the most for `per` units, of the dearest weight; a dearer offer is not taken.
        per: of which `most_price` is; None: as many as the template has the price for.
        most_first_price: owed once, with the first units.
        seconds: of service.
        interval_s, grace_s: of the channel.
        cap, credit: of an interval.
        texts: of templates that are at hand.
        qualifications: signed credentials that are at hand, by digest.
        program: name or digest of a program that the seller has to list; empty: none.
        is_sealed: claims and what says the same are for both parties alone, also where the template
            leaves that open.
    """

    offer: OfferId | None = None
    demand: Demand | None = None
    auditor: Auditor | None = None
    controller: Address | None = None
    deposit: Tokens | None = None
    bond: Tokens | None = None
    most_price: Tokens | None = None
    per: int | None = None
    most_first_price: Tokens | None = None
    seconds: int | None = None
    interval_s: int | None = None
    grace_s: int | None = None
    cap: Tokens | None = None
    credit: Tokens | None = None
    texts: tuple[bytes, ...] = ()
    qualifications: tuple[tuple[Hash32, bytes], ...] = ()
    program: str = ""
    is_sealed: bool = False


@dataclass(frozen=True)
class Choice:
    """An offer that is taken, and what was found out about it.

    Attributes:
        leasts: that the seller begins a channel with.
        program: of the seller's list, where one was named.
    """

    offer: Offer
    place: SellerPlace
    templates: Templates
    leasts: Leasts = NO_LEASTS
    program: Listed | None = None


def draft_bid(
    station: TradingStation,
    choice: Choice,
    wishes: Wishes,
    wanted: Wanted,
    controller: Address,
) -> Bid:
    """What the seller is asked for.

    Args:
        station: of the buyer.
        choice: the offer.
        wishes: of the user.
        wanted: what is to be done first.
        controller: that issues the credentials; see `name_controller`.

    Raises:
        DepositUnknown: it has to be named.
        BelowLeast, LeastTooHigh: the seller asks for more.
        NotOffered: the templates allow no such channel.
        KeyUnusable, AgreementKeyMissing: claims are to be sealed, and a party has no key for that.
        TooDear: the price, the first price, or what is locked unasked is above the most.
        RefusedInput: the meter counts no such work, or one order costs more than an interval may.
    """
    settings, now = station.settings.of(BuyerSettings), station.head().block
    initiation, price = choice.templates.initiation, choice.offer.draft.price
    tariff = _read_tariff(choice, wishes, settings)
    _check_price(tariff, wishes)
    _check_first_price(tariff.first_price, _most_first(wishes, settings))
    units = _units_of(initiation, wanted)
    cost = price_at_most(tariff, units) if units else None
    leasts = choice.leasts
    _check_lock(wishes, cost, leasts, settings.max_deposit)
    most, limits = settings.max_least, station.deployment.group(TradingContracts).limits
    deposit = meet("deposit", wishes.deposit or None, cost or 0, leasts.deposit, most)
    of_units = min(cost or deposit, deposit) - tariff.first_price  # on which no cap is
    cap = wishes.cap or Tokens(max(of_units, 0))
    conditions = fit_conditions(initiation, _wish_conditions(wishes, settings, cap))
    check_cap(tariff, units, conditions.cap)
    _check_grace(wishes, conditions.grace_s, max(settings.grace_s, settings.max_grace_s))
    own = max(settings.min_bond, compute_least_bond(max(deposit, conditions.cap)))
    _check_bond(wishes, compute_least_bond(conditions.cap), deposit, most)
    bond = meet("bond", wishes.bond, own, leasts.bond, most)
    return Bid(
        choice.offer.id,
        choice.offer.draft.template,
        choice.offer.seller,
        controller,
        plan_money(deposit, bond, wishes.seconds or settings.service_s, settings, limits, now),
        conditions,
        price,  # of the offer, whatever more the user would pay: a seller asks for what it may
        tariff.first_price,
        _choose_way(station, choice, wishes),
        Timestamp(now + settings.quote_s),
    )


def check_allowed(deposit: Tokens | None, most: Tokens) -> None:
    """Check a deposit that was named by the escrow's limit, before any seller is looked at.

    Raises:
        AboveDeployment: the escrow takes no such channel, whoever sells.
    """
    if deposit and deposit > most:
        raise AboveDeployment(
            "is more than a channel of this deployment may have",
            who="--deposit",
            had=Amount(deposit),
            needed=f"<= {Amount(most)}",
            remedy="Name less; `edgemark trading topup` grows no deposit above it, either. Several "
            "channels (--channels) have one each.",
        )


def _check_lock(wishes: Wishes, cost: Tokens | None, leasts: Leasts, unasked: Tokens) -> None:
    """Check that it is known what to lock, and no more than that without being asked for."""
    if wishes.deposit:
        return
    if not cost:
        raise DepositUnknown(
            "is not known beforehand for this work",
            who="deposit",
            needed=f"an amount, >= {Amount(leasts.deposit)}",
            remedy="Name one: --deposit MTC. What is not used comes back.",
        )
    check_unasked(cost, unasked)


def _check_grace(wishes: Wishes, grace_s: int, most_s: int) -> None:
    """Check that no template has a buyer wait very long for a seller that fell silent."""
    if wishes.grace_s is None and grace_s > most_s:
        raise GraceLong(
            "is longer than is followed unasked",
            who="grace of the offer",
            had=f"{grace_s} s",
            needed=f"<= {most_s} s, by trading.buyer.max_grace_s",
            remedy=f"Name it, --grace {grace_s}, or choose another offer.",
        )


def _check_bond(wishes: Wishes, of_cap: int, deposit: int, most: int) -> None:
    """Check that no cap which a template fixes has a larger bond locked unasked."""
    if wishes.bond is None:
        usual, by = (
            max(compute_least_bond(deposit), most),
            "the deposit and trading.buyer.max_least",
        )
        _check_unnamed("bond for the cap of an interval of the offer", of_cap, usual, by, "--bond")


def _choose_way(station: TradingStation, choice: Choice, wishes: Wishes) -> Encryption:
    """How claims travel, where there is somebody to seal them for."""
    found = choose_encryption(choice.templates, is_sealed=wishes.is_sealed)
    if found is Encryption.JWE:
        find_readers_of(station, choice.place.did, found)
    return found


def compute_cost(station: TradingStation, choice: Choice, wishes: Wishes, wanted: Wanted) -> Tokens:
    """What this work costs by an offer at most, with the first price; of time: all the service.

    Raises:
        RefusedInput: the meter counts no such work, or it costs more than an amount can be.
    """
    settings = station.settings.of(BuyerSettings)
    units = _units_of(choice.templates.initiation, wanted)
    seconds = wishes.seconds or settings.service_s
    return price_at_most(_read_tariff(choice, wishes, settings), units or [seconds])


def describe_price(tariff: Tariff, meter: Meter) -> str:
    """What units of a seller cost, for people: its template may weigh them, and ask for more."""
    dearest = Amount(tariff.compute_dearest(tariff.per))
    return (
        f"{Amount(tariff.unit_price)} for {tariff.per} {meter.value}, {describe(tariff.strategy)}:"
        f" {dearest} at most; first price {Amount(tariff.first_price)}"
    )


def _most_first(wishes: Wishes, settings: BuyerSettings) -> Tokens:
    named = wishes.most_first_price
    return settings.most_first_price if named is None else named


def _read_tariff(choice: Choice, wishes: Wishes, settings: BuyerSettings) -> Tariff:
    template, price = choice.templates.initiation, choice.offer.draft.price
    return read_tariff(template, price, _most_first(wishes, settings))


def _check_price(tariff: Tariff, wishes: Wishes) -> None:
    per, most = wishes.per or tariff.per, wishes.most_price
    if most is None or (dearest := tariff.compute_dearest(per)) <= most:
        return
    said = f"{Amount(tariff.unit_price)} for {tariff.per}, {describe(tariff.strategy)}"
    raise TooDear(
        "is above the most",
        who="price of the offer",
        had=f"{Amount(dearest)} for {per} units at most: {said}",
        needed=f"<= {Amount(most)}",
    )


def _check_first_price(first: Tokens, most: Tokens) -> None:
    by, option = "trading.buyer.most_first_price", "--most-first-price"
    _check_unnamed("first price of the offer", first, most, by, option)


def _check_unnamed(what: str, had: int, most: int, by: str, option: str) -> None:
    """Check what an option may name against what it is at most without; raises `TooDear`."""
    if had > most:
        raise TooDear(
            "is above the most",
            who=what,
            had=Amount(had),
            needed=f"<= {Amount(most)}, by {by}",
            remedy=f"Name it, {option} MTC, or choose another offer.",
        )


def check_unasked(cost: Tokens, most: Tokens) -> None:
    """Check that no more is locked, without being named, than settings say; raises `TooDear`."""
    _check_unnamed("cost of the work", cost, most, "trading.buyer.max_deposit", "--deposit")


def _wish_conditions(wishes: Wishes, settings: BuyerSettings, cap: Tokens) -> Conditions:
    return Conditions(
        wishes.interval_s or settings.interval_s,
        settings.cycles,
        settings.grace_s if wishes.grace_s is None else wishes.grace_s,
        cap,
        cap if wishes.credit is None else wishes.credit,
    )


def name_controller(station: TradingStation, named: Address | None) -> Address:
    """Who is to issue the credentials: who is named, else one that is drawn.

    Raises:
        RefusedInput: it is not in good standing.
        NoController: there is none.
    """
    controller = named or find_controller(station)
    if not station.controllers.is_in_standing(controller):
        needed = "a controller with a bond"
        raise RefusedInput("is not in good standing", who=f"controller {controller}", needed=needed)
    return controller


def _units_of(template: Template, wanted: Wanted) -> list[int]:
    """What each order uses at most; none where time alone is paid."""
    meter, _ = read_unit(template)
    if wanted.kind not in COUNTED[meter]:
        had, needed = wanted.kind.name.lower(), f"work that is counted in {meter.value}"
        raise RefusedInput("is not counted by this offer", who="order", had=had, needed=needed)
    return [] if meter is Meter.SECONDS else wanted.count(meter)
