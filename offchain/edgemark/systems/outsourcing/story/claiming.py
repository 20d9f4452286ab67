"""Anyone, with gas and nothing else, settles what the deadlines allow: claim and expire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgemark.chronicle.steps import find_expired
from edgemark.identifiers import Hash32, Timestamp
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.systems.outsourcing.contract import events as seen
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_NODES
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.story.folding import ENDS
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import JobStory, is_due


@dataclass(frozen=True)
class Claimed:
    """What a claim did.

    Attributes:
        looked: jobs that were looked at.
        due: jobs in which something was due.
        ended: (job, index) pairs that ended.
        expired: (job, place) pairs of locks that went back to their owners.
        transactions: that were sent.
    """

    looked: int
    due: tuple[JobId, ...]
    ended: tuple[tuple[JobId, int], ...]
    expired: tuple[tuple[JobId, int], ...]
    transactions: tuple[Hash32, ...]


def read_stories(
    station: OutsourcingStation, jobs: Iterable[JobId] | None = None
) -> list[JobStory]:
    """The lives of these jobs, or of all in which something is open.

    Raises:
        JobUnknown: one of the named jobs is not on this chain.
        LedgerUnavailable: the chain does not answer.
    """
    chronicle = Chronicle(station.chain, station.deployment)
    named = tuple(chronicle.open_jobs() if jobs is None else jobs)
    return [chronicle.read(job) for job in dict.fromkeys(named)]


def claim(station: OutsourcingStation, stories: Sequence[JobStory]) -> Claimed:
    """End whatever is due in these jobs.

    Somebody who is faster costs this caller gas and nothing else.

    Raises:
        LedgerUnavailable: the chain does not answer, or the account has no gas; what was sent
            before counts.
    """
    now = Timestamp(station.chain.now())
    due = [story for story in stories if is_due(story, now)]
    receipts = [
        station.lane.send(station.settlement.claim([story.job for story in batch]))
        for batch in batches(due)
    ]
    ended = [pair for receipt in receipts for pair in _ended_in(station, receipt, due)]
    expired: list[tuple[JobId, int]] = []
    locker = station.settlement.address
    for job, place in ((s.job, place) for s in stories for place in find_expired(s.pots, now)):
        try:
            receipts.append(station.lane.send(station.accounts.expire(locker, job, place)))
        except ContractRefused:  # returned by somebody else in the meantime
            continue
        expired.append((job, place))
    return Claimed(
        looked=len(stories),
        due=tuple(story.job for story in due),
        ended=tuple(ended),
        expired=tuple(expired),
        transactions=tuple(receipt.tx_hash for receipt in receipts),
    )


def batches(stories: Iterable[JobStory]) -> Iterator[list[JobStory]]:
    """Groups of jobs of as many indices as one transaction may end."""
    group: list[JobStory] = []
    room = MAX_NODES
    for story in stories:
        if group and len(story.indices) > room:
            yield group
            group, room = [], MAX_NODES
        group.append(story)
        room -= len(story.indices)
    if group:
        yield group


def _ended_in(
    station: OutsourcingStation, receipt: Receipt, due: Iterable[JobStory]
) -> Iterator[tuple[JobId, int]]:
    counts = {story.job: len(story.indices) for story in due}
    for event in receipt_events(receipt, station.settlement.contract):
        if isinstance(event, seen.JobCancelled):
            job = JobId(event.job)
            yield from ((job, j) for j in range(1, counts[job] + 1))
        elif type(event) in ENDS:
            place: Any = event
            yield JobId(place.job), int(place.index)
