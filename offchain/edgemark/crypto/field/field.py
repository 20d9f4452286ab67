"""The field F_q in plain Python: the definition that every faster implementation is tested against.

Source: Meta-BMEOC IV-A works over a prime field; q = 2^128 + 51 is the smallest prime above 2^128.
Notation: q the modulus, an *element* an integer in 0..q-1, a *packed* vector its elements of 17
bytes each, big-endian, one after the other. Sixteen bytes would lose the 51 residues above 2^128.

`PrimeField` takes any prime that fits in an element, so that sharing and decoding can be tested
exhaustively over GF(7) and GF(11) with the code that runs over F_q.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgemark.errors import RefusedInput

Q = 2**128 + 51
"""The modulus: a prime of 129 bits."""

ELEMENT_BYTES = 17
"""Bytes of one element on the wire, whatever the modulus."""


class NotAnElement(RefusedInput):
    """A number outside 0..q-1 where an element was needed.

    Its value is not shown: it may be secret.
    """


class WrongLength(RefusedInput):
    """A packed vector with another number of elements than the call needs."""


class NotInvertible(RefusedInput):
    """The inverse of zero was asked for."""


def count_elements(packed: bytes, *, who: str = "packed vector") -> int:
    """Number of elements in `packed`.

    Raises:
        WrongLength: the length is no multiple of `ELEMENT_BYTES`.
    """
    count, rest = divmod(len(packed), ELEMENT_BYTES)
    if rest:
        raise WrongLength(
            "is no whole number of elements",
            who=who,
            had=f"{len(packed)} bytes",
            needed=f"a multiple of {ELEMENT_BYTES}",
        )
    return count


def require_count(packed: bytes, count: int, *, who: str = "packed vector") -> None:
    """Check that `packed` holds exactly `count` elements.

    Raises:
        WrongLength: it does not.
    """
    had = count_elements(packed, who=who)
    if had != count:
        raise WrongLength("has the wrong number of elements", who=who, had=had, needed=count)


def element_at(packed: bytes, index: int) -> int:
    """The element at position `index` (from 0) of a packed vector that was checked before."""
    return int.from_bytes(packed[index * ELEMENT_BYTES : (index + 1) * ELEMENT_BYTES], "big")


class PrimeField:
    """Arithmetic modulo a prime, on scalars (`int`) and on packed vectors (`bytes`).

    Args:
        modulus: a prime below 256^17; that it is prime is the caller's knowledge.
    """

    name = "python"

    def __init__(self, modulus: int = Q) -> None:
        if not 2 <= modulus < 1 << (8 * ELEMENT_BYTES):
            raise RefusedInput(
                "modulus does not fit an element", who="field", had=modulus, needed="2..256^17-1"
            )
        self.modulus = modulus

    # Scalars

    def reduce(self, number: int) -> int:
        """The element congruent to any integer."""
        return number % self.modulus

    def inverse(self, a: int) -> int:
        """1/a.

        Raises:
            NotInvertible: a is zero.
        """
        if a % self.modulus == 0:
            raise NotInvertible("zero has no inverse", who="field", had=0, needed="1..q-1")
        return pow(a, -1, self.modulus)

    def inverses(self, numbers: Sequence[int]) -> list[int]:
        """1/a for every a, with one inversion (Montgomery's trick).

        Raises:
            NotInvertible: one of them is zero.
        """
        prefixes = [1]
        for a in numbers:
            prefixes.append(prefixes[-1] * a % self.modulus)
        inverse = self.inverse(prefixes[-1])
        results = [0] * len(numbers)
        for i in range(len(numbers) - 1, -1, -1):
            results[i] = inverse * prefixes[i] % self.modulus
            inverse = inverse * numbers[i] % self.modulus
        return results

    # Packing

    def pack(self, numbers: Iterable[int]) -> bytes:
        """Encode elements one after the other.

        Raises:
            NotAnElement: a number is outside 0..q-1.
        """
        parts = []
        for position, number in enumerate(numbers):
            if not 0 <= number < self.modulus:
                raise self._not_an_element("vector", position)
            parts.append(number.to_bytes(ELEMENT_BYTES, "big"))
        return b"".join(parts)

    def unpack(self, packed: bytes, *, who: str = "packed vector") -> list[int]:
        """Decode a packed vector.

        Raises:
            WrongLength: the length is no multiple of 17.
            NotAnElement: an element is q or more.
        """
        count_elements(packed, who=who)
        numbers = [
            int.from_bytes(packed[at : at + ELEMENT_BYTES], "big")
            for at in range(0, len(packed), ELEMENT_BYTES)
        ]
        for position, number in enumerate(numbers):
            if number >= self.modulus:
                raise self._not_an_element(who, position)
        return numbers

    def check(self, packed: bytes, *, count: int | None = None, who: str = "packed vector") -> int:
        """Check every element of `packed`, and their number when `count` is given; return it.

        Raises:
            WrongLength: another length.
            NotAnElement: an element is q or more.
        """
        had = count_elements(packed, who=who)
        # Of a field above 2^128, what begins with a zero byte is an element: nearly always all.
        if self.modulus <= 1 << 128 or packed[::ELEMENT_BYTES].count(0) != had:
            self.unpack(packed, who=who)
        if count is not None:
            require_count(packed, count, who=who)
        return had

    def select(self, drawn: bytes) -> bytes:
        """Make elements of random numbers: packed, in their order, uniform if the numbers are.

        A number is reduced modulo q if it is below the largest multiple of q that 17 bytes hold, so
        that every element comes from equally many numbers; the others (for F_q, where it is 255 q,
        fewer than 1 of 256) are passed over.

        Args:
            drawn: 17 bytes a number.

        Raises:
            WrongLength: the length is no multiple of 17.
        """
        count_elements(drawn, who="drawn bytes")
        q = self.modulus
        most = (1 << 8 * ELEMENT_BYTES) // q * q
        numbers = (
            int.from_bytes(drawn[at : at + ELEMENT_BYTES], "big")
            for at in range(0, len(drawn), ELEMENT_BYTES)
        )
        return self.pack(number % q for number in numbers if number < most)

    def _not_an_element(self, who: str, position: int) -> NotAnElement:
        return NotAnElement(
            "is not an element of the field",
            who=f"{who}, element {position}",
            needed=f"0 <= element < {self.modulus}",
        )

    # Packed vectors

    def add(self, a: bytes, b: bytes) -> bytes:
        """Elementwise a + b.

        Raises:
            WrongLength: the lengths differ.
            NotAnElement: an element is q or more.
        """
        q = self.modulus
        return self.pack((x + y) % q for x, y in self._pairs(a, b))

    def subtract(self, a: bytes, b: bytes) -> bytes:
        """Elementwise a - b; raises like `add`."""
        q = self.modulus
        return self.pack((x - y) % q for x, y in self._pairs(a, b))

    def multiply(self, a: bytes, b: bytes) -> bytes:
        """Elementwise a * b; raises like `add`."""
        q = self.modulus
        return self.pack(x * y % q for x, y in self._pairs(a, b))

    def _pairs(self, a: bytes, b: bytes) -> Iterable[tuple[int, int]]:
        left, right = self.unpack(a), self.unpack(b)
        if len(left) != len(right):
            raise WrongLength(
                "vectors of different lengths", who="vector", had=len(right), needed=len(left)
            )
        return zip(left, right, strict=True)

    def scale(self, vector: bytes, scalar: int) -> bytes:
        """Every element of `vector` times the element `scalar`.

        Raises:
            WrongLength: the length is no multiple of 17.
            NotAnElement: the scalar or an element is outside 0..q-1.
        """
        self.pack([scalar])
        return self.pack(x * scalar % self.modulus for x in self.unpack(vector))

    def combine(self, matrix: bytes, vectors: bytes, count: int) -> bytes:
        """Linear combinations: the matrix product of (rows x count) and (count x width), row-major.

        Args:
            matrix: packed coefficients, `count` a row.
            vectors: `count` packed vectors of one width, one after the other.
            count: number of vectors, at least 1.

        Raises:
            WrongLength: a length is no multiple of `count` elements.
            NotAnElement: an element is q or more.
        """
        rows, width = self.check_combination(matrix, vectors, count)
        coefficients, values = self.unpack(matrix, who="matrix"), self.unpack(vectors)
        columns = [values[column::width] for column in range(width)]
        return self.pack(
            sum(map(int.__mul__, coefficients[row * count : (row + 1) * count], column))
            % self.modulus
            for row in range(rows)
            for column in columns
        )

    def check_combination(self, matrix: bytes, vectors: bytes, count: int) -> tuple[int, int]:
        """Rows and width of a call of `combine`; raises `WrongLength` when they do not fit."""
        sizes = []
        for who, packed in (("matrix", matrix), ("vectors", vectors)):
            had = count_elements(packed, who=who)
            if count < 1 or had % count:
                raise WrongLength(
                    "does not divide into the vectors", who=who, had=had, needed=f"k * {count}"
                )
            sizes.append(had // count)
        return sizes[0], sizes[1]

    def share(self, secret: bytes, coefficients: bytes, points: Sequence[int]) -> list[bytes]:
        """Values of v(u) = secret + sum r_i u^i at each point, by Horner's rule.

        Args:
            secret: packed vector of `length` elements.
            coefficients: r_1, ..., r_t one after the other, each `length` elements; empty for t =
                0.
            points: elements u; which of them are allowed is the caller's business (`shamir`).

        Raises:
            WrongLength: the coefficients are no whole number of vectors like the secret.
            NotAnElement: an element or point is outside 0..q-1.
        """
        constant = self.unpack(secret, who="secret")
        length = len(constant)
        degree = self.check_sharing(secret, coefficients)
        rows = self.unpack(coefficients, who="coefficients")
        self.pack(points)
        shares = []
        for u in points:
            values = [0] * length
            for i in range(degree - 1, -1, -1):
                row = rows[i * length : (i + 1) * length]
                values = [(v + r) * u % self.modulus for v, r in zip(values, row, strict=True)]
            shares.append(
                self.pack((v + x) % self.modulus for v, x in zip(values, constant, strict=True))
            )
        return shares

    def check_sharing(self, secret: bytes, coefficients: bytes) -> int:
        """Degree of a sharing, from the lengths; raises `WrongLength` when they do not fit."""
        length = count_elements(secret, who="secret")
        had = count_elements(coefficients, who="coefficients")
        if length == 0 or had % length:
            raise WrongLength(
                "do not divide into vectors like the secret",
                who="coefficients",
                had=had,
                needed=f"t * {length}" if length else "a secret of at least 1 element",
            )
        return had // length


FIELD = PrimeField(Q)
"""F_q by definition."""
