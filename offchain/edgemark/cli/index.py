"""`edgemark index`: what happened on the chain, kept beside it to be asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import click
from rich.progress import Progress
from rich.table import Table

from edgemark.cli.terminal.completion import complete_job
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_settings
from edgemark.deployment.deployment import Deployment
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Timestamp, parse_address, parse_job_id
from edgemark.indexer.figures import IndexFigures
from edgemark.indexer.keeping import EventIndex, Standing, stand
from edgemark.indexer.store import IndexStore, index_path, remove_index
from edgemark.ledger.evm.faults import IndexBusy, IndexDamaged, IndexMissing, IndexOfAnother
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.logs import get_logger
from edgemark.metrics.page import PageServer
from edgemark.receipt import format_tokens
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.story.history import History, PartyBook
from edgemark.systems.outsourcing.story.reading import Lookout
from edgemark.systems.outsourcing.story.story import STATES, JobStory
from edgemark.systems.outsourcing.story.telling import WHY, list_deeds, tell

MOST_JOBS = 10_000  # in one answer

sync_option = click.option(
    "--sync/--no-sync",
    "is_synced",
    default=True,
    show_default=True,
    help="Bring the index up to date first.",
)


@dataclass(frozen=True)
class IndexedChain:
    """A chain, its deployment, and where its index is; no key is needed for any of them."""

    lookout: Lookout
    invocation: Invocation

    @classmethod
    def connect(cls, invocation: Invocation) -> IndexedChain:
        """Find chain and contracts as the settings say."""
        return cls(Lookout.open(invocation.settings()), invocation)

    @property
    def chain(self) -> EvmChain:
        """Where."""
        return self.lookout.chain

    @property
    def deployment(self) -> Deployment:
        """Whose events."""
        return self.lookout.deployment

    def store_to_write(self) -> IndexStore:
        """The index file, for the one process that fills it."""
        path = index_path(self.invocation.settings().home, self.deployment)
        return IndexStore.open_to_write(path, self.deployment)

    def store_to_read(self) -> IndexStore:
        """The index file, for any process."""
        path = index_path(self.invocation.settings().home, self.deployment)
        return IndexStore.open_to_read(path, self.deployment)

    def sync(self, *, is_new: bool = False) -> Standing:
        """Bring the index up to date, with a sign of life at a terminal."""
        with self.store_to_write() as store, self._progress() as report:
            index = EventIndex(self.chain, self.deployment, store)
            return index.rebuild(report) if is_new else index.sync(report)

    @contextmanager
    def history(self, is_synced: bool) -> Iterator[History]:
        """One state of the index; synced first unless somebody else is at it."""
        if is_synced:
            try:
                self.sync()
            except IndexBusy as busy:
                get_logger("index").debug("another process fills it", error=busy)
        with self.store_to_read() as store, store.transaction(to_write=False):
            yield History(store, self.deployment)

    @contextmanager
    def _progress(self) -> Iterator[Callable[[int, int], None]]:
        first = self.deployment.block
        with Progress(transient=True, disable=self.invocation.as_json) as shown:
            task = shown.add_task("blocks", total=None)
            yield lambda at, head: shown.update(task, completed=at - first, total=head - first)


@click.group()
def index() -> None:
    """The events of this chain's contracts, kept in a file and asked in many ways."""


@index.command("sync")
@takes_settings
@click.option("--follow", is_flag=True, help="Go on until interrupted, one log line a change.")
def sync(invocation: Invocation, follow: bool) -> None:
    """Bring the index up to the head of the chain."""
    indexed = IndexedChain.connect(invocation)
    if follow:
        _follow(indexed, invocation.settings().poll_s)
    invocation.show(_standing(indexed.sync()))


@index.command("rebuild")
@takes_settings
def rebuild(invocation: Invocation) -> None:
    """Make the index anew from the chain; until it is there, the old one answers."""
    indexed = IndexedChain.connect(invocation)
    try:
        standing = indexed.sync(is_new=True)
    except (IndexDamaged, IndexOfAnother):
        remove_index(index_path(invocation.settings().home, indexed.deployment))
        standing = indexed.sync()
    invocation.show(_standing(standing))


@index.command("status")
@takes_settings
@click.option("--check", is_flag=True, help="Read the whole file and look for damage.")
def status(invocation: Invocation, check: bool) -> int:
    """Print how far the index is behind the chain, and whether the file is sound."""
    indexed = IndexedChain.connect(invocation)
    try:
        store = indexed.store_to_read()
    except IndexMissing as missing:
        invocation.show({"index": "none", "remedy": missing.remedy})
        return Exit.DONE
    with store:
        facts = _standing(stand(indexed.chain, store, indexed.deployment.block))
        facts |= {"events": store.count(), "file": str(store.path)}
        damage = store.check() if check else []
    if check:
        facts["damage"] = damage or "none"
    invocation.show(facts)
    return Exit.UNRECOVERABLE if damage else Exit.DONE


@index.command("jobs")
@takes_settings
@click.option("--payer", help="Account that posted them.")
@click.option("--node", help="Account of a node that is named in them.")
@click.option("--phase", type=click.Choice(STATES))
@click.option("--limit", type=click.IntRange(1, MOST_JOBS), default=50, show_default=True)
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
    payer_account = None if payer is None else parse_address(payer, who="--payer")
    node_account = None if node is None else parse_address(node, who="--node")
    with IndexedChain.connect(invocation).history(is_synced) as history:
        found = history.list_jobs(payer=payer_account, node=node_account, state=phase)
        stories = list(islice(found, limit))
    if invocation.as_json:
        invocation.show({"jobs": [_summary(story) for story in stories]})
        return
    table = Table("job", "posted", "phase", "payer", "nodes", "paid", "convicted", "open")
    for story in stories:
        facts = _summary(story)
        facts["job"] = f"{facts['job'][:16]}…"
        table.add_row(*(str(facts[str(column.header)]) for column in table.columns))
    invocation.console.print(table)


@index.command("job")
@takes_settings
@click.argument("job", shell_complete=complete_job)
@sync_option
def job(invocation: Invocation, job: str, is_synced: bool) -> None:
    """Print what became of one job, in the words of `outsourcing explain`, and event by event.

    Who sent a transaction and which judges signed, no event says: `explain` asks the chain.
    """
    wanted = parse_job_id(job)
    with IndexedChain.connect(invocation).history(is_synced) as history:
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
    facts["terms"] = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in dataclasses.asdict(story.terms).items()
    }
    facts["events"] = [_event(dated.event, dated.at) for dated in events]
    invocation.show(facts, None if invocation.as_json else _job_text(story, facts["events"]))


@index.command("party")
@takes_settings
@click.argument("account")
@sync_option
def party(invocation: Invocation, account: str, is_synced: bool) -> None:
    """Print what an account did, earned and lost."""
    who = parse_address(account, who="account")
    with IndexedChain.connect(invocation).history(is_synced) as history:
        book = history.read_party(who)
    invocation.show(_book(book))


def _follow(indexed: IndexedChain, poll_s: float) -> None:
    """Sync for ever; a chain that does not answer is waited for."""
    log = get_logger("index")
    known: Standing | None = None
    port = indexed.invocation.settings().metrics_port
    figures = IndexFigures()
    with ExitStack() as stack:
        if port:
            stack.enter_context(PageServer({"/metrics": figures.page}, port))
        store = stack.enter_context(indexed.store_to_write())
        follower = EventIndex(indexed.chain, indexed.deployment, store)
        while True:
            try:
                standing = follower.sync()
            except LedgerUnavailable as error:
                log.warning("chain does not answer", error=error)
                figures.note_silence()
            else:
                if standing != known:
                    log.info("in step", **_standing(standing))
                known = standing
                figures.note(standing, store.count())
            time.sleep(poll_s)


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "indexed": standing.indexed,
        "head": standing.head,
        "final": standing.final,
        "lag_blocks": standing.lag_blocks,
        "lag_seconds": standing.lag_s,
        "rolled_back_events": standing.rolled_back,
    }


def _summary(story: JobStory) -> dict[str, Any]:
    phases = [place.phase for place in story.indices]
    return {
        "job": story.job.hex(),
        "posted": show_time(story.posted.time),
        "phase": story.state,
        "payer": story.payer,
        "nodes": len(phases),
        "paid": phases.count(IndexPhase.PAID),
        "convicted": phases.count(IndexPhase.CONVICTED),
        "open": sum(not phase.is_end for phase in phases),
    }


def _event(event: Any, at: Timestamp) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": show_time(at), "event": type(event).__name__}
    for part in dataclasses.fields(event):
        if part.name in ("at", "job", "terms", "nodes"):
            continue
        value = getattr(event, part.name)
        shown[part.name] = value.hex() if isinstance(value, bytes) else value
    return {**shown, "block": event.at.block_number, "tx": event.at.tx_hash.hex()}


def _job_text(story: JobStory, events: Sequence[dict[str, Any]]) -> str:
    lines = [tell(story, show_time), ""]
    hidden = ("at", "event", "block", "tx")
    for event in events:
        rest = ", ".join(f"{name} {value}" for name, value in event.items() if name not in hidden)
        lines.append(f"{event['at']}  block {event['block']:<8} {event['event']:<16} {rest}")
    return "\n".join(lines)


def _book(book: PartyBook) -> dict[str, Any]:
    amounts = ("earned", "lost", "free", "locked", "deposited", "withdrawn")
    facts: dict[str, Any] = {"account": book.tokens.account}
    facts |= {f"{name}_mtc": format_tokens(getattr(book.tokens, name)) for name in amounts}
    facts |= {"jobs_posted": book.posted, "jobs_worked": book.worked}
    facts["convicted"] = book.convicted
    return facts | {
        f"indices_{phase.name.lower()}": count for phase, count in sorted(book.indices.items())
    }
