"""Account keys and signatures as the chain knows them: recoverable ECDSA, one form only.

A signature is 65 bytes, r || s || v, with r in 1..n-1, s in 1..n/2 (EIP-2) and v 27 or 28. High s,
v of 0 or 1, the 64-byte compact form (EIP-2098) and DER are refused: each would be a second form of
a signature that counts once. Nonces are deterministic (RFC 6979), as coincurve's libsecp256k1 makes
them.
"""

from __future__ import annotations

from contextlib import suppress
from hmac import compare_digest
from typing import NoReturn

from coincurve import PrivateKey, PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import PeerFault, RefusedInput, Unrecoverable
from edgemark.identifiers import Address, parse_address, parse_hash32

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""n, the order of the group (SEC 2, 2.4.1)."""

SIGNATURE_BYTES = 65
PUBLIC_KEY_BYTES = 33

_V_EVEN, _V_ODD = 27, 28
_NOT_WRAPPED = 2**129  # from this r on, beyond p - n, only one R has it: x = r
KNOWN_POINTS = 1024  # of accounts that signed without v lately: issuers of credentials
_known: dict[Address, PublicKey] = {}  # each is the only one of its account, whoever shows it


class BadSignature(PeerFault):
    """Bytes that are no signature in the one form, or that somebody else signed."""


class SecretKey:
    """A secret key; it neither prints nor pickles.

    Args:
        secret: 32 bytes, 1..n-1 big-endian.

    Raises:
        RefusedInput: another length or out of range.
    """

    __slots__ = ("_address", "_key", "_point", "_secret", "public_key")

    public_key: bytes
    """33 bytes, compressed."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32 or not 1 <= int.from_bytes(secret, "big") < ORDER:
            raise RefusedInput(
                "is no secret key",
                who="secp256k1",
                had=f"{len(secret)} bytes",
                needed="32 bytes, 1..n-1",
            )
        self._secret = bytes(secret)
        self._point = PublicKey.from_valid_secret(self._secret)
        self.public_key = self._point.format(compressed=True)
        # A key that is used once has no account and signs nothing: both when they are asked for.
        self._address: Address | None = None
        self._key: PrivateKey | None = None

    @classmethod
    def generate(cls, randomness: Randomness) -> SecretKey:
        """A fresh key, uniform in 1..n-1."""
        while True:
            secret = randomness.octets(32)
            if 1 <= int.from_bytes(secret, "big") < ORDER:
                return cls(secret)

    @property
    def address(self) -> Address:
        """The account of this key."""
        if self._address is None:
            self._address = _address_of_point(self._point)
        return self._address

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest: r || s || v, low s, v 27 or 28.

        Raises:
            RefusedInput: the digest is not 32 bytes.
            Unrecoverable: the signature needs a recovery id above 1 (probability 2^-127).
        """
        digest = parse_hash32(digest, who="digest")
        if self._key is None:
            self._key = PrivateKey(self._secret)
        compact = self._key.sign_recoverable(digest, hasher=None)
        if compact[64] > 1:
            raise Unrecoverable("no v of 27 or 28 exists", who="secp256k1", had=compact[64])
        return compact[:64] + bytes([_V_EVEN + compact[64]])

    def reveal(self) -> bytes:
        """The 32 secret bytes, for the owner's key file and nothing else."""
        return self._secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretKey) and compare_digest(self.reveal(), other.reveal())

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"SecretKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise RefusedInput(
            "does not pickle", who="secret key", remedy="Use reveal() where it must be stored."
        )


def _parse_point(public_key: bytes) -> PublicKey:
    if len(public_key) == PUBLIC_KEY_BYTES:
        try:
            return PublicKey(public_key)
        except ValueError:
            pass
    raise RefusedInput(
        "is no compressed public key",
        who="secp256k1",
        had=public_key[:PUBLIC_KEY_BYTES].hex(),
        needed=f"{PUBLIC_KEY_BYTES} bytes, a point of the curve",
    )


def check_public_key(public_key: bytes) -> None:
    """Check that a compressed public key is one.

    Raises:
        RefusedInput: not 33 bytes, or no point of the curve.
    """
    _parse_point(public_key)


def _account_of_point(point: PublicKey) -> bytes:
    return keccak256(point.format(compressed=False)[1:])[-20:]


def _address_of_point(point: PublicKey) -> Address:
    return parse_address(_account_of_point(point))


def address_of(public_key: bytes) -> Address:
    """The account of a compressed public key: the last 20 bytes of keccak256(x || y).

    Raises:
        RefusedInput: not 33 bytes, or no point of the curve.
    """
    return _address_of_point(_parse_point(public_key))


def _bad(what: str, had: str, needed: str) -> BadSignature:
    return BadSignature(what, who="signature", had=had, needed=needed)


def check_form(signature: bytes) -> None:
    """Check that a signature has the one form that counts.

    Raises:
        BadSignature: another length, r or s out of range, high s, or v not 27 or 28.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise _bad("has the wrong length", f"{len(signature)} bytes", f"{SIGNATURE_BYTES} bytes")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 1 <= r < ORDER:
        raise _bad("r is out of range", hex(r), "1..n-1")
    if not 1 <= s <= ORDER // 2:
        raise _bad("s is out of range", hex(s), "1..n/2")
    if signature[64] not in (_V_EVEN, _V_ODD):
        raise _bad("v is out of range", str(signature[64]), f"{_V_EVEN} or {_V_ODD}")


def recover(digest: bytes, signature: bytes) -> Address:
    """The account that signed `digest`, as ecrecover finds it, of signatures in the one form only.

    Raises:
        RefusedInput: the digest is not 32 bytes.
        BadSignature: the form is wrong, or no key signs like that.
    """
    return _address_of_point(_recover_point(digest, signature))


def _recover_point(digest: bytes, signature: bytes) -> PublicKey:
    digest = parse_hash32(digest, who="digest")
    check_form(signature)
    compact = signature[:64] + bytes([signature[64] - _V_EVEN])
    try:
        return PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError as error:
        raise _bad("recovers no key", signature.hex(), "a signature of this digest") from error


def check_signature(digest: bytes, signature: bytes, signer: Address) -> None:
    """Check that `signer` signed `digest`.

    Raises:
        RefusedInput: the digest is not 32 bytes.
        BadSignature: the form is wrong, or somebody else signed.
    """
    point = _recover_point(digest, signature)
    if _account_of_point(point).hex() != signer[2:].lower():
        recovered = _address_of_point(point)
        raise _bad("was made by another account or for another message", recovered, signer)


def check_plain(digest: bytes, signature: bytes, signer: Address) -> None:
    """Check that `signer` signed `digest`, of a signature that has no v: r || s, low s.

    r || s is a signature by either of the two keys that it may be of, so one of them has to be the
    signer's. Of a signer that signed lately the key is known, and it alone is looked at: half the
    work, and the same answer.

    Raises:
        RefusedInput: the digest is not 32 bytes.
        BadSignature: high s, r or s out of range, or another key signed.
    """
    digest = parse_hash32(digest, who="digest")
    check_form(signature + bytes([_V_EVEN]))
    known = _known.get(signer)
    if known is not None and int.from_bytes(signature[:32], "big") >= _NOT_WRAPPED:
        if known.verify(cdata_to_der(deserialize_compact(signature)), digest, hasher=None):
            return
    elif (point := _find_point(digest, signature, signer)) is not None:
        if len(_known) >= KNOWN_POINTS:
            _known.clear()
        _known[signer] = point
        return
    raise BadSignature(
        "was made by another key or for another text", who="signature", needed=signer
    )


def _find_point(digest: bytes, signature: bytes, signer: Address) -> PublicKey | None:
    for v in (_V_EVEN, _V_ODD):
        with suppress(BadSignature):
            point = _recover_point(digest, signature + bytes([v]))
            if _address_of_point(point) == signer:
                return point
    return None
