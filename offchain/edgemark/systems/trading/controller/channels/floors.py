"""The index that a controller issued last in a channel whose desk it does not have any more.

Two credentials of one index and epoch cost a controller its bond. What is over leaves the journal
for an archive that is bounded, so that alone must not be what keeps this: a channel that gave its
place up may come back as long as its lock holds.

It is a folder of empty files, which nothing can damage: their names say channel, last second of the
lock and index. A name is on the disk when `keep` returns. Of one channel the highest index counts.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

from edgemark.errors import Overloaded
from edgemark.files import make_private_folder, sync_folder
from edgemark.systems.trading.identifiers import ChannelId, parse_channel_id

FOLDER = "floors"  # of a home
MOST_FLOORS = 65_536  # of channels whose locks hold; who would be one more keeps its place
NAME = re.compile(r"([0-9a-f]{64})-([0-9]{1,20})-([0-9]{1,20})", re.ASCII)


class Floors:
    """Of one home; safe for many threads.

    Args:
        folder: of the files; made when it is missing.
        most: channels.
    """

    def __init__(self, folder: Path, most: int = MOST_FLOORS) -> None:
        make_private_folder(folder)
        self._folder, self._most = folder, most
        self._guard = threading.Lock()
        self._known: dict[ChannelId, tuple[int, int]] = {}  # index, last second
        for each in folder.iterdir():
            if (found := NAME.fullmatch(each.name)) is not None:
                channel, until, index = parse_channel_id(found[1]), int(found[2]), int(found[3])
                self._known[channel] = max(self._known.get(channel, (0, 0)), (index, until))

    def __len__(self) -> int:
        return len(self._known)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another channel."""
        return len(self._known) >= self._most

    def find(self, channel: ChannelId) -> int:
        """The index that was issued last, as far as it is kept here; 0: none."""
        return self._known.get(channel, (0, 0))[0]

    def keep(self, channel: ChannelId, index: int, until: int) -> None:
        """Keep one; on the disk when this returns.

        Raises:
            Overloaded: there is no room.
            OSError: the disk refuses.
        """
        with self._guard:
            had = self._known.get(channel)
            if had is not None and had[0] >= index:
                return
            if had is None and self.is_full:
                raise Overloaded("are all taken", who="floors of channels", had=len(self._known))
            self._path(channel, index, until).touch(mode=0o600)
            sync_folder(self._folder)
            self._known[channel] = (index, until)
            if had is not None:
                self._path(channel, *had).unlink(missing_ok=True)

    def forget_lapsed(self, now: int) -> None:
        """Channels whose locks expired never come back."""
        with self._guard:
            for channel, (index, until) in list(self._known.items()):
                if until < now:
                    self._path(channel, index, until).unlink(missing_ok=True)
                    del self._known[channel]

    def _path(self, channel: ChannelId, index: int, until: int) -> Path:
        return self._folder / f"{channel.hex()}-{until}-{index}"
