"""A21, A28, A29: signatures used for what they were not given for, or in another form.

What the chain checks are acceptances of nodes and statements of judges. Each replay is refused
because the recovered account is another one; the planted copies accept it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.conftest import deploy_settlement, register_server
from tests.contracts.forms import malformed
from tests.contracts.states import State
from tests.contracts.world import (
    COMPUTE_NODE,
    FOUND_MISSING,
    FOUND_RIGHT,
    FOUND_WRONG,
    NODES,
    SILENT,
    WEALTH,
    World,
    compact_of,
    refused,
    refused_signers,
    sign,
    signer_of,
    twin_of,
)

ALL = tuple(range(1, NODES + 1))
STATES = (State(ALL), State(ALL, wrong=2))
FIELDS = {
    "Acceptance": (
        "bytes32 job,uint256 index,bytes32 root,bytes32 termsHash,uint256 stake,uint256 validUntil"
    ),
    "Served": "bytes32 job,uint256 index,bytes32 root,address node,uint8 kind",
    "Verdict": "bytes32 job,uint256 index,bytes32 root,address node,uint8 kind,uint8 finding",
}


def typed_digest(world: World, name: str, chain_id: int | None = None, **values) -> bytes:
    """The EIP-712 digest, computed by a library that knows nothing of the contract."""
    fields = [field.split(" ") for field in FIELDS[name].split(",")]
    message = encode_typed_data(
        {
            "name": "Edgemark Outsourcing",
            "version": "2",
            "chainId": chain_id or world.chain.provider.web3.eth.chain_id,
            "verifyingContract": str(world.settlement.address),
        },
        {name: [{"type": kind, "name": field} for kind, field in fields]},
        values,
    )
    return keccak(b"\x19" + message.version + message.header + message.body)


@pytest.fixture
def second_settlement(world: World, project):
    """The same contracts once more, on the same chain."""
    settlement = deploy_settlement(world, project)
    for account in (world.payer, *world.nodes):
        world.allow(account, settlement, WEALTH)
    return settlement


def test_digests__equal_those_of_an_independent_library(world: World):
    job = world.post()
    entry = world.settlement.jobOf(job)
    assert world.settlement.acceptanceDigest(job, 3, 77) == typed_digest(
        world,
        "Acceptance",
        job=job,
        index=3,
        root=entry.root,
        termsHash=entry.termsHash,
        stake=entry.stake,
        validUntil=77,
    )
    job = world.charged_wrong(index=3)
    about = judged(world, job, 3)
    assert world.settlement.servedDigest(job, 3) == typed_digest(world, "Served", **about)
    for finding in (FOUND_RIGHT, FOUND_WRONG, FOUND_MISSING):
        assert world.settlement.verdictDigest(job, 3, finding) == typed_digest(
            world, "Verdict", **about, finding=finding
        )


def judged(world: World, job: bytes, index: int) -> dict[str, Any]:
    """What the judges' statements about an index are over."""
    seat = world.settlement.indexOf(job, index)
    root = bytes(world.settlement.jobOf(job).root)
    return {"job": job, "index": index, "root": root, "node": seat.node, "kind": seat.kind}


def refuse_acceptance(world: World, job: bytes, acceptance: tuple[int, int, bytes]) -> None:
    index, until, signature = acceptance
    stranger = signer_of(world.settlement.acceptanceDigest(job, index, until), signature)
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=stranger, needed=world.named[job][index - 1]):
        world.bring(job, acceptance)


def test_a21_acceptance_for_another_job__is_refused(world: World):
    first, second = world.post(), world.post()
    refuse_acceptance(world, second, world.acceptance(first, 1))


def test_a21_acceptance_for_another_index__is_refused(world: World, accounts):
    """A node that sits at another index of another job, and the same job's other index."""
    provider = accounts[30]
    register_server(world, "compute", COMPUTE_NODE, accounts[26], provider)
    pairs = [*zip(world.nodes, world.node_providers, strict=True), (accounts[26], provider)]
    ordered = [node for node, _ in sorted(pairs, key=lambda pair: int(str(pair[1]), 16))]
    first, second = world.post(nodes=ordered[:6]), world.post(nodes=ordered[1:])
    _, until, signature = world.acceptance(first, 2)
    refuse_acceptance(world, second, (1, until, signature))  # there the node's index is 1
    refuse_acceptance(world, first, (1, until, signature))


def test_a21_acceptance_for_another_contract__is_refused(world: World, second_settlement):
    job = world.post()
    acceptance = world.acceptance(job, 1)
    first, world.settlement = world.settlement, second_settlement
    try:
        refuse_acceptance(world, world.post(), acceptance)
    finally:
        world.settlement = first


def refuse_served(world: World, job: bytes, index: int, signatures: list[bytes]) -> None:
    with refused_signers(world, world.settlement.servedDigest(job, index), signatures):
        world.settlement.recordServed(job, index, signatures, sender=world.outsider)


def refuse_verdict(world: World, job: bytes, index: int, finding: int, signatures) -> None:
    digest = world.settlement.verdictDigest(job, index, finding)
    with refused_signers(world, digest, signatures):
        world.settlement.recordVerdict(job, index, finding, signatures, sender=world.outsider)


OTHER = {"root": keccak(b"another root"), "node": "0x" + "77" * 20, "kind": SILENT}


@pytest.mark.parametrize("field", OTHER)
def test_f7_statements_over_another_root_node_or_kind__are_refused(world: World, project, field):
    """After a reorganisation somebody else may stand there: what was said is about one charge.

    The planted copy signs the number of the job and the index alone, which outlive it.
    """
    job = world.charged_wrong(index=2)
    about = judged(world, job, 2)
    other = about | {field: OTHER[field]}
    refuse_served(world, job, 2, world.signatures(typed_digest(world, "Served", **other)))
    world.settlement.recordServed(
        job, 2, world.signatures(typed_digest(world, "Served", **about)), sender=world.outsider
    )
    for finding in (FOUND_WRONG, FOUND_RIGHT):
        digest = typed_digest(world, "Verdict", **other, finding=finding)
        refuse_verdict(world, job, 2, finding, world.signatures(digest))
    planted = world.deployer.deploy(project.PlantedBareStatements)
    inputs = {entry.name for entry in planted.servedDigest.abis[0].inputs}
    assert field not in inputs


def test_a21_served_and_verdict_for_another_job_or_index__are_refused(world: World):
    first, second = (world.started(committed=ALL) for _ in range(2))
    served = world.signatures(world.settlement.servedDigest(first, 2))
    verdict = world.signatures(world.settlement.verdictDigest(first, 2, FOUND_WRONG))
    world.charge(first, wrong=(3,))
    world.charge(second, wrong=(2,))
    refuse_served(world, second, 2, served)
    refuse_served(world, first, 3, served)
    world.serve(first, 3)
    world.serve(second, 2)
    refuse_verdict(world, second, 2, FOUND_WRONG, verdict)
    refuse_verdict(world, first, 3, FOUND_WRONG, verdict)
    refuse_verdict(world, second, 2, FOUND_RIGHT, verdict)


def test_a21_served_taken_for_a_verdict__is_refused(world: World):
    job = world.started(committed=ALL)
    world.charge(job, wrong=(2,))
    served = world.signatures(world.settlement.servedDigest(job, 2))
    world.settlement.recordServed(job, 2, served, sender=world.outsider)
    for finding in (FOUND_RIGHT, FOUND_WRONG):
        refuse_verdict(world, job, 2, finding, served)


def test_a21_served_for_another_contract__is_refused(world: World, second_settlement):
    """The same job number, the same judges, another settlement."""
    job = world.started(committed=ALL)
    world.charge(job, wrong=(2,))
    stray = world.signatures(second_settlement.servedDigest(job, 2))
    refuse_served(world, job, 2, stray)


def test_a28_chain_id_changed_by_a_fork__old_signatures_are_refused(world: World, project):
    """`anvil_setChainId` plays the fork; a contract that cached its domain accepts them."""
    planted = world.deployer.deploy(project.PlantedCachedDomain)
    job = world.started(committed=ALL)
    pending = world.post()
    acceptance = world.acceptance(pending, 1)
    world.charge(job, wrong=(2,))
    before = world.settlement.servedDigest(job, 2)
    served = world.signatures(before)
    planted_before = planted.servedDigest(job, 2)
    provider = world.chain.provider
    chain_id = provider.web3.eth.chain_id
    data = world.settlement.recordServed.encode_input(job, 2, served)
    accept = world.settlement.accept.encode_input(pending, world.nodes, [acceptance])
    outsider = str(world.outsider)
    try:
        provider.make_request("anvil_setChainId", [chain_id + 1])
        call = {"from": outsider, "to": str(world.settlement.address)}
        after = world.settlement.servedDigest(job, 2)
        assert after != before
        assert planted.servedDigest(job, 2) == planted_before  # the flaw
        refusal = revert_data(provider, {**call, "data": "0x" + data.hex()})
        assert refusal in foreign_signers(after, served)
        refusal = revert_data(provider, {**call, "data": "0x" + accept.hex()})
        digest = world.settlement.acceptanceDigest(pending, *acceptance[:2])
        expected = error_data(
            "AcceptanceNotSigned(address,address)",
            signer_of(digest, acceptance[2]),
            str(world.nodes[0]),
        )
        assert refusal == expected
        fresh = world.signatures(after)
        good = world.settlement.recordServed.encode_input(job, 2, fresh)
        assert revert_data(provider, {**call, "data": "0x" + good.hex()}) is None
    finally:
        provider.make_request("anvil_setChainId", [chain_id])


def foreign_signers(digest: bytes, signatures: list[bytes]) -> list[bytes]:
    """What the judges' contract may say of signers that it does not know, in any order."""
    signers = [signer_of(digest, signature) for signature in signatures]
    said = [error_data("NotAMember(address)", signers[0])]
    return said + [
        error_data("SignersNotAscending(address,address)", *pair) for pair in pairwise(signers)
    ]


def revert_data(provider, call: dict[str, str]) -> bytes | None:
    """What a call is refused with; None when it is not."""
    answer = provider.web3.provider.make_request("eth_call", [call, "latest"])
    if "error" not in answer:
        return None
    return bytes.fromhex(answer["error"]["data"][2:])


def error_data(signature: str, *accounts: str) -> bytes:
    words = [bytes.fromhex(account[2:]).rjust(32, b"\0") for account in accounts]
    return keccak(text=signature)[:4] + b"".join(words)


FORMS = list(malformed(b"\1" * 64 + b"\x1b"))


def expected_refusal(contract, form: str, forged: bytes):
    """The library's error for a form."""
    if len(forged) != 65:
        return refused(contract.ECDSAInvalidSignatureLength, length=len(forged))
    if form == "high s":
        return refused(contract.ECDSAInvalidSignatureS, s=forged[32:64])
    return refused(contract.ECDSAInvalidSignature)


@pytest.mark.parametrize("form", FORMS)
def test_a29_acceptance_in_another_form__is_refused(world: World, form):
    job = world.post()
    _, until, signature = world.acceptance(job, 1)
    forged = malformed(signature)[form]
    with expected_refusal(world.settlement, form, forged):
        world.bring(job, (1, until, forged))


@pytest.mark.parametrize("form", FORMS)
def test_a29_judges_signature_in_another_form__is_refused(world: World, form):
    job = world.started(committed=ALL)
    world.charge(job, wrong=(2,))
    signatures = world.signatures(world.settlement.servedDigest(job, 2))
    signatures[1] = malformed(signatures[1])[form]
    with expected_refusal(world.enclaves, form, signatures[1]):
        world.settlement.recordServed(job, 2, signatures, sender=world.outsider)


def test_a29_one_judge_in_three_forms__is_paid_thrice_by_the_planted_copy_only(
    world: World, project
):
    planted = world.deployer.deploy(project.PlantedLooseSignatures)
    judge = world.judges[0]
    digest = keccak(b"statement")
    signature = sign(judge, digest)
    for form in ("high s", "compact", "v as parity"):
        planted.claim(digest, malformed(signature)[form], sender=world.outsider)
    assert planted.paid(judge) == 3

    forged = [signature, twin_of(signature), compact_of(signature)]
    with refused(world.enclaves.SignersNotAscending, previous=judge, signer=judge):
        world.enclaves.checkSignatures.transact(digest, [signature] * 3, sender=world.outsider)
    with expected_refusal(world.enclaves, "high s", forged[1]):
        world.enclaves.checkSignatures.transact(digest, forged, sender=world.outsider)


def test_a29_signature_that_recovers_nobody__is_refused(world: World):
    """Zero r, zero s, r beyond the order: ecrecover answers zero, which is no member."""
    job = world.post()
    _, until, good = world.acceptance(job, 1)
    for forged in (
        bytes(32) + good[32:],
        good[:32] + bytes(32) + good[64:],
        b"\xff" * 32 + good[32:],
    ):
        with refused(world.settlement.ECDSAInvalidSignature):
            world.bring(job, (1, until, forged))
