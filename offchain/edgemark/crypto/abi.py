"""Static values as the 32-byte words of the Solidity ABI.

Source: Solidity contract ABI specification, section "Formal Specification of the Encoding", static
types only; that is all that job ids, commitments and EIP-712 structs need.
"""

from __future__ import annotations

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_hash32

WORD_BYTES = 32


def encode_uint(value: int, bits: int = 256) -> bytes:
    """An unsigned integer of `bits` bits as one word.

    Raises:
        RefusedInput: negative or too large.
    """
    if not 0 <= value < 1 << bits:
        raise RefusedInput(
            "does not fit", who=f"uint{bits}", had=value, needed=f"0 <= value < 2^{bits}"
        )
    return value.to_bytes(WORD_BYTES, "big")


def encode_bytes32(value: bytes) -> bytes:
    """32 bytes as one word.

    Raises:
        RefusedInput: another length.
    """
    return parse_hash32(value, who="bytes32")


def encode_address(value: Address) -> bytes:
    """An account as one word, padded on the left."""
    return bytes(WORD_BYTES - 20) + bytes.fromhex(value.removeprefix("0x"))
