"""`edgemark index jobs|job|party`: what became of jobs, and who won and lost by them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import click

from edgemark.amounts import Amount
from edgemark.cli.index import IndexedChain, sync_option
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.outsourcing.job_ids import JOB, complete_job
from edgemark.cli.terminal.begun_ids import ACCOUNT, Known, find_id
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_settings
from edgemark.identifiers import Address, Moment, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.history import History, PartyBook
from edgemark.systems.outsourcing.story.story import STATES, JobStory
from edgemark.systems.outsourcing.story.telling import WHY, list_deeds, tell
from edgemark.words import in_words

MOST_JOBS = 10_000  # in one answer
COLUMNS = ("job", "posted", "phase", "nodes", "paid", "convicted", "open", "payer")
# By what a field is declared to be, or called where the contract has a number for a word.
UNITS: dict[Any, Callable[[Any], Any]] = {
    "Tokens": Amount,
    "Timestamp": Moment,
    "kind": lambda number: in_words(ChargeKind(number)),
    "finding": lambda number: in_words(Finding(number)),
}
TOLD_ELSEWHERE = ("at", "job", "terms", "nodes")  # of an event


@click.command("jobs")
@takes_settings
@click.option("--payer", help="Account that posted them.")
@click.option("--node", help="Account of a node that is named in them.")
@click.option("--phase", type=click.Choice(STATES))
@click.option(
    "--limit",
    type=WholeRange(1, MOST_JOBS),
    default=50,
    show_default=True,
    help="Print no more than so many.",
)
@sync_option
def jobs(
    invocation: Invocation,
    payer: str | None,
    node: str | None,
    phase: str | None,
    limit: int,
    is_synced: bool,
) -> None:
    """List jobs, the newest first."""
    with _history(invocation, is_synced) as history:
        payer_account = None if payer is None else _account(payer, history)
        node_account = None if node is None else _account(node, history)
        found = history.list_jobs(payer=payer_account, node=node_account, state=phase)
        stories = list(islice(found, limit))
    if invocation.as_json:
        invocation.show({"jobs": [_summary(story) for story in stories]})
        return
    click.echo(in_columns([_summary(story) for story in stories], COLUMNS))


@click.command("job")
@takes_settings
@click.argument("job", shell_complete=complete_job)
@sync_option
def job(invocation: Invocation, job: str, is_synced: bool) -> None:
    """Print what became of one job, in the words of `outsourcing explain`, and event by event.

    Who sent a transaction and which judges signed, no event says: `explain` asks the chain.
    """
    with _history(invocation, is_synced) as history:
        wanted = _job(job, history)
        story, events = history.read(wanted), history.list_events(wanted)
    facts = _summary(story)
    facts["indices"] = [
        {
            "index": int(place.index),
            "node": place.node,
            "phase": place.phase.name.lower(),
            "why": WHY[place.phase],
            "deeds": list_deeds(story, place, show_time),
        }
        for place in story.indices
    ]
    facts["terms"] = _parts(story.terms)
    facts["events"] = [_event(dated.event, dated.at) for dated in events]
    invocation.show(facts, None if invocation.as_json else _job_text(story, facts["events"]))


@click.command("party")
@takes_settings
@click.argument("account")
@sync_option
def party(invocation: Invocation, account: str, is_synced: bool) -> None:
    """Print what an account did, earned and lost."""
    with _history(invocation, is_synced) as history:
        book = history.read_party(_account(account, history))
    invocation.show(_book(book))


@contextmanager
def _history(invocation: Invocation, is_synced: bool) -> Iterator[History]:
    """All jobs of one state of the index."""
    indexed = IndexedChain.connect(invocation)
    with indexed.reading(is_synced) as store:
        yield History(store, indexed.deployment)


def _job(typed: str, history: History) -> JobId:
    return find_id(
        JOB, typed, Known("the index", lambda: (job.hex() for job in history.list_ids()))
    )


def _account(typed: str, history: History) -> Address:
    return find_id(ACCOUNT, typed, Known("the index", history.list_accounts))


def _summary(story: JobStory) -> dict[str, Any]:
    phases = [place.phase for place in story.indices]
    return {
        "job": story.job.hex(),
        "posted": Moment(story.posted.time),
        "phase": story.state,
        "payer": story.payer,
        "nodes": len(phases),
        "paid": phases.count(IndexPhase.PAID),
        "convicted": phases.count(IndexPhase.CONVICTED),
        "open": sum(not phase.is_end for phase in phases),
    }


def _event(event: Any, at: Timestamp) -> dict[str, Any]:
    shown = {"at": Moment(at), "event": type(event).__name__, **_parts(event, TOLD_ELSEWHERE)}
    return {**shown, "block": event.at.block_number, "tx": event.at.tx_hash.hex()}


def _parts(record: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a record of the contracts, each as what it is declared to be."""
    found: dict[str, Any] = {}
    for part in dataclasses.fields(record):
        if part.name not in without:
            value = getattr(record, part.name)
            told = value.hex() if isinstance(value, bytes) else value
            unit = UNITS.get(part.type) or UNITS.get(part.name)
            found[part.name] = unit(told) if unit else told
    return found


def _job_text(story: JobStory, events: Sequence[dict[str, Any]]) -> str:
    lines = [tell(story, show_time), ""]
    hidden = ("at", "event", "block", "tx")
    for event in events:
        told = {name: in_words(value) for name, value in event.items() if name not in hidden}
        rest = ", ".join(f"{name} {value}" for name, value in told.items())
        lines.append(f"{event['at']}  block {event['block']:<8} {event['event']:<16} {rest}")
    return "\n".join(lines)


def _book(book: PartyBook) -> dict[str, Any]:
    amounts = ("earned", "lost", "free", "locked", "deposited", "withdrawn")
    facts: dict[str, Any] = {"account": book.tokens.account}
    facts |= {name: Amount(getattr(book.tokens, name)) for name in amounts}
    facts |= {"jobs_posted": book.posted, "jobs_worked": book.worked}
    facts["convicted"] = book.convicted
    return facts | {
        f"indices_{phase.name.lower()}": count for phase, count in sorted(book.indices.items())
    }
