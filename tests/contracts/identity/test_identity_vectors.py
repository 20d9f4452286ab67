"""`tests/vectors/identities.json`, recomputed by the registry at the address that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils import keccak
from tests.contracts.world import World, signer_of

PATH = Path(__file__).resolve().parents[2] / "vectors" / "identities.json"
IDENTITIES_SLOT = 0  # of the mapping `_identities`; a change of the layout fails in the fixture
NONCE_BITS = 160 + 40  # below the nonce in the word of an identity


@pytest.fixture(scope="module")
def vectors() -> dict:
    return json.loads(PATH.read_text())


@pytest.fixture
def registry(world: World, project, vectors):
    """The registry's code at the example's address, with the nonce in its state."""
    provider, address = world.chain.provider, vectors["registry"]
    assert provider.web3.eth.chain_id == vectors["chainId"]
    made = world.deployer.deploy(project.DidRegistry)
    code = provider.web3.eth.get_code(str(made.address))
    provider.make_request("anvil_setCode", [address, "0x" + code.hex()])
    identity = bytes.fromhex(vectors["identity"][2:]).rjust(32, b"\0")
    slot = keccak(identity + IDENTITIES_SLOT.to_bytes(32, "big"))
    word = f"0x{vectors['nonce'] << NONCE_BITS:064x}"
    provider.make_request("anvil_setStorageAt", [address, "0x" + slot.hex(), word])
    registry = project.DidRegistry.at(address)
    assert registry.nonces(vectors["identity"]) == vectors["nonce"]
    assert registry.identityOwner(vectors["identity"]) == vectors["identity"]
    return registry


def test_digests_of_identities__are_those_of_the_vector_and_their_signers_too(registry, vectors):
    of = vectors.__getitem__
    ends = (of("validTo"), of("deadline"))
    delegate, attribute = (of("delegateType"), of("delegate")), (of("name"), of("value"))
    arguments = {
        "ownerChange": (of("newOwner"), of("deadline")),
        "deactivation": (of("deadline"),),
        "delegateAddition": (*delegate, *ends),
        "delegateRevocation": (*delegate, of("deadline")),
        "attributeSetting": (*attribute, *ends),
        "attributeRevocation": (*attribute, of("deadline")),
    }
    assert set(arguments) == set(vectors["statements"])
    for name, example in vectors["statements"].items():
        digest = getattr(registry, f"{name}Digest")(vectors["identity"], *arguments[name])
        assert "0x" + bytes(digest).hex() == example["digest"], name
        signature = bytes.fromhex(example["signature"][2:])
        assert signer_of(digest, signature) == vectors["identity"].lower()
