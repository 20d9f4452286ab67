"""The name of a block of content: a CID of version 1, raw, SHA-256, in base32. Pure.

Source: multiformats/cid (README, "CIDv1"), multiformats/multibase (`b`, RFC 4648 base32 in small
letters, no padding), multiformats/multicodec (raw 0x55, sha2-256 0x12), unsigned-varint.

    text   = "b" || base32(octets)             59 characters
    octets = 0x01 0x55 0x12 0x20 || digest     36 bytes

Every other CID is refused, with what it is: here one content has one name. Content above
`MAX_BLOCK_BYTES` would be a tree of blocks with a name of another codec, which is not kept here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32

MAX_BLOCK_BYTES = 2**18  # the chunk that IPFS cuts files into (Kubo, "Chunker size-262144")
MAX_TEXT = 128  # characters that are looked at to say what another CID is

VERSION, RAW, SHA2_256, DIGEST_BYTES = 1, 0x55, 0x12, 32
PREFIX = bytes((VERSION, RAW, SHA2_256, DIGEST_BYTES))
BASE = "b"
CODECS = {0x70: "dag-pb", 0x71: "dag-cbor", 0x72: "libp2p-key", 0x0129: "dag-json"}

_BASE32 = re.compile(r"[a-z2-7]*")
_NEEDED = "b and 58 of a-z, 2-7: CIDv1, raw, sha2-256"


class CidInvalid(RefusedInput):
    """The text or the bytes are no CID, or one of another form than ours."""


class ContentTooLarge(RefusedInput):
    """Content is longer than one block."""


@dataclass(frozen=True, order=True)
class Cid:
    """The name of a block.

    Attributes:
        digest: SHA-256 of the content.
    """

    digest: Hash32

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_BYTES:
            had = f"digest of {len(self.digest)} bytes"
            raise CidInvalid("is no CID", who="CID", had=had, needed=DIGEST_BYTES)

    @property
    def octets(self) -> bytes:
        """Its 36 bytes."""
        return PREFIX + self.digest

    def __str__(self) -> str:
        return BASE + encode_base32(self.octets)


def cid_of(content: bytes) -> Cid:
    """The name of a content.

    Raises:
        ContentTooLarge: more than one block.
    """
    check_block(content)
    return Cid(Hash32(sha256(content).digest()))


def check_block(content: bytes) -> None:
    """Check that a content is one block; raises `ContentTooLarge`."""
    if len(content) > MAX_BLOCK_BYTES:
        raise ContentTooLarge(
            "is more than one block",
            who="content",
            had=f"{len(content)} bytes",
            needed=f"<= {MAX_BLOCK_BYTES} bytes",
            remedy="Make it shorter: content in several blocks is not kept here.",
        )


def parse_cid(value: str | bytes) -> Cid:
    """Parse a CID: its text, or its bytes.

    Raises:
        CidInvalid: none, or one of another version, base, codec or hash.
    """
    octets = value if isinstance(value, bytes) else _octets_of(value)
    if len(octets) == len(PREFIX) + DIGEST_BYTES and octets.startswith(PREFIX):
        return Cid(Hash32(octets[len(PREFIX) :]))
    raise _refuse(_describe(octets))


def encode_base32(octets: bytes) -> str:
    """RFC 4648 base32 in small letters, without padding."""
    return base64.b32encode(octets).decode().rstrip("=").lower()


def decode_base32(text: str) -> bytes:
    """The bytes of base32 in small letters, without padding.

    Raises:
        ValueError: another letter, a length that no bytes have, or bits beyond the last byte.
    """
    if not _BASE32.fullmatch(text):
        raise ValueError("another letter than a-z, 2-7")
    try:
        octets = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        raise ValueError("a length that no bytes have") from None
    if encode_base32(octets) != text:
        raise ValueError("bits beyond the last byte")
    return octets


def _octets_of(text: str) -> bytes:
    if len(text) > MAX_TEXT:
        raise _refuse(f"{len(text)} characters")
    if len(text) == 46 and text.startswith("Qm"):
        raise _refuse("CIDv0")
    if not text.startswith(BASE):
        raise _refuse(f"text that begins with {text[:1]!r}" if text else "nothing")
    try:
        return decode_base32(text[1:])
    except ValueError as error:
        raise _refuse(str(error)) from None


def _describe(octets: bytes) -> str:
    """What the bytes of another CID are, as far as they are any."""
    if octets[:2] == bytes((SHA2_256, DIGEST_BYTES)):
        return "CIDv0"
    left, found = octets, []
    for name in ("version", "codec", "hash", "length"):
        number, left = _take_varint(left)
        if number is None:
            return f"{len(octets)} bytes with no {name} in them"
        found.append(number)
    version, codec, kind, length = found
    if version != VERSION:
        return f"version {version}"
    if codec != RAW:
        return f"codec {CODECS.get(codec, hex(codec))}"
    if kind != SHA2_256:
        return f"hash {kind:#x}"
    return f"digest of {len(left)} bytes, said to be {length}"


def _take_varint(octets: bytes) -> tuple[int | None, bytes]:
    """An unsigned varint in its shortest form, and what follows it; None when there is none.

    Source: multiformats/unsigned-varint: at most nine bytes, least significant group first.
    """
    number = 0
    for place, octet in enumerate(octets[:9]):
        number |= (octet & 0x7F) << (7 * place)
        if octet < 0x80:
            is_shortest = octet != 0 or place == 0
            return (number if is_shortest else None), octets[place + 1 :]
    return None, octets


def _refuse(had: str) -> CidInvalid:
    return CidInvalid("is no CID of ours", who="CID", had=had, needed=_NEEDED)
