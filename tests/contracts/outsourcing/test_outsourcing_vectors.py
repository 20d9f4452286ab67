"""`tests/vectors/outsourcing.json`, recomputed by the contract at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils import keccak
from tests.contracts.world import World, signer_of

PATH = Path(__file__).resolve().parents[2] / "vectors" / "outsourcing.json"
JOBS_SLOT = 4  # of the mapping `_jobs`; a change of the layout fails in the fixture below


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
    entry = int.from_bytes(keccak(job + JOBS_SLOT.to_bytes(32, "big")), "big")
    words = {
        2: int(vectors["terms"]["stake"]),
        3: int(vectors["root"], 16),
        4: int(vectors["termsHash"], 16),
    }
    for offset, word in words.items():
        slot, value = f"0x{entry + offset:064x}", f"0x{word:064x}"
        provider.make_request("anvil_setStorageAt", [address, slot, value])
    settlement = project.Settlement.at(address)
    stored = settlement.jobOf(job)
    assert "0x" + bytes(stored.root).hex() == vectors["root"]
    assert "0x" + bytes(stored.termsHash).hex() == vectors["termsHash"]
    assert stored.stake == int(vectors["terms"]["stake"])
    return settlement


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
    assert (domain.name, domain.version) == ("Edgemark Outsourcing", "1")
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
