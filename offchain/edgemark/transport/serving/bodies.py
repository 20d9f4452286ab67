"""Bodies of requests: how fast they come, and where they wait.

A short body stays in memory. A longer one, which only known parties may send, goes to an unnamed
file as it comes, so that nothing of it is left whatever happens, and is loaded when a thread takes
it on, within one budget for all (`loading`). `return_freed_memory` makes what was freed the
system's again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from edgemark.closing import Closing
from edgemark.errors import Overloaded
from edgemark.transport.limits import DISK_RESERVE_BYTES, MAPPED_BYTES, ServerLimits
from edgemark.transport.serving.room import Holder, count_room, find_greediest

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

    What came counts, what was only announced does not. When it is full, bodies give way as `room`
    says, until they are taken on. A party sends one thing once at a time: who sends it again has
    lost the connection that it came on.

    Args:
        folder: where the disk is; None takes the system's place for such files.
        limits: bytes of all and of one party.
        reserved: bytes of the disk that are promised to others; a body that was promised its part
            itself may take of them.
    """

    def __init__(
        self, folder: Path | None, limits: ServerLimits, reserved: Callable[[], int] = int
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._reserved = reserved
        self._held: Counter[Holder] = Counter()
        self._coming: dict[Body, Holder] = {}  # those that can give way

    @property
    def held_bytes(self) -> int:
        """On disk."""
        return self._held.total()

    def open(self, account: str, length: int, name: str = "", *, is_promised: bool = False) -> Body:
        """A body, for which there is room now.

        Args:
            account: of the known party that sends it.
            length: as announced.
            name: what it is; empty: like nothing else.
            is_promised: disk for it is set aside.

        Raises:
            Overloaded: there is none.
        """
        party = (True, account)
        for body in [b for b, p in self._coming.items() if (p, b.name) == (party, name) and name]:
            body.give_way()
        wanted = self._held[party] + length
        fixed = sum(held for other, held in self._held.items() if other != party and held <= wanted)
        if wanted > self._limits.spool_bytes_of_known or fixed + wanted > self._room(is_promised):
            raise self._refuse(account, length)
        try:
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the body closes it
        except OSError as error:
            raise Overloaded("no disk for a body", had=error.strerror) from error
        body = Body(length, file, self, name)
        body.is_promised = is_promised
        self._coming[body] = party
        return body

    def take(self, body: Body, count: int) -> None:
        """So many bytes of a body came.

        Raises:
            Overloaded: there is no room for them.
        """
        party = self._coming[body]
        wanted = self._held[party] + count
        if wanted > self._limits.spool_bytes_of_known:
            raise self._refuse(party[1], count)
        while self.held_bytes + count > self._room(body.is_promised):
            able = {other: self._held[other] for other in self._coming.values()}
            greediest = find_greediest(able, party, wanted)
            if greediest is None:
                raise self._refuse(party[1], count)
            own = [other for other, whose in self._coming.items() if whose == greediest]
            max(own, key=lambda other: other.taken).give_way()
        self._held[party] += count
        body.taken += count

    def keep(self, body: Body) -> None:
        """It does not give way any more."""
        body.kept_for = self._coming.pop(body)

    def give_back(self, body: Body) -> None:
        """The body is gone."""
        self._held[self._coming.pop(body, body.kept_for)] -= body.taken
        self._held += Counter()

    def _room(self, is_promised: bool) -> int:
        most = self._limits.spool_bytes
        reserve = DISK_RESERVE_BYTES + (0 if is_promised else self._reserved())
        return count_room(self._folder, most, self.held_bytes, reserve)

    def _refuse(self, account: str, count: int) -> Overloaded:
        return Overloaded(
            "no room for another body",
            who=account,
            had=count,
            needed=f"{self._limits.spool_bytes} bytes in all",
        )


class Body(Closing):
    """One body, as much of it as came.

    Args:
        length: as announced.
        file: where it goes; None keeps it in memory.
        spool, name: where `file` is from, and what it is there.

    Attributes:
        taken: bytes of the spool.
        kept_for: whose it is, once it is taken on.
        is_promised: disk for it is set aside.
    """

    def __init__(
        self,
        length: int,
        file: IO[bytes] | None = None,
        spool: Spool | None = None,
        name: str = "",
    ) -> None:
        self.length = length
        self.name = name
        self.taken = 0
        self.kept_for: Holder = (True, "")
        self.is_promised = False
        self._file = file
        self._spool = spool
        self._parts: list[bytes] = []

    @property
    def is_spooled(self) -> bool:
        """Whether it takes memory only when it is loaded."""
        return self._file is not None

    async def fill(self, stream: Stream, limits: ServerLimits) -> None:
        """Read all of it.

        Raises:
            TimeoutError: it comes too slowly.
            EOFError: the connection ended before.
            Overloaded: the disk is full, or it gave way.
        """
        clock = asyncio.get_running_loop()
        began, had = clock.time(), 0
        while had < self.length:
            until = began + limits.body_s + had / limits.slowest(self.length)
            async with asyncio.timeout_at(until):
                part = await stream.readany()
            if not part:
                raise EOFError
            had += len(part)
            self._keep(part)

    def take_on(self) -> None:
        """Somebody works on it now, so that it does not give way any more.

        Raises:
            Overloaded: it has given way.
        """
        self._check_there()
        if self._spool is not None:
            self._spool.keep(self)

    def load(self) -> bytes:
        """All of it, in memory."""
        if self._file is None:
            return b"".join(self._parts)
        self._file.seek(0)
        return self._file.read()

    def give_way(self) -> None:
        """Give the disk back now; whoever sends the rest is told."""
        self.close()

    def close(self) -> None:
        """Give memory and disk back."""
        self._parts.clear()
        if self._file is not None:
            self._file.close()
            if self._spool is not None:
                self._spool.give_back(self)
                self._spool = None

    def _check_there(self) -> None:
        if self._file is not None and self._file.closed:
            raise Overloaded("body gave way to another", had=self.taken, remedy="Send it again.")

    def _keep(self, part: bytes) -> None:
        if self._file is None:
            self._parts.append(part)
            return
        self._check_there()
        if self._spool is not None:
            self._spool.take(self, len(part))
        try:
            self._file.write(part)
        except OSError as error:
            raise Overloaded("no disk for a body", had=error.strerror) from error
