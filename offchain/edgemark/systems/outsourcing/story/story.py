"""The life of one job as the chain tells it: pure values, the same for everybody who looks.

A `JobStory` holds what happened until one block; it needs no key and no journal. `reading.py`
reads one, `telling.py` puts it into words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgemark.chronicle.marks import AmountCheck, Credit, Mark, Pot, add_up
from edgemark.chronicle.steps import ANYONE, NextStep, after, until_expiry
from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.identifiers import NO_HASH, NO_TIME, Address, Hash32, ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.amounts import Payees, compute_ending, share_out
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.words import count

DEPOSIT, STAKE = "deposit", "stake"  # the payer's pot, bonds with it; a node's pot
SETTLED = "settled"
STATES = (*(phase.name.lower() for phase in JobPhase if phase), SETTLED)


def name_pot(place: int) -> str:
    """What is in a place of the job's lock: deposit or stake."""
    return STAKE if place else DEPOSIT


@dataclass(frozen=True)
class Charge:
    """An accusation of the payer, as far as it came.

    Attributes:
        kind: wrong or silent.
        filed: when it was filed.
        served: when k judges had signed that they hold the task.
        answer_by, verdict_by: deadlines, zero until served.
        served_by: deadline of the judges.
        served_signatures, verdict_signatures: of judges, as the transactions carry them; empty when
            another contract brought them, or only events are known.
        finding: of the verdict; NONE without one.
    """

    kind: ChargeKind
    filed: Mark
    served_by: Timestamp
    served: Mark | None = None
    answer_by: Timestamp = NO_TIME
    verdict_by: Timestamp = NO_TIME
    served_signatures: tuple[bytes, ...] = ()
    finding: Finding = Finding.NONE
    verdict_signatures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class IndexStory:
    """One index of the job.

    Attributes:
        acceptance, valid_until: the node's signature under the terms; empty when another contract
            brought it, or only events are known.
        credits: what was paid when it ended.
    """

    index: ShareIndex
    node: Address
    phase: IndexPhase = IndexPhase.NAMED
    accepted: Mark | None = None
    acceptance: bytes = b""
    valid_until: Timestamp = NO_TIME
    committed: Mark | None = None
    commitment: Hash32 = NO_HASH
    charge: Charge | None = None
    ended: Mark | None = None
    credits: tuple[Credit, ...] = ()


@dataclass(frozen=True)
class JobStory:
    """One job until block `as_of`.

    Attributes:
        judges, threshold: all judges in the order of deployment, and how many decide.
        pool: account of the pool.
        pots: of the job's lock: 0 for what the payer locked, j for the stake of node j.
        as_of, now: the last block that was looked at, and its time.
        released: what was paid when the job was cancelled.
    """

    chain_id: int
    settlement: Address
    job: JobId
    payer: Address
    root: Hash32
    terms: Terms
    terms_hash: Hash32
    judges: tuple[Address, ...]
    threshold: int
    pool: Address
    posted: Mark
    indices: tuple[IndexStory, ...]
    pots: tuple[Pot, ...]
    as_of: int
    now: Timestamp
    started: Mark | None = None
    cancelled: Mark | None = None
    released: tuple[Credit, ...] = ()

    @property
    def phase(self) -> JobPhase:
        """Phase of the job on chain."""
        if self.cancelled is not None:
            return JobPhase.CANCELLED
        return JobPhase.POSTED if self.started is None else JobPhase.STARTED

    @property
    def state(self) -> str:
        """The phase in a word, the same as its device has for it.

        A started job is settled when every index has ended, or its lock has expired and everything
        went back; one that never started and went back so is cancelled.
        """
        is_over = all(place.phase.is_end for place in self.indices)
        went_back = bool(self.pots) and not self.held
        if self.started:
            return SETTLED if is_over or went_back else JobPhase.STARTED.name.lower()
        return (JobPhase.CANCELLED if went_back else self.phase).name.lower()

    @property
    def held(self) -> int:
        """What all pots still hold."""
        return sum(pot.remaining for pot in self.pots)

    def at(self, index: int) -> IndexStory:
        """One index, 1..m."""
        return self.indices[index - 1]

    def name_of(self, account: Address) -> str:
        """The role of an account in this job."""
        if account == self.payer:
            return "payer"
        if account == self.pool:
            return "pool"
        if account in self.judges:
            return f"judge {self.judges.index(account) + 1}"
        nodes = [place.node for place in self.indices]
        return f"node {nodes.index(account) + 1}" if account in nodes else account


def check_amounts(story: JobStory) -> tuple[AmountCheck, ...]:
    """Compare every end with `contract.amounts.compute_payout`; what is still open is left out."""
    if story.phase is JobPhase.CANCELLED:
        due: dict[Address, int] = {}
        for place in story.indices:
            for account, amount in compute_due(story, place).items():
                due[account] = due.get(account, 0) + amount
        return (AmountCheck("job released", add_up(story.released), due),)
    return tuple(
        AmountCheck(
            f"index {place.index} {place.phase.name.lower().replace('_', ' ')}",
            add_up(place.credits),
            compute_due(story, place),
        )
        for place in story.indices
        if place.ended is not None
    )


def compute_due(story: JobStory, place: IndexStory) -> dict[Address, int]:
    """What each account is due for an index that ended, by the table of amounts alone."""
    ending = compute_ending(place.phase, story.terms)
    unlocked = place.phase is IndexPhase.RELEASED and place.accepted is None
    payout = ending.deposit if unlocked else ending.deposit + ending.stake
    return share_out(payout, list_payees(story, place))


def list_payees(story: JobStory, place: IndexStory) -> Payees:
    """Who is paid when an index ends."""
    signers = find_signers(story, place)
    return Payees(place.node, story.payer, story.pool, len(story.judges), signers)


def find_signers(story: JobStory, place: IndexStory) -> tuple[Address, ...]:
    """The judges whose signatures stand under the verdict of an index.

    Where the signatures are not known, those who were paid, if they are as many as it takes.
    """
    charge = place.charge
    if charge is None or charge.finding is Finding.NONE:
        return ()
    if charge.verdict_signatures:
        domain = SettlementDomain(story.chain_id, story.settlement)
        digest = domain.verdict(
            story.job, place.index, story.root, place.node, int(charge.kind), int(charge.finding)
        )
        return tuple(recover(digest, signature) for signature in charge.verdict_signatures)
    paid = {credit.account for credit in place.credits}
    signers = tuple(judge for judge in story.judges if judge in paid)
    return signers if len(signers) >= story.threshold else story.judges[: story.threshold]


EXITS = frozenset({"cancelUnstarted", "collect", "voidCharge", "lapseCharge"})


def find_next_steps(story: JobStory) -> tuple[NextStep, ...]:
    """Whatever the contracts still allow, now or later, in the order of indices."""
    if story.phase is JobPhase.POSTED:
        steps = list(_steps_of_posted(story))
    else:
        steps = [step for place in story.indices for step in _steps_of_index(story, place)]
    return until_expiry(steps, story.pots, story.now)


def is_due(story: JobStory, now: Timestamp) -> bool:
    """Whether `claim` would end something now."""
    return any(step.act in EXITS and step.is_open(now) for step in find_next_steps(story))


def _steps_of_posted(story: JobStory) -> Iterator[NextStep]:
    terms = story.terms
    for place in story.indices:
        if place.phase is IndexPhase.NAMED:
            by = f"anyone with the signature of node {place.index}"
            yield NextStep(place.index, "accept", by, NO_TIME, terms.accept_by)
    yield NextStep(0, "cancelUnstarted", ANYONE, after(terms.accept_by))


def _steps_of_index(story: JobStory, place: IndexStory) -> Iterator[NextStep]:
    terms, j = story.terms, place.index
    may_charge = sum(other.charge is not None for other in story.indices) < terms.errors
    charge = place.charge
    match place.phase:
        case IndexPhase.ACCEPTED | IndexPhase.COMMITTED:
            if place.phase is IndexPhase.ACCEPTED:
                yield NextStep(j, "commit", f"node {j}", NO_TIME, terms.compute_by)
            else:
                yield NextStep(j, "approve", "payer", NO_TIME)
            if may_charge and place.phase is IndexPhase.COMMITTED:
                yield NextStep(j, "charge as wrong", "payer", NO_TIME, terms.collect_by)
            if may_charge:
                opens = after(terms.compute_by)
                yield NextStep(j, "charge as silent", "payer", opens, terms.collect_by)
            yield NextStep(j, "collect", ANYONE, after(terms.collect_by))
        case IndexPhase.CHARGED if charge is not None:
            by = f"anyone with the signatures of {count(story.threshold, 'judge')}"
            yield NextStep(j, "recordServed", by, NO_TIME, charge.served_by)
            yield NextStep(j, "voidCharge", ANYONE, after(charge.served_by))
        case IndexPhase.SERVED if charge is not None:
            by = f"anyone with the signatures of {count(story.threshold, 'judge')}"
            yield NextStep(j, "recordVerdict", by, NO_TIME, charge.verdict_by)
            yield NextStep(j, "lapseCharge", ANYONE, after(charge.verdict_by))
