"""`edgemark trading offer list|show` and `trading recommend`: what is on the market, on chain."""

from __future__ import annotations

from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.options.amounts import SOME_MTC
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.trading.market.begun import find_offer
from edgemark.cli.trading.market.wares import (
    MOST,
    Ware,
    category_option,
    read_category,
    takes_ware,
)
from edgemark.identifiers import NOBODY, Moment, Timestamp, Tokens, parse_address
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.market.offers import OfferContract
from edgemark.systems.trading.contract.market.records import (
    MAX_ISSUERS,
    MAX_PRICE,
    Demand,
    Offer,
)
from edgemark.systems.trading.story.reading import Lookout
from edgemark.words import count

MOST_OFFERS = 256  # a category has no more
NOT_ASKED = (
    "These name what the auditor recorded. Whether its credentials still stand was not asked: "
    "`edgemark trading buy --auditor DID` asks, and passes over an offer whose does not."
)
COLUMNS = ("offer", "price", "free", "of", "cores", "ram_mib", "expires_at", "seller")

limit_option = click.option(
    "--limit",
    type=WholeRange(1, MOST_OFFERS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)


@click.command("list")
@takes_settings
@category_option
@click.option("--seller", metavar="ACCOUNT", help="Whose.")
@limit_option
def list_offers(invocation: Invocation, category: str, seller: str | None, limit: int) -> None:
    """List the offers of a category that the chain has now, the lowest price first.

    Those that have expired and were not cleared are among them. `edgemark index offers` has those
    that are gone as well, of all categories.
    """
    wanted = None if seller is None else parse_address(seller, who="--seller")
    book, _ = open_book(invocation.settings())
    found = [book.offer(each) for each in book.listed(read_category(category))]
    kept = [each for each in found if wanted in (None, each.seller)]
    kept.sort(key=lambda offer: (offer.draft.price, offer.place))
    _show(invocation, kept[:limit], len(kept), none=tell_none(len(found)))


@click.command("show")
@takes_settings
@click.argument("offer")
def show_offer(invocation: Invocation, offer: str) -> None:
    """Print OFFER as the chain has it, and since when its qualifications are recorded."""
    settings = invocation.settings()
    book, evidence = open_book(settings)
    invocation.show(facts_of(book.offer(find_offer(settings, offer)), evidence))


@click.command("recommend")
@takes_settings
@takes_ware(needs_template=False)
@click.option("--most-price", type=SOME_MTC, help="The most that a unit may cost.")
@click.option(
    "--channels",
    type=WholeRange(1, MOST),
    default=1,
    show_default=True,
    help="How many are to be opened.",
)
@click.option("--until", type=WholeRange(1, 2**40 - 1), help="Unix second until which it stands.")
@click.option(
    "--auditor",
    "auditors",
    metavar="ACCOUNT",
    multiple=True,
    help=f"Of each, a recorded qualification; at most {MAX_ISSUERS}.",
)
@limit_option
def recommend(
    invocation: Invocation,
    ware: Ware,
    most_price: Tokens | None,
    channels: int,
    until: int | None,
    auditors: tuple[str, ...],
    limit: int,
) -> None:
    """List the offers that suit a demand, best first, as the contract chooses them.

    By price, then by place. Evidence of what an auditor signed is compared by the chain; it knows
    nothing of a credential that was revoked or has expired since, and the answer says so. `edgemark
    trading buy --auditor DID` asks that, by DID and status list, and passes such offers over.
    """
    book, evidence = open_book(invocation.settings())
    demand = Demand(
        escrow=book.escrow,
        category=ware.category,
        template=ware.template,
        least=ware.specification,
        most_price=MAX_PRICE if most_price is None else most_price,
        channels=channels,
        until=Timestamp(until or 0),
        evidence=evidence.address if auditors else NOBODY,
        issuers=tuple(parse_address(each, who="--auditor") for each in auditors),
    )
    found, many = book.recommend_all(demand, limit)
    none = "" if found else tell_none(len(book.listed(ware.category)))
    _show(invocation, found, many, evidence, is_audited=bool(auditors), none=none)


def open_book(settings: Settings) -> tuple[OfferContract, EvidenceContract]:
    """The contracts to read from; makes no key and no folder."""
    lookout = Lookout.open(settings)
    chain, deployment = lookout.chain, lookout.deployment
    escrow = deployment.contract("ChannelEscrow").address
    book = OfferContract(chain, deployment.contract("OfferBook"), escrow)
    return book, EvidenceContract(chain, deployment.contract("EvidenceRegistry"))


def facts_of(offer: Offer, evidence: EvidenceContract | None = None) -> dict[str, Any]:
    """An offer in a few lines.

    Args:
        offer: as it is listed.
        evidence: to say since when its qualifications are recorded; None: that is not said.
    """
    said = offer.draft
    return {
        "offer": offer.id.hex(),
        "seller": offer.seller,
        "category": said.category.hex(),
        "template": said.template.hex(),
        "specification": vars(said.specification),
        "price": Amount(said.price),
        "free": offer.free,
        "of": said.capacity,
        "expires_at": Moment(said.expires_at),
        "qualifications": _tell_qualifications(offer, evidence),
    }


def _tell_qualifications(offer: Offer, evidence: EvidenceContract | None) -> list[dict[str, Any]]:
    told = [
        {"issuer": each.issuer, "credential": each.credential_hash.hex()}
        for each in offer.draft.qualifications
    ]
    if evidence is None or not told:
        return told
    domain, seller = evidence.domain, offer.seller
    ids = [
        compute_evidence_id(domain.qualification(seller, each.credential_hash), [each.issuer])
        for each in offer.draft.qualifications
    ]
    recorded = evidence.recorded(ids, block="latest")
    return [
        {**each, "recorded_at": Moment(kept.recorded_at)}
        for each, kept in zip(told, recorded, strict=True)
    ]


def tell_none(listed: int) -> str:
    """What is said instead of an empty list, of a category that lists so many offers."""
    if listed:
        offers = count(listed, "offer")
        return f"None that suits of {offers}; `edgemark trading offer list` shows what there is."
    return "No offer in this category: it is the exact text that its sellers name, or its hash."


def _show(
    invocation: Invocation,
    offers: list[Offer],
    many: int,
    evidence: EvidenceContract | None = None,
    *,
    is_audited: bool = False,
    none: str,
) -> None:
    if is_audited:
        click.echo(NOT_ASKED, err=True)
    if invocation.as_json:
        rows = [facts_of(each, evidence) for each in offers]
        more = {"credentials_checked": False} if is_audited else {}
        invocation.show({"offers": rows, "in_all": many, **more})
        return
    if not offers:
        click.echo(none)
        return
    shown = [{**facts_of(each), **vars(each.draft.specification)} for each in offers]
    for row, offer in zip(shown, offers, strict=True):
        row["cores"] = offer.draft.specification.cpu_cores
    click.echo(in_columns(shown, COLUMNS))
    if many > len(offers):
        click.echo(f"{many - len(offers)} more suit; --limit shows them.", err=True)
