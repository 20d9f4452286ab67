"""Identifiers of this system's own; others are in `edgemark.identifiers`."""

from __future__ import annotations

from typing import NewType

from edgemark.identifiers import parse_hash32

ChannelId = NewType("ChannelId", bytes)
"""keccak256 of (chain, escrow, terms); 32 bytes."""


def parse_channel_id(value: bytes | str) -> ChannelId:
    """Parse a channel id; see `parse_hash32`."""
    return ChannelId(parse_hash32(value, who="channel id"))
