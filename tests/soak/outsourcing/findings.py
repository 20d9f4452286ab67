"""What must hold after a soak run, whatever was killed and whoever lied; pure.

| name             | what must hold                                                                |
|------------------|-------------------------------------------------------------------------------|
| stuck            | every job that was begun is at an end                                         |
| honest_fined     | no node is convicted, or goes without its fee, that did nothing wrong         |
| liar_paid        | no lie is paid for in a job that survives it                                  |
| wrong_result     | a result is right; it exists whenever the job started and survives            |
| wrong_payment    | every account won and lost by each job what the table of amounts says         |
| tokens           | no token was made, none is missing, none is locked                            |
| unposted         | a job that never came to the chain is over for its device, which knows why    |
| accident         | no process ended but by the kills that were planned                           |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.soak.outsourcing.programme import PlannedJob

from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

FINES = (IndexPhase.CONVICTED, IndexPhase.UNEARNED)
RIGHT = "right"


@dataclass(frozen=True)
class PlayedJob:
    """One job as the chain tells it afterwards.

    Attributes:
        ends: phase of index j at position j - 1.
        changes: what each account won or lost by it.
        outcome: what the device says: right, WRONG, undecided, or the phase without result.
        signers: who signed the verdict of which index; None: all judges signed all.
    """

    plan: PlannedJob
    terms: Terms
    payer: Address
    nodes: Sequence[Address]
    judges: Sequence[Address]
    ends: tuple[IndexPhase, ...]
    changes: Mapping[Address, int]
    outcome: str
    signers: Mapping[int, Sequence[Address]] | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing of it is held any more."""
        return all(end.is_end for end in self.ends)

    @property
    def is_started(self) -> bool:
        """Whether all its nodes accepted."""
        return self.is_ended and IndexPhase.RELEASED not in self.ends


@dataclass(frozen=True)
class Violation:
    """Something that must not happen, and did."""

    rule: str
    what: str


def find_unfailed(unposted: Mapping[int, str]) -> list[Violation]:
    """Jobs that never came to the chain and of which their devices say anything but so.

    Args:
        unposted: what the device says, by number of the job.
    """
    return [
        Violation("unposted", f"job {number}: {outcome}")
        for number, outcome in unposted.items()
        if outcome != DevicePhase.FAILED.value
    ]


def find_violations(
    jobs: Iterable[PlayedJob], pool: Address, before: Holdings, after: Holdings
) -> list[Violation]:
    """Everything that went against the table above, but for accidents."""
    found: list[Violation] = []
    for job in jobs:
        found += [Violation(rule, f"job {job.plan.number}: {text}") for rule, text in _in(job)]
        if job.is_ended:
            expected = {a: n for a, n in _expect_changes(job, pool).items() if n}
            if expected != job.changes:
                text = f"job {job.plan.number}: had {dict(job.changes)}, needed {expected}"
                found.append(Violation("wrong_payment", text))
    found += [Violation("tokens", text) for text in _tokens(before, after)]
    return found


def _in(job: PlayedJob) -> Iterator[tuple[str, str]]:
    if not job.is_ended:
        yield "stuck", ", ".join(end.name for end in job.ends)
    for index, end in enumerate(job.ends, start=1):
        deed = job.plan.deeds.get(index, Deed.NONE)
        if deed is Deed.NONE and end in FINES:
            yield "honest_fined", f"index {index} {end.name}"
        if deed is Deed.LIE and end is IndexPhase.PAID and job.plan.is_within_errors:
            yield "liar_paid", f"index {index}"
    needs_result = job.is_started and job.plan.is_within_errors
    if job.outcome != RIGHT and (needs_result or job.outcome == "WRONG"):
        yield "wrong_result", job.outcome


def _expect_changes(job: PlayedJob, pool: Address) -> dict[Address, int]:
    signers = None if job.signers is None else [job.signers]
    return compute_changes([(job, job.ends)], job.payer, pool, signers)


def _tokens(before: Holdings, after: Holdings) -> Iterator[str]:
    if after.locked:
        yield f"{after.locked} still locked"
    if after.accounted != before.accounted:
        yield f"had {after.accounted}, needed {before.accounted}"
    if after.supply != before.supply:
        yield f"supply had {after.supply}, needed {before.supply}"
    if after.anchored != after.owed:
        yield f"anchor had {after.anchored}, needed {after.owed}"
    if after.staked != before.staked:
        yield f"stakes of {after.staked}, needed {before.staked}"


def count_ends(jobs: Iterable[PlayedJob]) -> Counter[tuple[str, str]]:
    """How often each deed ended in each phase: {(deed, end): indices}."""
    return Counter(
        (job.plan.deeds.get(index, Deed.NONE).value, end.name.lower())
        for job in jobs
        for index, end in enumerate(job.ends, start=1)
    )
