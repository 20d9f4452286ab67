"""Claims as they travel: in the clear, or for both parties' eyes alone (encryption method `jwe`).

What is sealed is what broker and controller need not read; amounts stay in the voucher, and who
trades stands beside it.

Law: claims say themselves how they travel, and who opens them compares (`check_travel`); nobody
     has claims in the clear, and takes them for sealed ones, or the other way round.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.agreement import AgreementKeys, is_key_of
from edgemark.identity.credentials.jose.encryption import (
    AgreementKey,
    Reader,
    decrypt,
    encrypt,
    read_encrypted,
)
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.credentials.payloads import PayloadInvalid
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.template import MAX_CLAIMS_BYTES
from edgemark.untrusted.jcs import encode_jcs, parse_hashable

CLAIMS, SEALED = "claims", "sealed"


class TravelsOtherwise(PayloadInvalid):
    """Claims are in the clear that have to be sealed, or the other way round."""


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
    return clear if clear is not None else _parse(decrypt(encode_jcs(part[SEALED]), kid, key))


def open_claims(part: Mapping[str, Any], keys: AgreementKeys, identity: Did) -> Mapping[str, Any]:
    """The same by any key of a home, former ones included.

    Args:
        part: of the credential.
        keys: of the home.
        identity: of the home.

    Raises:
        PayloadInvalid: no claims, or what was sealed is none.
        EdgemarkError: it cannot be opened, as of `AgreementKeys.decrypt`.
    """
    clear = claims_in(part)
    return clear if clear is not None else _parse(keys.decrypt(encode_jcs(part[SEALED]), identity))


def check_travel(part: Mapping[str, Any], method: Encryption) -> None:
    """Check that claims travel as it was agreed, and as they say.

    Raises:
        TravelsOtherwise: with how they do.
        PayloadInvalid: no claims.
    """
    had = Encryption.JWE if claims_in(part) is None else Encryption.NONE
    if had is not method:
        raise TravelsOtherwise(
            "travel otherwise than was agreed", who="claims", had=had.value, needed=method.value
        )


def check_readers(part: Mapping[str, Any], parties: Sequence[Did]) -> tuple[str, ...]:
    """Check what anybody can see of sealed claims: one form, and one key of each party.

    Returns:
        Names of the keys.

    Raises:
        PayloadInvalid: no sealed claims, or for others than these.
        TokenInvalid: in another form, of another algorithm or curve.
    """
    if claims_in(part) is not None:
        raise TravelsOtherwise("are in the clear", who="claims", needed=Encryption.JWE.value)
    kids = read_encrypted(encode_jcs(part[SEALED])).kids
    found = [sum(is_key_of(kid, party) for kid in kids) for party in parties]
    if len(kids) != len(parties) or set(found) != {1}:
        had, needed = ", ".join(kids)[:160], f"one key of each: {', '.join(map(str, parties))}"
        raise PayloadInvalid("are sealed for others", who="claims", had=had, needed=needed)
    return kids


def _parse(raw: bytes) -> Mapping[str, Any]:
    claims = parse_hashable(raw, who="sealed claims", most=MAX_CLAIMS_BYTES, refusal=PayloadInvalid)
    if not isinstance(claims, Mapping):
        raise PayloadInvalid("has no claims", who="sealed claims", needed="an object")
    return claims
