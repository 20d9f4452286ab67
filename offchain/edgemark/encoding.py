"""Canonical bytes: what is hashed, signed, journaled or sent.

One value has one encoding: integers are big-endian with a fixed width, variable parts are preceded
by their length in four bytes, and a `Reader` that is not empty at the end refuses the message.
Every variable part has a maximum that the caller states, so a hostile length never allocates.
"""

from __future__ import annotations

from edgemark.errors import RefusedInput


class MalformedMessage(RefusedInput):
    """Bytes that are no encoding of the expected message."""


class Writer:
    """Builds a message from left to right."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def integer(self, value: int, width: int) -> Writer:
        """Append `value`, 0 <= value < 256^width, in `width` bytes."""
        if not 0 <= value < 1 << (8 * width):
            raise MalformedMessage(
                "integer does not fit", who="encoder", had=value, needed=f"{width} bytes"
            )
        self._parts.append(value.to_bytes(width, "big"))
        return self

    def fixed(self, value: bytes, length: int) -> Writer:
        """Append exactly `length` bytes."""
        if len(value) != length:
            raise MalformedMessage(
                "wrong length", who="encoder", had=f"{len(value)} bytes", needed=length
            )
        self._parts.append(value)
        return self

    def variable(self, value: bytes) -> Writer:
        """Append the length in four bytes, then the bytes."""
        self.integer(len(value), 4)._parts.append(value)
        return self

    def text(self, value: str) -> Writer:
        """Append a UTF-8 string like `variable`."""
        return self.variable(value.encode())

    def finish(self) -> bytes:
        """The whole message."""
        return b"".join(self._parts)


class Reader:
    """Takes a message apart from left to right; every fault is a `MalformedMessage`."""

    def __init__(self, message: bytes, *, who: str = "message") -> None:
        self._message = message
        self._at = 0
        self._who = who

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._message) - self._at

    def _take(self, length: int) -> bytes:
        begin, end = self._at, self._at + length
        if end > len(self._message):
            raise MalformedMessage(
                "truncated", who=self._who, had=f"{self.left} bytes left", needed=f"{length} bytes"
            )
        self._at = end
        return self._message[begin:end]

    def integer(self, width: int, *, most: int | None = None) -> int:
        """Read an unsigned integer of `width` bytes, at most `most`."""
        value = int.from_bytes(self._take(width), "big")
        if most is not None and value > most:
            raise MalformedMessage(
                "number too large", who=self._who, had=value, needed=f"<= {most}"
            )
        return value

    def fixed(self, length: int) -> bytes:
        """Read exactly `length` bytes."""
        return self._take(length)

    def variable(self, *, most: int) -> bytes:
        """Read a length-prefixed part of at most `most` bytes."""
        length = self.integer(4)
        if length > most:
            raise MalformedMessage("part too long", who=self._who, had=length, needed=f"<= {most}")
        return self._take(length)

    def text(self, *, most: int) -> str:
        """Read a UTF-8 string of at most `most` bytes."""
        raw = self.variable(most=most)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise MalformedMessage("not UTF-8", who=self._who, had=raw[:16].hex()) from error

    def finish(self) -> None:
        """Refuse whatever is left over."""
        if self.left:
            raise MalformedMessage("has trailing bytes", who=self._who, had=self.left, needed=0)
