"""Whatever the package and the contract both compute is the same bytes in both."""

from __future__ import annotations

import pytest
from eth_utils import to_checksum_address
from tests.contracts.world import FOUND_MISSING, FOUND_RIGHT, FOUND_WRONG, NODES, WRONG, World

from edgemark.systems.outsourcing.contract.hashes import compute_job_id, compute_terms_hash
from edgemark.systems.outsourcing.contract.statements import SettlementDomain


@pytest.fixture
def chain_id(world: World) -> int:
    """As the contract sees it; ape calls its local network otherwise."""
    return world.chain.provider.web3.eth.chain_id


@pytest.fixture
def domain(world: World, chain_id: int) -> SettlementDomain:
    return SettlementDomain(chain_id, to_checksum_address(str(world.settlement.address)))


@pytest.mark.parametrize("nonce", [0, 1, 2**256 - 1])
def test_job_id__is_the_same_in_package_and_contract(world: World, chain_id: int, nonce: int):
    settlement = to_checksum_address(str(world.settlement.address))
    expected = compute_job_id(chain_id, settlement, to_checksum_address(str(world.payer)), nonce)
    assert bytes(world.settlement.jobIdOf(world.payer, nonce)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"jobKey": b""},
        {"jobKey": b"\x03" * 65},
        {"fee": 2**96 - 1, "collectBy": 2**40 - 1, "degree": 255, "shareBytes": 2**32 - 1},
    ],
)
def test_terms_hash__is_the_same_in_package_and_contract(world: World, changes):
    terms = tuple(world.terms(**changes).values())
    assert bytes(world.settlement.hashTerms(terms)) == compute_terms_hash(terms)


def test_acceptance_digest__is_the_same_in_package_and_contract(world: World, domain):
    job = world.post()
    entry = world.settlement.jobOf(job)
    for index, until in ((1, 0), (NODES, 2**256 - 1)):
        assert bytes(world.settlement.acceptanceDigest(job, index, until)) == domain.acceptance(
            job, index, bytes(entry.root), bytes(entry.termsHash), entry.stake, until
        )


def test_statements_of_judges__are_the_same_in_package_and_contract(world: World, domain):
    job = world.charged_wrong(index=2)
    root = bytes(world.settlement.jobOf(job).root)
    for index, kind in ((2, WRONG), (3, 0)):
        node = to_checksum_address(str(world.nodes[index - 1]))
        about = (job, index, root, node, kind)
        assert bytes(world.settlement.servedDigest(job, index)) == domain.served(*about)
        for finding in (FOUND_RIGHT, FOUND_WRONG, FOUND_MISSING):
            digest = bytes(world.settlement.verdictDigest(job, index, finding))
            assert digest == domain.verdict(*about, finding)
