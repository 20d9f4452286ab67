"""`tests/vectors/participants.json`, recomputed by the registry at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils import keccak
from tests.contracts.world import World, signer_of

PATH = Path(__file__).resolve().parents[2] / "vectors" / "participants.json"
NONCES_SLOT = 4  # of the mapping `_nonces`; a change of the layout fails in the fixture below
WISH = ("role", "provider", "tlsKeyHash", "endpoint", "name", "resources")


@pytest.fixture(scope="module")
def vectors() -> dict:
    return json.loads(PATH.read_text())


@pytest.fixture
def registry(world: World, project, vectors):
    """The registry's code at the example's address, with the account's nonce in its state."""
    provider, address = world.chain.provider, vectors["registry"]
    assert provider.web3.eth.chain_id == vectors["chainId"]
    code = provider.web3.eth.get_code(str(world.registry.address))
    provider.make_request("anvil_setCode", [address, "0x" + code.hex()])
    account = bytes.fromhex(vectors["account"][2:]).rjust(32, b"\0")
    slot = keccak(account + NONCES_SLOT.to_bytes(32, "big"))
    words = ["0x" + slot.hex(), f"0x{vectors['nonce']:064x}"]
    provider.make_request("anvil_setStorageAt", [address, *words])
    registry = project.ParticipantRegistry.at(address)
    assert registry.nonces(vectors["account"]) == vectors["nonce"]
    return registry


def check_signed(digest: bytes, example: dict, account: str) -> None:
    assert "0x" + bytes(digest).hex() == example["digest"]
    signature = bytes.fromhex(example["signature"][2:])
    assert signer_of(digest, signature) == account.lower()


def test_registration_digests__are_those_of_the_vector_and_their_signers_too(registry, vectors):
    account, deadline = vectors["account"], vectors["deadline"]
    assert len(vectors["registrations"]) == 4
    for name, example in vectors["registrations"].items():
        wanted = tuple(example[field] for field in WISH)
        digest = registry.registrationDigest(account, wanted, deadline)
        assert "0x" + bytes(digest).hex() == example["digest"], name
        check_signed(digest, example, account)


def test_succession_digest__is_that_of_the_vector_and_its_signer_too(registry, vectors):
    example, account = vectors["succession"], vectors["account"]
    digest = registry.successionDigest(account, example["successor"], vectors["deadline"])
    check_signed(digest, example, account)
