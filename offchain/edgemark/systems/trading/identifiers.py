"""Identifiers of this system's own; others are in `edgemark.identifiers`."""

from __future__ import annotations

from typing import NewType

from edgemark.crypto.ethereum.abi import encode
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_hash32

ChannelId = NewType("ChannelId", bytes)
"""keccak256 of (chain, escrow, terms); 32 bytes."""

TemplateId = NewType("TemplateId", bytes)
"""keccak256 of (registrant, name); 32 bytes."""

TemplateVersionId = NewType("TemplateVersionId", bytes)
"""keccak256 of (template, number of the version); 32 bytes. Terms of channels name it."""

OfferId = NewType("OfferId", bytes)
"""The seller's account (20 bytes), then the number of its offer (12 bytes, the first is 1)."""

NO_TEMPLATE = TemplateVersionId(bytes(32))
NO_OFFER = OfferId(bytes(32))
MAX_NAME_BYTES = 32  # of a template


def parse_channel_id(value: bytes | str) -> ChannelId:
    """Parse a channel id; see `parse_hash32`."""
    return ChannelId(parse_hash32(value, who="channel id"))


def parse_template_version_id(value: bytes | str) -> TemplateVersionId:
    """Parse the id of a template's version; see `parse_hash32`."""
    return TemplateVersionId(parse_hash32(value, who="template version id"))


def parse_offer_id(value: bytes | str) -> OfferId:
    """Parse an offer id; see `parse_hash32`."""
    return OfferId(parse_hash32(value, who="offer id"))


def pack_name(name: str) -> bytes:
    """The name of a template as the chain has it: ASCII, zeros behind it.

    Raises:
        RefusedInput: empty, too long, or with other characters.
    """
    fits = name.isascii() and name.isprintable() and 1 <= len(name) <= MAX_NAME_BYTES
    if not fits:
        raise RefusedInput(
            "is no name of a template",
            who="template",
            had=repr(name[:80]),
            needed=f"1..{MAX_NAME_BYTES} characters of printed ASCII",
        )
    return name.encode().ljust(MAX_NAME_BYTES, b"\0")


def compute_template_id(registrant: Address, name: str) -> TemplateId:
    """Id of a template; raises as `pack_name`."""
    return TemplateId(keccak256(encode(("address", "bytes32"), (registrant, pack_name(name)))))


def compute_version_id(template: TemplateId, number: int) -> TemplateVersionId:
    """Id of one of its versions.

    Raises:
        RefusedInput: a value does not fit its type.
    """
    return TemplateVersionId(keccak256(encode(("bytes32", "uint256"), (template, number))))
