"""What one job paid to whom, read from the events of the anchor: to the token, job by job.

The settlement's locks are told apart by the transaction in which they were made: it also carries
the event with the job. Other locks, which are providers' stakes, belong to no job. Everything else
is addition.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from edgemark.identifiers import Address, JobId
from edgemark.ledger.chain_event import ChainEvent
from edgemark.ledger.deployment import Deployment
from edgemark.ledger.events import (
    JobPosted,
    Locked,
    LockReturned,
    NodeAccepted,
    NodeCharged,
    Paid,
    decode_logs,
)
from edgemark.ledger.evm import EvmChain


@dataclass(frozen=True)
class JobLedger:
    """All events of settlement and anchor until now."""

    chain: EvmChain
    deployment: Deployment

    @cached_property
    def events(self) -> list[ChainEvent]:
        """In the order of the chain."""
        contracts = [self.deployment.contract(name) for name in ("Settlement", "AssetAnchor")]
        addresses = [contract.address for contract in contracts]
        logs = self.chain.logs(addresses, self.deployment.block, self.chain.head())
        return decode_logs(contracts, logs)

    @cached_property
    def _job_of_lock(self) -> dict[int, JobId]:
        jobs = {
            event.at.tx_hash: event.job
            for event in self.events
            if isinstance(event, JobPosted | NodeAccepted | NodeCharged)
        }
        settlement = self.deployment.contracts["Settlement"]
        return {
            event.lock_id: jobs[event.at.tx_hash]
            for event in self.events
            if isinstance(event, Locked) and event.locker == settlement
        }

    @cached_property
    def _won(self) -> dict[JobId, dict[Address, int]]:
        """What each account won or lost, job by job."""
        won: defaultdict[JobId, defaultdict[Address, int]] = defaultdict(lambda: defaultdict(int))
        for event in self.events:
            if not isinstance(event, Locked | Paid | LockReturned):
                continue
            job = self._job_of_lock.get(event.lock_id)
            if job is None:
                continue
            of_job = won[job]
            if isinstance(event, Locked):
                of_job[event.owner] -= event.amount
            elif isinstance(event, Paid):
                of_job[event.to] += event.amount
            else:
                of_job[event.owner] += event.amount
        return {job: dict(changes) for job, changes in won.items()}

    def changes(self, job: JobId) -> dict[Address, int]:
        """What each account won or lost by a job; those that neither won nor lost are left out."""
        return {account: amount for account, amount in self._won.get(job, {}).items() if amount}

    def posting(self, job: JobId) -> JobPosted:
        """The event by which a job began."""
        return next(e for e in self.events if isinstance(e, JobPosted) and e.job == job)

    def of_job(self, job: JobId) -> list[ChainEvent]:
        """The settlement's events of a job."""
        return [event for event in self.events if getattr(event, "job", None) == job]
