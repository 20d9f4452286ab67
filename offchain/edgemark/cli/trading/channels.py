"""`edgemark trading channels`: what stands on chain of an account's channels, or of all."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.chronicle.telling import facts_of_step
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import NOTHING, in_columns
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.identifiers import Address, Moment, Timestamp, parse_address
from edgemark.identity.keys import ACCOUNT_FILE, KeyStore
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.story.listing import Standing, list_standings
from edgemark.systems.trading.story.reading import Lookout
from edgemark.systems.trading.story.telling import find_ways
from edgemark.words import in_words

MOST_CHANNELS = 10_000  # in one answer
COLUMNS = ("channel", "phase", "you", "deposit", "paid", "counts", "held", "next_end", "may_now")


@click.command("channels")
@takes_settings
@click.option("--account", metavar="ACCOUNT", help="Whose; else this home's, if it has one.")
@click.option("--all", "is_all", is_flag=True, help="Everybody's.")
@click.option("--open", "is_open", is_flag=True, help="Only those that have not ended.")
@click.option(
    "--limit",
    type=WholeRange(1, MOST_CHANNELS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
def channels(
    invocation: Invocation, account: str | None, is_all: bool, is_open: bool, limit: int
) -> None:
    """List channels with their money, their deadlines, and what you may do now, the newest first.

    All of it is read from the chain alone: an empty home is enough, also after the loss of a disk.
    """
    settings = invocation.settings()
    party = None if is_all else _find_party(settings, account)
    found = (
        each
        for each in list_standings(Lookout.open(settings), party)
        if not is_open or each.view.phase is not ChannelPhase.ENDED
    )
    shown = list(islice(found, limit))
    if invocation.as_json:
        invocation.show({"account": party, "channels": [_facts_of(each) for each in shown]})
        return
    click.echo(in_columns([_row_of(each, party) for each in shown], COLUMNS))


def _find_party(settings: Settings, account: str | None) -> Address | None:
    """The account that was named; else this home's, where it has a key; else none: everybody's."""
    if account is not None:
        return parse_address(account, who="--account")
    if not (settings.home / "keys" / ACCOUNT_FILE).exists():
        return None
    return KeyStore.of(settings, may_make=False).account.address


def _facts_of(standing: Standing) -> dict[str, Any]:
    terms, view = standing.terms, standing.view
    ended = view.ending is not None
    signers = view.signers or terms.signers
    return {
        "channel": standing.channel.hex(),
        "phase": in_words(view.phase),
        "payer": terms.payer,
        "seller": terms.seller,
        "payer_key": signers.payer_key,
        "seller_key": signers.seller_key,
        "controller": signers.controller,
        "epoch": signers.epoch,
        "offer": None if not any(terms.offer) else terms.offer.hex(),
        "bond": Amount(terms.bond),
        "deposit": None if ended else Amount(view.deposit),
        "paid": Amount(view.amount if ended else view.paid),
        "counts": Amount(view.counted if ended or view.phase.is_closing else view.paid),
        "held": Amount(standing.held),
        "opened": Moment(view.opened_at),
        "expires_at": Moment(terms.expires_at),
        "close_by": Moment(terms.close_by),
        "window_until": Moment(view.deadline),
        "lock_expires_at": Moment(standing.lock_expiry),
        "ending": None if view.ending is None else in_words(view.ending),
        "steps": [facts_of_step(step, view.now) for step in standing.steps],
    }


def _row_of(standing: Standing, party: Address | None) -> dict[str, object]:
    facts, terms = _facts_of(standing), standing.terms
    parts = {terms.payer: "payer", terms.seller: "seller"}
    you = None if party is None else parts.get(party)
    return {
        **facts,
        "you": you or NOTHING,
        "deposit": facts["deposit"] or NOTHING,
        "phase": facts["ending"] or facts["phase"],
        "next_end": Moment(_find_next_end(standing)),
        "may_now": _tell_ways(standing, you),
    }


def _find_next_end(standing: Standing) -> Timestamp:
    """The first second still to come that changes who may do what; 0: there is none."""
    now = standing.view.now
    marks = [mark for step in standing.steps for mark in (step.opens, step.closes or 0)]
    return Timestamp(min((mark for mark in marks if mark > now), default=0))


def _tell_ways(standing: Standing, you: str | None) -> str:
    """The commands by which this party does what may be done now; of a stranger's both parties'."""
    steps = standing.steps_now
    if you is not None:
        return ", ".join(find_ways(steps, you)) or NOTHING
    told = {part: ", ".join(find_ways(steps, part)) for part in ("payer", "seller")}
    return "; ".join(f"{part}: {ways}" for part, ways in told.items() if ways) or NOTHING
