"""Bodies of requests: how fast they come, where they wait, how many are in memory at a time.

A short body stays in memory. A longer one, which only known parties may send, goes to an unnamed
file as it comes, so that nothing of it is left whatever happens, and is loaded when a thread takes
it on, within one budget for all. A longer answer waits on the disk for its reader.
`return_freed_memory` makes what was freed the system's again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from edgemark.closing import Closing
from edgemark.errors import Overloaded
from edgemark.transport.limits import MAPPED_BYTES, ServerLimits

_M_MMAP_THRESHOLD = -3  # malloc.h


def return_freed_memory() -> None:
    """Let large blocks be mapped one by one, so that they are the system's again once freed.

    Left alone, glibc learns from the first large body to keep such blocks, for each thread apart:
    eight threads with 4 MiB each kept 36 MiB. Where the C library has no such switch, nothing
    changes.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)


class Stream(Protocol):
    """Where a body comes from."""

    async def readany(self) -> bytes:
        """What is there, as soon as something is; nothing at the end."""


class Spool:
    """Longer bodies on disk; for one thread.

    Args:
        folder: where the disk is; None takes the system's place for such files.
        limits: bytes of all and of one party.
    """

    def __init__(self, folder: Path | None, limits: ServerLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._held: Counter[str] = Counter()

    @property
    def held_bytes(self) -> int:
        """On disk; what was only announced takes nothing."""
        return self._held.total()

    def open(self, account: str, length: int) -> Body:
        """A body, for which there is room now.

        Raises:
            Overloaded: there is none.
        """
        self._check_room(account, length)
        try:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the body closes it
        except OSError as error:
            raise Overloaded("no disk for a body", had=error.strerror) from error
        return Body(length, file, self, account)

    def take(self, account: str, count: int) -> None:
        """So many bytes of a body came.

        Raises:
            Overloaded: there is no room for them.
        """
        self._check_room(account, count)
        self._held[account] += count

    def give_back(self, account: str, count: int) -> None:
        """The body is gone."""
        self._held[account] -= count
        self._held += Counter()

    def _check_room(self, account: str, count: int) -> None:
        """One half is for the first bytes of each party, so that it takes many to fill it."""
        limits, half = self._limits, self._limits.spool_bytes // 2
        held = {**self._held, account: self._held[account] + count}
        first = sum(min(had, limits.spool_bytes_kept) for had in held.values())
        more = sum(held.values()) - first
        # Whoever stays within its first bytes is not refused for what others hold beyond theirs.
        is_more = held[account] > limits.spool_bytes_kept
        if held[account] > limits.spool_bytes_of_known or first > half or (is_more and more > half):
            raise Overloaded(
                "no room for another body",
                who=account,
                had=count,
                needed=f"{limits.spool_bytes} bytes in all",
            )


class Body(Closing):
    """One body, as much of it as came.

    Args:
        length: as announced.
        file: where it goes; None keeps it in memory.
        spool, account: where `file` is from, and for whom.
    """

    def __init__(
        self,
        length: int,
        file: IO[bytes] | None = None,
        spool: Spool | None = None,
        account: str = "",
    ) -> None:
        self.length = length
        self._file = file
        self._spool = spool
        self._account = account
        self._parts: list[bytes] = []
        self._taken = 0  # of the spool

    @property
    def is_spooled(self) -> bool:
        """Whether it takes memory only when it is loaded."""
        return self._file is not None

    async def fill(self, stream: Stream, limits: ServerLimits) -> None:
        """Read all of it.

        Raises:
            TimeoutError: it comes too slowly.
            EOFError: the connection ended before.
            Overloaded: the disk is full.
        """
        clock = asyncio.get_running_loop()
        began, had = clock.time(), 0
        while had < self.length:
            until = began + limits.body_s + had / limits.least_bytes_per_s
            async with asyncio.timeout_at(until):
                part = await stream.readany()
            if not part:
                raise EOFError
            had += len(part)
            self._keep(part)

    def load(self) -> bytes:
        """All of it, in memory."""
        if self._file is None:
            return b"".join(self._parts)
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Give memory and disk back."""
        self._parts.clear()
        if self._file is not None:
            self._file.close()
            if self._spool is not None:
                self._spool.give_back(self._account, self._taken)
                self._spool = None

    def _keep(self, part: bytes) -> None:
        if self._file is None:
            self._parts.append(part)
            return
        if self._spool is not None:
            self._spool.take(self._account, len(part))
            self._taken += len(part)
        try:
            self._file.write(part)
        except OSError as error:
            raise Overloaded("no disk for a body", had=error.strerror) from error


class Memory:
    """Bytes of longer bodies in memory; for one thread.

    Args:
        most: at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._own: Counter[str] = Counter()
        self._waiting: list[tuple[int, str, asyncio.Future[None]]] = []

    @property
    def held(self) -> int:
        """Of all parties."""
        return self._own.total()

    async def take(self, account: str, count: int, *, patience_s: float) -> Callable[[], None]:
        """Take so many, after waiting for them; gives what gives them back, once.

        Raises:
            Overloaded: not free in time.
        """
        count = min(count, self._most)  # more than all is all
        came = asyncio.get_running_loop().create_future()
        entry = (count, account, came)
        self._waiting.append(entry)
        self._serve()
        try:
            async with asyncio.timeout(patience_s):
                await came
        except BaseException as error:
            if entry in self._waiting:
                self._waiting.remove(entry)
            else:
                self._give_back(account, count)
            if isinstance(error, TimeoutError):
                raise Overloaded(
                    "no memory for another body", had=self.held, needed=self._most
                ) from error
            raise
        return lambda: self._give_back(account, count)

    def _give_back(self, account: str, count: int) -> None:
        self._own[account] -= count
        self._own += Counter()
        self._serve()

    def _serve(self) -> None:
        """In the order in which they came; whoever holds its share waits for itself only."""
        for entry in list(self._waiting):
            count, account, came = entry
            own = self._own[account]
            if own and own + count > self._most // 2:
                continue
            if self.held + count > self._most:
                break
            self._own[account] += count
            self._waiting.remove(entry)
            if not came.done():
                came.set_result(None)


class Outgoing:
    """Longer answers, each once on disk however many read it; safe for many threads.

    A reader decides how long its answer takes, so it must not hold memory meanwhile.

    Args:
        folder: where the disk is; None takes the system's place for such files.
        most: bytes at a time.
    """

    def __init__(self, folder: Path | None, most: int) -> None:
        self._folder = folder
        self._most = most
        self._guard = threading.Lock()
        self._files: dict[bytes, tuple[IO[bytes], int]] = {}
        self._readers: Counter[bytes] = Counter()

    @property
    def held_bytes(self) -> int:
        """On disk."""
        with self._guard:
            return sum(length for _, length in self._files.values())

    def hold(self, answer: bytes) -> Copy:
        """Keep an answer until it is read.

        Raises:
            Overloaded: there is no room.
        """
        name = hashlib.sha256(answer).digest()
        with self._guard:
            if name not in self._files:
                if sum(length for _, length in self._files.values()) + len(answer) > self._most:
                    raise Overloaded("no room for another answer", had=len(answer))
                self._files[name] = self._write(answer), len(answer)
            self._readers[name] += 1
            return Copy(self, name, self._files[name][0], len(answer))

    def give_back(self, name: bytes) -> None:
        """One reader has gone."""
        with self._guard:
            self._readers[name] -= 1
            if not self._readers[name]:
                del self._readers[name]
                self._files.pop(name)[0].close()

    def _write(self, answer: bytes) -> IO[bytes]:
        try:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed when read
            try:
                file.write(answer)
                file.flush()
            except OSError:
                file.close()
                raise
        except OSError as error:
            raise Overloaded("no disk for an answer", had=error.strerror) from error
        return file


class Copy(Closing):
    """What one reader gets of an answer; for one thread.

    Args:
        outgoing, name: where it is from.
        file: what is in it.
        length: of all of it.
    """

    def __init__(self, outgoing: Outgoing, name: bytes, file: IO[bytes], length: int) -> None:
        self._outgoing: Outgoing | None = outgoing
        self._name = name
        self._file = file
        self.length = length

    def read(self, at: int, count: int) -> bytes:
        """A piece."""
        return os.pread(self._file.fileno(), count, at)

    def close(self) -> None:
        """It was read, or nobody reads it."""
        if self._outgoing is not None:
            self._outgoing.give_back(self._name)
            self._outgoing = None
