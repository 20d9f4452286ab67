"""What the cases of a judge hold: memory until they end, disk until they have left the journal.

Rule 1: room is set aside when evidence comes, for it and for one answer more than there is: what
the node hands in later always has room. One that contradicts another counts when it is there; its
node is convicted for it, so these make the bound at most 7/3 of what it says.
Rule 2: open cases hold so much together, and those of one payer never more than is left for the
others: with n payers that hold all they can there is room for an (n + 1)-th.
Rule 3: evidence without room is refused by name and comes again, until its charge would be void.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.errors import Overloaded
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import Terms, compute_output_bytes
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import MOST_ANSWERS, JudgeCase
from edgemark.systems.outsourcing.limits import DISK_COPIES, MAX_ERRORS, MAX_JOB_VALUES
from edgemark.systems.outsourcing.station.server import Payers

RETRY_S = 5.0  # cases end when they please
# Of all charged nodes of one job, which hold less than a quarter of its values, all as silent.
MAX_CHARGED_BYTES = ELEMENT_BYTES * ((1 + 2 * MOST_ANSWERS) * (MAX_JOB_VALUES // 4) + MAX_ERRORS)
LEAST_HELD_BYTES = 2 * MAX_CHARGED_BYTES  # by rule 2 one payer may hold half


def compute_most_held(max_held_mib: int) -> int:
    """Bytes that open cases hold at most, whatever is set: one job's charges always fit."""
    return max(LEAST_HELD_BYTES, max_held_mib * 2**20)


def compute_room(kind: ChargeKind, terms: Terms, answers: int = 0) -> int:
    """Bytes that a case holds: its share, so many answers as are there, and one more."""
    most = min(MOST_ANSWERS, answers + 1) if kind is ChargeKind.SILENT else 1
    return terms.share_bytes + most * compute_output_bytes(terms.batch, terms.outputs)


class CaseRoom:
    """Room for the evidence of open cases; safe for many threads.

    Args:
        cases: all, as they are now.
        payers: of their jobs.
        max_held_mib: of the settings.
        on_disk: checks that so many bytes have room on the disk, beside so many others.
    """

    def __init__(
        self,
        cases: Callable[[], Iterable[JudgeCase]],
        payers: Payers,
        max_held_mib: int,
        on_disk: Callable[[int, int], object],
    ) -> None:
        self._cases, self._payers, self._on_disk = cases, payers, on_disk
        self._most = compute_most_held(max_held_mib)
        self._taking = threading.Lock()

    def count_promised(self) -> int:
        """Bytes that cases have yet to write; those that ended, their copy for the archive."""
        return sum(map(_bytes_to_come, self._cases()))

    @contextmanager
    def taking(self, kind: ChargeKind, terms: Terms, job: JobId) -> Iterator[None]:
        """Take evidence within this, one at a time: of two for the last room one comes too late.

        Raises:
            Overloaded: there is no room now.
        """
        with self._taking:
            self.check(compute_room(kind, terms), job)
            self._on_disk(compute_room(kind, terms, MOST_ANSWERS), self.count_promised())
            yield

    def check(self, length: int, job: JobId) -> None:
        """Check that a case of a job may hold so many bytes more: rule 2.

        Raises:
            Overloaded: as `taking`; to be asked before long bodies are read.
        """
        payer, held, own = self._payer_of(job), 0, 0
        for case in self._cases():
            if case.terms is not None and not case.is_finished:
                room = compute_room(case.known.kind, case.terms, len(case.answers))
                held += room
                own += room if self._payer_of(case.known.job) == payer else 0
        left = self._most - held - length
        if own + length > left:
            raise Overloaded(
                "charges of one payer hold as much as is left for the others",
                who=f"judge, job {job.hex()}",
                had=own + length,
                needed=f"<= {left} bytes",
                retry_after_s=RETRY_S,
            )

    def _payer_of(self, job: JobId) -> str:
        """A job whose payer the chain has yet to say, as after a start, is nobody else's."""
        return self._payers.find(job) or job.hex()


def _bytes_to_come(case: JudgeCase) -> int:
    if case.terms is None:
        return 0
    terms = case.terms
    answer_bytes = compute_output_bytes(terms.batch, terms.outputs)
    there = terms.share_bytes + len(case.answers) * answer_bytes
    if case.is_finished:
        return there
    return DISK_COPIES * compute_room(case.known.kind, terms, MOST_ANSWERS) - there
