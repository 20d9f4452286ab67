"""Signed texts in the compact form, by ES256K and by nothing else.

Source: RFC 7515 (3.1, 4, 5, 7.1), RFC 7797 (`b64`), RFC 8812 (3.2: secp256k1 with SHA-256; 64 bytes
r || s), RFC 8725 (3.1, 3.11: the verifier chooses algorithm and type).

Law 1: the algorithm is ES256K; the header only repeats it. So `none`, a MAC with a public key for a
       secret, and another curve's key are refused before anything is computed.
Law 2: no key comes out of a header: what a header says of keys (`jwk`, `jku`, `x5u` ...) is
       refused, and so is what a reader would have to understand (`crit`, `b64`).
Law 3: one payload, key and nonce have one text: no padding, no other spelling, low s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from edgemark.crypto.ethereum.secp256k1 import SecretKey, check_plain
from edgemark.identifiers import Address
from edgemark.identity.credentials.jose.base64url import (
    TokenInvalid,
    decode_base64url,
    encode_base64url,
)
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

ALGORITHM = "ES256K"
SIGNATURE_BYTES = 64
MAX_TOKEN_BYTES = (
    64 * 1024
)  # a claim's most; the largest that is made here, a status list, has 30 K
MAX_HEADER_BYTES = 2048  # ours have 150
MAX_TEXT = 512  # characters of a text in a header: as of a DID URL

# RFC 7515, 4.1.2 to 4.1.8 (keys), 4.1.11 (`crit`); RFC 7797 (`b64`); RFC 7516 (`zip`).
REFUSED = frozenset({"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip"})


class AlgorithmRefused(TokenInvalid):
    """A text says that it is signed in another way than ES256K, or not at all."""


@dataclass(frozen=True)
class CompactJws:
    """A signed text taken apart; who signed it is not known yet.

    Attributes:
        header: its parameters; `alg` is ES256K, none of `REFUSED` is there.
        payload: what is signed.
        signature: 64 bytes, r || s.
        signed: header and payload as they were signed, ASCII.
    """

    header: Mapping[str, Any]
    payload: bytes
    signature: bytes
    signed: bytes


class JwsSigner:
    """Signs payloads that have one header.

    Args:
        key: of the signer.
        header: further parameters, in this order (`typ`, `cty`, `kid`).
    """

    def __init__(self, key: SecretKey, header: Mapping[str, str]) -> None:
        self._key = key
        # The same for all: 35,000 a second would spend a tenth of their time on it.
        self._head = encode_base64url(orjson.dumps({"alg": ALGORITHM, **header})) + b"."

    def sign(self, payload: bytes) -> str:
        """The compact form of a payload; the same for the same key and payload (RFC 6979).

        Raises:
            TokenInvalid: it is larger than anybody reads.
        """
        signed = self._head + encode_base64url(payload)
        digest = hashlib.sha256(signed).digest()
        signature = self._key.sign(digest)[:SIGNATURE_BYTES]  # what follows is its parity
        token = signed + b"." + encode_base64url(signature)
        _check_size(len(token))
        return token.decode("ascii")


def parse_compact(token: str | bytes) -> CompactJws:
    """Take a signed text apart.

    Raises:
        TokenInvalid: too large, not three parts of base64url, a header that is no JSON object or
            has a name twice, a parameter that is refused, or a signature of another length.
        AlgorithmRefused: `alg` is not ES256K.
    """
    _check_size(len(token))
    raw = _ascii(token)
    parts = raw.split(b".")
    if len(parts) != 3:
        had = f"{len(parts)} parts"
        raise TokenInvalid(
            "is no signed text", who="token", had=had, needed="header.payload.signature"
        )
    header = _parse_header(decode_base64url(parts[0], who="token, header"))
    payload = decode_base64url(parts[1], who="token, payload")
    signature = decode_base64url(parts[2], who="token, signature")
    if len(signature) != SIGNATURE_BYTES:
        had = f"{len(signature)} bytes"
        raise TokenInvalid(
            "has no signature of ES256K", who="token", had=had, needed=SIGNATURE_BYTES
        )
    return CompactJws(header, payload, signature, raw[: -len(parts[2]) - 1])


def check_compact(jws: CompactJws, signer: Address) -> None:
    """Check that the key of an account signed this.

    The form has no parity: see `check_plain`.

    Raises:
        BadSignature: high s, r or s out of range, or another key signed.
    """
    check_plain(hashlib.sha256(jws.signed).digest(), jws.signature, signer)


def text_in(header: Mapping[str, Any], name: str) -> str | None:
    """A text of a header; None when it is not there.

    Raises:
        TokenInvalid: it is no text, or a long one.
    """
    value = header.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
        needed = f"a text of at most {MAX_TEXT} characters"
        raise TokenInvalid("is no text", who=f"token, header, {name}", needed=needed)
    return value


def _parse_header(raw: bytes) -> dict[str, Any]:
    try:
        header = parse_object_strictly(raw, most=MAX_HEADER_BYTES)
    except NotThatFormat as error:
        raise TokenInvalid("cannot be read", who="token, header", had=error) from None
    algorithm = header.get("alg")
    if algorithm != ALGORITHM:
        had = repr(algorithm)[:40]
        raise AlgorithmRefused("is signed in another way", who="token", had=had, needed=ALGORITHM)
    if refused := sorted(REFUSED & header.keys()):
        raise TokenInvalid(
            "says what no header may say here",
            who="token, header",
            had=", ".join(refused),
            needed="the key by its name alone: kid",
        )
    return header


def _check_size(size: int) -> None:
    if size > MAX_TOKEN_BYTES:
        needed = f"<= {MAX_TOKEN_BYTES} bytes"
        raise TokenInvalid("is too large", who="token", had=f"{size} bytes", needed=needed)


def _ascii(token: str | bytes) -> bytes:
    if isinstance(token, bytes):
        return token
    try:
        return token.encode("ascii")
    except UnicodeEncodeError:
        needed = "header.payload.signature in base64url"
        raise TokenInvalid(
            "is no signed text", who="token", had="no ASCII", needed=needed
        ) from None
