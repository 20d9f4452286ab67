"""`tests/vectors/outsourcing.json`, recomputed by the contract at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils import keccak
from tests.contracts.world import World, signer_of

PATH = Path(__file__).resolve().parents[2] / "vectors" / "outsourcing.json"
# Where the layout in contracts/README.md says; a change of it fails in the fixture below.
JOBS_SLOT, CHARGES_SLOT = 2, 3  # of JobSettlement
LOCKS_SLOT = 6  # of AssetAnchor
STAKE_BITS = 96  # below the stake in its word: the fee


@pytest.fixture(scope="module")
def vectors() -> dict:
    return json.loads(PATH.read_text())


@pytest.fixture
def settlement(world: World, project, vectors):
    """The contract's code at the example's address, with the example's job in its state."""
    provider = world.chain.provider
    assert provider.web3.eth.chain_id == vectors["chainId"]
    address = vectors["settlement"]
    code = provider.web3.eth.get_code(str(world.settlement.address))
    provider.make_request("anvil_setCode", [address, "0x" + code.hex()])
    job = bytes.fromhex(vectors["jobId"][2:])
    plant_job(world, provider, vectors, job)
    settlement = project.JobSettlement.at(address)
    stored = settlement.jobOf(job)
    assert "0x" + bytes(stored.root).hex() == vectors["root"]
    assert "0x" + bytes(stored.termsHash).hex() == vectors["termsHash"]
    assert stored.stake == int(vectors["terms"]["stake"])
    return settlement


def plant_job(world: World, provider, vectors, job: bytes) -> None:
    """Root, terms hash and stake; the charge of the index; its node's place in the anchor."""
    address, index = vectors["settlement"], vectors["index"]
    stored = slot_of(job, JOBS_SLOT)
    charge = slot_of(index.to_bytes(32, "big"), slot_of(job, CHARGES_SLOT))
    locker = bytes.fromhex(address[2:]).rjust(32, b"\0")
    place = slot_of(job, slot_of(locker, LOCKS_SLOT)) + 1 + index
    words = [
        (address, stored + 1, int(vectors["terms"]["stake"]) << STAKE_BITS),
        (address, stored + 3, int(vectors["root"], 16)),
        (address, stored + 4, int(vectors["termsHash"], 16)),
        (address, charge, vectors["kind"]),
        (str(world.anchor.address), place, int(vectors["node"], 16)),
    ]
    for contract, slot, word in words:
        values = f"0x{slot:064x}", f"0x{word:064x}"
        provider.make_request("anvil_setStorageAt", [contract, *values])


def slot_of(key: bytes, mapping: int) -> int:
    """Where a mapping keeps the value of a key."""
    return int.from_bytes(keccak(key + mapping.to_bytes(32, "big")), "big")


def hexed(value: bytes) -> str:
    return "0x" + bytes(value).hex()


def test_job_id__is_that_of_the_vector(settlement, vectors):
    assert hexed(settlement.jobIdOf(vectors["payer"], vectors["nonce"])) == vectors["jobId"]


def test_terms_hash__is_that_of_the_vector(settlement, vectors):
    texts = {"functionHash", "jobKey"}
    terms = tuple(
        value if name in texts else int(value) for name, value in vectors["terms"].items()
    )
    assert hexed(settlement.hashTerms(terms)) == vectors["termsHash"]


def test_domain__is_that_of_the_vector(settlement, vectors):
    domain = settlement.eip712Domain()
    assert (domain.name, domain.version) == ("Edgemark Outsourcing", "2")
    assert (domain.chainId, domain.verifyingContract) == (
        vectors["chainId"],
        vectors["settlement"],
    )


def test_digests__are_those_of_the_vector_and_their_signers_too(settlement, vectors):
    job, index = vectors["jobId"], vectors["index"]
    digests = {
        "acceptance": settlement.acceptanceDigest(job, index, vectors["validUntil"]),
        "served": settlement.servedDigest(job, index),
        "verdict": settlement.verdictDigest(job, index, vectors["finding"]),
    }
    for name, digest in digests.items():
        assert hexed(digest) == vectors["digests"][name], name
        signed = vectors["signatures"][name]
        signature = bytes.fromhex(signed["signature"][2:])
        assert signer_of(digest, signature) == signed["signer"].lower(), name
