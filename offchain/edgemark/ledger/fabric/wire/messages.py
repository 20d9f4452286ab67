"""Parses messages of the protocol, and says typed what cannot be parsed."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from edgemark.ledger.fabric.faults import MessageMalformed


def parse(kind: type[Any], raw: bytes, who: str) -> Any:
    """A message of that kind.

    Args:
        kind: class of the message.
        raw: its bytes, from outside.
        who: whose they are, for the error.

    Raises:
        MessageMalformed: they are no such message.
    """
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise MessageMalformed(
            "is no message of the protocol",
            who=who,
            had=f"{len(raw)} bytes",
            needed=kind.DESCRIPTOR.full_name,
        ) from error
