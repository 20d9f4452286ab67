"""How one record stands in a file: what tells a record that was cut short from one that is damaged.

    length (4) | empty sectors (4) | check of the header (4) | digest (8) | payload

with every integer big-endian, check = CRC-32 of (offset, length, empty sectors), digest = the first
8 bytes of SHA-256(offset || payload). The offset stands in both so that a record copied to another
place is damage too. A payload is bytes of any kind, so how many sectors of the record are all zeros
is written down: a torn write leaves more of them.
"""

from __future__ import annotations

import hashlib
import zlib

HEADER_BYTES = 20
FIELDS_BYTES = 8  # of the header, before its check
LENGTH_BYTES = 4
DIGEST_BYTES = 8
SECTOR_BYTES = 512  # the unit a disk writes as a whole: a torn write leaves whole sectors of zeros


def make_header(offset: int, payload: bytes) -> bytes:
    """The header of a record at `offset`."""
    digest = _digest(offset, payload)
    empty = _count_empty_sectors(offset, digest, payload)
    told = len(payload).to_bytes(4, "big") + empty.to_bytes(4, "big")
    return told + _check(offset, told) + digest


def _check(offset: int, told: bytes) -> bytes:
    return zlib.crc32(offset.to_bytes(8, "big") + told).to_bytes(4, "big")


def _digest(offset: int, payload: bytes) -> bytes:
    """Of a payload behind its place; large ones are not copied for it."""
    digest = hashlib.sha256(offset.to_bytes(8, "big"))
    digest.update(payload)
    return digest.digest()[:DIGEST_BYTES]


def _count_empty_sectors(offset: int, digest: bytes, payload: bytes) -> int:
    """How many parts of a record that lie in one sector of the file are all zeros.

    The fields of the header count as bytes: where they were not written there is no header.
    """
    head = b"\1" * (HEADER_BYTES - DIGEST_BYTES) + digest + payload[:SECTOR_BYTES]
    body = memoryview(payload)
    start, empty = 0, 0
    while start < HEADER_BYTES + len(payload):
        end = start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES
        in_head = start < HEADER_BYTES
        part = head[start:end] if in_head else body[start - HEADER_BYTES : end - HEADER_BYTES]
        empty += not any(part)
        start = end
    return empty


def has_lost_sectors(offset: int, header: bytes, payload: bytes) -> bool:
    """Are more sectors of the record all zeros than were when it was written?"""
    had = _count_empty_sectors(offset, header[-DIGEST_BYTES:], payload)
    return had > int.from_bytes(header[LENGTH_BYTES:FIELDS_BYTES], "big")


def length_in(header: bytes) -> int:
    """Length of the payload behind a header."""
    return int.from_bytes(header[:LENGTH_BYTES], "big")


def is_length_sound(offset: int, header: bytes) -> bool:
    """Are these the first bytes of a record at this very place?"""
    check = header[FIELDS_BYTES : HEADER_BYTES - DIGEST_BYTES]
    return len(header) == HEADER_BYTES and check == _check(offset, header[:FIELDS_BYTES])
