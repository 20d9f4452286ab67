"""How one record stands in a file: what tells a record that was cut short from one that is damaged.

    length (4) | empty sectors (4) | check of the header (4) | digest (8) | payload

with every integer big-endian, check = CRC-32 of (offset, length, empty sectors), digest = the first
8 bytes of SHA-256(offset || payload). The offset stands in both so that a record copied to another
place is damage too. A payload is bytes of any kind, so how many sectors of the record are all zeros
is written down: a torn write leaves more of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib

HEADER_BYTES = 20
FIELDS_BYTES = 8  # of the header, before its check
LENGTH_BYTES = 4
DIGEST_BYTES = 8
SCAN_BYTES = 1 << 20
SECTOR_BYTES = 512  # the unit a disk writes as a whole: a torn write leaves whole sectors of zeros

EMPTY_SECTOR = bytes(SECTOR_BYTES)
_MANY_ZEROS = bytes(64 * 1024)  # compared at once: a search for another byte is ten times slower
_NO_ZERO = re.compile(rb"[^\0]")


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

    The fields of the header count as bytes: where they were not written there is no header. Whole
    sectors are looked for by where zeros stand, as nearly all records have none.
    """
    head = b"\1" * (HEADER_BYTES - DIGEST_BYTES) + digest + payload[:SECTOR_BYTES]
    length = HEADER_BYTES + len(payload)
    start, empty = 0, 0
    while start < min(HEADER_BYTES, length):
        end = start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES
        empty += not any(head[start:end])
        start = end
    if start >= length:
        return empty
    last = max(start, length - (offset + length) % SECTOR_BYTES)  # where the last, cut part begins
    tail = payload[last - HEADER_BYTES :]
    first = offset + HEADER_BYTES  # place of the payload in the file
    whole = _count_whole(payload, start - HEADER_BYTES, last - HEADER_BYTES, first)
    return empty + whole + (bool(tail) and not any(tail))


def _count_whole(payload: bytes, start: int, end: int, first: int) -> int:
    """Sectors of the file that are all zeros, within a part of the payload that consists of such.

    Args:
        payload: of the record.
        start: of the part.
        end: of the part.
        first: place of the payload in the file.
    """
    empty, at = 0, payload.find(EMPTY_SECTOR, start, end)
    while at >= 0:
        until = at + SECTOR_BYTES
        while until + len(_MANY_ZEROS) <= end and payload.startswith(_MANY_ZEROS, until):
            until += len(_MANY_ZEROS)
        found = _NO_ZERO.search(payload, until, end)
        until = found.start() if found else end
        begin = at + -(first + at) % SECTOR_BYTES
        empty += max(0, until - begin) // SECTOR_BYTES
        at = payload.find(EMPTY_SECTOR, until, end)
    return empty


def _has_lost_sectors(offset: int, header: bytes, payload: bytes) -> bool:
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


def is_torn(handle: int, offset: int, size: int, most: int) -> bool:
    """Can what follows `offset` be the rest of one interrupted append?

    Args:
        handle: of the file.
        offset: where no whole record begins.
        size: of the file.
        most: longest payload in bytes.
    """
    header = os.pread(handle, HEADER_BYTES, offset)
    if len(header) < HEADER_BYTES:
        return True
    if not is_length_sound(offset, header):
        # A longer file whose new sectors never reached the disk reads as zeros there.
        return _is_gap(handle, offset, size, most)
    length = length_in(header)
    rest = os.pread(handle, length, offset + HEADER_BYTES)
    end = offset + HEADER_BYTES + length
    return end > size or (end == size and _has_lost_sectors(offset, header, rest))


def _is_gap(handle: int, offset: int, size: int, most: int) -> bool:
    """Is there no header at `offset` because its sector was not written, nor any behind?"""
    if any(os.pread(handle, SECTOR_BYTES - offset % SECTOR_BYTES, offset)):
        return False
    first_byte = re.compile(b"[\\x00-\\x%02x]" % (most >> 24))  # of a length
    for start in range(offset, size, SCAN_BYTES):
        window = os.pread(handle, SCAN_BYTES + HEADER_BYTES, start)
        if any(window) and any(
            is_length_sound(start + at, window[at : at + HEADER_BYTES])
            for at in (found.start() for found in first_byte.finditer(window))
        ):
            return False
    return True
