"""A plain model of `contracts/interfaces/IJobSettlement.sol`: who may do what when, who gets what.

A model, and not the contract, so that every mix of behaviours can be walked in seconds, and so that
the contract is compared with something that was written apart from it: a sequence of actions with
their times predicts every phase, balance and refusal to the token. What differs from the chain:

- Accounts act without signatures: whoever would have signed is named (`signer`, `signers`).
- Balances are the free ones in the anchor; allowances are sufficient.
- Locks do not expire: a job is ended before `lock_expiry`.
- `nodes` are compute nodes of the provider in `providers`; who is not in there is none.

A refusal is a `ModelRefused` with the name and the values of the contract's custom error; nothing
has changed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.offchain.systems.outsourcing.simulation.model_books import (
    Entry,
    Seat,
    is_held,
)
from tests.offchain.systems.outsourcing.simulation.model_rules import (
    ModelRefused,
    check_after,
    check_ascending,
    check_by,
    check_called,
    check_group,
    check_signers,
    check_terms,
    hash_of_nodes,
    hash_of_terms,
)

from edgemark.identifiers import NO_HASH, NOBODY, Address, Hash32, Timestamp
from edgemark.systems.outsourcing.contract.amounts import compute_ending, compute_judge_share
from edgemark.systems.outsourcing.contract.records import (
    ChargeKind,
    Finding,
    IndexPhase,
    IndexView,
    JobPhase,
    JobView,
    Limits,
)
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId

_OPEN = {
    ChargeKind.WRONG: (IndexPhase.COMMITTED,),
    ChargeKind.SILENT: (IndexPhase.COMMITTED, IndexPhase.ACCEPTED),
}


@dataclass
class SettlementModel:
    """All jobs of one settlement, and the free balances of everybody.

    Args:
        limits: fixed at deployment.
        judges: members of the enclave manager.
        pool: account of the pool.
        free: balances at the start; an account that is missing has 0.
        providers: provider of every compute node.
        judge_providers: provider of every judge.

    Attributes:
        verdicts: who signed the verdict of an index.
    """

    limits: Limits
    judges: Sequence[Address]
    pool: Address
    free: dict[Address, int]
    providers: Mapping[Address, Address]
    judge_providers: Mapping[Address, Address]
    verdicts: dict[tuple[JobId, int], tuple[Address, ...]] = field(default_factory=dict)
    _jobs: dict[JobId, Entry] = field(default_factory=dict)

    # --- acts ----------------------------------------------------------------------------------

    def post(
        self,
        now: int,
        job: JobId,
        *,
        payer: Address,
        root: Hash32,
        terms: Terms,
        nodes: Sequence[Address],
    ) -> None:
        """Post a job and lock m * f."""
        if job in self._jobs:
            raise ModelRefused("JobExists", job=job)
        check_terms(now, terms, self.limits)
        if len(nodes) != terms.node_count:
            raise ModelRefused("NodeListLength", had=len(nodes), needed=terms.node_count)
        check_group(nodes, self.providers, self.judge_providers)
        self._lock(payer, terms.node_count * terms.fee)
        entry = Entry(payer, terms, root, [Seat(node) for node in nodes])
        entry.held = terms.node_count * terms.fee
        self._jobs[job] = entry

    def accept(
        self,
        now: int,
        job: JobId,
        signed_by: Mapping[int, Address],
        *,
        valid_until: int | None = None,
    ) -> None:
        """Record what was signed for these indices, all or none; the m-th starts the job."""
        started = self._jobs.get(job)
        if started is not None and started.phase is JobPhase.STARTED:
            return  # whoever brought them first has spoilt nothing
        entry = self._job(job, JobPhase.POSTED)
        check_by(now, entry.terms.accept_by)
        seats: list[Seat] = []
        for index, signer in signed_by.items():
            seat = self._any_seat(job, index)
            if seat.phase is not IndexPhase.NAMED:
                continue
            check_by(now, entry.terms.accept_by if valid_until is None else valid_until)
            if signer != seat.node:
                raise ModelRefused("AcceptanceNotSigned", recovered=signer, needed=seat.node)
            seats.append(seat)
        for seat in seats:
            self._check_free(seat.node, entry.terms.stake)
        for seat in seats:
            self._lock(seat.node, entry.terms.stake)
            entry.held += entry.terms.stake
            entry.accepted += 1
            seat.phase = IndexPhase.ACCEPTED
        if entry.accepted == entry.terms.node_count:
            entry.phase, entry.started_at = JobPhase.STARTED, now

    def cancel_unstarted(self, now: int, job: JobId) -> None:
        """End a job that never started."""
        entry = self._job(job, JobPhase.POSTED)
        check_after(now, entry.terms.accept_by)
        entry.phase = JobPhase.CANCELLED
        for index, seat in enumerate(entry.seats, start=1):
            self._end(job, index, IndexPhase.RELEASED, staked=seat.phase is IndexPhase.ACCEPTED)

    def commit(
        self, now: int, job: JobId, index: int, commitment: Hash32, *, caller: Address
    ) -> None:
        """The node commits to its result."""
        entry = self._job(job, JobPhase.STARTED)
        seat = self._seat(job, index, IndexPhase.ACCEPTED)
        check_called(caller, seat.node)
        check_by(now, entry.terms.compute_by)
        if commitment == NO_HASH:
            raise ModelRefused("CommitmentEmpty", job=job, index=index)
        seat.phase, seat.commitment = IndexPhase.COMMITTED, commitment

    def approve(self, now: int, job: JobId, indices: Sequence[int], *, caller: Address) -> None:
        """The payer pays committed, uncharged indices."""
        del now
        entry = self._job(job, JobPhase.STARTED)
        check_called(caller, entry.payer)
        self._end_uncharged(job, indices, {IndexPhase.COMMITTED: IndexPhase.PAID})

    def charge(
        self,
        now: int,
        job: JobId,
        wrong: Sequence[int],
        silent: Sequence[int],
        *,
        caller: Address,
    ) -> None:
        """The payer charges indices, e in all its calls, and locks g + f for each."""
        entry = self._job(job, JobPhase.STARTED)
        check_called(caller, entry.payer)
        check_by(now, entry.terms.collect_by)
        count = len(wrong) + len(silent)
        charged = entry.charged + count
        if count == 0 or charged > entry.terms.errors:
            raise ModelRefused("ChargeCountOutOfRange", had=charged, most=entry.terms.errors)
        if silent:
            check_after(now, entry.terms.compute_by)
        self._check_chargeable(job, wrong, silent)
        bond = count * entry.terms.bond
        self._lock(entry.payer, bond)
        entry.held += bond
        entry.charged = charged
        for kind, indices in ((ChargeKind.WRONG, wrong), (ChargeKind.SILENT, silent)):
            for index in indices:
                seat = entry.seats[index - 1]
                seat.phase, seat.kind = IndexPhase.CHARGED, kind
                seat.served_by = now + self.limits.judge_window

    def record_served(self, now: int, job: JobId, index: int, signers: Sequence[Address]) -> None:
        """Judges hold the well-formed task of a charged index."""
        seat = self._seat(job, index, IndexPhase.CHARGED)
        check_by(now, seat.served_by)
        check_signers(signers, self.judges)
        entry = self._jobs[job]
        window = max(self.limits.judge_window, entry.terms.compute_by - entry.started_at)
        seat.answer_by = now + (window if seat.kind is ChargeKind.SILENT else 0)
        seat.verdict_by = seat.answer_by + window
        seat.phase = IndexPhase.SERVED

    def record_verdict(
        self, now: int, job: JobId, index: int, finding: Finding, signers: Sequence[Address]
    ) -> None:
        """Judges found."""
        seat = self._seat(job, index, IndexPhase.SERVED)
        check_by(now, seat.verdict_by)
        if finding is Finding.NONE or (
            finding is Finding.MISSING and seat.kind is not ChargeKind.SILENT
        ):
            raise ModelRefused("FindingNotAllowed", kind=seat.kind, finding=finding)
        if finding is Finding.MISSING:
            check_after(now, seat.answer_by)
        check_signers(signers, self.judges)
        self.verdicts[job, index] = tuple(signers)
        if finding is not Finding.RIGHT:
            self._end(job, index, IndexPhase.CONVICTED, signers)
        elif seat.kind is ChargeKind.WRONG:
            self._end(job, index, IndexPhase.REFUTED, signers)
        else:
            self._end(job, index, IndexPhase.ANSWERED, signers)

    def void_charge(self, now: int, job: JobId, index: int) -> None:
        """End a charge that was not served."""
        seat = self._seat(job, index, IndexPhase.CHARGED)
        check_after(now, seat.served_by)
        self._end(job, index, IndexPhase.VOID)

    def lapse_charge(self, now: int, job: JobId, index: int) -> None:
        """End a charge without verdict."""
        seat = self._seat(job, index, IndexPhase.SERVED)
        check_after(now, seat.verdict_by)
        self._end(job, index, IndexPhase.LAPSED)

    def collect(self, now: int, job: JobId, indices: Sequence[int]) -> None:
        """End uncharged indices after `collect_by`."""
        entry = self._job(job, JobPhase.STARTED)
        check_after(now, entry.terms.collect_by)
        paid = {IndexPhase.COMMITTED: IndexPhase.PAID}
        self._end_uncharged(job, indices, paid | {IndexPhase.ACCEPTED: IndexPhase.UNEARNED})

    def _end_uncharged(
        self, job: JobId, indices: Sequence[int], ends: Mapping[IndexPhase, IndexPhase]
    ) -> None:
        """End these indices; what has ended is passed over."""
        previous = 0
        for index in indices:
            phase = self._any_seat(job, index).phase
            previous = check_ascending(previous, index)
            if phase not in ends and not phase.is_end:
                raise ModelRefused("IndexPhaseWrong", job=job, index=index, had=phase)
        for index in indices:
            phase = self._jobs[job].seats[index - 1].phase
            if phase in ends:
                self._end(job, index, ends[phase])

    # --- views ---------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """All that is locked."""
        return sum(entry.held for entry in self._jobs.values())

    @property
    def total(self) -> int:
        """All tokens, free or held."""
        return sum(self.free.values()) + self.held

    def lock_expiry(self, job: JobId) -> int:
        """When the locks of a job expire; the model knows nothing of the time after."""
        return self._jobs[job].terms.collect_by + self.limits.longest_tail_s

    def job_view(self, job: JobId) -> JobView | None:
        """What `jobOf` tells; None for a job that was never posted."""
        entry = self._jobs.get(job)
        if entry is None:
            return None
        books = (entry.phase, entry.accepted, entry.charged, entry.started_at)
        return entry.show("job", books, lambda: _view_job(entry))

    def index_views(self, job: JobId) -> tuple[IndexView, ...]:
        """What `indexOf` tells of indices 1..m."""
        entry = self._jobs[job]
        books = [tuple(vars(seat).values()) for seat in entry.seats]
        return entry.show("indices", books, lambda: tuple(map(_view_index, entry.seats)))

    def commitment(self, job: JobId, index: int) -> Hash32:
        """What the event `ResultCommitted` of an index says; zeros when there is none."""
        return self._jobs[job].seats[index - 1].commitment

    # --- checks --------------------------------------------------------------------------------

    def _job(self, job: JobId, needed: JobPhase) -> Entry:
        entry = self._jobs.get(job)
        had = JobPhase.NONE if entry is None else entry.phase
        if entry is None or had is not needed:
            raise ModelRefused("JobPhaseWrong", job=job, had=had, needed=needed)
        return entry

    def _any_seat(self, job: JobId, index: int) -> Seat:
        entry = self._jobs.get(job)
        most = 0 if entry is None else len(entry.seats)
        if entry is None or not 1 <= index <= most:
            raise ModelRefused("IndexOutOfRange", index=index, most=most)
        return entry.seats[index - 1]

    def _seat(self, job: JobId, index: int, needed: IndexPhase) -> Seat:
        seat = self._any_seat(job, index)
        if seat.phase is not needed:
            raise ModelRefused("IndexPhaseWrong", job=job, index=index, had=seat.phase)
        return seat

    def _check_chargeable(self, job: JobId, wrong: Sequence[int], silent: Sequence[int]) -> None:
        taken: set[int] = set()
        for kind, indices in ((ChargeKind.WRONG, wrong), (ChargeKind.SILENT, silent)):
            previous = 0
            for index in indices:
                had = self._any_seat(job, index).phase
                previous = check_ascending(previous, index)
                had = IndexPhase.CHARGED if index in taken else had
                if had not in _OPEN[kind]:
                    raise ModelRefused("IndexPhaseWrong", job=job, index=index, had=had)
                taken.add(index)

    # --- tokens --------------------------------------------------------------------------------

    def _check_free(self, account: Address, amount: int) -> None:
        had = self.free.get(account, 0)
        if had < amount:
            raise ModelRefused("FreeBalanceTooLow", account=account, had=had, needed=amount)

    def _lock(self, account: Address, amount: int) -> None:
        self._check_free(account, amount)
        self.free[account] -= amount

    def _credit(self, account: Address, amount: int) -> None:
        self.free[account] = self.free.get(account, 0) + amount

    def _end(
        self,
        job: JobId,
        index: int,
        end: IndexPhase,
        signers: Sequence[Address] = (),
        *,
        staked: bool = True,
    ) -> None:
        entry = self._jobs[job]
        seat, ending = entry.seats[index - 1], compute_ending(end, entry.terms)
        payout = ending.deposit + ending.stake if staked else ending.deposit
        seat.phase = end
        entry.held -= payout.total
        self._credit(seat.node, payout.node)
        self._credit(entry.payer, payout.payer)
        share, rest = compute_judge_share(payout.judges, len(self.judges), len(signers))
        for judge in signers:
            self._credit(judge, share)
        self._credit(self.pool, payout.pool + rest)


def _view_job(entry: Entry) -> JobView:
    terms = entry.terms
    return JobView(
        payer=entry.payer,
        phase=entry.phase,
        node_count=terms.node_count,
        errors=terms.errors,
        accepted=entry.accepted,
        charged=entry.charged,
        started_at=Timestamp(entry.started_at),
        accept_by=terms.accept_by,
        compute_by=terms.compute_by,
        collect_by=terms.collect_by,
        root=entry.root,
        terms_hash=hash_of_terms(terms),
        nodes_hash=hash_of_nodes(tuple(seat.node for seat in entry.seats)),
        posted_block=1,
    )


def _view_index(seat: Seat) -> IndexView:
    return IndexView(
        node=seat.node if is_held(seat.phase) else NOBODY,
        phase=seat.phase,
        kind=seat.kind,
        committed=seat.commitment != NO_HASH,
        served_by=Timestamp(seat.served_by),
        answer_by=Timestamp(seat.answer_by),
        verdict_by=Timestamp(seat.verdict_by),
    )
