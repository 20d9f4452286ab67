"""`edgemark index sync|rebuild|status`: what happened on the chain, kept beside it to be asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import click

from edgemark.cli.catalogue import GROUPS
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.cli.terminal.progress import Report, telling_progress
from edgemark.deployment.deployment import Deployment, open_deployment
from edgemark.errors import LedgerUnavailable
from edgemark.indexer.figures import IndexFigures
from edgemark.indexer.inspecting import put_away_unusable
from edgemark.indexer.keeping import EventIndex, Standing, keep_in_step, remove_index, stand
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.ledger.evm.faults import IndexDamaged, IndexMissing, IndexOfAnother
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.logs import get_logger
from edgemark.metrics.page import PageServer
from edgemark.party.evm.contracts import DidContracts
from edgemark.party.settings import MetricsSettings, PartySettings
from edgemark.resolver.opening import open_identities

sync_option = click.option(
    "--sync/--no-sync",
    "is_synced",
    default=True,
    show_default=True,
    help="Bring the index up to date first.",
)

identities_option = click.option(
    "--identities",
    "is_of_identities",
    is_flag=True,
    help="That of the registry of identities alone, on the chain of [identity].",
)


@dataclass(frozen=True)
class IndexedChain:
    """A chain, its deployment, and where its index is; no key is needed for any of them."""

    chain: EvmChain
    deployment: Deployment
    invocation: Invocation

    @classmethod
    def connect(cls, invocation: Invocation, *, is_of_identities: bool = False) -> IndexedChain:
        """Find chain and contracts as the settings say; of identities, their registry alone."""
        if is_of_identities:
            return cls(*open_identities(invocation.settings(), (DidContracts,)), invocation)
        return cls(*open_deployment(invocation.settings(), GROUPS), invocation)

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
    def reading(self, is_synced: bool) -> Iterator[IndexStore]:
        """One state of the index; synced first unless somebody else is at it."""
        if is_synced:
            path = index_path(self.invocation.settings().home, self.deployment)
            with self._progress() as report:
                keep_in_step(self.chain, self.deployment, path, report)
        with self.store_to_read() as store, store.transaction(to_write=False):
            yield store

    def _progress(self) -> AbstractContextManager[Report]:
        return telling_progress("index", is_quiet=self.invocation.as_json)


@click.command("sync")
@takes_settings
@click.option("--follow", is_flag=True, help="Go on until interrupted, one log line a change.")
@identities_option
def sync(invocation: Invocation, follow: bool, *, is_of_identities: bool) -> None:
    """Bring the index up to the head of the chain."""
    indexed = IndexedChain.connect(invocation, is_of_identities=is_of_identities)
    if follow:
        _follow(indexed, invocation.settings().of(PartySettings).poll_s)
    invocation.show(_standing(indexed.sync()))


@click.command("rebuild")
@takes_settings
@identities_option
def rebuild(invocation: Invocation, *, is_of_identities: bool) -> None:
    """Make the index anew from the chain; until it is there, the old one answers.

    Files of this home's index folder that cannot be used are removed, those of other contracts
    among them: whoever needs one makes it anew.
    """
    indexed = IndexedChain.connect(invocation, is_of_identities=is_of_identities)
    removed = [path.name for path in put_away_unusable(invocation.settings().home)]
    try:
        standing = indexed.sync(is_new=True)
    except (IndexDamaged, IndexOfAnother):
        remove_index(index_path(invocation.settings().home, indexed.deployment))
        standing = indexed.sync()
    facts = _standing(standing)
    if removed:
        facts["removed"] = ", ".join(removed)
    invocation.show(facts)


@click.command("status")
@takes_settings
@click.option("--check", is_flag=True, help="Read the whole file and look for damage.")
@identities_option
def status(invocation: Invocation, check: bool, *, is_of_identities: bool) -> int:
    """Print how far the index is behind the chain, and whether the file is sound."""
    indexed = IndexedChain.connect(invocation, is_of_identities=is_of_identities)
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


def _follow(indexed: IndexedChain, poll_s: float) -> None:
    """Sync for ever; a chain that does not answer is waited for."""
    log = get_logger("index")
    known: Standing | None = None
    port = indexed.invocation.settings().of(MetricsSettings).port
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
