"""What one job paid to whom, read from the events of the anchor: to the token, job by job.

A job's lock has the settlement for its locker and the job for its subject; other locks, which are
providers' stakes, belong to no job. Everything else is addition.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from edgemark.anchoring.events import Locked, LockIncreased, LockReturned, Paid
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.events import JobPosted
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import find_signers


@dataclass(frozen=True)
class JobLedger:
    """All events of settlement and anchor until now."""

    chain: EvmChain
    deployment: Deployment

    @cached_property
    def events(self) -> list[ChainEvent]:
        """In the order of the chain."""
        contracts = [self.deployment.contract(name) for name in ("JobSettlement", "AssetAnchor")]
        addresses = [contract.address for contract in contracts]
        logs = self.chain.logs(addresses, self.deployment.block, self.chain.head())
        return decode_logs(contracts, logs)

    @cached_property
    def _won(self) -> dict[JobId, dict[Address, int]]:
        """What each account won or lost, job by job."""
        won: defaultdict[JobId, defaultdict[Address, int]] = defaultdict(lambda: defaultdict(int))
        for event in self.events:
            if not isinstance(event, Locked | LockIncreased | Paid | LockReturned):
                continue
            if event.locker != self.deployment.contracts["JobSettlement"]:
                continue
            of_job = won[JobId(event.subject)]
            if isinstance(event, Locked | LockIncreased):
                of_job[event.owner] -= event.amount
            elif isinstance(event, Paid):
                of_job[event.to] += event.amount
            else:
                of_job[event.owner] += event.amount
        return {job: dict(changes) for job, changes in won.items()}

    def changes(self, job: JobId) -> dict[Address, int]:
        """What each account won or lost by a job; those that neither won nor lost are left out."""
        return {account: amount for account, amount in self._won.get(job, {}).items() if amount}

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
