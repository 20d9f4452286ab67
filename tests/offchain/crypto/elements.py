"""Elements and packed vectors for the tests of the field: edge values as often as random ones."""

from __future__ import annotations

from hypothesis import strategies as st

from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.field.randomness import SeededRandomness

# Around every limb boundary of an implementation, and the 51 residues that 16 bytes would lose.
EDGES = (
    *(0, 1, 2, 50, 51, 52),
    *(2**43 - 1, 2**43, 2**64 - 1, 2**64, 2**86 - 1, 2**86, 2**127, Q // 2, Q // 2 + 1),
    *(2**128 - 52, 2**128 - 51, 2**128 - 1, 2**128, 2**128 + 1, 2**128 + 49, Q - 1),
)
assert Q - 1 == 2**128 + 50

elements = st.one_of(st.sampled_from(EDGES), st.integers(0, Q - 1))


def vectors(length: int) -> st.SearchStrategy[bytes]:
    """Packed vectors of `length` elements."""
    return st.lists(elements, min_size=length, max_size=length).map(FIELD.pack)


def seeded(seed: object) -> SeededRandomness:
    """Draws that repeat."""
    return SeededRandomness(repr(seed).encode(), for_tests_only=True)
