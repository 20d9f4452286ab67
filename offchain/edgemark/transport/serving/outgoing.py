"""Longer answers, on the disk until they are read.

A reader decides how long its answer takes, so it must not hold memory meanwhile. One answer stands
there once, however many read it. When the room is full, readers give way as `room` says: what they
get then breaks off, and they ask again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO

from edgemark.closing import Closing
from edgemark.errors import Overloaded
from edgemark.transport.limits import GIVEN_RESERVE_BYTES
from edgemark.transport.serving.room import Holder, count_room, find_greediest


class Outgoing:
    """Longer answers, each once on disk; safe for many threads.

    Args:
        folder: where the disk is; None takes the system's place for such files.
        most: bytes at a time.
        reserved: bytes of the disk that are promised to others.
    """

    def __init__(self, folder: Path | None, most: int, reserved: Callable[[], int] = int) -> None:
        self._folder = folder
        self._most = most
        self._reserved = reserved
        self._guard = threading.Lock()
        self._files: dict[bytes, tuple[IO[bytes], int]] = {}
        self._copies: dict[Copy, None] = {}

    @property
    def held_bytes(self) -> int:
        """On disk."""
        with self._guard:
            return self._count_held()

    def hold(self, answer: bytes, reader: Holder) -> Copy:
        """Keep an answer until it is read.

        Raises:
            Overloaded: there is no room.
        """
        name = hashlib.sha256(answer).digest()
        with self._guard:
            if name not in self._files:
                self._make_room(reader, len(answer))
                self._files[name] = self._write(answer), len(answer)
            copy = Copy(self, name, self._files[name][0], len(answer), reader)
            self._copies[copy] = None
            return copy

    def give_back(self, copy: Copy) -> None:
        """Its reader has gone."""
        with self._guard:
            self._drop(copy)

    def _make_room(self, reader: Holder, length: int) -> None:
        wanted = self._held_by()[reader] + length
        while self._count_held() + length > self._room():
            greediest = find_greediest(self._held_by(), reader, wanted)
            if greediest is None:
                raise Overloaded("no room for another answer", who=reader[1], had=length)
            leaving = next(copy for copy in self._copies if copy.reader == greediest)
            leaving.cut_off()
            self._drop(leaving)

    def _room(self) -> int:
        reserve = GIVEN_RESERVE_BYTES + self._reserved()
        return count_room(self._folder, self._most, self._count_held(), reserve)

    def _drop(self, copy: Copy) -> None:
        if copy in self._copies:
            del self._copies[copy]
            if all(other.name != copy.name for other in self._copies):
                self._files.pop(copy.name)[0].close()

    def _count_held(self) -> int:
        return sum(length for _, length in self._files.values())

    def _held_by(self) -> Counter[Holder]:
        """Bytes of each reader's answers, each once."""
        held: Counter[Holder] = Counter()
        for reader, _, length in {(c.reader, c.name, c.length) for c in self._copies}:
            held[reader] += length
        return held

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
    """What one reader gets of an answer; whoever reads it and whoever cuts it off may differ.

    Args:
        outgoing, name: where it is from.
        file: what is in it.
        length: of all of it.
        reader: who it is for.
    """

    def __init__(
        self, outgoing: Outgoing, name: bytes, file: IO[bytes], length: int, reader: Holder
    ) -> None:
        self.name = name
        self.length = length
        self.reader = reader
        self._outgoing = outgoing
        self._file: IO[bytes] | None = file
        self._guard = threading.Lock()  # a file that was closed is never read: its number is used

    def read(self, at: int, count: int) -> bytes:
        """A piece.

        Raises:
            Overloaded: it gave way to another one.
        """
        with self._guard:
            if self._file is None:
                raise Overloaded("answer gave way to another", who=self.reader[1])
            return os.pread(self._file.fileno(), count, at)

    def cut_off(self) -> None:
        """Nothing more is read of it."""
        with self._guard:
            self._file = None

    def close(self) -> None:
        """It was read, or nobody reads it."""
        self.cut_off()
        self._outgoing.give_back(self)
