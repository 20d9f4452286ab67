"""A21, A28, A29: signatures used for what they were not given for, or in another form.

What the chain checks are acceptances of nodes and statements of judges. Each replay is refused
because the recovered account is another one; the planted copies accept it.
"""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.world import (
    FOUND_MISSING,
    FOUND_RIGHT,
    FOUND_WRONG,
    LIMITS,
    NODES,
    WEALTH,
    World,
    compact_of,
    refused,
    sign,
    signer_of,
    twin_of,
)

ALL = tuple(range(1, NODES + 1))
FIELDS = {
    "Acceptance": (
        "bytes32 job,uint256 index,bytes32 root,bytes32 termsHash,uint256 stake,uint256 validUntil"
    ),
    "Served": "bytes32 job,uint256 index",
    "Verdict": "bytes32 job,uint256 index,uint8 finding",
}


def typed_digest(world: World, name: str, chain_id: int | None = None, **values) -> bytes:
    """The EIP-712 digest, computed by a library that knows nothing of the contract."""
    fields = [field.split(" ") for field in FIELDS[name].split(",")]
    message = encode_typed_data(
        {
            "name": "Edgemark Outsourcing",
            "version": "1",
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
    settlement = world.deployer.deploy(
        project.Settlement,
        world.anchor,
        world.registry,
        world.enclaves,
        world.pool,
        world.guardian,
        LIMITS,
    )
    for account in (world.payer, *world.nodes):
        world.anchor.allowLocker(settlement, WEALTH, sender=account)
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
    assert world.settlement.servedDigest(job, 3) == typed_digest(world, "Served", job=job, index=3)
    for finding in (FOUND_RIGHT, FOUND_WRONG, FOUND_MISSING):
        assert world.settlement.verdictDigest(job, 3, finding) == typed_digest(
            world, "Verdict", job=job, index=3, finding=finding
        )


def refuse_acceptance(world: World, job: bytes, index: int, until: int, signature: bytes) -> None:
    stranger = signer_of(world.settlement.acceptanceDigest(job, index, until), signature)
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=stranger, needed=world.nodes[index - 1]):
        world.settlement.accept(job, index, until, signature, sender=world.outsider)


def test_a21_acceptance_for_another_job__is_refused(world: World):
    first, second = world.post(), world.post()
    until = world.settlement.jobOf(first).acceptBy
    signature = world.acceptance(first, 1, until)
    refuse_acceptance(world, second, 1, until, signature)


def test_a21_acceptance_for_another_index__is_refused(world: World):
    nodes = [world.nodes[1], world.nodes[0], *world.nodes[2:]]
    job = world.post()
    swapped = world.post(nodes=nodes)
    until = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, until)  # of node 1, who sits at index 2 of the other job
    stranger = signer_of(world.settlement.acceptanceDigest(swapped, 2, until), signature)
    error = world.settlement.AcceptanceNotSigned
    with refused(error, recovered=stranger, needed=world.nodes[0]):
        world.settlement.accept(swapped, 2, until, signature, sender=world.outsider)
    refuse_acceptance(world, job, 2, until, signature)


def test_a21_acceptance_for_another_contract__is_refused(world: World, second_settlement):
    job = world.post()
    until = world.settlement.jobOf(job).acceptBy
    signature = world.acceptance(job, 1, until)
    first, world.settlement = world.settlement, second_settlement
    try:
        other = world.post()
        refuse_acceptance(world, other, 1, until, signature)
    finally:
        world.settlement = first


def refuse_served(world: World, job: bytes, index: int, signatures: list[bytes]) -> None:
    stranger = signer_of(world.settlement.servedDigest(job, index), signatures[0])
    with refused(world.enclaves.NotAMember, signer=stranger):
        world.settlement.recordServed(job, index, signatures, sender=world.outsider)


def refuse_verdict(world: World, job: bytes, index: int, finding: int, signatures) -> None:
    stranger = signer_of(world.settlement.verdictDigest(job, index, finding), signatures[0])
    with refused(world.enclaves.NotAMember, signer=stranger):
        world.settlement.recordVerdict(job, index, finding, signatures, sender=world.outsider)


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
    until = world.settlement.jobOf(pending).acceptBy
    acceptance = world.acceptance(pending, 1, until)
    world.charge(job, wrong=(2,))
    before = world.settlement.servedDigest(job, 2)
    served = world.signatures(before)
    planted_before = planted.servedDigest(job, 2)
    provider = world.chain.provider
    chain_id = provider.web3.eth.chain_id
    data = world.settlement.recordServed.encode_input(job, 2, served)
    accept = world.settlement.accept.encode_input(pending, 1, until, acceptance)
    outsider = str(world.outsider)
    try:
        provider.make_request("anvil_setChainId", [chain_id + 1])
        call = {"from": outsider, "to": str(world.settlement.address)}
        after = world.settlement.servedDigest(job, 2)
        assert after != before
        assert planted.servedDigest(job, 2) == planted_before  # the flaw
        refusal = revert_data(provider, {**call, "data": "0x" + data.hex()})
        stranger = signer_of(after, served[0])
        assert refusal == error_data("NotAMember(address)", stranger)
        refusal = revert_data(provider, {**call, "data": "0x" + accept.hex()})
        digest = world.settlement.acceptanceDigest(pending, 1, until)
        expected = error_data(
            "AcceptanceNotSigned(address,address)",
            signer_of(digest, acceptance),
            str(world.nodes[0]),
        )
        assert refusal == expected
        fresh = world.signatures(after)
        good = world.settlement.recordServed.encode_input(job, 2, fresh)
        assert revert_data(provider, {**call, "data": "0x" + good.hex()}) is None
    finally:
        provider.make_request("anvil_setChainId", [chain_id])


def revert_data(provider, call: dict[str, str]) -> bytes | None:
    """What a call is refused with; None when it is not."""
    answer = provider.web3.provider.make_request("eth_call", [call, "latest"])
    if "error" not in answer:
        return None
    return bytes.fromhex(answer["error"]["data"][2:])


def error_data(signature: str, *accounts: str) -> bytes:
    words = [bytes.fromhex(account[2:]).rjust(32, b"\0") for account in accounts]
    return keccak(text=signature)[:4] + b"".join(words)


def malformed(signature: bytes) -> dict[str, bytes]:
    """Other forms of a good signature, each of which some verifier somewhere accepts."""
    return {
        "high s": twin_of(signature),
        "compact": compact_of(signature),
        "v as parity": signature[:64] + bytes([signature[64] - 27]),
        "v of a chain": signature[:64] + bytes([signature[64] + 8]),
        "trailing byte": signature + b"\0",
        "empty": b"",
        "zero": b"\0" * 65,
    }


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
    until = world.settlement.jobOf(job).acceptBy
    forged = malformed(world.acceptance(job, 1, until))[form]
    with expected_refusal(world.settlement, form, forged):
        world.settlement.accept(job, 1, until, forged, sender=world.outsider)


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
    until = world.settlement.jobOf(job).acceptBy
    good = world.acceptance(job, 1, until)
    for forged in (
        bytes(32) + good[32:],
        good[:32] + bytes(32) + good[64:],
        b"\xff" * 32 + good[32:],
    ):
        with refused(world.settlement.ECDSAInvalidSignature):
            world.settlement.accept(job, 1, until, forged, sender=world.outsider)
