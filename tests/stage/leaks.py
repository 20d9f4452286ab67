"""Finds secrets in text, however they are spelt: hexadecimal, decimal, base64, escaped bytes.

Every spelling of every secret is known by its first characters; the text is walked once.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgemark.crypto.field.field import ELEMENT_BYTES

ANCHOR = 14  # characters; too many to appear by chance
LEAST_BYTES = 12  # a shorter secret would be found everywhere


@dataclass(frozen=True)
class Leak:
    """A secret that stands where it should not."""

    name: str
    spelling: str
    place: str


def spell(secret: bytes) -> dict[str, str]:
    """Every way in which a program may print these bytes, as {way: text}."""
    number = int.from_bytes(secret, "big")
    spellings = {
        "hexadecimal": f"{number:x}",
        "HEXADECIMAL": f"{number:X}",
        "decimal": str(number),
        "escaped": repr(secret)[2:-1],
    }
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("url64", base64.urlsafe_b64encode)):
            encoded = encode(bytes(shift) + secret).decode()
            first, last = -(-8 * shift // 6), 8 * (shift + len(secret)) // 6
            spellings[f"{name}, shifted {shift}"] = encoded[first:last]
    return spellings


def split_elements(packed: bytes) -> list[bytes]:
    """The elements of a packed vector, each a secret of its own."""
    return [packed[i : i + ELEMENT_BYTES] for i in range(0, len(packed), ELEMENT_BYTES)]


class LeakFinder:
    """Knows all secrets of a run.

    Args:
        secrets: name and bytes of each; short ones are refused, they would be found by chance.
    """

    def __init__(self, secrets: Iterable[tuple[str, bytes]]) -> None:
        self.count = 0
        self._by_anchor: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for name, secret in secrets:
            assert len(secret.lstrip(b"\0")) >= LEAST_BYTES, f"{name} is too short to look for"
            self.count += 1
            for spelling in spell(secret).values():
                self._by_anchor[spelling[:ANCHOR]].add((name, spelling))

    def find(self, texts: Mapping[str, str]) -> list[Leak]:
        """Every secret in the texts, given by place."""
        return [leak for place, text in texts.items() for leak in self._find_in(place, text)]

    def _find_in(self, place: str, text: str) -> list[Leak]:
        found = []
        for start in range(len(text) - ANCHOR + 1):
            for name, spelling in self._by_anchor.get(text[start : start + ANCHOR], ()):
                if text.startswith(spelling, start):
                    found.append(Leak(name, spelling, place))
        return found
