"""The JobSettlement contract and its neighbours, as the shells of this system use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.reading.answers import member_of
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.contract.amounts import compute_judge_threshold
from edgemark.systems.outsourcing.contract.committed import Allowance, Commitments
from edgemark.systems.outsourcing.contract.records import (
    ChargeKind,
    Finding,
    IndexPhase,
    IndexView,
    JobPhase,
    JobView,
    Limits,
)
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.identifiers import JobId


class NotCommitted(TryAgain):
    """The node has not committed, or not deep enough yet, or it was not read yet."""


class SignedAcceptance(Protocol):
    """What the contract takes of an acceptance."""

    @property
    def index(self) -> ShareIndex:
        """Of the node."""

    @property
    def valid_until(self) -> Timestamp:
        """The contract takes it no later."""

    @property
    def signature(self) -> bytes:
        """Of the node."""


class SettlementContract:
    """Reads at confirmed depth and makes calls for a lane to send; safe for many threads.

    Args:
        chain: where the contract is.
        deployment: addresses of all contracts.
        judges: all of them in the order of the contract, which fixes them, as the manifest names
            them: a node that lies about them once would be believed for good.

    Attributes:
        judges: these.
        judge_threshold: k, judges that must agree.
    """

    def __init__(
        self, chain: EvmChain, deployment: Deployment, judges: tuple[Address, ...]
    ) -> None:
        self._chain = chain
        self.judges = judges
        self.judge_threshold = compute_judge_threshold(len(judges))
        self.contract = deployment.contract("JobSettlement")
        self._committed = Commitments(
            chain,
            self.contract,
            lambda job, block: self.job(job, block=block),
            lambda job, index, block: self.index(job, index, block=block).committed,
        )
        self.address = self.contract.address
        self.domain = SettlementDomain(chain.chain_id, self.address)

    def job(self, job: JobId, *, block: int | str = "confirmed") -> JobView:
        """A job as of `block`; its phase is NONE when there is none."""
        return _job_view(self._chain.call(self.contract, "jobOf", job, block=block))

    def index(self, job: JobId, index: int, *, block: int | str = "confirmed") -> IndexView:
        """One index of a job as of `block`."""
        return _index_view(self._chain.call(self.contract, "indexOf", job, index, block=block))

    def indices(self, job: JobId, count: int, *, block: int | str) -> list[IndexView]:
        """Indices 1..count of a job as of one block."""
        return [self.index(job, j, block=block) for j in range(1, count + 1)]

    def views(
        self, wanted: Sequence[tuple[JobId, Sequence[int]]], *, block: int
    ) -> list[tuple[JobView, list[IndexView]]]:
        """Jobs, each with some of its indices, all as of one block."""
        calls: list[Call] = []
        for job, indices in wanted:
            calls.append(self._call("jobOf", job))
            calls += [self._call("indexOf", job, index) for index in indices]
        answers = iter(self._chain.call_many(calls, block))
        return [
            (_job_view(next(answers)), [_index_view(next(answers)) for _ in indices])
            for _, indices in wanted
        ]

    def commitment(self, job: JobId, index: int, allowance: Allowance | None = None) -> Hash32:
        """What an index is committed to, from its event: no contract stores it.

        Args:
            job: which.
            index: of it.
            allowance: how much may be read for it; without one all that is missing.

        Raises:
            NotCommitted: no such event stands deep enough, or more has to be read.
            LedgerUnavailable: the chain does not answer.
        """
        found = self._committed.find(job, index, allowance)
        if found is None:
            raise NotCommitted(
                "commitment is not on chain yet", who=f"job {job.hex()}, index {index}"
            )
        return found

    def note(self, events: Iterable[ChainEvent], upto: int) -> None:
        """What the party's watch saw, up to a block: commitments are remembered."""
        self._committed.note(events, upto)

    def limits(self) -> Limits:
        """Bounds of every job, fixed at deployment."""
        return Limits(*self._chain.call(self.contract, "limits", block="latest"))

    def post(self, nonce: int, root: Hash32, terms: Terms, nodes: Sequence[Address]) -> Call:
        """Post a job."""
        return self._call("post", nonce, root, terms.as_abi(), list(nodes))

    def accept(
        self, job: JobId, nodes: Sequence[Address], acceptances: Sequence[SignedAcceptance]
    ) -> Call:
        """Bring signed acceptances; `nodes` is the list of the posting."""
        brought = [(each.index, each.valid_until, each.signature) for each in acceptances]
        return self._call("accept", job, list(nodes), brought)

    def cancel_unstarted(self, job: JobId) -> Call:
        """End a job that never started."""
        return self._call("cancelUnstarted", job)

    def commit(self, job: JobId, index: ShareIndex, commitment: Hash32) -> Call:
        """Commit to a result."""
        return self._call("commit", job, index, commitment)

    def approve(self, job: JobId, indices: Sequence[ShareIndex]) -> Call:
        """Pay the nodes of these indices."""
        return self._call("approve", job, list(indices))

    def charge(self, job: JobId, wrong: Sequence[ShareIndex], silent: Sequence[ShareIndex]) -> Call:
        """Charge these indices too; at most e in all calls together, each once."""
        return self._call("charge", job, list(wrong), list(silent))

    def record_served(self, job: JobId, index: ShareIndex, signatures: Sequence[bytes]) -> Call:
        """Bring the judges' signatures under `served`, ascending by signer."""
        return self._call("recordServed", job, index, list(signatures))

    def record_verdict(
        self, job: JobId, index: ShareIndex, finding: Finding, signatures: Sequence[bytes]
    ) -> Call:
        """Bring the judges' signatures under one finding, ascending by signer."""
        return self._call("recordVerdict", job, index, int(finding), list(signatures))

    def void_charge(self, job: JobId, index: ShareIndex) -> Call:
        """End a charge that was not served."""
        return self._call("voidCharge", job, index)

    def lapse_charge(self, job: JobId, index: ShareIndex) -> Call:
        """End a charge without verdict."""
        return self._call("lapseCharge", job, index)

    def collect(self, job: JobId, indices: Sequence[ShareIndex]) -> Call:
        """End uncharged indices after `collect_by`."""
        return self._call("collect", job, list(indices))

    def claim(self, jobs: Sequence[JobId]) -> Call:
        """End whatever is due in these jobs, 64 indices together at most."""
        return self._call("claim", list(jobs))

    def _call(self, function: str, *arguments: object) -> Call:
        return Call(self.contract, function, arguments)


def _job_view(raw: Any) -> JobView:
    return JobView(
        payer=raw.payer,
        phase=member_of(JobPhase, raw.phase),
        node_count=raw.node_count,
        errors=raw.errors,
        accepted=raw.accepted,
        charged=raw.charged,
        started_at=Timestamp(raw.started_at),
        accept_by=Timestamp(raw.accept_by),
        compute_by=Timestamp(raw.compute_by),
        collect_by=Timestamp(raw.collect_by),
        root=Hash32(raw.root),
        terms_hash=Hash32(raw.terms_hash),
        nodes_hash=Hash32(raw.nodes_hash),
        posted_block=int(raw.posted_block),
    )


def _index_view(raw: Any) -> IndexView:
    return IndexView(
        node=raw.node,
        phase=member_of(IndexPhase, raw.phase),
        kind=member_of(ChargeKind, raw.kind),
        committed=bool(raw.committed),
        served_by=Timestamp(raw.served_by),
        answer_by=Timestamp(raw.answer_by),
        verdict_by=Timestamp(raw.verdict_by),
    )
