"""A signed credential taken apart: what can be told of it without asking anybody. Pure.

Source: "Securing Verifiable Credentials using JOSE and COSE", 3.1.3 (`typ`, `cty`); RFC 8725, 3.11
(a text signed for another purpose is none of ours, whatever it says).
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32
from edgemark.identity.credentials.evidence import digest_of
from edgemark.identity.credentials.jose.base64url import TokenInvalid
from edgemark.identity.credentials.jose.compact import CompactJws, parse_compact, text_in
from edgemark.identity.credentials.model import Credential, CredentialInvalid, parse_credential
from edgemark.identity.credentials.signing import CONTENT_TYPE, TYPE
from edgemark.identity.did.identifier import Did, parse_did


@dataclass(frozen=True)
class SignedCredential:
    """A credential in the form in which it is signed; nothing is checked with a key yet.

    Attributes:
        token: the signed text.
        digest: what is recorded of it.
        jws: its parts.
        credential: what it says.
        issuer: who it says it is by.
    """

    token: str
    digest: Hash32
    jws: CompactJws
    credential: Credential
    issuer: Did


def read_signed(token: str) -> SignedCredential:
    """Take a signed credential apart.

    Raises:
        TokenInvalid, AlgorithmRefused: no signed text in the one form, or of another type.
        CredentialInvalid, InstantInvalid: what is signed is no credential.
    """
    jws = parse_compact(token)
    kind, content = text_in(jws.header, "typ"), text_in(jws.header, "cty")
    if kind != TYPE or content not in (None, CONTENT_TYPE):
        raise TokenInvalid(
            "is signed as something else",
            who="token, header",
            had=f"typ {kind!r}, cty {content!r}"[:120],
            needed=f"typ {TYPE}, cty {CONTENT_TYPE}",
            remedy="Ask for the credential in its 2.0 form.",
        )
    credential = parse_credential(jws.payload)
    try:
        issuer = parse_did(credential.issuer)
    except RefusedInput as error:
        who = "credential, issuer"
        raise CredentialInvalid(
            "is no DID that is resolved here", who=who, needed=error.needed
        ) from None
    if text_in(jws.header, "iss") not in (None, credential.issuer):
        raise TokenInvalid(
            "names another issuer", who="token, header, iss", needed=credential.issuer
        )
    return SignedCredential(token, digest_of(token), jws, credential, issuer)
