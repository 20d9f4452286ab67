"""Keeps the index of one chain of identities in step while a resolver answers from it.

Law: a chain that does not answer, or an index that another process fills, ends nothing here; it is
     told by what `faults` says, and looked at again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from edgemark.closing import Closing
from edgemark.deployment.deployment import Deployment
from edgemark.errors import EdgemarkError, Overloaded
from edgemark.indexer.keeping import Standing, keep_in_step, stand
from edgemark.indexer.store import IndexStore
from edgemark.indexer.subject import index_path
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.logs import get_logger
from edgemark.metrics.health import STILL_S, Beat, find_faults
from edgemark.resolver.resolver import DidResolver

MOST_BEHIND = 64  # blocks; a resolver further behind tells what is no longer so
END_S = 10.0  # for a look that is under way when it is to end


class FollowedChain(Closing):
    """One chain, whose index a thread of its own keeps in step.

    Args:
        chain: of the registry.
        deployment: has the DidRegistry.
        home: folder with the index.
        poll_s: seconds between two looks.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment, home: Path, poll_s: float) -> None:
        self._chain = chain
        self._deployment = deployment
        self._path = index_path(home, deployment)
        self._poll_s = poll_s
        self._seen: tuple[Standing, float] | None = None
        self._fault = ""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)
        self._log = get_logger("resolver")

    @property
    def chain_id(self) -> int:
        """EIP-155 id."""
        return self._deployment.chain_id

    @property
    def standing(self) -> Standing | None:
        """How far the index was when it was looked at last; None before the first time."""
        return None if self._seen is None else self._seen[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return super().__enter__()

    def close(self) -> None:
        """Look no more."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def look(self) -> None:
        """Bring the index up to the head of the chain, and note how far it is."""
        try:
            keep_in_step(self._chain, self._deployment, self._path)
            with IndexStore.open_to_read(self._path, self._deployment) as store:
                standing = stand(self._chain, store, self._deployment.block)
        except EdgemarkError as error:
            if self._fault != error.what:
                self._log.warning("index is not kept in step", chain=self.chain_id, error=error)
            self._fault = error.what
            return
        if self._fault or self._seen is None:
            self._log.info("index is in step", chain=self.chain_id, indexed=standing.indexed)
        self._seen, self._fault = (standing, time.monotonic()), ""

    def faults(self, now: float) -> list[str]:
        """What keeps this chain's identities from being resolved as they are.

        Args:
            now: monotonic seconds.
        """
        name = f"index of chain {self.chain_id:#x}"
        found = self._find_late(name, now)
        if self._fault:  # its address may carry a key: not told
            found.append(f"{name}: {self._fault}")
        return found

    def check_current(self) -> None:
        """Check that what the index says is what the chain said a moment ago.

        Raises:
            Overloaded: it is not, and a key that was taken away might still be told.
        """
        late = self._find_late(f"index of chain {self.chain_id:#x}", time.monotonic())
        if late:
            raise Overloaded(late[0], who="resolver", remedy="Try again later.")

    def _find_late(self, name: str, now: float) -> list[str]:
        """Faults of how old the last look is, and how far it came; one look that failed is none."""
        beat = Beat(None if self._seen is None else self._seen[1], max(STILL_S, 3 * self._poll_s))
        found = find_faults({name: beat}, (), now)
        standing = self.standing
        if standing is not None and standing.lag_blocks > MOST_BEHIND:
            found.append(f"{name} is {standing.lag_blocks} blocks behind")
        return found

    @contextmanager
    def resolving(self) -> Iterator[DidResolver]:
        """A resolver that reads the index as it is now.

        Raises:
            IndexMissing, IndexBusy, IndexDamaged, IndexOfAnother: it cannot be read.
        """
        with IndexStore.open_to_read(self._path, self._deployment) as store:
            yield DidResolver(self._chain, self._deployment, store)

    def _follow(self) -> None:
        while not self._ends.is_set():
            self.look()
            self._ends.wait(self._poll_s)
