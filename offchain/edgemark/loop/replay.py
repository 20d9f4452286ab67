"""Records of the loop's journal: which event happened to which matter, and the states they lead to.

The record of one event is kind (1) | length and key of the matter | length and payload, where the
payload is the machine's own encoding, and that of a tick chain time in 8 bytes.

Events that were written down together are one record, which is theirs put behind one another: a
journal keeps a record whole or not at all, so they are replayed together or not at all.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from edgemark.encoding import Reader, Writer
from edgemark.errors import Unrecoverable
from edgemark.journal.journal import MAX_RECORD_BYTES, Journal
from edgemark.loop.archive import Archive
from edgemark.loop.machine import Machine, Tick
from edgemark.seam import place_of

MAX_KEY_BYTES = 64
EVENT, TICK = 0, 1
MAX_EVENT_BYTES = MAX_RECORD_BYTES - (1 + 4 + MAX_KEY_BYTES + 4)  # kind, key, length
RECALLED = 64  # finished matters that were read lately
RECALLED_BYTES = 64 * 2**20  # of their records; one of any length

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


def encode_record(machine: Machine[S, E, F], key: bytes, event: E | Tick) -> bytes:
    """The record of one `event` of the matter `key`."""
    if isinstance(event, Tick):
        kind, payload = TICK, event.now.to_bytes(8, "big")
    else:
        kind, payload = EVENT, machine.encode_event(event)
    return Writer().integer(kind, 1).variable(key).variable(payload).finish()


def decode_record(decode_event: Callable[[bytes], E], record: bytes) -> tuple[bytes, E | Tick]:
    """Key and event of the record of one event.

    Args:
        decode_event: of the machine that wrote it.
        record: as `split` gives it.

    Raises:
        RefusedInput: not a record, or not an event of this machine.
    """
    reader = Reader(record, who="journal record")
    kind = reader.integer(1, most=TICK)
    key = reader.variable(most=MAX_KEY_BYTES)
    payload = reader.variable(most=MAX_EVENT_BYTES)
    reader.finish()
    if kind == TICK:
        return key, Tick(int.from_bytes(payload, "big"))
    return key, decode_event(payload)


def split(record: bytes) -> Iterator[bytes]:
    """The records of single events that a record of the journal consists of, oldest first.

    Raises:
        RefusedInput: not a record.
    """
    reader, end = Reader(record, who="journal record"), 0
    while end < len(record) or not end:
        reader.integer(1, most=TICK)
        reader.variable(most=MAX_KEY_BYTES)
        reader.variable(most=MAX_EVENT_BYTES)
        start, end = end, len(record) - reader.left
        yield record[start:end]


def key_of(record: bytes) -> bytes:
    """The key of the record of one event.

    Raises:
        RefusedInput: not a record.
    """
    reader = Reader(record, who="journal record")
    reader.integer(1, most=TICK)
    return reader.variable(most=MAX_KEY_BYTES)


def of_key(key: bytes, records: Iterable[bytes]) -> Iterator[bytes]:
    """Records of the single events of one matter among all these.

    Raises:
        RefusedInput: something there is no record.
    """
    return (each for record in records for each in split(record) if key_of(each) == key)


def replay(machine: Machine[S, E, F], journal: Journal) -> dict[bytes, S]:
    """The states of all matters after everything in `journal`.

    Raises:
        Unrecoverable: a record is not one of this machine, or the machine refuses it.
    """
    return replay_records(machine, journal.records(), who=journal.path)


def look_up(home: Path, name: str, machine: Machine[S, E, F], key: bytes) -> S | None:
    """What the party `name` of a home remembers of one matter, while its process may be running.

    The journal first: a matter is in the archive before the journal forgets it.

    Raises:
        Unrecoverable: as `replay`; or others may read the files.
    """
    path, folder = home / f"{name}.journal", home / f"{name}.archive"
    records: list[bytes] = []
    if os.path.lexists(path):
        with Journal.look_at(path) as journal:
            records = list(of_key(key, journal.records()))
    if not records and folder.exists():
        records = Archive(folder).find(key) or []
    return replay_records(machine, records, who=home).get(key)


def look_at_open(home: Path, name: str, machine: Machine[S, E, F]) -> dict[bytes, S]:
    """The same of all matters that are in its journal: open ones, and some that ended lately."""
    path = home / f"{name}.journal"
    if not os.path.lexists(path):
        return {}
    with Journal.look_at(path) as journal:
        return replay_records(machine, journal.records(), who=path)


def list_keys(home: Path, name: str) -> list[bytes]:
    """Keys of all matters that the party `name` of a home ever heard of, read without its lock.

    Those of the archive come first, but the journal is read first: see `look_up`.

    Raises:
        Unrecoverable: a file is damaged, or others can open it.
    """
    path, folder = home / f"{name}.journal", home / f"{name}.archive"
    at_hand: dict[bytes, None] = {}
    if os.path.lexists(path):
        with Journal.look_at(path) as journal:
            parts = (part for raw in journal.records() for part in split(raw))
            at_hand = dict.fromkeys(key_of(part) for part in parts)
    archived = Archive(folder).keys() if folder.is_dir() else []
    return [*(key for key in archived if key not in at_hand), *at_hand]


def replay_records(
    machine: Machine[S, E, F], records: Iterable[bytes], *, who: object
) -> dict[bytes, S]:
    """The states of all matters that these records tell of.

    Args:
        machine: that wrote them.
        records: oldest first.
        who: where they come from, for errors.

    Raises:
        Unrecoverable: as `replay`.
    """
    states: dict[bytes, S] = {}
    for number, record in enumerate(records, 1):
        try:
            for each in split(record):
                key, event = decode_record(machine.decode_event, each)
                state = states[key] if key in states else machine.initial(key)
                states[key], _ = machine.step(state, event)
        except Exception as error:
            raise Unrecoverable(
                "a journal record cannot be replayed",
                who=who,
                had=f"record {number}: {type(error).__name__} at {place_of(error)}",
                needed="records written by this version",
                remedy="Start the version that wrote the journal.",
            ) from error
    return states


class Recalled(Generic[S]):
    """States of archived matters, from their records; those that were read lately are at hand.

    Args:
        machine: that the matters are of.
        archive: where they are; None has none.
    """

    def __init__(self, machine: Machine[S, E, F], archive: Archive | None) -> None:
        self._machine = machine
        self._archive = archive
        self._states: OrderedDict[bytes, tuple[S, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        """Keys of those at hand, the one that was read last behind the others."""
        with self._lock:
            return iter(list(self._states))

    def at_hand(self, key: bytes) -> S | None:
        """The state of one that was read lately."""
        with self._lock:
            return self._states.get(key, (None, 0))[0]

    def find(self, key: bytes) -> S | None:
        """The state of an archived matter; None when there is none.

        Raises:
            Unrecoverable: as `replay`.
        """
        if self._archive is None:
            return None
        with self._lock:
            if key in self._states:
                self._states.move_to_end(key)
                return self._states[key][0]
        records = self._archive.find(key)
        if records is None:
            return None
        state = replay_records(self._machine, records, who=key.hex())[key]
        with self._lock:
            self._states[key] = (state, sum(map(len, records)))
            while len(self._states) > 1 and self._are_too_many():
                self._states.popitem(last=False)
        return state

    def _are_too_many(self) -> bool:
        are_long = sum(length for _, length in self._states.values()) > RECALLED_BYTES
        return are_long or len(self._states) > RECALLED
