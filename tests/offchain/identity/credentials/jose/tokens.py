"""Signed texts made by hand, so that each may be wrong in one way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import ORDER, SecretKey
from edgemark.identity.credentials.jose.base64url import encode_base64url

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[4] / "vectors" / "jose.json").read_text()
)
KEY, STRANGER = (SecretKey(bytes([number]) * 32) for number in (1, 2))
KID = "did:ethr:0x7a69:0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1#controller"
HEADER = {"alg": "ES256K", "typ": "vc+jwt", "cty": "vc", "kid": KID}


def encode(part: bytes | dict[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return encode_base64url(raw).decode()


def sign(signed: str, key: SecretKey = KEY) -> bytes:
    return key.sign(hashlib.sha256(signed.encode()).digest())[:64]


def make(
    header: bytes | dict[str, Any], payload: bytes | dict[str, Any], key: SecretKey = KEY
) -> str:
    """A text whose signature is right, whatever its header says."""
    signed = f"{encode(header)}.{encode(payload)}"
    return f"{signed}.{encode(sign(signed, key))}"


def with_high_s(token: str) -> str:
    """The other signature of the same key for the same text, which others take."""
    signed, _, signature = token.rpartition(".")
    raw = sign(signed)
    assert encode(raw) == signature
    s = ORDER - int.from_bytes(raw[32:], "big")
    return f"{signed}.{encode(raw[:32] + s.to_bytes(32, 'big'))}"
