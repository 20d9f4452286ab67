"""The one door to the system's random source.

Everything secret or unpredictable in Edgemark is drawn here: shares, checking keys, salts, account
keys, challenges. Elements are exactly uniform in 0..q-1: 136 random bits modulo q, drawn again if
they are 255 q or more (fewer than 1 draw of 256), so that each element stands for 255 of the draws.
Rejected draws are thrown away, so their timing tells nothing about those kept.
"""

from __future__ import annotations

import secrets

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.field import ELEMENT_BYTES, PrimeField
from edgemark.errors import RefusedInput

DRAWN_AT_ONCE = 4096  # elements: 68 KiB of the source, which is asked less often that way


class Randomness:
    """The operating system's random source.

    Args:
        over: the field whose elements are drawn; F_q, by the active kernel, when not given.
    """

    def __init__(self, over: PrimeField | None = None) -> None:
        self._over = over

    def octets(self, count: int) -> bytes:
        """`count` random bytes."""
        return secrets.token_bytes(count)

    def element(self) -> int:
        """An element, uniform in 0..q-1."""
        return int.from_bytes(self.elements(1), "big")

    def nonzero_element(self) -> int:
        """An element, uniform in 1..q-1."""
        while True:
            number = self.element()
            if number:
                return number

    def elements(self, count: int) -> bytes:
        """A packed vector of `count` independent uniform elements."""
        field: Arithmetic | PrimeField = kernel.active() if self._over is None else self._over
        found: list[bytes] = []
        while count > 0:
            # Never more than are missing: the same draws as one by one.
            found.append(field.select(self.octets(min(count, DRAWN_AT_ONCE) * ELEMENT_BYTES)))
            count -= len(found[-1]) // ELEMENT_BYTES
        return b"".join(found)


class SeededRandomness(Randomness):
    """The same draws for the same seed, from SHAKE-256: for tests that must repeat, not secrets.

    Args:
        seed: any bytes.
        for_tests_only: must be True; whoever builds this has to say so.
        over: the field whose elements are drawn; F_q, by the active kernel, when not given.

    Raises:
        RefusedInput: `for_tests_only` is not True.
    """

    def __init__(
        self, seed: bytes, *, for_tests_only: bool, over: PrimeField | None = None
    ) -> None:
        if for_tests_only is not True:
            raise RefusedInput(
                "a predictable source was asked for outside a test",
                who="randomness",
                needed="for_tests_only=True",
                remedy="Use Randomness.",
            )
        from Crypto.Hash import SHAKE256  # noqa: PLC0415 - 50 ms of a start, for tests only

        super().__init__(over)
        self._stream = SHAKE256.new(seed)

    def octets(self, count: int) -> bytes:
        """The next `count` bytes of the stream."""
        return self._stream.read(count)
