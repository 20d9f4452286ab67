"""`edgemark index offers`: what sellers offer, at which price, and what is left of it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.trading.queries.channels import find_account
from edgemark.identifiers import Moment
from edgemark.systems.trading.story.history import OFFER_STATES, History, OfferStory

MOST_OFFERS = 10_000  # in one answer
COLUMNS = ("offer", "posted", "state", "price", "free", "of", "expires_at", "seller")


@click.command("offers")
@takes_settings
@click.option("--seller", metavar="ACCOUNT", help="Whose; its beginning is enough.")
@click.option("--state", type=click.Choice(OFFER_STATES))
@click.option(
    "--limit",
    type=WholeRange(1, MOST_OFFERS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
@sync_option
def offers(
    invocation: Invocation, seller: str | None, state: str | None, limit: int, is_synced: bool
) -> None:
    """List offers, the newest first.

    What suits a demand, and is still listed at the newest block, the contract says.
    """
    indexed = IndexedChain.connect(invocation)
    with indexed.reading(is_synced) as store:
        history = History(store, indexed.deployment)
        found = history.list_offers(seller=find_account(seller, store), state=state)
        rows = [_row_of(story) for story in islice(found, limit)]
    if invocation.as_json:
        invocation.show({"offers": rows})
        return
    click.echo(in_columns(rows, COLUMNS))


def _row_of(story: OfferStory) -> dict[str, Any]:
    offer, said = story.offer, story.offer.draft
    return {
        "offer": offer.id.hex(),
        "posted": Moment(story.posted_at),
        "state": story.state,
        "seller": offer.seller,
        "category": said.category.hex(),
        "template": said.template.hex(),
        "specification": vars(said.specification),
        "price": Amount(said.price),
        "free": offer.free,
        "of": said.capacity,
        "deposit": Amount(story.deposit),
        "expires_at": Moment(said.expires_at),
        "qualifications": [
            {"issuer": each.issuer, "credential_hash": each.credential_hash.hex()}
            for each in said.qualifications
        ],
    }
