"""What one process remembers of its jobs: open ones at hand, finished ones in the archive.

Law 1: a change is in the journal before it is in memory.
Law 2: a finished job leaves memory and journal for good once its records are in the archive, so
neither grows with what is over. Its state can still be read; it changes no more.
Law 3: a crash at any point of that costs nothing: until the journal is rewritten, in one step, it
still has every record, and the next life does the same again.

Jobs leave in batches: when as many are finished as are open, and at least `archive_after`; or when
their records are as long as those of the open ones, and at least `ARCHIVE_BYTES`. So the work of
rewriting is in proportion to the records that are written anyway, and large jobs do not stay in
memory because there are few of them.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from edgemark.errors import RefusedInput
from edgemark.journal.journal import Journal
from edgemark.logs import get_logger
from edgemark.loop.archive import Archive
from edgemark.loop.machine import Machine, Tick
from edgemark.loop.replay import MAX_KEY_BYTES, encode_record, key_of, replay_records
from edgemark.seam import Seam

RECALLED = 64  # finished jobs that were read lately
RECALLED_BYTES = 64 * 2**20  # of their records; one of any length
ARCHIVE_BYTES = 64 * 2**20  # of records of finished jobs, before these leave

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

    @property
    def open_count(self) -> int:
        """Jobs that are not finished."""
        return len(self._states) - len(self._ended)

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

    def state_before(self, key: bytes) -> S:
        """The state that an event of this job meets."""
        known = self.find(key)
        return self._machine.initial(key) if known is None else known

    def change(self, key: bytes, event: E | Tick, after: S) -> None:
        """Write the event down, then let this be the job's state.

        Raises:
            TooManyJobs: the job is new and there is no room for it.
            JobEnded: it is in the archive.
        """
        if key not in self._states:
            self._check_room(key)
        self._write(key, event)
        with self.changed:
            self._states[key] = after
            if self._is_finished(after) and key not in self._ended:
                self._ended.add(key)
                self._ended_length += self._lengths[key]
            self.changed.notify_all()

    def tidy(self) -> None:
        """Move finished jobs to the archive when there are enough of them."""
        if self._archive is None:
            return
        if not self._is_time_to_tidy():
            return
        leaving = frozenset(self._ended)
        places: defaultdict[bytes, list[int]] = defaultdict(list)
        for place, record in self._journal.walk():
            if key_of(record) in leaving:
                places[key_of(record)].append(place)
        for key, of_job in places.items():
            self._archive.put(key, map(self._journal.record_at, of_job))
        self._journal.rewrite(r for r in self._journal.records() if key_of(r) not in leaving)
        with self.changed:
            for key in leaving:
                del self._states[key]
                self._length -= self._lengths.pop(key)
            self._ended.clear()
            self._ended_length = 0
        self._log.info("finished jobs archived", jobs=len(leaving), open=len(self._states))

    # --- within --------------------------------------------------------------------------------

    def _is_finished(self, state: S) -> bool:
        return self._machine.is_finished(state)

    def _weighed(self) -> Iterator[bytes]:
        """The records of the journal; each is counted when it was found sound."""
        for record in self._journal.records():
            yield record
            self._note(key_of(record), len(record))

    def _is_time_to_tidy(self) -> bool:
        if len(self._ended) >= max(self._archive_after, self.open_count):
            return True
        return self._ended_length >= max(ARCHIVE_BYTES, self._length - self._ended_length)

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
        if self._recall(key) is not None:
            raise JobEnded("job is over", who=f"{self._name}, job {key.hex()}")
        if self.open_count >= self._max_jobs:
            raise TooManyJobs(
                "no room for another job",
                who=self._name,
                had=self.open_count,
                needed=f"< {self._max_jobs}",
                remedy="Try another party or raise the limit.",
            )
        if len(key) > MAX_KEY_BYTES:
            raise RefusedInput(
                "job key too long", who=self._name, had=len(key), needed=f"<= {MAX_KEY_BYTES}"
            )

    def _write(self, key: bytes, event: E | Tick) -> None:
        record = encode_record(self._machine, key, event)
        label = type(event).__name__
        if self._seam is not None:
            self._seam.before(self._journal.count + 1, label)
        number = self._journal.append(record)
        self._note(key, len(record))
        if self._seam is not None:
            self._seam.after(number, label)
