"""The worked example of what owners of identities sign, for all languages.

`python -m tests.offchain.identity.did.statement_vectors` writes `tests/vectors/identities.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Timestamp, parse_address
from edgemark.identity.did.attributes import encode_name
from edgemark.identity.did.statements import IdentityDomain

PATH = Path(__file__).resolve().parents[3] / "vectors" / "identities.json"

CHAIN_ID = 31337
REGISTRY = parse_address("0x" + "d1" * 20)
KEY = SecretKey(keccak256(b"an owner's key of the example"))
HEIR = parse_address("0x" + "0c" * 20)
DELEGATE = parse_address("0x" + "0d" * 20)
NONCE = 3
DEADLINE, VALID_TO = Timestamp(1_900_000_000), Timestamp(2_000_000_000)
KIND, NAME = encode_name("veriKey"), encode_name("did/svc/Files")
VALUE = "https://bücher.example".encode()


def compute() -> dict[str, Any]:
    """The whole file."""
    domain = IdentityDomain(CHAIN_ID, REGISTRY)
    me, ends = KEY.address, (NONCE, DEADLINE)
    digests = {
        "ownerChange": domain.owner_change(me, HEIR, *ends),
        "deactivation": domain.deactivation(me, *ends),
        "delegateAddition": domain.delegate_addition(me, KIND, DELEGATE, VALID_TO, *ends),
        "delegateRevocation": domain.delegate_revocation(me, KIND, DELEGATE, *ends),
        "attributeSetting": domain.attribute_setting(me, NAME, VALUE, VALID_TO, *ends),
        "attributeRevocation": domain.attribute_revocation(me, NAME, VALUE, *ends),
    }
    return {
        "source": "computed by edgemark, checked in Solidity, Python",
        "chainId": CHAIN_ID,
        "registry": REGISTRY,
        "identity": me,
        "newOwner": HEIR,
        "delegateType": "0x" + KIND.hex(),
        "delegate": DELEGATE,
        "name": "0x" + NAME.hex(),
        "value": "0x" + VALUE.hex(),
        "validTo": int(VALID_TO),
        "nonce": NONCE,
        "deadline": int(DEADLINE),
        "statements": {
            name: {"digest": "0x" + digest.hex(), "signature": "0x" + KEY.sign(digest).hex()}
            for name, digest in digests.items()
        },
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=2) + "\n")
