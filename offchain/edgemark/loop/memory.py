"""What one process remembers of its matters: open ones at hand, finished ones in the archive.

Law 1: a change is in the journal before anybody sees it in memory, and before what follows from it.
Changes that are committed together are one record of the journal: a crash leaves all or none.
Law 2: a finished matter leaves memory and journal for good once its records are in the archive, so
neither grows with what is over. Its state can still be read; it changes no more.
Law 3: an open matter leaves the journal what its machine says still matters (`loop.condensing`).
Law 4: a crash at any point of that costs nothing: until the journal is rewritten, in one step, it
still has every record, and the next life does the same again.

Law 5: that is work for whoever has room. It is done a piece at a time (`loop.tidying`), so that
events wait for a piece and not for all of it; and on a disk that has no room it is put off, which
stops nothing. Only a record that cannot be appended ends the process, and all of this gives way.

Matters leave together: when as many are finished as are open, and at least `archive_after`; or when
their records have `ARCHIVE_BYTES`, however long those of the open ones are: what is over and still
in the journal takes memory, and room for its copy. Open ones are condensed when the journal is
twice as long as after the last time, and at least `CONDENSE_BYTES`. So the work of rewriting is in
proportion to the records that are written anyway, and to the most that is held open for large ones.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.journal.framing import HEADER_BYTES
from edgemark.journal.journal import Journal, JournalWriteFailed
from edgemark.logs import get_logger
from edgemark.loop.archive import Archive, ArchiveWriteFailed
from edgemark.loop.batch import Batch
from edgemark.loop.condensing import condense_all
from edgemark.loop.machine import Machine, Tick, say
from edgemark.loop.replay import (
    MAX_KEY_BYTES,
    Recalled,
    encode_record,
    key_of,
    replay_records,
    split,
)
from edgemark.loop.tidying import Tidying, begin, is_room
from edgemark.seam import Seam

_OVER = object()
ARCHIVE_BYTES = 64 * 2**20  # of records of finished matters, before these leave
CONDENSE_BYTES = 4 * 2**20  # of all records, before open ones are condensed: a second of replaying
AGAIN_S = 10.0  # after there was no room, before it is looked for again

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


class TooManyOpen(RefusedInput):
    """The process follows as many matters as it may."""


class AlreadyOver(RefusedInput):
    """The matter is over; nothing about it changes any more."""


class MatterMemory(Generic[S, E, F]):
    """States of all matters of one process; written by the loop's thread, read by all.

    Args:
        machine: the pure part.
        journal: open, and used by nobody else.
        archive: takes finished matters; None keeps them in memory and journal for ever.
        seam: stops the process at a named place of the journal; for tests.
        max_open: open matters at most.
        archive_after: finished matters at least before they leave.
        name: of the process, in logs and errors.
    """

    def __init__(
        self,
        machine: Machine[S, E, F],
        journal: Journal,
        archive: Archive | None,
        *,
        seam: Seam | None,
        max_open: int,
        archive_after: int,
        name: str,
    ) -> None:
        self.changed = threading.Condition()
        self._machine = machine
        self._journal = journal
        self._archive = archive
        self._seam = seam
        self._max_open = max_open
        self._archive_after = archive_after
        self._name = name
        self._log = get_logger(name)
        self._states: dict[bytes, S] = {}
        self._ended: set[bytes] = set()  # finished, but not yet archived
        self._lengths: Counter[bytes] = Counter()  # of all records of a matter at hand
        self._length = self._ended_length = 0  # their sums: of all, and of those that ended
        self._recalled: Recalled[S] = Recalled(machine, archive)
        self._batch: Batch[S] = Batch()
        self._condense_at = CONDENSE_BYTES
        self._tidying: Tidying | None = None
        self._tidy_from = 0.0  # monotonic

    # --- for all threads -----------------------------------------------------------------------

    def at_hand(self) -> dict[bytes, S]:
        """States of all open matters, and of those that ended lately."""
        with self.changed:
            return dict(self._states)

    def find(self, key: bytes) -> S | None:
        """State of a matter, open or over; None when nobody heard of it."""
        state = self.find_at_hand(key)
        return self._recalled.find(key) if state is None else state

    def find_at_hand(self, key: bytes) -> S | None:
        """State of one for which nothing has to be read: open, ended lately, or read lately."""
        state = self._states.get(key)  # of one key no thread sees a half
        return self._recalled.at_hand(key) if state is None else state

    def is_archived(self, key: bytes) -> bool:
        """Whether a matter is over and has left; nothing of it is read."""
        return self._archive is not None and self._archive.holds(key)

    def all_keys(self) -> list[bytes]:
        """Keys of all matters, those of the archive first."""
        at_hand = self.at_hand()  # first: a matter is in the archive before it goes from here
        archived = [] if self._archive is None else self._archive.keys()
        return [*(key for key in archived if key not in at_hand), *at_hand]

    def wait_until(
        self,
        predicate: Callable[[dict[bytes, S]], bool],
        is_over: Callable[[], bool],
        seconds_left: Callable[[], float],
    ) -> bool:
        """Wait until `predicate(states)` holds (True), or `is_over` or the time is up (False)."""
        with self.changed:
            while not predicate(dict(self._states)):
                if is_over() or seconds_left() <= 0:
                    return False
                self.changed.wait(seconds_left())
        return True

    def notify(self) -> None:
        """Let everybody who waits look again."""
        with self.changed:
            self.changed.notify_all()

    # --- for the loop --------------------------------------------------------------------------

    def load(self) -> None:
        """Take up what the journal holds.

        Raises:
            Unrecoverable: it cannot be replayed.
        """
        self._lengths.clear()
        self._length = 0
        states = replay_records(self._machine, self._weighed(), who=self._journal.path)
        with self.changed:
            self._states = states
            self._ended = {key for key, state in states.items() if self._is_finished(state)}
        self._ended_length = sum(self._lengths[key] for key in self._ended)
        self.tidy()
        while self._tidying is not None:  # nobody waits yet
            self.tidy()
        self.notify()

    def open_keys(self) -> list[bytes]:
        """Keys of all matters that are not finished, what is not committed yet included."""
        now = {**self._states, **self._batch.states}
        return [key for key, state in now.items() if not self._is_finished(state)]

    def state_before(self, key: bytes) -> S:
        """The state that an event of this matter meets, what is not committed yet included."""
        if key in self._batch.states:
            return self._batch.states[key]
        known = self.find(key)
        return self._machine.initial(key) if known is None else known

    def admit(self, key: bytes, event: E | Tick) -> bytes:
        """The record of an event of this matter.

        Raises:
            TooManyOpen: the matter is new and there is no room for it.
            AlreadyOver: it is in the archive, or on the way there.
            RecordTooLarge: the journal does not take it.
        """
        is_known = key in self._states or key in self._batch.states
        if not is_known or (self._tidying is not None and key in self._tidying.leaving):
            self._check_room(key)
        record = encode_record(self._machine, key, event)
        self._journal.check_length(len(record))
        return record

    def change(self, key: bytes, label: str, record: bytes, after: S) -> None:
        """Let an event happen: from the next `commit` on, `after` is the matter's state.

        Args:
            key: of the matter.
            label: class name of the event.
            record: as `admit` gave it.
            after: the state that the event leads to.
        """
        if not self._batch.has_room(record):
            self.commit()
        self._batch.add(key, label, record, after)

    def follow(self, act: Callable[[], object]) -> None:
        """Do this once everything that happened is on the disk."""
        self._batch.follows.append(act)

    def commit(self) -> None:
        """Write down what happened, once for all, then do what follows from it, in order.

        Raises:
            JournalWriteFailed: the disk refused; none of it happened, nothing follows.
        """
        batch, self._batch = self._batch, Batch()
        if batch.records:
            self._write(batch)
            with self.changed:
                self._states.update(batch.states)
                for key, after in batch.states.items():
                    if self._is_finished(after) and key not in self._ended:
                        self._ended.add(key)
                        self._ended_length += self._lengths[key]
                self.changed.notify_all()
        for act in batch.follows:
            act()

    def tidy(self) -> None:
        """Move what is over to the archive and condense open ones, when it is time to: a piece.

        Raises:
            JournalWriteFailed: the journal takes no more records.
        """
        try:
            if self._tidying is None:
                self._tidying = self._begin_to_tidy()
            if self._tidying is None or next(self._tidying.work, _OVER) is not _OVER:
                return
        except (JournalWriteFailed, ArchiveWriteFailed) as error:
            self._put_off(error)
            return
        done, self._tidying = self._tidying, None
        self._forget(done)

    # --- within --------------------------------------------------------------------------------

    def _is_finished(self, state: S) -> bool:
        return self._machine.is_finished(state)

    def _weighed(self) -> Iterator[bytes]:
        """The records of the journal; each is counted when it was found sound."""
        for record in self._journal.records():
            yield record
            for each in split(record):
                self._note(key_of(each), len(each))

    def _is_time_to_archive(self) -> bool:
        if self._archive is None:
            return False
        count = len(self._ended)
        are_many = count >= max(self._archive_after, len(self._states) - count)
        return are_many or self._ended_length >= ARCHIVE_BYTES

    def _begin_to_tidy(self) -> Tidying | None:
        if time.monotonic() < self._tidy_from:
            return None
        leaving = frozenset(self._ended if self._is_time_to_archive() else ())
        condensed: dict[bytes, list[bytes]] = {}
        if self._length >= self._condense_at:
            going_on = {key: at for key, at in self._states.items() if key not in self._ended}
            condensed = condense_all(self._machine, going_on, self._lengths, self._name)
            self._condense_at = max(CONDENSE_BYTES, 2 * self._length)
        if not (leaving or condensed):
            return None
        if not is_room(self._journal, self._archive, self._length):
            self._put_off(None)
            return None
        return begin(self._journal, self._archive, leaving, condensed, self._lengths)

    def _put_off(self, error: Unrecoverable | None) -> None:
        """What there is stays as it is: the journal is whole."""
        if self._tidying is not None:
            self._tidying.work.close()
        self._tidying, self._tidy_from = None, time.monotonic() + AGAIN_S
        self._condense_at = min(self._condense_at, max(CONDENSE_BYTES, self._length))
        if self._journal.is_broken and error is not None:
            raise error
        self._log.warning("no room to archive what is over", bytes=self._length, error=error)

    def _forget(self, done: Tidying) -> None:
        """The journal has no more of them than that."""
        with self.changed:
            for key in done.leaving:
                del self._states[key]
        self._ended.difference_update(done.leaving)
        for key in done.leaving:
            self._length -= self._lengths.pop(key)
        for key, gained in done.gained.items():
            self._lengths[key] += gained
            self._length += gained
        self._ended_length = sum(self._lengths[key] for key in self._ended)
        self._condense_at = min(self._condense_at, max(CONDENSE_BYTES, 2 * self._length))
        if done.gained:
            self._log.info("open ones condensed", count=len(done.gained), bytes=self._length)
        if done.leaving:
            self._log.info(
                "finished ones archived", count=len(done.leaving), open=len(self._states)
            )

    def _note(self, key: bytes, length: int) -> None:
        """A record of this matter is in the journal."""
        self._lengths[key] += length
        self._length += length
        if key in self._ended:
            self._ended_length += length

    def _check_room(self, key: bytes) -> None:
        """Check that an event may be the first of a matter."""
        if key in self._states or self._recalled.find(key) is not None:  # it leaves, or has left
            who = f"{self._name}, {say(self._machine.facts(key))}"
            raise AlreadyOver("is over; nothing about it changes any more", who=who)
        if (count := self._count_open()) >= self._max_open:
            raise TooManyOpen(
                "no room for one more",
                who=self._name,
                had=count,
                needed=f"< {self._max_open}",
                remedy="Try another party or raise the limit.",
            )
        if len(key) > MAX_KEY_BYTES:
            raise RefusedInput(
                "key too long", who=self._name, had=len(key), needed=f"<= {MAX_KEY_BYTES}"
            )

    def _count_open(self) -> int:
        """Matters that are not finished, what is not committed yet included."""
        count = len(self._states) - len(self._ended)
        for key, state in self._batch.states.items():
            was_open = key in self._states and key not in self._ended
            count += (not self._is_finished(state)) - was_open
        return count

    def _write(self, batch: Batch[S]) -> None:
        number = self._journal.count + 1
        if self._seam is not None:
            for label in batch.labels:
                self._seam.before(number, label)
        self._append(b"".join(batch.records))
        for key, record in zip(batch.keys, batch.records, strict=True):
            self._note(key, len(record))
        if self._seam is not None:
            for label in batch.labels:
                self._seam.after(number, label)

    def _append(self, record: bytes) -> None:
        """Write it down; the room that is taken by what can wait is its own."""
        try:
            self._journal.append(record)
        except JournalWriteFailed as error:
            if self._journal.is_broken or not self._is_more_room(len(record), error):
                raise
            self._journal.append(record)

    def _is_more_room(self, length: int, error: JournalWriteFailed) -> bool:
        was_tidying, wanted = self._tidying is not None, length + HEADER_BYTES
        if was_tidying:
            self._put_off(error)
        free = 0 if self._archive is None else self._archive.make_free(wanted)
        return was_tidying or free >= wanted
