"""What owners of identities sign is what another library makes of the same fields (T12, A28)."""

from __future__ import annotations

import json

import pytest
from eth_account.messages import encode_typed_data
from tests.offchain.identity.did import statement_vectors as example

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.typed_data import StructType
from edgemark.identity.did.statements import (
    ATTRIBUTE_REVOCATION,
    ATTRIBUTE_SETTING,
    DEACTIVATION,
    DELEGATE_ADDITION,
    DELEGATE_REVOCATION,
    OWNER_CHANGE,
    IdentityDomain,
)

VECTORS = json.loads(example.PATH.read_text())
STRUCTS = {
    "ownerChange": OWNER_CHANGE,
    "deactivation": DEACTIVATION,
    "delegateAddition": DELEGATE_ADDITION,
    "delegateRevocation": DELEGATE_REVOCATION,
    "attributeSetting": ATTRIBUTE_SETTING,
    "attributeRevocation": ATTRIBUTE_REVOCATION,
}


def test_vectors_of_identities__are_what_the_package_computes() -> None:
    assert example.compute() == VECTORS


def digest_elsewhere(kind: StructType, chain_id: int) -> bytes:
    """By eth-account."""
    values = VECTORS | {"valueHash": keccak256(example.VALUE)}
    message = encode_typed_data(
        {
            "name": "Edgemark Identities",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": example.REGISTRY,
        },
        {kind.name: [{"name": name, "type": each} for each, name in kind.fields]},
        {name: values[name] for _, name in kind.fields},
    )
    return keccak256(b"\x19", message.version, message.header, message.body)


@pytest.mark.parametrize("name", STRUCTS)
def test_digest__equals_that_of_eth_account(name: str) -> None:
    kind = STRUCTS[name]
    digest = digest_elsewhere(kind, example.CHAIN_ID)
    assert "0x" + digest.hex() == VECTORS["statements"][name]["digest"]
    assert digest_elsewhere(kind, example.CHAIN_ID + 1) != digest


def test_domains__of_two_chains_or_registries_are_apart() -> None:
    here = IdentityDomain(example.CHAIN_ID, example.REGISTRY)
    others = (
        IdentityDomain(example.CHAIN_ID + 1, example.REGISTRY),
        IdentityDomain(example.CHAIN_ID, example.DELEGATE),
    )
    digests = {domain.deactivation(example.HEIR, 0, example.DEADLINE) for domain in (here, *others)}
    assert len(digests) == 3
