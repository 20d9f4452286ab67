"""Finished matters move to the archive and open ones are told anew, a piece at a time.

Law 1: the journal of before takes what happens meanwhile, and stays until its successor has all of
that too: whoever stops on the way, killed or for want of room, has lost nothing but this work.
Law 2: what leaves is in the archive, on the disk, before the successor takes the journal's place.
Law 3: what leaves changes no more once this has begun; what is open goes on.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgemark.journal.journal import Journal
from edgemark.loop.archive import Archive
from edgemark.loop.replay import key_of, of_key, split

PIECE_BYTES = 16 * 2**20  # that move before events have their turn; one record may be longer
PUT_BYTES = 2**20  # that move while one matter is put: two syncs of the archive
ROOM_BYTES = PIECE_BYTES  # of the disk, beside what is moved: others write meanwhile


@dataclass(frozen=True)
class Tidying:
    """What is under way.

    Attributes:
        leaving: keys of matters that go.
        gained: by key of an open one that is told anew, bytes that this makes it longer: below 0.
        work: the rest of it, see `move`.
    """

    leaving: frozenset[bytes]
    gained: Mapping[bytes, int]
    work: Generator[None]


def is_room(journal: Journal, archive: Archive | None, length: int) -> bool:
    """Whether so many bytes can be written anew; for it, the oldest matters leave the archive."""
    wanted = length + ROOM_BYTES
    if archive is not None:
        return archive.make_free(wanted) >= wanted
    return shutil.disk_usage(journal.path.parent).free >= wanted


def begin(
    journal: Journal,
    archive: Archive | None,
    leaving: frozenset[bytes],
    condensed: Mapping[bytes, Sequence[bytes]],
    lengths: Mapping[bytes, int],
) -> Tidying:
    """What `move` will do, of which nothing is done yet; `lengths` are those of all records."""
    gained = {key: sum(map(len, told)) - lengths[key] for key, told in condensed.items()}
    return Tidying(leaving, gained, move(journal, archive, leaving, condensed))


def move(
    journal: Journal,
    archive: Archive | None,
    leaving: Collection[bytes],
    condensed: Mapping[bytes, Sequence[bytes]],
) -> Generator[None]:
    """Do all of it; stops after each piece.

    Args:
        journal: open; records may be appended after each piece.
        archive: takes what leaves.
        leaving: keys of matters that go.
        condensed: by key of a matter, the records that take the place of those that it has now.

    Raises:
        JournalWriteFailed, ArchiveWriteFailed: the disk refused; the journal is as it was.
    """
    fresh, moved = journal.begin_successor(), 0
    try:
        for count in _steps(journal, fresh, archive, leaving, condensed):
            moved += count
            if moved >= PIECE_BYTES:
                fresh.sync()  # not all at the end
                yield
                moved = 0
        journal.become(fresh)
    finally:
        journal.drop_successor()  # unless it became the journal


def _steps(
    journal: Journal,
    fresh: Journal,
    archive: Archive | None,
    leaving: Collection[bytes],
    condensed: Mapping[bytes, Sequence[bytes]],
) -> Iterator[int]:
    """Bytes that were moved, after each step."""
    end, gone = journal.end, {*leaving, *condensed}
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    read = Counter[bytes]()  # again: the records in which a matter stands
    for place, record in journal.walk():
        told = [(key_of(each), each) for each in split(record)]
        if kept := [each for key, each in told if key not in gone]:
            fresh.add(b"".join(kept))
        for key in {key for key, _ in told}.intersection(leaving):
            places[key].append(place)
            read[key] += len(record)
        yield len(record)
    for record in (record for records in condensed.values() for record in records):
        fresh.add(record)
        yield len(record)
    for key, its in places.items():
        if archive is not None:
            archive.put(key, of_key(key, map(journal.record_at, its)))
            yield max(PUT_BYTES, read[key])
    between = journal.end
    for _, record in journal.walk(end):  # what happened meanwhile
        fresh.add(record)
        yield len(record)
    for _, record in journal.walk(between):  # and meanwhile again: at once, so that it ends
        fresh.add(record)
