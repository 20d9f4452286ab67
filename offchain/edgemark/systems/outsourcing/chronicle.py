"""Reads the life of a job from the chain's events alone: no key, no journal, no peer.

The events of the settlement are found by their topic, the job. What the anchor paid stands in the
same transactions, behind the event that ended an index; the judges' signatures stand in the data
of the transactions that brought them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from edgemark.crypto.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import JobId, ShareIndex, Timestamp
from edgemark.ledger import events as seen
from edgemark.ledger.blocks import Mined, Receipt, SentCall
from edgemark.ledger.chain_event import ChainEvent
from edgemark.ledger.deployment import Deployment
from edgemark.ledger.events import decode_logs
from edgemark.ledger.evm import EvmChain
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.history import INDEX_PHASES
from edgemark.systems.outsourcing.messages import ChargeKind, Finding
from edgemark.systems.outsourcing.parameters import Terms
from edgemark.systems.outsourcing.settlement import SettlementContract
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

ENDS = {kind: phase for kind, phase in INDEX_PHASES.items() if phase.is_end}
FINDINGS = {seen.ChargeRefuted: Finding.RIGHT, seen.ChargeAnswered: Finding.RIGHT}
RETURNED_TOPIC = keccak256(b"LockReturned(uint256,address,address,uint256)")


class JobUnknown(RefusedInput):
    """No such job stands on this chain, or not deep enough yet."""


class Chronicle:
    """The jobs of one settlement, as anybody can read them.

    Args:
        chain: where.
        deployment: addresses of all contracts.
    """

    def __init__(self, chain: EvmChain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self._settlement = SettlementContract(chain, deployment)
        self._anchor = deployment.contract("AssetAnchor")
        self._times: dict[int, Timestamp] = {}

    def open_jobs(self) -> tuple[JobId, ...]:
        """All jobs of which an index has not ended, oldest first, at confirmed depth."""
        left: dict[JobId, int] = {}
        for event in self._settlement_events(self._chain.confirmed(), []):
            if isinstance(event, seen.JobPosted):
                left[event.job] = len(event.nodes)
            elif isinstance(event, seen.JobCancelled):
                left[event.job] = 0
            elif type(event) in ENDS:
                ended: Any = event
                left[ended.job] -= 1
        return tuple(job for job, count in left.items() if count)

    def read(self, job: JobId) -> JobStory:
        """The life of a job until the last confirmed block.

        Raises:
            JobUnknown: nothing on chain names it.
        """
        until = self._chain.confirmed()
        events = self._settlement_events(until, [[], [job]])
        if not events or not isinstance(events[0], seen.JobPosted):
            raise JobUnknown(
                "no such job on this chain",
                who=f"job {job.hex()}",
                had=f"chain {self._chain.chain_id} until block {until}",
                remedy="Check the settings chain_url and manifest; a new job needs confirmations.",
            )
        mined = self._mined(events, until)
        told = _Told(self, self.blank(events[0], mined[0], until))
        for each in mined:
            told.take(each)
        return told.finish(self._returned(told.lock_ids(), until))

    def mark(self, mined: Mined) -> Mark:
        """When a transaction was mined, and who sent it."""
        receipt = mined.receipt
        time = self._times[receipt.block_number]
        return Mark(receipt.block_number, time, receipt.tx_hash, mined.call.sender)

    def events_in(self, receipt: Receipt) -> list[ChainEvent]:
        """What settlement and anchor say in one transaction, in order."""
        return decode_logs([self._settlement.contract, self._anchor], receipt.logs)

    def arguments_of(self, call: SentCall) -> dict[str, Any]:
        """What the settlement was called with directly; nothing for any other way."""
        if call.to != self._settlement.address:
            return {}
        found = self._settlement.contract.interface.decode_call(call.data)
        return {} if found is None else found[1]

    def blank(self, posting: seen.JobPosted, mined: Mined, until: int) -> JobStory:
        """A job that was posted and nothing more."""
        return JobStory(
            chain_id=self._chain.chain_id,
            settlement=self._settlement.address,
            job=JobId(posting.job),
            payer=posting.payer,
            root=posting.root,
            terms=Terms(*posting.terms),
            terms_hash=posting.terms_hash,
            judges=self._settlement.judges(),
            threshold=self._settlement.judge_threshold(),
            pool=self._settlement.pool(),
            posted=self.mark(mined),
            indices=tuple(
                IndexStory(ShareIndex(j), node) for j, node in enumerate(posting.nodes, start=1)
            ),
            locks=(),
            as_of=until,
            now=self._times[until],
        )

    def _settlement_events(self, until: int, topics: list[list[bytes]]) -> list[ChainEvent]:
        contract = self._settlement.contract
        logs = self._chain.logs([contract.address], self._deployment.block, until, topics)
        return decode_logs([contract], logs)

    def _returned(self, lock_ids: Iterable[int], until: int) -> dict[int, Mark]:
        """Expired locks that went back to their owners."""
        wanted = [lock_id.to_bytes(32, "big") for lock_id in lock_ids]
        topics: list[list[bytes]] = [[RETURNED_TOPIC], wanted]
        logs = self._chain.logs([self._anchor.address], self._deployment.block, until, topics)
        events = decode_logs([self._anchor], logs)
        marks = {each.receipt.tx_hash: self.mark(each) for each in self._mined(events, until)}
        return {
            event.lock_id: marks[event.at.tx_hash]
            for event in events
            if isinstance(event, seen.LockReturned)
        }

    def _mined(self, events: Sequence[ChainEvent], until: int) -> list[Mined]:
        """The transactions of these events, oldest first; learns the times of their blocks."""
        hashes = list(dict.fromkeys(event.at.tx_hash for event in events))
        blocks = {event.at.block_number for event in events} | {until}
        for header in self._chain.headers(sorted(blocks - self._times.keys())):
            self._times[header.number] = Timestamp(header.timestamp)
        return self._chain.mined(hashes)


class _Told:
    """A story in the making: one transaction after the other."""

    def __init__(self, chronicle: Chronicle, story: JobStory) -> None:
        self._chronicle = chronicle
        self._story = story
        self._indices = {int(place.index): place for place in self._story.indices}
        self._locks: dict[int, LockStory] = {}
        self._paying: int | None = None  # index whose end pays now; 0: the whole job
        self._locking: tuple[str, int] | None = None

    def take(self, mined: Mined) -> None:
        """Everything that a transaction says about this job."""
        mark = self._chronicle.mark(mined)
        arguments = self._chronicle.arguments_of(mined.call)
        self._paying = self._locking = None
        for event in self._chronicle.events_in(mined.receipt):
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

    def _take_event(self, event: ChainEvent, mark: Mark, arguments: dict[str, Any]) -> None:
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

    def _accept(self, event: seen.NodeAccepted, mark: Mark, arguments: dict[str, Any]) -> None:
        self._locking = (STAKE, event.index)
        self._last_accepted = event.index
        self._change(
            event.index,
            phase=IndexPhase.ACCEPTED,
            accepted=mark,
            acceptance=arguments.get("signature", b""),
            valid_until=Timestamp(arguments.get("valid_until", 0)),
        )

    def _serve(self, event: seen.ChargeServed, mark: Mark, arguments: dict[str, Any]) -> None:
        served = replace(
            _charge_of(self._indices[event.index]),
            served=mark,
            answer_by=event.answer_by,
            verdict_by=event.verdict_by,
            served_signatures=arguments.get("signatures", ()),
        )
        self._change(event.index, phase=IndexPhase.SERVED, charge=served)

    def _end(self, event: Any, mark: Mark, arguments: dict[str, Any]) -> None:
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
