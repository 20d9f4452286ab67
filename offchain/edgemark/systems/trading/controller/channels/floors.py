"""The index that a controller issued last in a channel whose desk it does not have any more.

Two credentials of one index and epoch cost a controller its bond. What is over leaves the journal
for an archive that is bounded, so that alone must not be what keeps this: a channel that gave its
place up may come back as long as its lock holds.

It is a folder of empty files, which nothing can damage: their names say channel, last second of the
lock and index. A name is on the disk when `keep` returns. Of one channel the highest index counts.

Law 1: of a channel that may come back no floor is forgotten. One whose end, or window, the chain
       shows at confirmed depth never does: an id is opened once, and who closes opens no more.
Law 2: so a floor takes a place while its channel is open, and as long the bond is locked, which is
       never paid or reduced. From half of the places on a channel has to have a bond to be taken in
       that grows: `SMALL` as often as there are places taken for each that is free.

The first half costs a stranger its openings, and keeps out nobody that has a bond of `SMALL`. From
there on it is tokens, locked for as long as anybody is kept out; all places are above 60,000 MTC in
bonds, and only then desks with a credential are displaced no more. docs/trading.md has a table.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

from edgemark.amounts import Amount
from edgemark.errors import Overloaded
from edgemark.files import make_private_folder, sync_folder
from edgemark.systems.trading.controller.channels.places import AGAIN_S, SMALL, NoPlace
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

    def check_bond(self, channel: ChannelId, bond: int) -> None:
        """Check that a channel may be taken in, which may need a floor one day.

        Raises:
            NoPlace: too few places of floors are left for so small a bond.
        """
        least = compute_least_bond(len(self._known), self._most)
        if bond < least and channel not in self._known:
            raise NoPlace(
                "are nearly all taken",
                who="floors of channels that gave their place up",
                had=f"a bond of {Amount(bond)}",
                needed=f"{Amount(least)} at least, as {len(self._known)} of {self._most} are",
                remedy="Open a channel with a larger bond, or name another controller.",
                retry_after_s=AGAIN_S,
            )

    def forget(self, channel: ChannelId) -> None:
        """The chain shows, at confirmed depth, that it ended, or that a window of it began."""
        with self._guard:
            self._drop(channel)

    def forget_lapsed(self, now: int) -> None:
        """Channels whose locks expired never come back."""
        with self._guard:
            for channel, (_, until) in list(self._known.items()):
                if until < now:
                    self._drop(channel)

    def _drop(self, channel: ChannelId) -> None:
        had = self._known.pop(channel, None)
        if had is not None:
            self._path(channel, *had).unlink(missing_ok=True)

    def _path(self, channel: ChannelId, index: int, until: int) -> Path:
        return self._folder / f"{channel.hex()}-{until}-{index}"


def compute_least_bond(taken: int, most: int) -> int:
    """The bond from which on a channel is taken in, by law 2.

    Args:
        taken: places of floors.
        most: that there are.
    """
    return 0 if 2 * taken < most else SMALL * (taken // max(1, most - taken))


def compute_hold(bond: int, most: int) -> tuple[int, int]:
    """What one has to hold so that no channel with such a bond is taken in.

    Returns:
        Places of floors, all of them where no other number does it; bonds in all.
    """
    bonds, taken = 0, 0
    while taken < most and (least := compute_least_bond(taken, most)) <= bond:
        bonds += least
        taken += 1
    return taken, bonds
