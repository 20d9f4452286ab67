"""Forms of a signature that count nowhere here."""

from __future__ import annotations

from tests.contracts.world import compact_of, twin_of


def malformed(signature: bytes) -> dict[str, bytes]:
    """Other forms of a good signature, each of which some verifier somewhere accepts."""
    return {
        "high s": twin_of(signature),
        "compact": compact_of(signature),
        "v as parity": signature[:64] + bytes([signature[64] - 27]),
        "v of a chain": signature[:64] + bytes([signature[64] + 8]),
        "trailing byte": signature + b"\0",
        "empty": b"",
        "zero": b"\0" * 65,
    }
