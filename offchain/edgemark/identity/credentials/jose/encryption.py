"""Text that only the parties to it can read: `jwe`, the encryption method of a template.

For those claims of a credential that whoever carries or issues it need not know. What templates say
of it stands with them; here is the form.

Source: RFC 7516 (5.1, 5.2, 7.2.1: general JSON serialisation), RFC 7518 (4.4 AES key wrap, 4.6
ECDH-ES and the key derivation of NIST SP 800-56A, 5.3 AES-GCM), RFC 8037 (3.2: X25519).

| step | |
|---|---|
| content key c of 256 bits, fresh; A256GCM of the text under c | `encrypt` |
| for each reader: Z = X25519(fresh key, reader's); k = H(1, Z, algorithm, 256) | `derive_key` |
| for each reader: c wrapped by k | `encrypt`, `decrypt` |

Law: algorithms are fixed, the protected header (the additional data of A256GCM) only repeats them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identity.credentials.jose.base64url import (
    TokenInvalid,
    decode_base64url,
    encode_base64url,
)
from edgemark.untrusted.canonical_json import NotThatFormat
from edgemark.untrusted.strict_json import parse_object_strictly

KEY_ALGORITHM, CONTENT_ALGORITHM, CURVE = "ECDH-ES+A256KW", "A256GCM", "X25519"
KEY_BYTES = 32  # of a key of X25519, of a content key, of a key that wraps one
WRAPPED_BYTES = KEY_BYTES + 8  # RFC 3394
NONCE_BYTES, TAG_BYTES = 12, 16
MAX_READERS = 8
MAX_SEALED_BYTES = 64 * 1024
MAX_KID = 512  # characters, as of a DID URL

_PROTECTED = {"alg": KEY_ALGORITHM, "enc": CONTENT_ALGORITHM}
PARTS = frozenset({"protected", "recipients", "iv", "ciphertext", "tag"})


class SealBroken(PeerFault):
    """What was encrypted was changed since, or not for this key."""


@dataclass(frozen=True)
class Reader:
    """Who is to read it.

    Attributes:
        kid: id of the key in the reader's DID document.
        key: 32 bytes, X25519.
    """

    kid: str
    key: bytes


@dataclass(frozen=True)
class AgreementKey:
    """A reader's own key of X25519.

    Attributes:
        secret: 32 bytes.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            _refuse_key("secret key", self.secret)

    @staticmethod
    def generate(randomness: Randomness) -> AgreementKey:
        """A fresh key."""
        return AgreementKey(randomness.octets(KEY_BYTES))

    @property
    def public_key(self) -> bytes:
        """32 bytes, for the DID document."""
        return X25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    def agree(self, other: bytes) -> bytes:
        """Z, 32 bytes.

        Raises:
            RefusedInput: the other key is no key, or a point of small order.
        """
        own = X25519PrivateKey.from_private_bytes(self.secret)
        try:
            return own.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError:  # another length, or all zeros come out
            _refuse_key("public key", other)


_ANY = AgreementKey(bytes([1]) * KEY_BYTES)  # no secret: a factor of 8 and nothing else matters


def encrypt(text: bytes, readers: Sequence[Reader], randomness: Randomness) -> bytes:
    """Encrypt a text for its readers.

    Args:
        text: at most what fits `MAX_SEALED_BYTES`.
        readers: 1 to `MAX_READERS`, with different keys.
        randomness: of the content key, the fresh keys and the nonce.

    Returns:
        General JSON serialisation, UTF-8.

    Raises:
        RefusedInput: no reader or too many, a key that is none, or a text that is too long.
    """
    kids = {reader.kid for reader in readers}
    if not 1 <= len(readers) <= MAX_READERS or len(kids) != len(readers):
        needed = f"1 to {MAX_READERS}, each once"
        raise RefusedInput("are not readers", who="encryption", had=len(readers), needed=needed)
    content_key, nonce = randomness.octets(KEY_BYTES), randomness.octets(NONCE_BYTES)
    protected = encode_base64url(orjson.dumps(_PROTECTED))
    sealed = AESGCM(content_key).encrypt(nonce, text, protected)
    whole = {
        "protected": protected.decode(),
        "recipients": [_wrap(content_key, reader, randomness) for reader in readers],
        "iv": encode_base64url(nonce).decode(),
        "ciphertext": encode_base64url(sealed[:-TAG_BYTES]).decode(),
        "tag": encode_base64url(sealed[-TAG_BYTES:]).decode(),
    }
    raw = orjson.dumps(whole)
    if len(raw) > MAX_SEALED_BYTES:
        needed = f"<= {MAX_SEALED_BYTES} bytes"
        raise RefusedInput("is too large", who="encrypted text", had=len(raw), needed=needed)
    return raw


@dataclass(frozen=True)
class Encrypted:
    """An encrypted text, whole and in the one form; nothing of it is opened.

    Attributes:
        protected: the header as it stands there, the additional data.
        nonce: 12 bytes.
        text: encrypted, with its tag.
        readers: name, fresh key and wrapped content key of each.
    """

    protected: bytes
    nonce: bytes
    text: bytes
    readers: tuple[tuple[str, bytes, bytes], ...]

    @property
    def kids(self) -> tuple[str, ...]:
        """Names of the keys that open it, as they stand there."""
        return tuple(kid for kid, _, _ in self.readers)

    def decrypt(self, kid: str, key: AgreementKey) -> bytes:
        """The text, by the key of this name; raises as `decrypt`."""
        fresh, wrapped = self._find(kid)
        try:
            content_key = aes_key_unwrap(derive_key(key.agree(fresh)), wrapped)
            return AESGCM(content_key).decrypt(self.nonce, self.text, self.protected)
        except (InvalidUnwrap, InvalidTag):
            raise SealBroken("cannot be opened with this key", who="JWE", needed=kid) from None

    def _find(self, kid: str) -> tuple[bytes, bytes]:
        """Fresh key and wrapped content key of the one reader with this name."""
        mine = [(fresh, wrapped) for name, fresh, wrapped in self.readers if name == kid]
        if len(mine) != 1:
            had = f"{len(mine)} of {len(self.readers)} readers"
            raise TokenInvalid("is not for this key", who="JWE", had=had, needed=f"one is {kid}")
        return mine[0]


def decrypt(raw: bytes, kid: str, key: AgreementKey) -> bytes:
    """The text that was encrypted for a key.

    Args:
        raw: general JSON serialisation.
        kid: id of the key in the reader's DID document.
        key: of that name.

    Raises:
        TokenInvalid: not in the one form, or not for a key of this name.
        SealBroken: changed, or for another key of this name.
    """
    return read_encrypted(raw).decrypt(kid, key)


def read_encrypted(raw: bytes) -> Encrypted:
    """An encrypted text, all of whose parts are what they have to be; for whoever cannot open it.

    Raises:
        TokenInvalid: not in the one form, of another algorithm, or a fresh key of small order.
    """
    whole = _parse(raw)
    protected = _text(whole, "protected")
    header = _object(decode_base64url(protected, who="JWE, protected"))
    if header != _PROTECTED:
        had = ", ".join(sorted(header))[:80]
        raise TokenInvalid("is encrypted in another way", who="JWE", had=had, needed=_PROTECTED)
    nonce = _octets(whole, "iv", NONCE_BYTES)
    tag = _octets(whole, "tag", TAG_BYTES)
    sealed = decode_base64url(_text(whole, "ciphertext"), who="JWE, ciphertext")
    return Encrypted(protected, nonce, sealed + tag, tuple(map(_read_reader, whole["recipients"])))


def derive_key(
    shared: bytes,
    *,
    algorithm: str = KEY_ALGORITHM,
    bits: int = 8 * KEY_BYTES,
    sender: bytes = b"",
    receiver: bytes = b"",
) -> bytes:
    """The key that comes of a shared secret: one round of SHA-256, so at most 256 bits.

    Args:
        shared: Z.
        algorithm: what the key is for.
        bits: of the key.
        sender: PartyUInfo; empty here.
        receiver: PartyVInfo; empty here.

    Source: RFC 7518, section 4.6.2, and appendix C.
    """
    told = (algorithm.encode(), sender, receiver)
    info = b"".join(len(part).to_bytes(4, "big") + part for part in told)
    rounds = (1).to_bytes(4, "big") + shared + info + bits.to_bytes(4, "big")
    return hashlib.sha256(rounds).digest()[: bits // 8]


def _wrap(content_key: bytes, reader: Reader, randomness: Randomness) -> dict[str, Any]:
    fresh = AgreementKey.generate(randomness)
    wrapped = aes_key_wrap(derive_key(fresh.agree(reader.key)), content_key)
    x = encode_base64url(fresh.public_key).decode()
    header = {"kid": reader.kid, "epk": {"kty": "OKP", "crv": CURVE, "x": x}}
    return {"header": header, "encrypted_key": encode_base64url(wrapped).decode()}


def _parse(raw: bytes) -> dict[str, Any]:
    whole = _object(raw)
    if whole.keys() != PARTS:
        had = ", ".join(sorted(whole))[:80]
        needed = ", ".join(sorted(PARTS))
        raise TokenInvalid("is no encrypted text", who="JWE", had=had, needed=needed)
    readers = whole["recipients"]
    if not isinstance(readers, list) or not 1 <= len(readers) <= MAX_READERS:
        raise TokenInvalid("has no readers", who="JWE", needed=f"1 to {MAX_READERS}")
    return whole


def _read_reader(reader: object) -> tuple[str, bytes, bytes]:
    match reader:
        case {
            "header": {"kid": str(kid), "epk": epk, **more},
            "encrypted_key": wrapped,
            **others,
        } if len(kid) <= MAX_KID and not more and not others:
            key = _octets({"encrypted_key": wrapped}, "encrypted_key", WRAPPED_BYTES)
            return kid, _read_fresh_key(epk), key
    raise TokenInvalid("has a reader that is none", who="JWE", needed="kid, epk and encrypted_key")


def _read_fresh_key(epk: object) -> bytes:
    match epk:
        case {"kty": "OKP", "crv": "X25519", "x": x, **others} if not others:
            return _check_order(_octets({"epk": x}, "epk", KEY_BYTES))
    raise TokenInvalid("has another key", who="JWE, epk", needed=f"one of {CURVE}")


def _check_order(point: bytes) -> bytes:
    """Of small order it is the same with every key, and whoever sent it knows what comes out."""
    try:
        _ANY.agree(point)
    except RefusedInput:
        needed = f"a point of {CURVE} of large order"
        raise TokenInvalid("is of small order", who="JWE, epk", needed=needed) from None
    return point


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return parse_object_strictly(raw, most=MAX_SEALED_BYTES)
    except NotThatFormat as error:
        raise TokenInvalid("cannot be read", who="JWE", had=error) from None


def _text(part: Mapping[str, Any], name: str) -> bytes:
    value = part[name]
    if not isinstance(value, str) or not value.isascii():
        raise TokenInvalid("is no base64url", who=f"JWE, {name}", needed="ASCII text")
    return value.encode()


def _octets(part: Mapping[str, Any], name: str, length: int) -> bytes:
    found = decode_base64url(_text(part, name), who=f"JWE, {name}")
    if len(found) != length:
        had = f"{len(found)} bytes"
        raise TokenInvalid("has the wrong length", who=f"JWE, {name}", had=had, needed=length)
    return found


def _refuse_key(kind: str, value: bytes) -> NoReturn:
    had = f"{len(value)} bytes"
    raise RefusedInput(f"is no {kind} of X25519", who="key", had=had, needed=f"{KEY_BYTES} bytes")
