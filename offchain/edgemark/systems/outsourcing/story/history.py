"""What became of jobs and what parties won or lost by them, put together from the events alone.

Nothing here is stored: whatever the index takes back after a reorganisation is gone from here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from edgemark.chronicle.book import Book, by_transaction, mark_of, read_book
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, parse_address
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.systems.outsourcing.contract import events as on
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.story.folding import Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.story import JobStory


@dataclass(frozen=True)
class PartyBook:
    """What an account did and what it came to.

    Attributes:
        tokens: all that it has in the anchor, for jobs and else.
        posted: jobs that it paid for.
        indices: of jobs in which it was named as a node, by phase.
    """

    tokens: Book
    posted: int = 0
    indices: Mapping[IndexPhase, int] = field(default_factory=dict)

    @property
    def worked(self) -> int:
        """Indices that it accepted."""
        return sum(self.indices.values()) - self.indices.get(IndexPhase.NAMED, 0)

    @property
    def convicted(self) -> int:
        """Indices at which it was convicted."""
        return self.indices.get(IndexPhase.CONVICTED, 0)


@dataclass(frozen=True)
class History:
    """The jobs of one settlement, as an index of its events tells them.

    Args:
        store: an index of this deployment.
        deployment: who the judges and the pool are.
    """

    store: IndexStore
    deployment: Deployment

    def read(self, job: JobId) -> JobStory:
        """One job as `Chronicle.read` tells it, but for senders and signatures: no event has them.

        Raises:
            RefusedInput: no such job in the index.
        """
        events = self.store.about(job)
        fold = StoryFold(self._begin(job, events))
        for mark, said in by_transaction(events):
            fold.take(mark, said)
        return fold.finish()

    def list_events(self, job: JobId) -> list[DatedEvent]:
        """What the settlement says of a job, in order, beginning with the posting."""
        settlement = self.deployment.contracts["JobSettlement"]
        return [dated for dated in self.store.about(job) if dated.event.at.contract == settlement]

    def list_jobs(
        self,
        *,
        payer: Address | None = None,
        node: Address | None = None,
        state: str | None = None,
    ) -> Iterator[JobStory]:
        """The jobs of a payer, of a node, in a state, or all; the newest first, one at a time."""
        named = node or payer
        postings = (
            self.store.of_kind(on.JobPosted)
            if named is None
            else reversed(self.store.about(bytes.fromhex(named[2:]), [on.JobPosted]))
        )
        for dated in postings:
            posting = dated.event
            if not isinstance(posting, on.JobPosted):
                continue
            if payer not in (None, posting.payer) or (node and node not in posting.nodes):
                continue
            story = self.read(posting.job)
            if state in (None, story.state):
                yield story

    def list_ids(self) -> list[JobId]:
        """Ids of all jobs."""
        return [JobId(key) for key in self.store.keys(on.JobPosted, "job")]

    def list_accounts(self) -> list[Address]:
        """Every account that an event mentions."""
        return [parse_address(key) for key in self.store.accounts()]

    def read_party(self, account: Address) -> PartyBook:
        """The book of an account; an empty one when nothing on chain names it."""
        posted, indices = 0, Counter[IndexPhase]()
        for dated in self.store.about(bytes.fromhex(account[2:]), [on.JobPosted]):
            posting = dated.event
            if not isinstance(posting, on.JobPosted):
                continue
            posted += posting.payer == account
            if account in posting.nodes:
                place = self.read(posting.job).at(posting.nodes.index(account) + 1)
                indices[place.phase] += 1
        return PartyBook(read_book(self.store, account), posted, dict(indices))

    def _begin(self, job: JobId, events: Sequence[DatedEvent]) -> JobStory:
        top = self.store.highest()
        for dated in events:
            if isinstance(dated.event, on.JobPosted) and top is not None:
                now = Timestamp(top.timestamp)
                return begin_story(self._court, dated.event, mark_of(dated), top.number, now)
        raise RefusedInput(
            "is not in the index", who=f"job {job.hex()}", remedy="Is the index up to date?"
        )

    @cached_property
    def _court(self) -> Court:
        decided = self.deployment.group(OutsourcingContracts)
        return Court(
            chain_id=self.deployment.chain_id,
            judges=decided.judges,
            threshold=compute_judge_threshold(len(decided.judges)),
            pool=decided.pool,
        )
