"""Data of orders that came over HTTPS, until their orders do: by channel and digest, on the disk.

Law 1: a part is one whose bytes have the digest of its name; it is on the disk when `put` is done.
Law 2: all parts together are bounded, and those of a channel. For one more the oldest of the
       channel goes; where all are too many, the oldest of the channel that has most. An order whose
       part has gone is not taken, and its buyer brings it again.
Law 3: a function stays here between its orders: who orders again need not bring it again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.errors import RefusedInput
from edgemark.files import (
    OWNER_ONLY_FILE,
    make_private_folder,
    read_limited,
    remove_unfinished,
    write_new,
)
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id
from edgemark.systems.trading.work.messages import MAX_PART_BYTES

FOLDER = "parts"  # of a home
MAX_OF_CHANNEL = 4 * MAX_PART_BYTES
MAX_BYTES = 32 * MAX_PART_BYTES


class PartStore:
    """The parts of one seller; safe for many threads.

    Args:
        folder: of its own; made when missing.
        most: bytes of all.
        most_of_channel: bytes of one channel, at least those of one part.

    Raises:
        Unrecoverable: others can enter the folder.
    """

    def __init__(
        self, folder: Path, most: int = MAX_BYTES, most_of_channel: int = MAX_OF_CHANNEL
    ) -> None:
        make_private_folder(folder)
        self._folder, self._most, self._most_of_channel = folder, most, most_of_channel
        self._guard = threading.Lock()
        self._held: dict[ChannelId, OrderedDict[Hash32, int]] = {}
        self._find()

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        with self._guard:
            return sum(map(self._weight, self._held))

    def put(self, channel: ChannelId, digest: Hash32, part: bytes) -> None:
        """Keep a part; the same again changes nothing but its age.

        Args:
            channel: that serves.
            digest: of the part, compared before.
            part: at most `MAX_PART_BYTES`.

        Raises:
            OSError: the disk refuses; nothing is kept.
        """
        with self._guard:
            parts = self._held.setdefault(channel, OrderedDict())
            if digest in parts:
                parts.move_to_end(digest)
                return
            self._make_room(channel, len(part))
            folder = self._folder / channel.hex()
            make_private_folder(folder)
            write_new(folder / digest.hex(), part, mode=OWNER_ONLY_FILE)
            self._held.setdefault(channel, OrderedDict())[digest] = len(part)

    def holds(self, channel: ChannelId, digest: Hash32) -> bool:
        """Whether a part is here."""
        with self._guard:
            return digest in self._held.get(channel, {})

    def find(self, channel: ChannelId, digest: Hash32) -> bytes | None:
        """A part; None when it is not here, or is not what was written."""
        with self._guard:
            parts = self._held.get(channel, OrderedDict())
            if digest not in parts:
                return None
            parts.move_to_end(digest)
            try:
                part = read_limited(self._path(channel, digest), MAX_PART_BYTES)
            except RefusedInput:
                part = b""
            if hash_long(part) == digest:
                return part
            self._drop(channel, digest)
            return None

    def channels(self) -> list[ChannelId]:
        """Those that have parts here."""
        with self._guard:
            return list(self._held)

    def forget(self, channel: ChannelId) -> None:
        """Let all parts of a channel go."""
        with self._guard:
            self._held.pop(channel, None)
            rmtree(self._folder / channel.hex(), ignore_errors=True)

    def _find(self) -> None:
        """What a former process left; of a part that it was writing nothing."""
        for folder in self._folder.iterdir():
            with suppress(RefusedInput, NotADirectoryError):
                channel = ChannelId(parse_hash32(folder.name))
                remove_unfinished(folder)
                found = sorted((path.stat().st_mtime_ns, path) for path in folder.iterdir())
                parts = {parse_hash32(path.name): path.stat().st_size for _, path in found}
                self._held[channel] = OrderedDict(parts)

    def _make_room(self, channel: ChannelId, more: int) -> None:
        while self._held.get(channel) and self._weight(channel) + more > self._most_of_channel:
            self._drop(channel, next(iter(self._held[channel])))
        while self._held and sum(map(self._weight, self._held)) + more > self._most:
            heaviest = max(self._held, key=self._weight)
            if not self._held[heaviest]:
                return
            self._drop(heaviest, next(iter(self._held[heaviest])))

    def _drop(self, channel: ChannelId, digest: Hash32) -> None:
        del self._held[channel][digest]
        self._path(channel, digest).unlink(missing_ok=True)

    def _weight(self, channel: ChannelId) -> int:
        return sum(self._held[channel].values())

    def _path(self, channel: ChannelId, digest: Hash32) -> Path:
        return self._folder / channel.hex() / digest.hex()


def place_of(params: Mapping[str, str]) -> tuple[ChannelId, Hash32]:
    """Which part of which channel a path names; raises `RefusedInput`."""
    return parse_channel_id(params["channel"]), parse_hash32(params["digest"], who="part")
