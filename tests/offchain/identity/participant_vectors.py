"""The worked example of what participants sign for the registry, for all languages.

`python -m tests.offchain.identity.participant_vectors` writes `tests/vectors/participants.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Hash32, Timestamp, parse_address
from edgemark.identity.records import Role
from edgemark.identity.registration import Registration
from edgemark.identity.resources import Resources
from edgemark.identity.statements import RegistryDomain

PATH = Path(__file__).resolve().parents[2] / "vectors" / "participants.json"

CHAIN_ID = 31337
REGISTRY = parse_address("0x" + "9e" * 20)
PROVIDER = parse_address("0x" + "0b" * 20)
SUCCESSOR = parse_address("0x" + "0c" * 20)
KEY = SecretKey(keccak256(b"a participant's key of the example"))
NONCE = 3
DEADLINE = Timestamp(1_900_000_000)
PIN = Hash32(keccak256(b"the TLS key of the example"))

# every field filled once, texts empty, longer than a word, and of more than one byte a letter
REGISTRATIONS = {
    "device": Registration(Role.DEVICE),
    "computeNode": Registration(
        Role(16),
        PROVIDER,
        PIN,
        "https://node.example:8443",
        resources=Resources(2**32 - 1, 8192, 1, 0),
    ),
    "enclave": Registration(
        Role(17),
        PROVIDER,
        PIN,
        "https://judge-with-a-name-longer-than-one-word-of-the-chain.example:65535",
        resources=Resources(1, 2, 3, 4),
    ),
    "provider": Registration(Role.PROVIDER, name="Bücher & Söhne 書店"),
}


def hexed(value: bytes) -> str:
    """Bytes as the chain's tools print them."""
    return "0x" + value.hex()


def compute() -> dict[str, Any]:
    """The whole file."""
    domain = RegistryDomain(CHAIN_ID, REGISTRY)
    digest = domain.succession(KEY.address, SUCCESSOR, NONCE, DEADLINE)
    return {
        "source": "computed by edgemark, checked in Solidity, Python",
        "chainId": CHAIN_ID,
        "registry": REGISTRY,
        "account": KEY.address,
        "nonce": NONCE,
        "deadline": int(DEADLINE),
        "domainSeparator": hexed(domain.separator),
        "registrations": {
            name: compute_registration(wanted, domain) for name, wanted in REGISTRATIONS.items()
        },
        "succession": {
            "successor": SUCCESSOR,
            "digest": hexed(digest),
            "signature": hexed(KEY.sign(digest)),
        },
    }


def compute_registration(wanted: Registration, domain: RegistryDomain) -> dict[str, Any]:
    """What is asked for, in the contract's order and names, its digest and its signature."""
    numbers = (*wanted.resources.as_abi(), NONCE, int(DEADLINE))
    digest = domain.registration((KEY.address, *wanted.as_abi()[:-1], *numbers))
    return {
        "role": int(wanted.role),
        "provider": wanted.provider,
        "tlsKeyHash": hexed(wanted.pin),
        "endpoint": wanted.endpoint,
        "name": wanted.name,
        "resources": list(wanted.resources.as_abi()),
        "digest": hexed(digest),
        "signature": hexed(wanted.sign(KEY, domain, NONCE, DEADLINE).signature),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=2) + "\n")
