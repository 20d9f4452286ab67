"""Writes records many at once: one write and one fsync for all that came while the last one ran.

Law 1: whoever waits for a record goes on only when it is on the disk, or is told that it is not,
or that nobody knows (`JournalDoubtful`) until the journal is opened anew.
Law 2: records are on the disk in the order in which they came.
Law 3: a record that nobody waits for is written with the next one that somebody waits for, or at
the end; a crash may lose it, and none that came before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from copy import copy

from edgemark.errors import EdgemarkError
from edgemark.journal.faults import JournalDoubtful, JournalWriteFailed
from edgemark.journal.journal import Journal
from edgemark.ledger.fabric.client.keeping.records import Kept, write_group, write_kept
from edgemark.ledger.fabric.wire.limits import MAX_GROUP_BYTES


class Ticket:
    """A record on its way to the disk.

    Args:
        kept: what is written.
        is_urgent: whether somebody waits for it.
    """

    __slots__ = ("error", "is_done", "is_urgent", "kept", "record")

    def __init__(self, kept: Kept, *, is_urgent: bool) -> None:
        self.kept = kept
        self.record = write_kept(kept)
        self.is_urgent = is_urgent
        self.is_done = False
        self.error: EdgemarkError | None = None

    def check(self) -> None:
        """Raise why it is not on the disk, if it is not."""
        if self.error is not None:
            raise copy(self.error)  # each of those who wait has its own


class GroupWriter:
    """Writes a journal for many threads and tasks.

    Args:
        journal: that is written, by this one alone.
        after: told what is on the disk after each write, while nobody else writes.
    """

    def __init__(self, journal: Journal, after: Callable[[Sequence[Kept]], None]) -> None:
        self._journal = journal
        self._after = after
        self._pending: list[Ticket] = []
        self._guard = threading.Lock()  # of the list; never held while the disk is at work
        self._disk = threading.Lock()

    def add(self, kept: Kept, *, is_urgent: bool) -> Ticket:
        """Have a record written by the next `write`; it waits for nothing."""
        ticket = Ticket(kept, is_urgent=is_urgent)
        with self._guard:
            self._pending.append(ticket)
        return ticket

    def wait(self, ticket: Ticket) -> None:
        """Return when a record is on the disk; who comes first writes for all.

        Raises:
            JournalDoubtful: it may be, which is seen when the journal is opened anew.
            JournalWriteFailed: it is not, and will not be.
        """
        while not ticket.is_done:
            with self._disk:
                if not ticket.is_done:
                    self._write_some()
        ticket.check()

    def write(self) -> None:
        """Write what came until now; each ticket says what became of it."""
        with self._disk:
            self._write_some()

    def write_all(self) -> None:
        """Write all that there is, at the end."""
        with self._disk:
            while self._pending:
                if not self._write_some():
                    return

    def _write_some(self) -> bool:
        group = self._take_group()
        if not group:
            return True
        before = self._journal.count
        try:
            self._journal.append(write_group([each.record for each in group]))
        except EdgemarkError as error:
            self._give_up(group, error)
            return False
        except BaseException:  # as when somebody interrupts the caller who writes for all
            if self._journal.count > before:
                self._go_on(group)
            else:
                self._give_up(group, self._interrupted())
            raise
        self._go_on(group)
        return True

    def _go_on(self, group: list[Ticket]) -> None:
        try:
            self._after([each.kept for each in group])
        finally:
            for each in group:
                each.is_done = True

    def _interrupted(self) -> JournalWriteFailed:
        kind = JournalDoubtful if self._journal.is_broken else JournalWriteFailed
        text = "was not written: who wrote for all was interrupted"
        if kind is JournalDoubtful:
            text = "may be written: who wrote for all was interrupted, and the disk refuses"
        return kind(text, who=self._journal.path, remedy="Make the call again.")

    def _take_group(self) -> list[Ticket]:
        with self._guard:
            size, count = 0, 0
            for each in self._pending:
                size += len(each.record)
                if count and size > MAX_GROUP_BYTES:
                    break
                count += 1
            group, self._pending = self._pending[:count], self._pending[count:]
        return group

    def _give_up(self, group: list[Ticket], error: EdgemarkError) -> None:
        """Those who wait are told; what nobody waits for is tried again with the next."""
        with self._guard:
            self._pending[:0] = [each for each in group if not each.is_urgent]
        for each in group:
            if each.is_urgent:
                each.error, each.is_done = error, True
