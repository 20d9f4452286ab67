"""Keeps an index of all events of a deployment in step with the chain.

Law 1: after `sync` the index holds what one built from nothing would hold, whatever was taken back
in between; a chain that is only shorter than the index may grow back and changes nothing.
Law 2: final blocks are read in ranges, later ones one by one by their hash; every header must
follow on the one before, and every log stand in the block whose header the node gives. What does
not agree is read again and then refused; it never enters the index.
Law 3: one process writes; whenever it dies, the next goes on from the last range.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgemark.deployment.deployment import Deployment
from edgemark.files import FileInUse, hold_lock
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.faults import (
    ChainMoved,
    IndexBusy,
    LogsContradicted,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
)
from edgemark.ledger.evm.reading.blocks import Block, RawLog
from edgemark.ledger.evm.reading.chain import LOG_CHUNK_BLOCKS, EvmChain
from edgemark.logs import get_logger

READINGS = 4  # attempts while the chain changes under the reader, or the node contradicts itself
TAIL_BLOCKS = 256  # blocks below the final one whose hashes are all kept, to find a fork's root by


@dataclass(frozen=True)
class Standing:
    """How far an index is.

    Attributes:
        indexed: last block in the index; one less than the first block when it is empty.
        head: last block of the chain.
        final: last block of the chain that counts as final.
        lag_s: seconds of chain time between the two.
        rolled_back: events that the last `sync` took out again.
    """

    indexed: int
    head: int
    final: int
    lag_s: int
    rolled_back: int = 0

    @property
    def lag_blocks(self) -> int:
        """Blocks of the chain that are not in the index."""
        return max(0, self.head - self.indexed)


class EventIndex:
    """Fills an index file from a chain; one thread at a time.

    Args:
        chain: where; its `confirmations` say what is final.
        deployment: whose events, from which block on.
        store: open to write.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment, store: IndexStore) -> None:
        self._chain = chain
        self._first = deployment.block
        self._addresses = list(deployment.contracts.values())
        self._store = store
        self._log = get_logger("index")

    def sync(self, on_progress: Callable[[int, int], None] | None = None) -> Standing:
        """Bring the index up to the head of the chain.

        Args:
            on_progress: told (blocks in the index, blocks there are) after every step.

        Raises:
            ChainMoved: the chain changed at every attempt; what was reached stays.
            LogsContradicted, NodeAnswerMalformed: the node gave logs that cannot be.
            LedgerUnavailable: the chain does not answer; what was reached stays.
        """
        rolled_back = 0
        for attempt in range(1, READINGS + 1):
            try:
                rolled_back += self._leave_forks()
                for reached, head in self._advance():
                    if on_progress is not None:
                        on_progress(reached - self._first + 1, head - self._first + 1)
                break
            except (ChainMoved, LogsContradicted) as moved:
                if attempt == READINGS:
                    raise
                self._log.debug("reading again", error=moved)
        standing = stand(self._chain, self._store, self._first)
        self._store.thin_out(standing.final - TAIL_BLOCKS)
        return Standing(
            standing.indexed, standing.head, standing.final, standing.lag_s, rolled_back
        )

    def rebuild(self, on_progress: Callable[[int, int], None] | None = None) -> Standing:
        """Fill the index anew, in one transaction: readers see the old one until it is done.

        Raises:
            LedgerUnavailable: see `sync`; the old content stays.
        """
        with self._store.transaction():
            self._store.roll_back(-1)
            return self.sync(on_progress)

    def _leave_forks(self) -> int:
        """Take out what the chain took back; answers how many events that were."""
        cursor = self._store.highest()
        if cursor is None:
            return 0
        head = self._chain.head()
        known = self._store.highest(head)
        if known is None or self._is_on_chain(known.number):
            return 0
        numbers = self._store.numbers(head)
        # Blocks up to the fork are on the chain, those above it are not: halving finds it.
        common = bisect_left(numbers, True, key=lambda number: not self._is_on_chain(number))
        to_number = numbers[common - 1] if common else self._first - 1
        events = self._store.roll_back(to_number)
        self._log.info("rolled back", to_block=to_number, from_block=cursor.number, events=events)
        return events

    def _is_on_chain(self, number: int) -> bool:
        known = self._store.highest(number)
        return known is not None and self._chain.block(number).hash == known.hash

    def _advance(self) -> Iterator[tuple[int, int]]:
        """Go up to the head that is there now, one transaction a step."""
        head = self._chain.head()
        final = min(head, self._chain.confirmed())
        cursor = self._store.highest()
        start = self._first if cursor is None else cursor.number + 1
        while start <= head:
            if start <= final:
                end = min(final, start + LOG_CHUNK_BLOCKS - 1)
                blocks, logs = self._read_range(start, end)
            else:
                end = start
                blocks, logs = self._read_one(start)
            self._check_follows(cursor, blocks)
            self._store.append(blocks, logs)
            cursor, start = blocks[-1], end + 1
            yield end, head

    def _read_range(self, first: int, last: int) -> tuple[list[Block], list[RawLog]]:
        """Headers (of the first and the last block and all with events, ascending) and logs."""
        end = self._chain.block(last)
        try:
            logs = self._chain.logs(self._addresses, first, last, last=end.hash)
        except NodeBehind as error:
            raise ChainMoved("block is gone", who=self._chain.place, had=str(error)) from error
        numbers = sorted({first, *(log.block_number for log in logs)} - {last})
        blocks = [*self._chain.headers(numbers), end]
        if [block.number for block in blocks] != [*numbers, last]:
            raise NodeAnswerMalformed("sent other blocks", who=self._chain.place, needed=numbers)
        if self._chain.block(last).hash != end.hash:
            raise ChainMoved("the chain changed while it was read", who=self._chain.place)
        self._check_stand(blocks, logs)
        return blocks, logs

    def _read_one(self, number: int) -> tuple[list[Block], list[RawLog]]:
        block = self._chain.block(number)
        try:
            logs = self._chain.logs_of_block(self._addresses, block)
        except (NodeRefused, NodeBehind) as error:
            raise ChainMoved("block is gone", who=self._chain.place, had=str(error)) from error
        if self._chain.block(number) != block:  # then a node may answer with nothing
            raise ChainMoved("block is gone", who=self._chain.place, had=block.hash.hex())
        self._check_stand([block], logs)
        return [block], logs

    def _check_stand(self, blocks: Sequence[Block], logs: Sequence[RawLog]) -> None:
        hashes = {block.number: block.hash for block in blocks}
        for log in logs:
            if hashes[log.block_number] != log.block_hash:
                raise LogsContradicted(
                    "sent a log of another block than stands at its height",
                    who=self._chain.place,
                    had=f"block {log.block_number} as {log.block_hash.hex()}",
                    needed=hashes[log.block_number].hex(),
                    remedy="Use another node.",
                )

    def _check_follows(self, cursor: Block | None, blocks: Sequence[Block]) -> None:
        below = cursor
        for block in blocks:
            is_next = below is not None and block.number == below.number + 1
            if below is not None and is_next and block.parent_hash != below.hash:
                raise ChainMoved(
                    "the chain changed while it was read",
                    who=self._chain.place,
                    had=f"block {block.number} on another block than {below.number}",
                )
            below = block


def keep_in_step(
    chain: EvmChain,
    deployment: Deployment,
    path: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Bring the index of a file up to the head of the chain, unless another process is at it.

    Args:
        chain: where.
        deployment: whose events.
        path: of the file, which is made where it is missing.
        on_progress: as `EventIndex.sync` has it.

    Raises:
        IndexDamaged, IndexOfAnother: as `IndexStore.open_to_write`; and what `sync` raises.
    """
    try:
        with IndexStore.open_to_write(path, deployment) as store:
            EventIndex(chain, deployment, store).sync(on_progress)
    except IndexBusy as busy:
        get_logger("index").debug("another process fills it", error=busy)


def stand(chain: EvmChain, store: IndexStore, first: int) -> Standing:
    """How far an index is behind its chain.

    Args:
        chain: where.
        store: open.
        first: first block of the deployment.

    Raises:
        LedgerUnavailable: the chain does not answer.
    """
    cursor = store.highest()
    head = chain.block()
    since = (
        cursor.timestamp if cursor is not None else chain.block(min(first, head.number)).timestamp
    )
    return Standing(
        indexed=first - 1 if cursor is None else cursor.number,
        head=head.number,
        final=max(0, head.number - chain.confirmations),
        lag_s=max(0, head.timestamp - since),
    )


def remove_index(path: Path) -> None:
    """Remove an index file that cannot be opened.

    Raises:
        IndexBusy: another process writes into it.
    """
    try:
        lock = hold_lock(path)
    except FileInUse as held:
        raise IndexBusy(held.what, who=path, had=held.had, remedy="Wait until it ends.") from held
    try:
        for name in (path.name + "-wal", path.name + "-shm", path.name):
            path.with_name(name).unlink(missing_ok=True)
    finally:
        os.close(lock)
