"""All channels of a folder, opened by one process; snapshots of all of them together.

channels/NAME.sqlite     a channel
channels.json            names of all that were ever made
snapshots.json           time and height of each channel, by snapshot
reverting.json           what a revert is about to do, while it does it
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.files import (
    OWNER_ONLY_FILE,
    hold_lock,
    make_private_folder,
    sync_folder,
    write_whole,
)
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.reverting import (
    Intent,
    RevertUnfinished,
    read_intent,
    remove_intent,
    write_intent,
)
from edgemark.ledger.embedded.channel.verifying import Verified, verify_file
from edgemark.ledger.embedded.state.tables import (
    REMEDY,
    StoreDamaged,
    StoreDoubtful,
    explain_file,
)
from edgemark.ledger.fabric.configuration.configurations import Batches, Configuration
from edgemark.ledger.fabric.identities.members import Organisation
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.limits import MAX_CHANNELS
from edgemark.ledger.fabric.wire.names import CHANNEL

CHANNELS = "channels"
SUFFIX = ".sqlite"
UNFINISHED = f".part{SUFFIX}"  # no channel's name begins with a dot
SIDES = ("-wal", "-shm", "-journal")  # that SQLite puts beside a file
SNAPSHOTS = "snapshots.json"
MADE = "channels.json"
MAX_SNAPSHOTS = 10_000
BATCHES = Batches(count=100, timeout_ms=5)


class ChannelGone(StoreDamaged):
    """A channel that was made has no file: it is not made anew, as if nothing had been in it."""


@dataclass(frozen=True)
class Snapshot:
    """What a snapshot remembers.

    Attributes:
        at: when it was taken, Unix seconds.
        heights: number of blocks of each channel then.
    """

    at: int
    heights: Mapping[str, int]


class Ledger(Closing):
    """Everything that a development ledger keeps."""

    def __init__(self, folder: Path, signer: Signer, orderer: Organisation) -> None:
        """Open the channels of a folder; `open` says of what."""
        self.folder = folder
        self._signer = signer
        self._orderer = orderer
        self._channels: dict[str, Channel] = {}
        self._held = ExitStack()
        make_private_folder(folder / CHANNELS)
        self._held.callback(os.close, hold_lock(folder / CHANNELS))
        try:
            self._remove_unfinished()
            self._made = _check_made(folder)
            for path in sorted((folder / CHANNELS).glob(f"*{SUFFIX}")):
                name = path.name.removesuffix(SUFFIX)
                self._channels[name] = Channel(path, name, signer)
            self._note_made()
            self._snapshots = _read_snapshots(folder / SNAPSHOTS)
            if (intent := read_intent(folder)) is not None:
                self._go_back(intent)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, folder: Path, orderer_signer: Signer, orderer: Organisation) -> Ledger:
        """The ledger of a folder, which is made when it is not there.

        Args:
            folder: of it.
            orderer_signer: who signs blocks.
            orderer: the organisation that orders.

        Raises:
            FileInUse: another process has it open.
            StoreDamaged, StoreUnavailable: a channel's file cannot be used.
            ChannelGone: it is not there.
        """
        return cls(folder, orderer_signer, orderer)

    def close(self) -> None:
        """Close all channels."""
        for each in self._channels.values():
            each.close()
        self._held.close()

    @property
    def channels(self) -> Mapping[str, Channel]:
        """By name."""
        return self._channels

    def create_channel(
        self, name: str, organisations: Mapping[str, Organisation], batches: Batches = BATCHES
    ) -> Channel:
        """A new channel, whole or not at all.

        Args:
            name: of it.
            organisations: those that endorse on it, by MSP id.
            batches: when its blocks are cut.

        Raises:
            RefusedInput: a name that is taken or none, no organisations, too many channels.
            StoreUnavailable: its file cannot be written; nothing of it is there, or all of it at
                the next opening.
        """
        if name in self._channels or len(self._channels) >= MAX_CHANNELS:
            needed = f"a new name, of <= {MAX_CHANNELS}"
            raise RefusedInput("channel cannot be made", who="ledger", had=name[:64], needed=needed)
        configuration = Configuration(name, 0, dict(organisations), self._orderer, batches)
        path = self._path_of(name)
        part = self.folder / CHANNELS / UNFINISHED
        self._remove_unfinished()
        with Channel.make(part, configuration, self._signer) as made:
            made.fold_in()  # a new name takes nothing along of what stands beside the file
        with explain_file(path):
            part.rename(path)
            sync_folder(path.parent)
        self._channels[name] = Channel(path, name, self._signer)
        self._note_made()  # one that is there and not noted is noted at the next opening
        return self._channels[name]

    def _note_made(self) -> None:
        names = sorted({*self._made, *self._channels})
        if names != self._made:
            raw = json.dumps(names).encode()
            write_whole(self.folder / MADE, raw, mode=OWNER_ONLY_FILE)
            self._made = names

    def _remove_unfinished(self) -> None:
        for ending in ("", *SIDES):
            (self.folder / CHANNELS / f"{UNFINISHED}{ending}").unlink(missing_ok=True)

    def snapshot(self) -> int:
        """Remember how high all channels are; answers the snapshot's number, from 1.

        Raises:
            RefusedInput: there are too many.
            RevertUnfinished: the next opening would forget it.
        """
        if read_intent(self.folder) is not None:
            raise _unfinished("a revert that is to be ended first")
        if len(self._snapshots) >= MAX_SNAPSHOTS:
            raise RefusedInput("has too many snapshots", who="ledger", needed=MAX_SNAPSHOTS)
        number = max(self._snapshots, default=0) + 1
        taken = Snapshot(int(time.time()), self._heights())
        self._keep_snapshots({**self._snapshots, number: taken})
        return number

    @property
    def snapshots(self) -> Mapping[int, Snapshot]:
        """Those that are there, by number."""
        return self._snapshots

    def revert(self, number: int) -> None:
        """Go back to a snapshot, which stays; later ones are forgotten.

        A channel that was made since has its first block alone.

        Args:
            number: of the snapshot.

        Raises:
            RefusedInput: there is none of that number.
            OSError, StoreUnavailable, StoreDamaged: nothing was taken back.
            RevertUnfinished: it is begun, and cannot be ended or left; the next revert, to this or
                an older snapshot, goes on, and so does the next opening.
        """
        begun = read_intent(self.folder)
        newest = max(self._snapshots, default=0) if begun is None else begun.snapshot
        if number not in self._snapshots or number > newest:
            raise _no_snapshot(number, newest)
        heights = self._snapshots[number].heights
        intent = Intent(number, {name: heights.get(name, 1) for name in self._channels})
        before = self._heights()
        try:
            write_intent(self.folder, intent)  # it may be there although its writing failed
            self._go_back(intent)
        except BaseException as error:
            is_doubtful = isinstance(error, StoreDoubtful)  # of one channel, after a kill
            if begun is not None or is_doubtful or self._heights() != before:
                raise _unfinished(error) from error
            self._forget_intent(error)
            raise

    def _forget_intent(self, met: BaseException) -> None:
        """Nothing was taken back, and nothing is to be at the next opening.

        While the intent stands nothing may be committed: the next opening would take it back.
        """
        try:
            remove_intent(self.folder)
        except OSError as error:
            raise _unfinished(error) from met

    def _go_back(self, intent: Intent) -> None:
        for name, height in intent.heights.items():
            if name in self._channels:
                self._channels[name].revert(height)
        kept = self._snapshots.items()
        self._keep_snapshots({one: each for one, each in kept if one <= intent.snapshot})
        remove_intent(self.folder)

    def _heights(self) -> dict[str, int]:
        return {name: each.height for name, each in self._channels.items()}

    def verify(self) -> list[Verified]:
        """Compute every channel anew from its first block; see `verifying`.

        Raises:
            ChannelDiffers: the first thing that is not the same.
        """
        return [
            verify_file(self._path_of(name), name, self._orderer) for name in list(self._channels)
        ]

    def _path_of(self, name: str) -> Path:
        return self.folder / CHANNELS / f"{name}{SUFFIX}"

    def _keep_snapshots(self, snapshots: dict[int, Snapshot]) -> None:
        raw = json.dumps({str(number): asdict(each) for number, each in snapshots.items()})
        write_whole(self.folder / SNAPSHOTS, raw.encode(), mode=OWNER_ONLY_FILE)
        self._snapshots = snapshots


def _no_snapshot(number: int, newest: int) -> RefusedInput:
    known = f"1 .. {newest}" if newest else "none is there"
    remedy = "Take one first: `edgemark ledger snapshot`."
    if newest:
        remedy = "Name one of them: `edgemark ledger snapshot --list`."
    return RefusedInput("is no snapshot", who="ledger", had=number, needed=known, remedy=remedy)


def _unfinished(error: object) -> RevertUnfinished:
    remedy = "Make room, then revert to this snapshot again, or start the ledger again: it goes on."
    return RevertUnfinished("revert is half done", who="ledger", had=error, remedy=remedy)


def verify_folder(
    folder: Path, orderer: Organisation, served: Iterable[str] = ()
) -> list[Verified]:
    """As `Ledger.verify`, also where a channel is too damaged to be opened; and all that opens one.

    Args:
        folder: of a ledger, open or not.
        orderer: the organisation that orders.
        served: names of channels that have to be there, beside those that it noted.

    Raises:
        ChannelDiffers: the first thing that is not the same.
        StoreDamaged, StoreUnavailable: a file cannot be read.
        ChannelGone: there is none, where a channel was.
    """
    names = {*_check_made(folder), *served, *_names_in(folder)}
    for name in sorted(names):
        _check_is_there(folder, name)
    _read_snapshots(folder / SNAPSHOTS)
    read_intent(folder)
    return [
        verify_file(folder / CHANNELS / f"{name}{SUFFIX}", name, orderer) for name in sorted(names)
    ]


def _names_in(folder: Path) -> Iterator[str]:
    for path in (folder / CHANNELS).glob(f"[!.]*{SUFFIX}"):
        yield path.name.removesuffix(SUFFIX)


def _check_is_there(folder: Path, name: str) -> None:
    if not (folder / CHANNELS / f"{name}{SUFFIX}").is_file():
        raise ChannelGone(
            f"has no file {CHANNELS}/{name}{SUFFIX}",
            who=f"channel {name}",
            remedy="Put it back from a copy. To begin that channel anew, with nothing of what was "
            f"in it, take its name out of {folder / MADE} first.",
        )


def _check_made(folder: Path) -> list[str]:
    """Names of the channels that were made; each has its file."""
    path = folder / MADE
    if not path.exists():
        return []
    try:
        with explain_file(path):
            raw = path.read_bytes()
        found = json.loads(raw)
        names = [str(each) for each in found if CHANNEL.fits(each)]
        if names != found:
            raise ValueError(path)
    except (ValueError, TypeError) as error:
        needed = "names of channels"
        raise StoreDamaged("cannot be read", who=path, needed=needed, remedy=REMEDY) from error
    for name in names:
        _check_is_there(folder, name)
    return names


def _read_snapshots(path: Path) -> dict[int, Snapshot]:
    if not path.exists():
        return {}
    try:
        with explain_file(path):
            raw = path.read_bytes()
        found = json.loads(raw)
        return {int(number): _parse_snapshot(each) for number, each in found.items()}
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        needed = "time and heights of channels by snapshot"
        raise StoreDamaged("cannot be read", who=path, needed=needed, remedy=REMEDY) from error


def _parse_snapshot(facts: Mapping[str, Any]) -> Snapshot:
    at, heights = facts["at"], dict(facts["heights"])
    if not all(type(each) is int for each in (at, *heights.values())):
        raise TypeError(facts)
    return Snapshot(at, heights)
