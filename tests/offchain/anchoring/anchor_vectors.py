"""The worked example of what accounts sign for the anchor, for all languages.

`python -m tests.offchain.anchoring.anchor_vectors` writes `tests/vectors/anchor.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgemark.anchoring.statements import AnchorDomain
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Timestamp, Tokens, parse_address

PATH = Path(__file__).resolve().parents[2] / "vectors" / "anchor.json"

CHAIN_ID = 31337
ANCHOR = parse_address("0x" + "a9" * 20)
LOCKER = parse_address("0x" + "0d" * 20)
KEY = SecretKey(keccak256(b"an account's key of the example"))
NONCE = 5
EXPIRES_AT = Timestamp(1_900_000_000)
AMOUNTS = {"nothing": Tokens(0), "some": Tokens(10**18 + 1), "most": Tokens(2**96 - 1)}


def compute() -> dict[str, Any]:
    """The whole file."""
    domain = AnchorDomain(CHAIN_ID, ANCHOR)
    return {
        "source": "computed by edgemark, checked in Solidity, Python",
        "chainId": CHAIN_ID,
        "anchor": ANCHOR,
        "account": KEY.address,
        "locker": LOCKER,
        "nonce": NONCE,
        "expiresAt": int(EXPIRES_AT),
        "domainSeparator": "0x" + domain.separator.hex(),
        "allowances": {name: compute_allowance(domain, amount) for name, amount in AMOUNTS.items()},
    }


def compute_allowance(domain: AnchorDomain, amount: Tokens) -> dict[str, str]:
    """One amount (as text: it is above 2^53), its digest and the account's signature."""
    digest = domain.allowance(KEY.address, LOCKER, amount, EXPIRES_AT, NONCE)
    signature = "0x" + KEY.sign(digest).hex()
    return {"amount": str(amount), "digest": "0x" + digest.hex(), "signature": signature}


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=2) + "\n")
