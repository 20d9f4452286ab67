"""One small change to one source file, and how it is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

KEY_DIGITS = 16  # of a SHA-256: enough for some thousand mutants


@dataclass(frozen=True)
class Mutant:
    """The bytes `start` to `end` of a file, replaced.

    Attributes:
        path: of the file, from the root of the checkout.
        start: first byte that goes.
        end: the byte after the last that goes.
        replacement: what comes instead.
        operator: the kind of change, a word or two.
    """

    path: str
    start: int
    end: int
    replacement: str
    operator: str

    def apply(self, source: bytes) -> bytes:
        """The changed source."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]

    def key(self, source: bytes) -> str:
        """What names this mutant in records: the same change of the same text, the same name."""
        text = self.path.encode() + b"\0" + self.apply(source)
        return hashlib.sha256(text).hexdigest()[:KEY_DIGITS]

    def line(self, source: bytes) -> int:
        """The number of the first changed line, from 1."""
        return source.count(b"\n", 0, self.start) + 1

    def before(self, source: bytes) -> str:
        """The lines that change, as they were, in one line."""
        return _flat(source[_line_start(source, self.start) : _line_end(source, self.end)])

    def after(self, source: bytes) -> str:
        """The same lines, changed, in one line."""
        first = source[_line_start(source, self.start) : self.start]
        last = source[self.end : _line_end(source, self.end)]
        return _flat(first + self.replacement.encode() + last)


def distinct(mutants: Iterable[Mutant], source: bytes) -> Iterator[Mutant]:
    """Each changed text once, and only texts that did change, in the order of the file."""
    seen = {source}
    for mutant in sorted(mutants, key=lambda one: (one.start, one.end, one.replacement)):
        text = mutant.apply(source)
        if text not in seen:
            seen.add(text)
            yield mutant


def _line_start(source: bytes, place: int) -> int:
    return source.rfind(b"\n", 0, place) + 1


def _line_end(source: bytes, place: int) -> int:
    end = source.find(b"\n", place)
    return len(source) if end < 0 else end


def _flat(text: bytes) -> str:
    return " ".join(text.decode().split())
