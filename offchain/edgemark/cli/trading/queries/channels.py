"""`edgemark index channels`: channels of a payer or seller, at a controller, in a phase."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.begun_ids import ACCOUNT, Known, find_id
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.identifiers import Address, Moment, parse_address
from edgemark.indexer.store import IndexStore
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.story.history import History
from edgemark.systems.trading.story.story import ChannelStory
from edgemark.words import in_words

MOST_CHANNELS = 10_000  # in one answer
PHASES = {in_words(each).replace(" ", "-"): each for each in ChannelPhase if each}
COLUMNS = ("channel", "opened", "phase", "deposit", "paid", "evidence", "payer", "seller")


@click.command("channels")
@takes_settings
@click.option("--party", metavar="ACCOUNT", help="Payer or seller; its beginning is enough.")
@click.option("--controller", metavar="ACCOUNT", help="Who issues for them now.")
@click.option("--phase", type=click.Choice(list(PHASES)))
@click.option(
    "--limit",
    type=WholeRange(1, MOST_CHANNELS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
@sync_option
def channels(
    invocation: Invocation,
    party: str | None,
    controller: str | None,
    phase: str | None,
    limit: int,
    is_synced: bool,
) -> None:
    """List channels, the newest first; `edgemark trading explain` tells the life of one."""
    indexed = IndexedChain.connect(invocation)
    with indexed.reading(is_synced) as store:
        found = History(store, indexed.deployment).list_channels(
            party=find_account(party, store),
            controller=None if controller is None else parse_address(controller, who="controller"),
            phase=None if phase is None else PHASES[phase],
        )
        rows = [_row_of(story) for story in islice(found, limit)]
    if invocation.as_json:
        invocation.show({"channels": rows})
        return
    click.echo(in_columns(rows, COLUMNS))


def find_account(typed: str | None, store: IndexStore) -> Address | None:
    """The account that somebody typed, or the beginning of one that an event mentions."""
    if typed is None:
        return None
    known = Known("the index", lambda: [parse_address(each) for each in store.accounts()])
    return find_id(ACCOUNT, typed, known)


def _row_of(story: ChannelStory) -> dict[str, Any]:
    ended = story.ended
    return {
        "channel": story.channel.hex(),
        "opened": Moment(story.opened.time),
        "phase": in_words(story.phase),
        "ending": None if ended is None else in_words(ended.end.ending),
        "payer": story.terms.payer,
        "seller": story.terms.seller,
        "controller": story.signers.controller,
        "offer": story.terms.offer.hex() if any(story.terms.offer) else None,
        "deposit": Amount(story.deposit),
        "bond": Amount(story.terms.bond),
        "paid": Amount(story.received),
        "penalty": Amount(0 if ended is None else ended.end.division.penalty),
        "evidence": len(story.evidence),
        "evidence_by_strangers": len(story.strangers) + story.untold,
        "expires_at": Moment(story.terms.expires_at),
        "close_by": Moment(story.terms.close_by),
    }
