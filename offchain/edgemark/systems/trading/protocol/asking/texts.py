"""Texts that a chain has the hash of, as a seller shows them: templates, and its qualifications.

    GET /v1/texts/HASH     the bytes whose Keccak-256 is HASH, 64 hexadecimal digits

Whoever asks compares the hash, so it does not matter who answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.errors import PeerFault, RefusedInput
from edgemark.identifiers import Hash32
from edgemark.systems.trading.protocol.messages import MAX_LETTER_BYTES

TEXTS = "/v1/texts/"
MAX_TEXT_BYTES = 4 * MAX_LETTER_BYTES  # of the longest template


class TextMissing(RefusedInput):
    """Nobody here has the text of this hash."""


class TextStrange(PeerFault):
    """What was shown is another text than that of the hash."""


def path_of(digest: Hash32) -> str:
    """Where a seller shows a text."""
    return TEXTS + digest.hex()


def by_hash(texts: Iterable[bytes]) -> Mapping[Hash32, bytes]:
    """Texts as they are asked for."""
    return {keccak256(text): text for text in texts}


def check_text(raw: bytes, digest: Hash32, who: object) -> bytes:
    """A text, once it is the one of its hash.

    Raises:
        TextStrange: it is another.
    """
    if (had := keccak256(raw)) != digest:
        raise TextStrange("is another text", who=who, had=had.hex(), needed=digest.hex())
    return raw
