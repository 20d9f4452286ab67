"""What one job paid to whom, and what the settlement said of it.

A job's lock has the settlement for its locker and the job for its subject.
"""

from __future__ import annotations

from typing import ClassVar

from tests.stage.locks import LockLedger

from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.outsourcing.contract.events import JobPosted
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import find_signers


class JobLedger(LockLedger):
    """All events of settlement and anchor until now."""

    LOCKER: ClassVar[str] = "JobSettlement"

    def signers(self, job: JobId) -> dict[int, tuple[Address, ...]]:
        """Who signed the verdict of which index: a judge is paid for its own signature."""
        story = Chronicle(self.chain, self.deployment).read(job)
        return {int(place.index): find_signers(story, place) for place in story.indices}

    def posting(self, job: JobId) -> JobPosted:
        """The event by which a job began."""
        return next(e for e in self.events if isinstance(e, JobPosted) and e.job == job)

    def of_job(self, job: JobId) -> list[ChainEvent]:
        """The settlement's events of a job."""
        return [event for event in self.events if getattr(event, "job", None) == job]
