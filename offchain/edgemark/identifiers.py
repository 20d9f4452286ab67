"""Values that look alike get different types; each is parsed once, at the edge.

Inside the package a `JobId` is always 32 bytes, an `Address` always a checksummed string and a
`ShareIndex` always at least 1, because the only ways to make one are the functions here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

from edgemark.errors import RefusedInput
from edgemark.keccak import digest_of

Hash32 = NewType("Hash32", bytes)
"""A 32-byte digest that is no identifier of a system's own."""

Address = NewType("Address", str)
"""An account or contract, EIP-55 checksummed."""

ShareIndex = NewType("ShareIndex", int)
"""Evaluation point of a share, 1..m; 0 is the secret and never valid."""

Tokens = NewType("Tokens", int)
"""An amount of MetaCoin in its smallest unit (10^-18 MTC)."""

TOKEN_UNIT = 10**18  # smallest units in one MTC

Timestamp = NewType("Timestamp", int)
"""Chain time, whole Unix seconds."""

# What a contract has where there is no account, no digest, no time.
NOBODY = Address("0x" + "0" * 40)
NO_HASH = Hash32(bytes(32))
NO_TIME = Timestamp(0)

LAST_SECOND = 253_402_300_799  # of the year 9999
HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
CACHED_CHECKSUMS = 4096  # public, and the same ones all day: parties, contracts
ADDRESS_BYTES = 20
MAX_INDEX = 255  # indices are one byte on the wire and on chain


def parse_hash32(value: bytes | str, *, who: str = "hash") -> Hash32:
    """Parse 32 bytes, or their hexadecimal form with or without `0x`.

    Raises:
        RefusedInput: another length, or not hexadecimal.
    """
    if isinstance(value, str):
        try:
            value = bytes.fromhex(value.removeprefix("0x"))
        except ValueError as error:
            raise RefusedInput(
                "is not hexadecimal", who=who, had=repr(value[:80]), needed="64 hex digits"
            ) from error
    if len(value) != 32:
        raise RefusedInput("has the wrong length", who=who, had=f"{len(value)} bytes", needed=32)
    return Hash32(bytes(value))


def parse_address(value: str | bytes, *, who: str = "address") -> Address:
    """Parse an account address, 20 bytes or `0x` and 40 hex digits (EIP-55 when mixed case).

    Raises:
        RefusedInput: not an address, or the checksum is wrong.
    """
    if isinstance(value, bytes) and len(value) == ADDRESS_BYTES:
        return compute_checksum(f"0x{value.hex()}")
    text = f"0x{value.hex()}" if isinstance(value, bytes) else value
    if not isinstance(text, str) or not HEX_ADDRESS.fullmatch(text):
        raise _no_address(value, who, "0x and 40 hex digits")
    address = compute_checksum(text)
    digits = text[2:]
    if text != address and digits not in (digits.lower(), digits.upper()):
        raise _no_address(value, who, "other capitals: a digit is wrong (EIP-55)")
    return address


@lru_cache(maxsize=CACHED_CHECKSUMS)
def compute_checksum(text: str) -> Address:
    """An address with the capitals that its own hash asks for.

    Args:
        text: `0x` and 40 hex digits.

    Source: EIP-55.
    """
    digits = text[2:].lower()
    marks = digest_of(digits.encode()).hex()
    cased = (d.upper() if mark >= "8" else d for d, mark in zip(digits, marks, strict=False))
    return Address("0x" + "".join(cased))


def _no_address(value: object, who: str, needed: str) -> RefusedInput:
    return RefusedInput("is not an account address", who=who, had=repr(value)[:80], needed=needed)


def parse_share_index(value: int, node_count: int = MAX_INDEX) -> ShareIndex:
    """Check that an index lies in 1..node_count.

    Raises:
        RefusedInput: 0 (the secret itself), negative, or too large.
    """
    if not 1 <= value <= node_count:
        raise RefusedInput(
            "is not a share index", who="index", had=value, needed=f"1..{node_count}"
        )
    return ShareIndex(value)


@dataclass(frozen=True)
class Moment:
    """A time, Unix seconds, that programs are told as a number and people in UTC.

    Attributes:
        second: 0 when there is none, as contracts have it.
    """

    second: int

    def __str__(self) -> str:
        return format_time(self.second) if self.second else "-"


def format_time(second: int) -> str:
    """A Unix second for people, in UTC; a chain's may be later than any calendar here goes."""
    if second > LAST_SECOND:
        return f"after the year 9999, second {second}"
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
