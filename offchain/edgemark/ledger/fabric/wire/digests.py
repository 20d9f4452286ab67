"""What is hashed on a consortium ledger, and how.

| what | how |
|---|---|
| transaction id | SHA-256(nonce, creator), in hex: a creator cannot take another's id |
| proposal hash | SHA-256(channel header, signature header, payload without transient data) |
| data hash of a block | SHA-256 of its envelopes, one behind the other |
| hash of a block | SHA-256 of the DER of SEQUENCE {number, previous hash, data hash} |

The parts have no lengths, but for the last: `canonical` says which bytes are these parts and no
others. A nonce ends and a creator begins with no border at all: an id is both together, and who has
signed with a creator cannot sign with a longer or shorter one, which is no identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04


def compute_transaction_id(nonce: bytes, creator: bytes) -> str:
    """64 hex digits.

    Args:
        nonce: of the signature header.
        creator: its `SerializedIdentity`, as it is sent.
    """
    return sha256(nonce + creator).hexdigest()


def compute_proposal_hash(channel_header: bytes, signature_header: bytes, payload: bytes) -> bytes:
    """What an endorsement says it was asked; 32 bytes.

    Args:
        channel_header: as it is sent.
        signature_header: as it is sent.
        payload: `ChaincodeProposalPayload` without its transient map.
    """
    return sha256(channel_header + signature_header + payload).digest()


def compute_data_hash(envelopes: Sequence[bytes]) -> bytes:
    """Of a block's envelopes; 32 bytes."""
    return sha256(b"".join(envelopes)).digest()


def make_block_header(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """The bytes of a block's header that are hashed and signed.

    Args:
        number: >= 0.
        previous_hash: of the block below; empty for the first.
        data_hash: see `compute_data_hash`.
    """
    whole = number.to_bytes(number.bit_length() // 8 + 1, "big")
    parts = _der(_INTEGER, whole) + _der(_OCTETS, previous_hash) + _der(_OCTETS, data_hash)
    return _der(_SEQUENCE, parts)


def compute_block_hash(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """Of a block's header; 32 bytes. For the arguments see `make_block_header`."""
    return sha256(make_block_header(number, previous_hash, data_hash)).digest()


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
