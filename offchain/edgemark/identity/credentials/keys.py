"""Which key of a DID document a signed text names, and what that key may be used for. Pure.

Source: "Securing Verifiable Credentials using JOSE and COSE", 4.1 (`kid`, a DID URL); DID Core 5.3
(`assertionMethod` signs credentials, `keyAgreement` is for encryption); "ETHR DID Method
Specification" (an account stands for its key).

Law: the key is of the issuer's own document, named by the issuer's DID, there to sign, and on
     secp256k1. Whatever else a document has, ES256K is not checked with it.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from coincurve import PublicKey

from edgemark.crypto.ethereum.secp256k1 import address_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.identity.credentials.jose.compact import text_in
from edgemark.identity.credentials.jose.encryption import KEY_BYTES
from edgemark.identity.did.attributes import decode_base58
from edgemark.identity.did.document import (
    RECOVERY_METHOD,
    SECP256K1_KEY,
    DidDocument,
    VerificationMethod,
)
from edgemark.identity.did.identifier import Did, is_same, parse_did

AGREEMENT_KEY = "X25519KeyAgreementKey2019"


class KeyUnusable(RefusedInput):
    """A key that is named is not there, or not for this."""


def find_signer(header: Mapping[str, Any], issuer: Did, document: DidDocument) -> Address:
    """The account whose key has to have signed a text.

    Args:
        header: of the text.
        issuer: who it says it is by.
        document: the issuer's, at the time that counts.

    Raises:
        KeyUnusable: no `kid`, not of the issuer, not in the document, not there to sign, or of
            another curve.
    """
    kid = text_in(header, "kid")
    if kid is None:
        raise KeyUnusable("names no key", who="token, header", needed="kid, of the issuer's DID")
    method = _find(kid, issuer, document, document.assertion_method)
    try:
        return _account_of(method)
    except (ValueError, RefusedInput):
        needed = f"an account, or a key of secp256k1 ({SECP256K1_KEY})"
        raise KeyUnusable("is no key of ES256K", who=kid, had=method.type, needed=needed) from None


def accounts_of(document: DidDocument, usable: tuple[str, ...]) -> frozenset[Address]:
    """The accounts whose keys a document has for a purpose; keys of other kinds are left out.

    Args:
        document: of an identity, at the time that counts.
        usable: ids of the keys that are for it, such as `document.authentication`.
    """
    found = set()
    for method in document.methods:
        if method.id in usable:
            with suppress(ValueError, RefusedInput):
                found.add(_account_of(method))
    return frozenset(found)


def find_agreement_key(document: DidDocument) -> tuple[str, bytes]:
    """Id and 32 bytes of the key for which a document's owner can be sent what is encrypted.

    The newest of several: it is the one that its owner has longest.

    Raises:
        KeyUnusable: there is none.
    """
    for method in reversed(document.methods):
        if method.id in document.key_agreement and method.type == AGREEMENT_KEY:
            raw = _decode(method)
            if raw is not None and len(raw) == KEY_BYTES:
                return method.id, raw
    raise KeyUnusable(
        "has no key to encrypt for",
        who=document.id,
        needed=f"{AGREEMENT_KEY}, {KEY_BYTES} bytes",
        remedy="Its owner makes one by `edgemark identity agreement`.",
    )


def _find(
    kid: str, issuer: Did, document: DidDocument, usable: tuple[str, ...]
) -> VerificationMethod:
    did, mark, name = kid.partition("#")
    try:
        is_own = bool(mark) and is_same(parse_did(did), issuer)
    except RefusedInput:
        is_own = False
    if not is_own:
        raise KeyUnusable("is no key of the issuer", who=repr(kid[:120]), needed=f"{issuer}#NAME")
    wanted = f"{document.id}#{name}"
    for method in document.methods:
        if method.id == wanted and method.id in usable:
            return method
    has = [method.id.removeprefix(document.id) for method in document.methods]
    raise KeyUnusable(
        "is not in the issuer's document, or not there for this",
        who=repr(kid[:120]),
        had=", ".join(has[:8]) or "no keys: the identity has ended",
        needed="a key that the issuer had at that time",
    )


def _account_of(method: VerificationMethod) -> Address:
    """The account of a key.

    Raises:
        ValueError, RefusedInput: it has none.
    """
    if method.type == RECOVERY_METHOD and method.form == "blockchainAccountId":
        return parse_address(method.key.rpartition(":")[2])
    raw = _decode(method)
    if method.type != SECP256K1_KEY or raw is None:
        raise ValueError
    return address_of(PublicKey(raw).format(compressed=True))


def _decode(method: VerificationMethod) -> bytes | None:
    match method.form:
        case "publicKeyHex":
            return bytes.fromhex(method.key)
        case "publicKeyBase64":
            return b64decode(method.key)
        case "publicKeyBase58":
            return decode_base58(method.key)
        case _:
            return None
