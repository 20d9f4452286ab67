"""`edgemark trading offer post|renew|withdraw|clear`: what a seller sells, and its deposit."""

from __future__ import annotations

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import SOME_MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.spending.command import Spending, spends
from edgemark.cli.trading.market.listing import facts_of
from edgemark.cli.trading.market.wares import MOST, Ware, takes_ware
from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_TIME, Moment, Timestamp, Tokens, parse_address, parse_hash32
from edgemark.systems.trading.contract.market.records import (
    MAX_OFFER_PIECES,
    Offer,
    OfferDraft,
    Qualification,
)
from edgemark.systems.trading.identifiers import (
    OfferId,
    parse_offer_id,
)
from edgemark.systems.trading.seller.market.wares import check_offered
from edgemark.systems.trading.station.market import offering
from edgemark.systems.trading.station.market.offering import Posted
from edgemark.systems.trading.station.station import TradingStation

MOST_DAYS = 3650
days_option = click.option(
    "--days", type=WholeRange(1, MOST_DAYS), required=True, help="For how long, from now."
)


@click.command("post")
@spends()
@takes_ware(needs_template=True)
@click.option("--price", type=SOME_MTC, required=True, help="Of a unit of the category.")
@click.option(
    "--capacity", type=WholeRange(1, MOST), required=True, help="Channels served at once."
)
@days_option
@click.option(
    "--qualification",
    "named",
    metavar="AUDITOR:DIGEST",
    multiple=True,
    help="Account of an auditor, and digest of its credential; as often as there are.",
)
@click.option("--deposit", type=SOME_MTC, help="MTC to lock.  [default: what a place costs]")
def post(
    spending: Spending,
    ware: Ware,
    price: Tokens,
    capacity: int,
    days: int,
    named: tuple[str, ...],
    deposit: Tokens | None,
) -> None:
    """List an offer until it expires; its deposit stays locked as long.

    Channels are opened with it until its capacity is taken; one that ended gives its place back. A
    price that its template fixes is the only one.
    """
    qualifications = tuple(map(_read_qualification, named))
    sold = (ware.category, ware.template, ware.specification)

    def act(station: TradingStation) -> Posted:
        check_offered(station, ware.template, price)
        until = offering.expiry_of(station, days)
        said = (station.escrow.address, *sold, price, capacity, until)
        return offering.post(station, OfferDraft(*said, qualifications), deposit)

    def tell(station: TradingStation, posted: Posted) -> dict[str, object]:
        offer = station.offers.offer(posted.id)
        return {**facts_of(offer), "deposit": Amount(posted.deposit)}

    spending.carry_out(TradingStation, act, tell)


@click.command("renew")
@spends()
@click.argument("offer")
@days_option
def renew(spending: Spending, offer: str, days: int) -> None:
    """List OFFER for longer; its deposit stays locked as long."""
    wanted = parse_offer_id(offer)

    def act(station: TradingStation) -> Offer:
        return offering.renew(station, wanted, days)

    spending.carry_out(TradingStation, act, lambda _, found: facts_of(found))


@click.command("withdraw")
@spends()
@click.argument("offer")
def withdraw(spending: Spending, offer: str) -> None:
    """Take OFFER off the list; channels that it has go on.

    Its deposit stays locked until it would have expired; `clear` gives it back then.
    """
    wanted = parse_offer_id(offer)

    def tell(_: TradingStation, found: Offer) -> dict[str, object]:
        expires_at = Moment(found.draft.expires_at)
        return {"offer": found.id.hex(), "withdrawn": True, "deposit_free_after": expires_at}

    spending.carry_out(TradingStation, lambda station: offering.withdraw(station, wanted), tell)


@click.command("clear")
@spends()
@click.argument("offers", nargs=-1, required=True)
def clear(spending: Spending, offers: tuple[str, ...]) -> None:
    """Give back the deposits of OFFERS that have expired, to their sellers.

    Up to 32 at a time; anyone may do it.
    """
    wanted: list[OfferId] = list(map(parse_offer_id, offers))
    if len(wanted) > MAX_OFFER_PIECES:
        raise RefusedInput(
            "are too many", who="offers", had=len(wanted), needed=f"<= {MAX_OFFER_PIECES}"
        )

    def act(station: TradingStation) -> Timestamp:
        offering.clear(station, wanted)
        return NO_TIME

    def tell(_: TradingStation, __: Timestamp) -> dict[str, object]:
        return {"cleared": [each.hex() for each in wanted]}

    spending.carry_out(TradingStation, act, tell)


def _read_qualification(typed: str) -> Qualification:
    issuer, _, digest = typed.partition(":")
    who = "--qualification"
    return Qualification(parse_address(issuer, who=who), parse_hash32(digest, who=who))
