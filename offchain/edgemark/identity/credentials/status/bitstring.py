"""Bits of many credentials in one list, compressed; all that a stranger sees of an index. Pure.

Source: W3C, "Bitstring Status List v1.0", 3.2 (index 0 is the left-most bit, at least 131,072
entries so that nobody is found by fetching), 3.3 and 3.4 (GZIP, then multibase base64url: `u`).
Law: nothing that is decompressed takes more than `MAX_BYTES`, whatever it says.
"""

from __future__ import annotations

import gzip
import zlib

from edgemark.errors import RefusedInput
from edgemark.identity.credentials.jose.base64url import (
    TokenInvalid,
    decode_base64url,
    encode_base64url,
)

LEAST_ENTRIES = 131_072
MAX_BYTES = 1024 * 1024  # 8,388,608 entries; ours have the least
MULTIBASE = "u"
_GZIP = 16 + zlib.MAX_WBITS  # with GZIP's head and checksum, and nothing else


class StatusListInvalid(RefusedInput):
    """Something is no list of status by the specification."""


class Bitstring:
    """One bit for each index, changeable.

    Args:
        octets: eight entries each.
    """

    def __init__(self, octets: bytes = bytes(LEAST_ENTRIES // 8)) -> None:
        if not LEAST_ENTRIES <= 8 * len(octets) <= 8 * MAX_BYTES:
            raise StatusListInvalid(
                "has another size",
                who="status list",
                had=f"{8 * len(octets)} entries",
                needed=f"{LEAST_ENTRIES} to {8 * MAX_BYTES}",
            )
        self._octets = bytearray(octets)

    def __len__(self) -> int:
        return 8 * len(self._octets)

    def __getitem__(self, index: int) -> bool:
        """Whether an entry is set.

        Raises:
            StatusListInvalid: there is no such index.
        """
        place, bit = self._find(index)
        return bool(self._octets[place] & bit)

    def __setitem__(self, index: int, is_set: bool) -> None:
        place, bit = self._find(index)
        self._octets[place] = self._octets[place] & ~bit | bit * is_set

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bitstring) and self._octets == other._octets

    __hash__ = None  # type: ignore[assignment]

    def count(self) -> int:
        """How many entries are set."""
        return int.from_bytes(self._octets, "big").bit_count()

    def octets(self) -> bytes:
        """Eight entries each, the first one left-most."""
        return bytes(self._octets)

    def encode(self) -> str:
        """`encodedList`; the same for the same bits."""
        packed = gzip.compress(self._octets, mtime=0)
        return MULTIBASE + encode_base64url(packed).decode()

    def _find(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            needed = f"0..{len(self) - 1}"
            raise StatusListInvalid(
                "has no such entry", who="status list", had=index, needed=needed
            )
        return index // 8, 0x80 >> index % 8


def decode_bitstring(text: object) -> Bitstring:
    """The bits of an `encodedList`.

    Raises:
        StatusListInvalid: not multibase base64url of one GZIP stream, or of another size.
    """
    if not isinstance(text, str) or not text.startswith(MULTIBASE) or not text.isascii():
        raise _refused("no multibase base64url")
    try:
        packed = decode_base64url(text[1:].encode(), who="status list")
    except TokenInvalid:
        raise _refused("no multibase base64url") from None
    unpacking = zlib.decompressobj(_GZIP)
    try:
        octets = unpacking.decompress(packed, MAX_BYTES + 1)
    except zlib.error:
        raise _refused("no GZIP") from None
    if len(octets) > MAX_BYTES:
        raise _refused(f"more than {MAX_BYTES} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise _refused("a part of GZIP, or more than one")
    return Bitstring(octets)


def _refused(had: str) -> StatusListInvalid:
    needed = f"multibase base64url of GZIP of at most {MAX_BYTES} bytes"
    return StatusListInvalid("cannot be read", who="status list", had=had, needed=needed)
