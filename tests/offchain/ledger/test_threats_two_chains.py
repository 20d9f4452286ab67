"""Threat A28 for a whole job: two chains, the same contract addresses, the same payer and nonce.

Everything that is signed for the chain `here` is carried to the chain `there` and refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count, pairwise
from typing import Any

import pytest
from tests.offchain.ledger.twin_chains import (
    JUDGES,
    NODES,
    OUTSIDER,
    PAYER,
    Side,
    TwinChains,
    address_of,
    key_of,
    start_twins,
)

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.identifiers import Address, Hash32, ShareIndex, Timestamp, Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.statements import SettlementDomain
from edgemark.systems.outsourcing.contract.terms import Terms, compute_share_bytes
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol.messages import Acceptance

pytestmark = pytest.mark.chain

ROOT = Hash32(b"\x11" * 32)
CHARGED = ShareIndex(2)
FIRST = ShareIndex(1)
INDICES = tuple(ShareIndex(index) for index in range(1, len(NODES) + 1))
WINDOW_S = 10_000  # nothing here waits for a deadline
TERMS = Terms(  # d = t = e = 1, so m = 5
    function_hash=Hash32(b"\x22" * 32),
    function_bytes=100,
    term_count=3,
    inputs=2,
    outputs=1,
    degree=1,
    threshold=1,
    errors=1,
    node_count=len(NODES),
    batch=1,
    share_bytes=compute_share_bytes(1, 2),
    job_key=key_of(PAYER).public_key,
    fee=Tokens(1003),
    stake=Tokens(6000),
    judge_fee=Tokens(263),
    accept_by=Timestamp(0),
    compute_by=Timestamp(0),
    collect_by=Timestamp(0),
)
NONCES = count(1)
BY_NOBODY = ("NotAMember", "SignersNotAscending")
NAMED = [address_of(node) for node in NODES]


def charge_of(job: JobId) -> tuple[JobId, ShareIndex, Hash32, Address, ChargeKind]:
    """What both statements of judges about the charged index name."""
    return job, CHARGED, ROOT, address_of(NODES[CHARGED - 1]), ChargeKind.WRONG


class Job:
    """The same job on both chains.

    Args:
        twins: both chains.

    Attributes:
        nonce: the payer's, on both.
        terms: on both.
    """

    def __init__(self, twins: TwinChains) -> None:
        self.twins, self.nonce = twins, next(NONCES)
        start = max(twins.here.chain.now(), twins.there.chain.now())
        accept, compute, collect = (Timestamp(start + WINDOW_S * turn) for turn in (1, 2, 3))
        self.terms = replace(TERMS, accept_by=accept, compute_by=compute, collect_by=collect)
        twins.act(PAYER, lambda side: side.settlement.post(self.nonce, ROOT, self.terms, NAMED))

    def id_on(self, side: Side) -> JobId:
        """Its id on one of the chains."""
        domain = side.settlement.domain
        return compute_job_id(domain.chain_id, domain.contract, address_of(PAYER), self.nonce)

    def phase(self, side: Side, index: ShareIndex) -> IndexPhase:
        """Phase of an index on one of the chains."""
        return side.settlement.index(self.id_on(side), index, block="latest").phase

    # What is signed in `domain` about `job`.

    def acceptance(self, domain: SettlementDomain, job: JobId, index: ShareIndex) -> bytes:
        """By the node of the index."""
        terms = self.terms
        digest = domain.acceptance(job, index, ROOT, terms.hash, terms.stake, terms.accept_by)
        return key_of(NODES[index - 1]).sign(digest)

    def opinions(self, domain: SettlementDomain, job: JobId, finding: Finding) -> list[bytes]:
        """By three judges, in the order that the contract wants; NONE is `served`."""
        keys = sorted((key_of(judge) for judge in JUDGES), key=lambda key: int(key.address, 16))
        if finding is Finding.NONE:
            digest = domain.served(*charge_of(job))
        else:
            digest = domain.verdict(*charge_of(job), int(finding))
        return [key.sign(digest) for key in keys[:3]]

    # Calls, with what was signed in `domain` (of this chain unless another is given).

    def accept(self, side: Side, index: ShareIndex, domain: SettlementDomain | None = None) -> Call:
        """Bring an acceptance."""
        job = self.id_on(side)
        signature = self.acceptance(domain or side.settlement.domain, job, index)
        acceptance = Acceptance(job, index, self.terms.accept_by, signature)
        return side.settlement.accept(job, NAMED, [acceptance])

    def commit(self, side: Side, index: ShareIndex) -> Call:
        """Commit to something."""
        return side.settlement.commit(self.id_on(side), index, Hash32(bytes([index]) * 32))

    def serve(self, side: Side, domain: SettlementDomain | None = None) -> Call:
        """Bring the judges' word that they hold the task."""
        job = self.id_on(side)
        signatures = self.opinions(domain or side.settlement.domain, job, Finding.NONE)
        return side.settlement.record_served(job, CHARGED, signatures)

    def convict(self, side: Side, domain: SettlementDomain | None = None) -> Call:
        """Bring a verdict."""
        job = self.id_on(side)
        signatures = self.opinions(domain or side.settlement.domain, job, Finding.WRONG)
        return side.settlement.record_verdict(job, CHARGED, Finding.WRONG, signatures)

    # Steps on both chains.

    def start(self) -> None:
        """Bring all acceptances."""
        for index in INDICES:
            self.twins.act(OUTSIDER, partial(self.accept, index=index))

    def charge(self) -> None:
        """All nodes commit; one is charged."""
        for index, node in zip(INDICES, NODES, strict=True):
            self.twins.act(node, partial(self.commit, index=index))
        self.twins.act(PAYER, lambda side: side.settlement.charge(self.id_on(side), [CHARGED], []))


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinChains]:
    with start_twins(tmp_path_factory.mktemp("twins")) as twins:
        yield twins


def test_a28_contracts_of_the_same_deployer_and_nonces__have_the_same_addresses(
    twins: TwinChains,
) -> None:
    here, there = twins.here, twins.there
    assert here.deployment.contracts == there.deployment.contracts
    assert here.chain.chain_id != there.chain.chain_id
    here.deployment.verify(here.chain)
    there.deployment.verify(there.chain)


def test_a28_job_of_the_same_payer_and_nonce__has_another_id(twins: TwinChains) -> None:
    job = Job(twins)
    ids = [job.id_on(side) for side in (twins.here, twins.there)]
    assert ids[0] != ids[1]
    for side, own, foreign in ((twins.here, ids[0], ids[1]), (twins.there, ids[1], ids[0])):
        settlement, payer = side.settlement, address_of(PAYER)
        found = side.chain.call(settlement.contract, "jobIdOf", payer, job.nonce, block="latest")
        assert found == own
        assert settlement.job(own, block="latest").phase is JobPhase.POSTED
        assert settlement.job(foreign, block="latest").phase is JobPhase.NONE


def test_a28_every_transaction_of_a_job__is_refused_by_the_other_chain(twins: TwinChains) -> None:
    refused = twins.refused
    job = Job(twins)
    job.start()
    job.charge()
    twins.act(OUTSIDER, job.serve)
    twins.act(OUTSIDER, job.convict)
    rest = [index for index in INDICES if index != CHARGED]
    twins.act(PAYER, lambda side: side.settlement.approve(job.id_on(side), rest))
    steps = 1 + len(INDICES) + len(NODES) + 1 + 1 + 1 + 1
    assert twins.refused - refused == 2 * steps
    for side in (twins.here, twins.there):
        ends = [job.phase(side, index) for index in INDICES]
        assert ends == [IndexPhase.PAID, IndexPhase.CONVICTED, *[IndexPhase.PAID] * 3]
    assert twins.here.balances() == twins.there.balances()


def test_a28_acceptance_of_one_chain__is_refused_on_the_other(twins: TwinChains) -> None:
    here, there, job = twins.here, twins.there, Job(twins)
    theirs, until = job.id_on(there), job.terms.accept_by
    carried = job.acceptance(here.settlement.domain, job.id_on(here), FIRST)
    digest = there.settlement.domain.acceptance(
        theirs, FIRST, ROOT, job.terms.hash, job.terms.stake, until
    )
    stranger = {"recovered": recover(digest, carried), "needed": address_of(NODES[0])}
    assert stranger["recovered"] != stranger["needed"]

    brought = [Acceptance(job.id_on(here), FIRST, until, carried)]
    assert here.refusal(here.settlement.accept(job.id_on(here), NAMED, brought)) is None
    call = there.settlement.accept(theirs, NAMED, brought)
    assert there.refusal(call) == ("AcceptanceNotSigned", stranger)
    unknown = there.settlement.accept(job.id_on(here), NAMED, brought)
    assert there.refusal(unknown) == (
        "JobPhaseWrong",
        {"job": job.id_on(here), "had": JobPhase.NONE, "needed": JobPhase.POSTED},
    )


def refused_by_judges(
    side: Side, digest: Hash32, carried: list[bytes]
) -> tuple[str, dict[str, Any]]:
    """The refusal of signatures that, over this digest, come from nobody: by order or by name."""
    signers = [recover(digest, signature) for signature in carried]
    assert not set(signers) & set(side.settlement.judges)
    for previous, signer in pairwise(signers):
        if int(signer, 16) <= int(previous, 16):
            return "SignersNotAscending", {"previous": previous, "signer": signer}
    return "NotAMember", {"signer": signers[0]}


def test_a28_served_of_one_chain__is_refused_on_the_other(twins: TwinChains) -> None:
    here, there, job = twins.here, twins.there, Job(twins)
    job.start()
    job.charge()
    carried = job.opinions(here.settlement.domain, job.id_on(here), Finding.NONE)
    digest = there.settlement.domain.served(*charge_of(job.id_on(there)))
    good = here.settlement.record_served(job.id_on(here), CHARGED, carried)
    assert here.refusal(good) is None
    stray = there.settlement.record_served(job.id_on(there), CHARGED, carried)
    assert there.refusal(stray) == refused_by_judges(there, digest, carried)
    unknown = there.settlement.record_served(job.id_on(here), CHARGED, carried)
    assert there.refusal(unknown) == ("IndexOutOfRange", {"index": CHARGED, "most": 0})


@pytest.mark.parametrize("finding", [Finding.RIGHT, Finding.WRONG])
def test_a28_verdict_of_one_chain__is_refused_on_the_other(
    twins: TwinChains, finding: Finding
) -> None:
    here, there, job = twins.here, twins.there, Job(twins)
    job.start()
    job.charge()
    twins.act(OUTSIDER, job.serve)
    carried = job.opinions(here.settlement.domain, job.id_on(here), finding)
    digest = there.settlement.domain.verdict(*charge_of(job.id_on(there)), int(finding))
    good = here.settlement.record_verdict(job.id_on(here), CHARGED, finding, carried)
    assert here.refusal(good) is None
    stray = there.settlement.record_verdict(job.id_on(there), CHARGED, finding, carried)
    assert there.refusal(stray) == refused_by_judges(there, digest, carried)
    unknown = there.settlement.record_verdict(job.id_on(here), CHARGED, finding, carried)
    assert there.refusal(unknown) == ("IndexOutOfRange", {"index": CHARGED, "most": 0})


def test_a28_this_chains_job_signed_for_the_other_chain__is_refused(twins: TwinChains) -> None:
    """Not the job id alone tells the chains apart: the domain of what is signed does it too."""
    here, there, job = twins.here, twins.there, Job(twins)
    foreign = here.settlement.domain
    refusal = there.refusal(job.accept(there, FIRST, foreign))
    assert refusal is not None
    assert refusal[0] == "AcceptanceNotSigned"
    assert there.refusal(job.accept(there, FIRST)) is None
    job.start()
    job.charge()
    refusal = there.refusal(job.serve(there, foreign))
    assert refusal is not None
    assert refusal[0] in BY_NOBODY
    twins.act(OUTSIDER, job.serve)
    refusal = there.refusal(job.convict(there, foreign))
    assert refusal is not None
    assert refusal[0] in BY_NOBODY
    assert there.refusal(job.convict(there)) is None
