"""Claims as they travel: in the clear, or for both parties' eyes alone (encryption method `jwe`).

What is sealed is what broker and controller need not read; amounts stay in the voucher, and who
trades stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.jose.encryption import AgreementKey, Reader, decrypt, encrypt
from edgemark.systems.trading.credentials.payloads import PayloadInvalid
from edgemark.systems.trading.templates.template import MAX_CLAIMS_BYTES
from edgemark.untrusted.jcs import encode_jcs, parse_hashable

CLAIMS, SEALED = "claims", "sealed"


def carry(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Claims in the clear."""
    return {CLAIMS: dict(claims)}


def seal(
    claims: Mapping[str, Any], readers: Sequence[Reader], randomness: Randomness
) -> dict[str, Any]:
    """Claims that only their readers can read.

    Raises:
        RefusedInput: a key that is none, or claims that are too long.
    """
    return {SEALED: json.loads(encrypt(encode_jcs(claims), readers, randomness))}


def claims_in(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Claims that are in the clear; None of those that are sealed.

    Raises:
        PayloadInvalid: both, or neither.
    """
    if (CLAIMS in part) == (SEALED in part) or not isinstance(
        part.get(CLAIMS, part.get(SEALED)), Mapping
    ):
        needed = f"{CLAIMS} or {SEALED}, an object"
        raise PayloadInvalid("has no claims", who="credential", needed=needed)
    return part.get(CLAIMS)


def unseal(part: Mapping[str, Any], kid: str, key: AgreementKey) -> Mapping[str, Any]:
    """Claims, in whichever way they travel.

    Args:
        part: of the credential.
        kid: id of the reader's key in its DID document.
        key: the reader's own.

    Raises:
        PayloadInvalid: no claims, or what was sealed is none.
        SealBroken: it was changed, or is for others.
    """
    clear = claims_in(part)
    if clear is not None:
        return clear
    raw = decrypt(encode_jcs(part[SEALED]), kid, key)
    claims = parse_hashable(raw, who="sealed claims", most=MAX_CLAIMS_BYTES, refusal=PayloadInvalid)
    if not isinstance(claims, Mapping):
        raise PayloadInvalid("has no claims", who="sealed claims", needed="an object")
    return claims
