"""From envelopes to blocks: a queue, cut by count and time; and whoever waits for what comes out.

One task commits, one block at a time, in a thread. An envelope that was taken stays taken, whoever
stops waiting for it. While a commit fails (the disk refuses, or whatever else), it is tried again;
who waits and who comes meanwhile is told that the ledger is not available, nothing more is taken,
and nothing that was taken is lost while the process lives. `Orderer.trouble` says why.
Where the file is damaged no more is tried, and all who wait and ask are told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from edgemark.errors import EdgemarkError, LedgerUnavailable, Overloaded, Unrecoverable
from edgemark.ledger.embedded.channel.channel import Channel, Committed, Status
from edgemark.ledger.embedded.channel.reverting import RevertUnfinished
from edgemark.ledger.embedded.channel.room import Recent, Room, size_of
from edgemark.ledger.embedded.channel.trouble import Trouble
from edgemark.ledger.embedded.channel.waits import Expected, Waits, wait_at_most
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.wire.blocks import Block, parse_block
from edgemark.ledger.fabric.wire.limits import (
    MAX_ENVELOPE_BYTES,
    MAX_FOLLOWED_BYTES,
    MAX_QUEUED,
    MAX_QUEUED_BYTES,
    MAX_WAITING,
)

SHORT_S = 0.01  # a time as short as this is for those who come together
GATHER_S = 0.05  # that these wait for others who are being endorsed: a block costs as much as five
PAUSE_S = 10.0  # that a snapshot, a revert or a new configuration waits for commits
AGAIN_S = 0.5  # until a commit that failed is tried again


class Orderer:
    """Orders the envelopes of one channel; `async with` runs it."""

    def __init__(
        self, channel: Channel, *, count: int, timeout_s: float, room: Room | None = None
    ) -> None:
        """An orderer.

        Args:
            channel: that it makes blocks for.
            count: transactions of a block at most, >= 1.
            timeout_s: how long a first transaction waits for others, seconds >= 0. One of at most
                SHORT_S only gathers what comes at the same time: while transactions come one by
                one, none waits; while they come together, up to GATHER_S for those `expected`.
            room: for blocks that are followed, shared with other channels; None for its own.
        """
        self.channel = channel
        self._who = f"channel {channel.name}"
        self._count = count
        self._timeout_s = timeout_s
        self._is_crowded = False  # whether the last block held several
        self._queued: deque[bytes] = deque()
        self._queued_bytes = 0
        self._cut_count = 0  # envelopes of the block that is being made
        self._arrived, self._enough, self._grown = (asyncio.Event() for _ in range(3))
        self._waits, self._followers = Waits(), 0
        self.expected = Expected(self._hurry)
        self._committing = asyncio.Lock()
        self._reverted_to: list[int] = []  # heights, one for each time that blocks were taken back
        self._recent, self._room = Recent(), room or Room(MAX_FOLLOWED_BYTES)
        self._failure: EdgemarkError | None = None
        self.trouble = Trouble(channel.name)
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"orderer of {self._who}")
        self._task.add_done_callback(self._stop)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Commit what was taken, and end; who still waits is told that it will not come."""
        self._is_closing = True
        self._arrived.set()
        self._enough.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def fault(self) -> str | None:
        """What keeps it from making blocks, in one line; None while it makes them."""
        if self._failure is not None:
            return f"makes no more blocks: {self._failure}"
        return self.trouble.told

    @property
    def _may_commit(self) -> bool:
        return self._failure is None and self.trouble.unfinished is None

    @property
    def _uncommitted(self) -> int:
        return len(self._queued) + self._cut_count

    async def submit(self, envelope: bytes) -> None:
        """Take an envelope; it will be in a block while the process lives.

        Raises:
            Overloaded: too many wait already; this one was not taken.
            LedgerUnavailable: blocks cannot be made for the moment; it was not taken, either.
            Unrecoverable: the channel's file is damaged.
        """
        self._check_makes_blocks()
        is_full = (
            len(self._queued) >= MAX_QUEUED
            or self._queued_bytes + len(envelope) > MAX_QUEUED_BYTES
            or self._is_closing
        )
        if is_full:
            raise Overloaded(
                "orders as much as it can",
                who=self._who,
                had=f"{len(self._queued)} envelopes, {self._queued_bytes} bytes",
                needed=f"<= {MAX_QUEUED}, {MAX_QUEUED_BYTES} bytes",
            )
        self._queued.append(envelope)
        self._queued_bytes += len(envelope)
        self._arrived.set()
        if len(self._queued) >= self._count or self._queued_bytes >= MAX_ENVELOPE_BYTES:
            self._enough.set()

    async def wait_for(self, transaction_id: str) -> Status:
        """What became of a transaction, as soon as a block holds it.

        Raises:
            Overloaded: too many wait already, or the orderer is closing.
            LedgerUnavailable: blocks cannot be made for the moment; ask again.
            Unrecoverable: the channel's file is damaged.
        """
        # No other task runs between this look and the wait. A commit in its thread may end within,
        # but who waits is told of it by this loop, and so later.
        if (known := self.channel.status(transaction_id)) is not None:
            return known
        self._check_makes_blocks()
        self._check_may_wait(self._waits.count)
        return await self._waits.wait(transaction_id)

    async def blocks_from(self, number: int) -> AsyncIterator[Block]:
        """All blocks from a number on, those to come as they are committed.

        Args:
            number: of the first, >= 0; may be one to come.

        Raises:
            Overloaded: too many wait already, or the orderer is closing.
            LedgerUnavailable: blocks below it were taken back meanwhile.
            Unrecoverable: the channel's file is damaged.
        """
        self._check_may_wait(self._followers)
        self._followers += 1
        began = len(self._reverted_to)
        try:
            while True:
                grown = self._grown
                self._check_not_reverted(began, number)
                while (size := self._size(number)) is not None:
                    taken = await self._room.take(size)
                    try:
                        self._check_not_reverted(began, number)
                        if (block := self._block(number)) is None:
                            break
                        yield block
                        del block  # it is not held while there is no room for it
                    finally:
                        self._room.give_back(taken)
                    number += 1
                    self._check_not_reverted(began, number)
                if self._failure is not None:
                    raise self._failure
                if self._is_closing:
                    raise Overloaded("is closing", who=self._who)
                if grown is self._grown:
                    await grown.wait()
        finally:
            self._followers -= 1

    def _check_not_reverted(self, began: int, number: int) -> None:
        lowest = min(self._reverted_to[began:], default=number)
        if lowest < number:
            remedy = "Begin anew, from a block that is there."
            raise LedgerUnavailable(
                "took blocks back", who=self._who, had=number, needed=f"<= {lowest}", remedy=remedy
            )

    def _check_makes_blocks(self) -> None:
        if self._failure is not None:
            raise self._failure
        self.trouble.check_is_over()

    def _check_may_wait(self, others: int) -> None:
        if self._failure is not None:
            raise self._failure
        if others >= MAX_WAITING or self._is_closing:
            raise Overloaded(
                "has too many that wait, or is closing",
                who=self._who,
                had=others,
                needed=f"< {MAX_WAITING}",
            )

    def _block(self, number: int) -> Block | None:
        if (recent := self._recent.find(number)) is not None:
            return recent
        raw = self.channel.block(number)
        return None if raw is None else parse_block(raw)

    def _size(self, number: int) -> int | None:
        recent = self._recent.find(number)
        return self.channel.block_size(number) if recent is None else size_of(recent)

    async def reconfigure(self, configuration: Configuration) -> Block:
        """Commit a new configuration, in a block of its own.

        Raises:
            RefusedInput, IdentityRefused: it is none, or not the next.
            Unrecoverable: no more blocks are made, for the file is damaged or a revert unfinished.
        """
        return await asyncio.shield(self._reconfigure(configuration))

    async def _reconfigure(self, configuration: Configuration) -> Block:
        async with self._in_time():
            await self._committing.acquire()
        try:
            self._check_makes_blocks()  # an unfinished revert would take it back
            made = await asyncio.to_thread(self.channel.reconfigure, configuration)
            self._tell(made)
        finally:
            self._committing.release()
        return made.block

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """What waits for others' commits, while the disk may refuse them."""
        try:
            async with asyncio.timeout(PAUSE_S):
                yield
        except TimeoutError as error:
            raise LedgerUnavailable(
                "cannot commit what was taken before",
                who=self._who,
                had=self.trouble.told or f"{self._uncommitted} envelopes that wait",
                needed=f"a commit within {PAUSE_S:g} s",
                remedy="See that its disk has room, then ask again.",
            ) from error

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is committed within: what was taken before is, first. For taking blocks back.

        Raises:
            LedgerUnavailable: what was taken before cannot be committed in time.
        """
        async with self._in_time():
            while self._queued and self._may_commit:
                await asyncio.sleep(0)
                # Who stops waiting does not end a commit: others wait for what it tells.
                await asyncio.shield(self._commit_next())
            await self._committing.acquire()
        height = self.channel.height
        try:
            yield
            self.trouble.unfinished = None
        except RevertUnfinished as error:
            self.trouble.unfinished = error
            self._waits.end(self.trouble.explain())
            raise
        finally:
            self._recent.blocks.clear()
            if self.channel.height < height:
                self._reverted_to.append(self.channel.height)
            self._wake_followers()
            self._committing.release()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if self._is_closing and not (self._queued and self._may_commit):
                return
            if self.trouble.unfinished is not None:
                await asyncio.sleep(AGAIN_S)
                continue
            if not self._enough.is_set() and not self._is_closing and self._waits_for_others:
                await wait_at_most(self._enough, self._patience_s)
            self._is_crowded = await self._commit_next() > 1
            if self._failure is not None:
                return

    async def _commit_next(self) -> int:
        """Make a block of what waits; of how many."""
        async with self._committing:
            batch = self._cut() if self._may_commit else []
            self._cut_count = len(batch)
            try:
                await self._commit(batch)
            finally:
                self._cut_count = 0
            return len(batch)

    @property
    def _waits_for_others(self) -> bool:
        if self._timeout_s > SHORT_S:
            return True
        # What comes while a block is written gathers by itself.
        return self._timeout_s > 0 and (self._is_crowded or len(self._queued) > 1)

    @property
    def _patience_s(self) -> float:
        gathers = self.expected.count and self._timeout_s <= SHORT_S
        return GATHER_S if gathers else self._timeout_s

    def _hurry(self) -> None:
        """Nobody is on the way any more: who is here need not wait."""
        if self._queued and self._timeout_s <= SHORT_S:
            self._enough.set()

    def _stop(self, task: asyncio.Task[None]) -> None:
        """Let nobody wait for a task that has ended."""
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)
        self._end(self._failure or Overloaded("is closing", who=self._who))

    def _fail(self, error: BaseException) -> None:
        """Make no more blocks, and tell who waits."""
        stopped = Unrecoverable("makes no more blocks", who=self._who, had=error)
        self._failure = error if isinstance(error, EdgemarkError) else stopped
        self._end(self._failure)

    def _cut(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._queued and len(batch) < self._count:
            size += len(self._queued[0])
            if batch and size > MAX_ENVELOPE_BYTES:
                break
            batch.append(self._queued.popleft())
            self._queued_bytes -= len(batch[-1])
        if not self._queued and not self._is_closing:
            self._arrived.clear()
        if len(self._queued) < self._count and self._queued_bytes < MAX_ENVELOPE_BYTES:
            self._enough.clear()
        return batch

    async def _commit(self, batch: Sequence[bytes]) -> None:
        while batch:
            try:
                self._tell(await asyncio.to_thread(self.channel.commit_all, batch))
            except Unrecoverable as error:
                self._fail(error)  # whoever commits: the batch is lost
                raise
            except Exception as error:
                if self._is_closing:
                    raise
                self._waits.end(self.trouble.note(error))
                await asyncio.sleep(AGAIN_S)
            else:
                self.trouble.end()
                return

    def _tell(self, made: Committed) -> None:
        self._recent.keep(made.block)
        self._waits.tell(made)
        self._wake_followers()

    def _wake_followers(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _end(self, error: Exception) -> None:
        self._waits.end(error)
        self._wake_followers()
