"""`edgemark trading offer list|show`: what is on the market, on chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.trading.market.begun import find_offer
from edgemark.cli.trading.market.wares import category_option, read_category
from edgemark.identifiers import Moment, parse_address
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.market.offers import OfferContract
from edgemark.systems.trading.contract.market.records import Offer
from edgemark.systems.trading.story.reading import Lookout
from edgemark.words import count

MOST_OFFERS = 256  # a category has no more
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
    book, _ = open_book(Lookout.open(invocation.settings()))
    found = [book.offer(each) for each in book.listed(read_category(category))]
    kept = [each for each in found if wanted in (None, each.seller)]
    kept.sort(key=lambda offer: (offer.draft.price, offer.place))
    show_offers(invocation, kept[:limit], len(kept), none=tell_none(len(found)))


@click.command("show")
@takes_settings
@click.argument("offer")
def show_offer(invocation: Invocation, offer: str) -> None:
    """Print OFFER as the chain has it, and since when its qualifications are recorded."""
    settings = invocation.settings()
    book, evidence = open_book(Lookout.open(settings))
    invocation.show(facts_of(book.offer(find_offer(settings, offer)), evidence))


def open_book(lookout: Lookout) -> tuple[OfferContract, EvidenceContract]:
    """The contracts to read from."""
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
    return (
        "No offer in this category: it is the exact text that its sellers name, or its hash. "
        "`edgemark index offers` lists those of all categories."
    )


def show_offers(
    invocation: Invocation,
    offers: list[Offer],
    many: int,
    *,
    none: str,
    evidence: EvidenceContract | None = None,
    more: Mapping[str, object] | None = None,
) -> None:
    """Print offers.

    Args:
        invocation: of the command.
        offers: those that are printed.
        many: that there are in all.
        none: said instead of an empty list.
        evidence: as of `facts_of`.
        more: told beside them in JSON.
    """
    if invocation.as_json:
        rows = [facts_of(each, evidence) for each in offers]
        invocation.show({"offers": rows, "in_all": many, **(more or {})})
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
