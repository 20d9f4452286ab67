"""DIDs of one chain, resolved from the index of its registry: one look, however long the history.

Law 1: for every version it answers what walking the events on the chain would, without asking the
       chain for any of them; only the time of a block that is named by its number is asked for.
Law 2: what the index does not hold yet is not guessed: a version above it is not found.
Law 3: what others wrote about an account, as its owner or delegate elsewhere, is not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.identity.did.events import CHANGES
from edgemark.identity.did.history import (
    AtBlock,
    AtTime,
    DatedChange,
    Latest,
    Resolution,
    View,
    build_document,
)
from edgemark.identity.did.identifier import Did, DidUrl, format_second, parse_did_url
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.faults import IndexMissing
from edgemark.ledger.evm.reading.blocks import Block
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.resolver.results import DidNotFound, HistoryTooLong, as_failure, as_result

MAX_CHANGES = 4096  # of one identity: a change a day for eleven years


class DidResolver:
    """Answers what identities of one chain say of themselves.

    Args:
        chain: of the registry; asked for the times of blocks.
        deployment: has the DidRegistry.
        store: the index of the deployment, open to read.
        clock: Unix seconds, now. A key is out when its time is over by this or by the chain.
    """

    def __init__(
        self,
        chain: EvmChain,
        deployment: Deployment,
        store: IndexStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._chain = chain
        self._chain_id = deployment.chain_id
        self._store = store
        self._clock = clock

    def answer(self, text: str) -> dict[str, Any]:
        """The resolution result of a DID, or why there is none: as the Universal Resolver has it.

        Args:
            text: a DID, with `?versionId=` or `?versionTime=` where an older version is wanted.

        Raises:
            LedgerUnavailable: the chain does not answer.
            IndexBusy, IndexDamaged: the index cannot be read.
        """
        try:
            return as_result(self.resolve(parse_did_url(text)))
        except RefusedInput as error:
            return as_failure(error)

    def resolve(self, url: DidUrl) -> Resolution:
        """The document of an identity, and of which version it is.

        Raises:
            DidNotFound: it is on another chain, or has no such version yet.
            HistoryTooLong: of `MAX_CHANGES` and more.
            IndexMissing: nothing was read of the chain yet.
            LedgerUnavailable, IndexBusy, IndexDamaged: as `answer`.
        """
        did = url.did
        self._check_here(did)
        with self._store.transaction(to_write=False):
            newest = self._newest()
            return build_document(did, self._changes(did), self._view(url, newest))

    def history(self, did: Did) -> tuple[list[DatedChange], Timestamp]:
        """All that happened to an identity, in the order of the chain, and now: Unix seconds.

        Raises:
            DidNotFound, HistoryTooLong, IndexMissing: as `resolve`.
            IndexBusy, IndexDamaged: as `answer`.
        """
        self._check_here(did)
        with self._store.transaction(to_write=False):
            return self._changes(did), self._now(self._newest())

    def _check_here(self, did: Did) -> None:
        if did.chain_id != self._chain_id:
            raise DidNotFound(
                "is on another chain",
                who=did,
                had=f"chain id {did.chain_id}",
                needed=f"chain id {self._chain_id}",
                remedy="Ask a resolver of that chain.",
            )

    def _newest(self) -> Block:
        newest = self._store.highest()
        if newest is None:
            raise IndexMissing(
                "holds no block yet",
                who=self._store.path,
                remedy="Fill it: `edgemark index sync --identities`.",
            )
        return newest

    def _now(self, newest: Block) -> Timestamp:
        return Timestamp(max(newest.timestamp, int(self._clock())))

    def _view(self, url: DidUrl, newest: Block) -> View:
        number, known_until = newest.number, newest.timestamp
        if url.version_id is not None:
            if url.version_id > number:
                raise _not_yet(url.did, f"block {url.version_id}", f"block {number} or before")
            at = self._chain.block(url.version_id).timestamp
            return AtBlock(url.version_id, Timestamp(at))
        if url.version_time is not None:
            if url.version_time > known_until:
                asked, known = format_second(url.version_time), format_second(known_until)
                raise _not_yet(url.did, asked, f"{known} or before")
            return AtTime(url.version_time)
        return Latest(self._now(newest))

    def _changes(self, did: Did) -> list[DatedChange]:
        key = bytes.fromhex(did.identity[2:])
        found = self._store.about(key, CHANGES, field="identity", most=MAX_CHANGES)
        if len(found) >= MAX_CHANGES:
            raise HistoryTooLong(
                "has changed more often than is read",
                who=did,
                had=f"{MAX_CHANGES} changes or more",
                needed=f"fewer than {MAX_CHANGES}",
                remedy="Use another identity; this one can still be read on the chain.",
            )
        return [
            DatedChange(dated.event, dated.at)
            for dated in found
            if isinstance(dated.event, CHANGES)
        ]


def _not_yet(did: Did, had: str, needed: str) -> DidNotFound:
    return DidNotFound(
        "has no such version in the index",
        who=did,
        had=had,
        needed=needed,
        remedy="Bring the index up to date, or ask for an older version.",
    )
