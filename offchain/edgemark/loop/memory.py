"""What one process remembers of its jobs: open ones at hand, finished ones in the archive.

Law 1: a change is in the journal before anybody sees it in memory, and before what follows from it.
Changes that are committed together are one record of the journal: a crash leaves all or none.
Law 2: a finished job leaves memory and journal for good once its records are in the archive, so
neither grows with what is over. Its state can still be read; it changes no more.
Law 3: an open job leaves the journal what its machine says still matters (`loop.condensing`).
Law 4: a crash at any point of that costs nothing: until the journal is rewritten, in one step, it
still has every record, and the next life does the same again.

Jobs leave together: when as many are finished as are open, and at least `archive_after`; or when
their records are as long as those of the open ones, and at least `ARCHIVE_BYTES`. Open ones are
condensed when the journal is twice as long as after the last time, and at least `CONDENSE_BYTES`.
So the work of rewriting is in proportion to the records that are written anyway, and large jobs do
not stay in memory because there are few of them.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from edgemark.errors import RefusedInput
from edgemark.journal.journal import Journal
from edgemark.logs import get_logger
from edgemark.loop.archive import Archive
from edgemark.loop.batch import Batch
from edgemark.loop.condensing import condense, rewrite
from edgemark.loop.machine import Machine, Tick
from edgemark.loop.replay import (
    MAX_KEY_BYTES,
    encode_record,
    key_of,
    of_job,
    replay_records,
    split,
)
from edgemark.seam import Seam

RECALLED = 64  # finished jobs that were read lately
RECALLED_BYTES = 64 * 2**20  # of their records; one of any length
ARCHIVE_BYTES = 64 * 2**20  # of records of finished jobs, before these leave
CONDENSE_BYTES = 4 * 2**20  # of all records, before open jobs are condensed: a second of replaying

S = TypeVar("S")
E = TypeVar("E")
F = TypeVar("F", bound=Hashable)


class TooManyJobs(RefusedInput):
    """The process follows as many jobs as it may."""


class JobEnded(RefusedInput):
    """The job is over; nothing about it changes any more."""


class JobMemory(Generic[S, E, F]):
    """States of all jobs of one process; written by the loop's thread, read by all.

    Args:
        machine: the pure part.
        journal: open, and used by nobody else.
        archive: takes finished jobs; None keeps them in memory and journal for ever.
        seam: stops the process at a named place of the journal; for tests.
        max_jobs: open jobs at most.
        archive_after: finished jobs at least before they leave.
        name: of the process, in logs and errors.
    """

    def __init__(
        self,
        machine: Machine[S, E, F],
        journal: Journal,
        archive: Archive | None,
        *,
        seam: Seam | None,
        max_jobs: int,
        archive_after: int,
        name: str,
    ) -> None:
        self.changed = threading.Condition()
        self._machine = machine
        self._journal = journal
        self._archive = archive
        self._seam = seam
        self._max_jobs = max_jobs
        self._archive_after = archive_after
        self._name = name
        self._log = get_logger(name)
        self._states: dict[bytes, S] = {}
        self._ended: set[bytes] = set()  # finished, but not yet archived
        self._lengths: Counter[bytes] = Counter()  # of all records of a job at hand
        self._length = self._ended_length = 0  # their sums: of all, and of those that ended
        self._recalled: OrderedDict[bytes, tuple[S, int]] = OrderedDict()
        self._batch: Batch[S] = Batch()
        self._condense_at = CONDENSE_BYTES

    # --- for all threads -----------------------------------------------------------------------

    def at_hand(self) -> dict[bytes, S]:
        """States of all open jobs, and of those that ended lately."""
        with self.changed:
            return dict(self._states)

    def find(self, key: bytes) -> S | None:
        """State of a job, open or over; None when nobody heard of it."""
        state = self.find_at_hand(key)
        return self._recall(key) if state is None else state

    def find_at_hand(self, key: bytes) -> S | None:
        """State of a job for which nothing has to be read: open, ended lately, or read lately."""
        with self.changed:
            state, (recalled, _) = self._states.get(key), self._recalled.get(key, (None, 0))
        return recalled if state is None else state

    def is_archived(self, key: bytes) -> bool:
        """Whether a job is over and has left; nothing of it is read."""
        return self._archive is not None and self._archive.holds(key)

    def jobs(self) -> list[bytes]:
        """Keys of all jobs, those of the archive first."""
        archived = [] if self._archive is None else self._archive.keys()
        at_hand = self.at_hand()
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
        self.notify()

    def open_jobs(self) -> list[bytes]:
        """Keys of all jobs that are not finished, what is not committed yet included."""
        now = {**self._states, **self._batch.states}
        return [key for key, state in now.items() if not self._is_finished(state)]

    def state_before(self, key: bytes) -> S:
        """The state that an event of this job meets, what is not committed yet included."""
        if key in self._batch.states:
            return self._batch.states[key]
        known = self.find(key)
        return self._machine.initial(key) if known is None else known

    def admit(self, key: bytes, event: E | Tick) -> bytes:
        """The record of an event of this job.

        Raises:
            TooManyJobs: the job is new and there is no room for it.
            JobEnded: it is in the archive.
            RecordTooLarge: the journal does not take it.
        """
        if key not in self._states and key not in self._batch.states:
            self._check_room(key)
        record = encode_record(self._machine, key, event)
        self._journal.check_length(len(record))
        return record

    def change(self, key: bytes, label: str, record: bytes, after: S) -> None:
        """Let an event happen: from the next `commit` on, `after` is the job's state.

        Args:
            key: of the job.
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
        """Move finished jobs to the archive and condense open ones, when it is time to."""
        leaving = frozenset(self._ended if self._is_time_to_archive() else ())
        is_long = self._length >= self._condense_at
        condensed = self._condense() if is_long else {}
        if leaving and self._archive is not None:
            self._put_away(self._archive, leaving)
        if leaving or condensed:
            self._journal.rewrite(rewrite(self._journal.records(), leaving, condensed))
            self._forget(leaving, condensed)
        if is_long:
            self._condense_at = max(CONDENSE_BYTES, 2 * self._length)

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
        if len(self._ended) >= max(self._archive_after, len(self._states) - len(self._ended)):
            return True
        return self._ended_length >= max(ARCHIVE_BYTES, self._length - self._ended_length)

    def _put_away(self, archive: Archive, leaving: Collection[bytes]) -> None:
        places: defaultdict[bytes, list[int]] = defaultdict(list)
        for place, record in self._journal.walk():
            for key in {key_of(each) for each in split(record)}.intersection(leaving):
                places[key].append(place)
        for key, of_key in places.items():
            archive.put(key, of_job(key, map(self._journal.record_at, of_key)))

    def _condense(self) -> dict[bytes, list[bytes]]:
        """Shorter records of open jobs, in the place of those that they have, of one event each."""
        condensed = {}
        for key, state in self._states.items():
            if key not in self._ended:
                records = condense(self._machine, key, state, self._name)
                if records and sum(map(len, records)) < self._lengths[key]:
                    condensed[key] = records
        return condensed

    def _forget(self, leaving: Collection[bytes], condensed: Mapping[bytes, list[bytes]]) -> None:
        """The journal has no more of them than that."""
        with self.changed:
            for key in leaving:
                del self._states[key]
        self._ended.difference_update(leaving)
        for key in leaving:
            self._length -= self._lengths.pop(key)
        for key, records in condensed.items():
            self._length -= self._lengths.pop(key)
            self._lengths[key] = sum(map(len, records))
            self._length += self._lengths[key]
        self._ended_length = sum(self._lengths[key] for key in self._ended)
        if condensed:
            self._log.info("open jobs condensed", jobs=len(condensed), bytes=self._length)
        if leaving:
            self._log.info("finished jobs archived", jobs=len(leaving), open=len(self._states))

    def _note(self, key: bytes, length: int) -> None:
        """A record of this job is in the journal."""
        self._lengths[key] += length
        self._length += length
        if key in self._ended:
            self._ended_length += length

    def _recall(self, key: bytes) -> S | None:
        """The state of an archived job, from its records."""
        if self._archive is None:
            return None
        with self.changed:
            known = self._recalled.get(key)
            if known is not None:
                self._recalled.move_to_end(key)
                return known[0]
        records = self._archive.find(key)
        if records is None:
            return None
        state = replay_records(self._machine, records, who=key.hex())[key]
        with self.changed:
            self._recalled[key] = (state, sum(map(len, records)))
            while len(self._recalled) > 1 and self._recalls_too_much():
                self._recalled.popitem(last=False)
        return state

    def _recalls_too_much(self) -> bool:
        length = sum(length for _, length in self._recalled.values())
        return len(self._recalled) > RECALLED or length > RECALLED_BYTES

    def _check_room(self, key: bytes) -> None:
        """Check that an event may be the first of a job."""
        if self._recall(key) is not None:
            raise JobEnded("job is over", who=f"{self._name}, job {key.hex()}")
        if (count := self._count_open()) >= self._max_jobs:
            raise TooManyJobs(
                "no room for another job",
                who=self._name,
                had=count,
                needed=f"< {self._max_jobs}",
                remedy="Try another party or raise the limit.",
            )
        if len(key) > MAX_KEY_BYTES:
            raise RefusedInput(
                "job key too long", who=self._name, had=len(key), needed=f"<= {MAX_KEY_BYTES}"
            )

    def _count_open(self) -> int:
        """Jobs that are not finished, what is not committed yet included."""
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
        self._journal.append(b"".join(batch.records))
        for key, record in zip(batch.keys, batch.records, strict=True):
            self._note(key, len(record))
        if self._seam is not None:
            for label in batch.labels:
                self._seam.after(number, label)
