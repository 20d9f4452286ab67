"""What became of jobs and what parties won or lost by them, put together from the events alone.

Nothing here is stored: whatever the index takes back after a reorganisation is gone from here too.

Rule 1: a lock is known by its locker and its subject; of a job the subject is the job's id.
Rule 2: what a lock brought a party is final when it holds nothing of the party's own any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from edgemark.anchoring import events as anchored
from edgemark.deployment.deployment import Deployment
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, JobId, Timestamp
from edgemark.indexer.store import DatedEvent, IndexStore
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.systems.outsourcing.contract import events as on
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts
from edgemark.systems.outsourcing.story.folding import INDEX_PHASES, Court, StoryFold, begin_story
from edgemark.systems.outsourcing.story.story import JobStory, Mark

MOVES_OF_A_LOCK = (anchored.Locked, anchored.LockIncreased, anchored.Paid, anchored.LockReturned)


class JobState(StrEnum):
    """Where a job as a whole is."""

    POSTED = "posted"
    STARTED = "started"
    CANCELLED = "cancelled"
    SETTLED = "settled"


@dataclass(frozen=True)
class JobHistory:
    """A job, from its events.

    Attributes:
        posting: the event by which it began, with terms and nodes.
        state: started jobs are settled when every index has ended.
        indices: phase of index j at position j - 1.
        events: those of the settlement, in order.
    """

    posting: on.JobPosted
    state: JobState
    indices: tuple[IndexPhase, ...]
    events: tuple[DatedEvent, ...]

    @property
    def job(self) -> JobId:
        """Its id."""
        return self.posting.job

    @property
    def posted_at(self) -> Timestamp:
        """Unix seconds."""
        return self.events[0].at

    def count(self, phase: IndexPhase) -> int:
        """Indices in a phase."""
        return self.indices.count(phase)


def fold_job(events: Sequence[DatedEvent]) -> JobHistory:
    """Put a job together from all of its events, in the order of the chain.

    Raises:
        RefusedInput: no events, or they do not begin with the posting.
    """
    events = [dated for dated in events if not isinstance(dated.event, MOVES_OF_A_LOCK)]
    first = events[0].event if events else None
    if not isinstance(first, on.JobPosted):
        raise RefusedInput("is not in the index", who="job", needed="a job that was posted")
    indices = [IndexPhase.NAMED] * len(first.nodes)
    state = JobState.POSTED
    for dated in events[1:]:
        match dated.event:
            case on.JobStarted():
                state = JobState.STARTED
            case on.JobCancelled():
                state = JobState.CANCELLED
                indices = [IndexPhase.RELEASED] * len(indices)
            case event:
                at = getattr(event, "index", None)
                if at is not None:
                    indices[at - 1] = INDEX_PHASES[type(event)]
    if state is JobState.STARTED and all(phase.is_end for phase in indices):
        state = JobState.SETTLED
    return JobHistory(first, state, tuple(indices), tuple(events))


def read_job(store: IndexStore, job: JobId) -> JobHistory:
    """One job.

    Raises:
        RefusedInput: no such job in the index.
    """
    try:
        return fold_job(store.about(job))
    except RefusedInput as unknown:
        raise RefusedInput(
            unknown.what, who=f"job {job.hex()}", remedy="Is the index up to date?"
        ) from unknown


def read_story(store: IndexStore, deployment: Deployment, job: JobId) -> JobStory:
    """One job as `Chronicle.read` tells it, but for senders and signatures, which no event holds.

    Args:
        store: an index of this deployment.
        deployment: who the judges and the pool are.
        job: which one.

    Raises:
        RefusedInput: no such job in the index.
    """
    history = read_job(store, job)
    top = store.highest()
    if top is None:
        raise LookupError("an index that holds a job holds its block")
    marks = {dated.event.at.tx_hash: _mark(dated) for dated in history.events}
    decided = deployment.group(OutsourcingContracts)
    court = Court(
        chain_id=deployment.chain_id,
        judges=decided.judges,
        threshold=compute_judge_threshold(len(decided.judges)),
        pool=decided.pool,
    )
    posted = marks[history.posting.at.tx_hash]
    fold = StoryFold(
        begin_story(court, history.posting, posted, top.number, Timestamp(top.timestamp))
    )
    speakers = {deployment.contracts[name] for name in ("JobSettlement", "AssetAnchor")}
    for tx_hash, mark in marks.items():
        said = [dated.event for dated in store.in_transaction(tx_hash)]
        fold.take(mark, [event for event in said if event.at.contract in speakers])
    return fold.finish(_returned(store, history.posting.at.contract, job))


def _returned(store: IndexStore, settlement: Address, job: JobId) -> dict[int, Mark]:
    """Places of the job's expired lock that went back to their owners."""
    return {
        int(dated.event.place): _mark(dated)
        for dated in store.about(job, [anchored.LockReturned])
        if isinstance(dated.event, anchored.LockReturned) and dated.event.locker == settlement
    }


def _mark(dated: DatedEvent) -> Mark:
    place = dated.event.at
    return Mark(place.block_number, dated.at, place.tx_hash)


def list_jobs(
    store: IndexStore,
    *,
    payer: Address | None = None,
    node: Address | None = None,
    state: JobState | None = None,
) -> Iterator[JobHistory]:
    """The jobs of a payer, of a node, in a state, or all; the newest first, one at a time."""
    named = node or payer
    postings = (
        store.of_kind(on.JobPosted)
        if named is None
        else reversed(store.about(bytes.fromhex(named[2:]), [on.JobPosted]))
    )
    for dated in postings:
        posting = dated.event
        if not isinstance(posting, on.JobPosted):
            continue
        if payer not in (None, posting.payer) or (node and node not in posting.nodes):
            continue
        history = fold_job(store.about(posting.job))
        if state in (None, history.state):
            yield history


@dataclass
class PartyBook:
    """What an account did and what it came to; amounts in the token's smallest unit.

    Attributes:
        deposited, withdrawn: into and out of the anchor.
        free: in the anchor, as the events say; the contract says the same.
        locked: its own, in open locks.
        earned: sum over the locks (jobs, stakes) that brought it more than it put in.
        lost: sum over the locks that brought it less: what it paid for work, or was fined.
        posted: jobs that it paid for.
        indices: of jobs in which it was named as a node, by phase.
    """

    account: Address
    deposited: int = 0
    withdrawn: int = 0
    free: int = 0
    locked: int = 0
    earned: int = 0
    lost: int = 0
    posted: int = 0
    indices: dict[IndexPhase, int] = field(default_factory=dict)

    @property
    def worked(self) -> int:
        """Indices at which it was named as a node."""
        return sum(self.indices.values())

    @property
    def convicted(self) -> int:
        """Indices at which it was convicted."""
        return self.indices.get(IndexPhase.CONVICTED, 0)


def read_party(store: IndexStore, account: Address) -> PartyBook:
    """The book of an account; an empty one when nothing on chain names it."""
    book = PartyBook(account)
    key = bytes.fromhex(account[2:])
    for dated in store.about(key, [anchored.Deposited, anchored.Withdrawn]):
        match dated.event:
            case anchored.Deposited(account=owner, received=amount) if owner == account:
                book.deposited += amount
            case anchored.Withdrawn(account=owner, amount=amount) if owner == account:
                book.withdrawn += amount
    _add_locks(store, book, key)
    _add_jobs(store, book, key)
    return book


def _add_locks(store: IndexStore, book: PartyBook, key: bytes) -> None:
    """Follow every lock that holds tokens of the account or paid it."""
    locks: dict[tuple[Address, bytes], None] = {}
    for dated in store.about(key, [anchored.Locked, anchored.Paid]):
        event = dated.event
        is_own = isinstance(event, anchored.Locked) and event.owner == book.account
        if is_own or (isinstance(event, anchored.Paid) and event.to == book.account):
            locks[event.locker, event.subject] = None  # type: ignore[attr-defined]
    book.free = book.deposited - book.withdrawn + _sum_moves(store, book.account, key)
    for locker, subject in locks:
        events = [
            dated.event
            for dated in store.about(subject, MOVES_OF_A_LOCK)
            if dated.event.locker == locker  # type: ignore[attr-defined]
        ]
        change, left = _follow(events, book.account)
        book.free += change
        book.locked += left
        if left == 0:
            book.earned += max(change, 0)
            book.lost += max(-change, 0)


def _sum_moves(store: IndexStore, account: Address, key: bytes) -> int:
    """What moving free balance inside the anchor brought the account."""
    moves = [dated.event for dated in store.about(key, [anchored.Moved])]
    return sum(
        (move.to == account) * move.amount - (move.from_ == account) * move.amount
        for move in moves
        if isinstance(move, anchored.Moved)
    )


def _follow(events: Sequence[ChainEvent], account: Address) -> tuple[int, int]:
    """(what a lock changed in the account's free balance, what it still holds of the account)."""
    change, owners = 0, dict[int, Address]()
    left: defaultdict[int, int] = defaultdict(int)
    for event in events:
        match event:
            case (
                anchored.Locked(owner=owner, place=place, amount=amount)
                | anchored.LockIncreased(owner=owner, place=place, amount=amount)
            ):
                owners[place] = owner
                left[place] += amount
                change -= amount if owner == account else 0
            case (
                anchored.Paid(to=to, place=place, amount=amount)
                | anchored.LockReturned(owner=to, place=place, amount=amount)
            ):
                left[place] -= amount
                change += amount if to == account else 0
            case _:
                pass
    return change, sum(rest for place, rest in left.items() if owners.get(place) == account)


def _add_jobs(store: IndexStore, book: PartyBook, key: bytes) -> None:
    for dated in store.about(key, [on.JobPosted]):
        posting = dated.event
        if not isinstance(posting, on.JobPosted):
            continue
        book.posted += posting.payer == book.account
        if book.account in posting.nodes:
            phase = fold_job(store.about(posting.job)).indices[posting.nodes.index(book.account)]
            book.indices[phase] = book.indices.get(phase, 0) + 1
