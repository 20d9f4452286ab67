"""A credential in the 1.1 form, for verifiers that know no other; made on request. Pure.

Source: W3C, "Verifiable Credentials Data Model v1.1", 6.3.1 (JWT encoding: `iss`, `sub`, `jti`,
`nbf`, `exp`, and the rest under `vc`).

It is another payload under another signature, of another digest: evidence of the one is none of
the other, and what is read here (`verification`) is the 2.0 form alone. Its status entry is the
same, so a revocation holds for both.
"""

from __future__ import annotations

from typing import Any

import orjson

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identity.credentials.instants import SECOND_NS
from edgemark.identity.credentials.jose.compact import JwsSigner
from edgemark.identity.credentials.model import Credential

CONTEXT = "https://www.w3.org/2018/credentials/v1"
TYPE = "JWT"

_MOVED = frozenset({"@context", "id", "issuer", "validFrom", "validUntil", "credentialSubject"})


class NoLegacyForm(RefusedInput):
    """A credential says what the 1.1 form in a JWT has no place for."""


def sign_legacy(credential: Credential, key: SecretKey, kid: str) -> str:
    """The 1.1 form of a credential, signed.

    Args:
        credential: in the 2.0 form, that its issuer stands by.
        key: of the issuer.
        kid: id of the key in the issuer's document.

    Raises:
        NoLegacyForm: several subjects, or no time from which it is valid.
    """
    payload = orjson.dumps(legacy_claims(credential))
    return JwsSigner(key, {"typ": TYPE, "kid": kid}).sign(payload)


def legacy_claims(credential: Credential) -> dict[str, Any]:
    """The claims of the JWT; its period, in whole seconds, lies within the credential's."""
    subject = credential.facts["credentialSubject"]
    if isinstance(subject, list):
        subject = _only(subject)
    if credential.valid_from is None:
        raise NoLegacyForm(
            "does not say from when it is valid", who="credential", needed="validFrom"
        )
    rest = {name: part for name, part in credential.facts.items() if name not in _MOVED}
    own = {name: part for name, part in subject.items() if name != "id"}
    contexts = [CONTEXT, *credential.facts["@context"][1:]]
    claims: dict[str, Any] = {
        "iss": credential.issuer,
        "nbf": -(-credential.valid_from // SECOND_NS),
        "vc": {"@context": contexts, **rest, "credentialSubject": own},
    }
    if "id" in subject:
        claims["sub"] = subject["id"]
    if credential.id is not None:
        claims["jti"] = credential.id
    if credential.valid_until is not None:
        claims["exp"] = credential.valid_until // SECOND_NS
    return claims


def _only(subjects: list[Any]) -> Any:
    if len(subjects) != 1:
        raise NoLegacyForm(
            "has several subjects", who="credential", had=len(subjects), needed="one (`sub`)"
        )
    return subjects[0]
