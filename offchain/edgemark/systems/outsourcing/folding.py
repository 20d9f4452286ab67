"""Folds the events of one job into its story, wherever they were read.

The chain itself also tells who sent each transaction and what it was called with; an index of
events does not, and then senders and signatures stay unknown. Everything else is the same.

Rule: what the anchor locks or pays stands behind the settlement's event that it belongs to, in the
same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from edgemark.identifiers import Address, JobId, ShareIndex, Timestamp
from edgemark.ledger import events as seen
from edgemark.ledger.chain_event import ChainEvent
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.messages import ChargeKind, Finding
from edgemark.systems.outsourcing.parameters import Terms
from edgemark.systems.outsourcing.story import (
    BOND,
    DEPOSIT,
    STAKE,
    Charge,
    Credit,
    IndexStory,
    JobStory,
    LockStory,
    Mark,
)

INDEX_PHASES: dict[type[ChainEvent], IndexPhase] = {
    seen.NodeAccepted: IndexPhase.ACCEPTED,
    seen.ResultCommitted: IndexPhase.COMMITTED,
    seen.NodeCharged: IndexPhase.CHARGED,
    seen.ChargeServed: IndexPhase.SERVED,
    seen.NodePaid: IndexPhase.PAID,
    seen.HarmShared: IndexPhase.EQUAL_HARM,
    seen.NodeConvicted: IndexPhase.CONVICTED,
    seen.ChargeRefuted: IndexPhase.REFUTED,
    seen.ChargeAnswered: IndexPhase.ANSWERED,
    seen.ChargeVoided: IndexPhase.VOID,
    seen.ChargeLapsed: IndexPhase.LAPSED,
}
ENDS = {kind: phase for kind, phase in INDEX_PHASES.items() if phase.is_end}
FINDINGS = {seen.ChargeRefuted: Finding.RIGHT, seen.ChargeAnswered: Finding.RIGHT}
NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Court:
    """What holds for every job of a settlement; see `JobStory`."""

    chain_id: int
    judges: tuple[Address, ...]
    threshold: int
    pool: Address


def begin_story(
    court: Court, posting: seen.JobPosted, posted: Mark, as_of: int, now: Timestamp
) -> JobStory:
    """A job that was posted and nothing more.

    Args:
        court: of the settlement that says so.
        posting: the event.
        posted: its transaction.
        as_of: the last block that is looked at.
        now: its time.
    """
    return JobStory(
        chain_id=court.chain_id,
        settlement=posting.at.contract,
        job=JobId(posting.job),
        payer=posting.payer,
        root=posting.root,
        terms=Terms(*posting.terms),
        terms_hash=posting.terms_hash,
        judges=court.judges,
        threshold=court.threshold,
        pool=court.pool,
        posted=posted,
        indices=tuple(
            IndexStory(ShareIndex(j), node) for j, node in enumerate(posting.nodes, start=1)
        ),
        locks=(),
        as_of=as_of,
        now=now,
    )


class StoryFold:
    """A story in the making: one transaction after the other.

    Args:
        story: of the posting, by `begin_story`.
    """

    def __init__(self, story: JobStory) -> None:
        self._story = story
        self._indices = {int(place.index): place for place in self._story.indices}
        self._locks: dict[int, LockStory] = {}
        self._paying: int | None = None  # index whose end pays now; 0: the whole job
        self._locking: tuple[str, int] | None = None

    def take(
        self, mark: Mark, events: Sequence[ChainEvent], arguments: Mapping[str, Any] = NO_ARGUMENTS
    ) -> None:
        """Everything that a transaction says about this job.

        Args:
            mark: the transaction.
            events: of settlement and anchor in it, in order; those of other jobs too.
            arguments: what the settlement was called with; none where only events are known.
        """
        self._paying = self._locking = None
        for event in events:
            if isinstance(event, seen.Paid):
                self._take_payment(event)
            elif isinstance(event, seen.Locked):
                self._take_lock(event)
            elif getattr(event, "job", None) == self._story.job:
                self._take_event(event, mark, arguments)
            else:
                self._paying = self._locking = None  # of another job in the same transaction

    def lock_ids(self) -> list[int]:
        """All locks of the job."""
        return list(self._locks)

    def finish(self, returned: dict[int, Mark]) -> JobStory:
        """The whole story; `returned` locks expired."""
        locks = [
            replace(lock, remaining=0, returned=returned[lock.lock_id])
            if lock.lock_id in returned
            else lock
            for lock in self._locks.values()
        ]
        indices = tuple(self._indices[j] for j in sorted(self._indices))
        return replace(self._story, indices=indices, locks=tuple(locks))

    def _take_lock(self, event: seen.Locked) -> None:
        if self._locking is None:
            return
        pot, index = self._locking
        self._locks[event.lock_id] = LockStory(
            event.lock_id, pot, index, event.owner, event.amount, event.amount, event.expires_at
        )

    def _take_payment(self, event: seen.Paid) -> None:
        lock = self._locks.get(event.lock_id)
        if self._paying is None or lock is None:
            return
        self._locks[event.lock_id] = replace(lock, remaining=lock.remaining - event.amount)
        credit = Credit(lock.pot, event.to, event.amount)
        if self._paying == 0:
            self._story = replace(self._story, released=(*self._story.released, credit))
        else:
            place = self._indices[self._paying]
            self._indices[self._paying] = replace(place, credits=(*place.credits, credit))

    def _take_event(self, event: ChainEvent, mark: Mark, arguments: Mapping[str, Any]) -> None:
        self._paying = self._locking = None
        match event:
            case seen.JobPosted():
                self._locking = (DEPOSIT, 0)
            case seen.JobStarted():
                # The last acceptance locks its stake behind this event.
                self._story = replace(self._story, started=mark)
                self._locking = (STAKE, self._last_accepted)
            case seen.JobCancelled():
                self._paying = 0
                self._story = replace(self._story, cancelled=mark)
                for j, place in self._indices.items():
                    self._indices[j] = replace(place, phase=IndexPhase.RELEASED, ended=mark)
            case seen.NodeAccepted():
                self._accept(event, mark, arguments)
            case seen.NodeCharged():
                self._locking = (BOND, 0)
                charge = Charge(ChargeKind(event.kind), mark, event.served_by)
                self._change(event.index, phase=IndexPhase.CHARGED, charge=charge)
            case seen.ResultCommitted():
                self._change(
                    event.index,
                    phase=IndexPhase.COMMITTED,
                    committed=mark,
                    commitment=event.commitment,
                )
            case seen.ChargeServed():
                self._serve(event, mark, arguments)
            case _:
                if type(event) in ENDS:
                    self._end(event, mark, arguments)

    def _accept(self, event: seen.NodeAccepted, mark: Mark, arguments: Mapping[str, Any]) -> None:
        self._locking = (STAKE, event.index)
        self._last_accepted = event.index
        self._change(
            event.index,
            phase=IndexPhase.ACCEPTED,
            accepted=mark,
            acceptance=arguments.get("signature", b""),
            valid_until=Timestamp(arguments.get("valid_until", 0)),
        )

    def _serve(self, event: seen.ChargeServed, mark: Mark, arguments: Mapping[str, Any]) -> None:
        served = replace(
            _charge_of(self._indices[event.index]),
            served=mark,
            answer_by=event.answer_by,
            verdict_by=event.verdict_by,
            served_signatures=arguments.get("signatures", ()),
        )
        self._change(event.index, phase=IndexPhase.SERVED, charge=served)

    def _end(self, event: Any, mark: Mark, arguments: Mapping[str, Any]) -> None:
        self._paying = event.index
        place = self._indices[event.index]
        found = FINDINGS.get(type(event), Finding.NONE)
        if isinstance(event, seen.NodeConvicted):
            found = Finding(event.finding)
        charge = place.charge
        if charge is not None and found is not Finding.NONE:
            signatures = arguments.get("signatures", ())
            charge = replace(charge, finding=found, verdict_signatures=signatures)
        self._change(event.index, phase=ENDS[type(event)], ended=mark, charge=charge)

    def _change(self, index: int, **changes: Any) -> None:
        self._indices[index] = replace(self._indices[index], **changes)


def _charge_of(place: IndexStory) -> Charge:
    if place.charge is None:
        raise LookupError("the chain served a charge that nobody filed")
    return place.charge
