"""Draws are uniform elements; the predictable source has to be asked for by name."""

from __future__ import annotations

import pytest

from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, PrimeField, Q
from edgemark.crypto.field.randomness import Randomness, SeededRandomness
from edgemark.errors import RefusedInput


class Scripted(Randomness):
    """Draws the given numbers, one element wide each."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self._numbers = list(numbers)

    def octets(self, count: int) -> bytes:
        return self._numbers.pop(0).to_bytes(count, "big")


def test_system_source__draws_elements_that_differ() -> None:
    drawn = FIELD.unpack(Randomness().elements(100))
    assert len(set(drawn)) == 100
    assert len(Randomness().octets(33)) == 33


def test_draw_of_the_largest_multiple_or_more__is_drawn_again() -> None:
    assert Scripted(255 * Q, 2**136 - 1, 255 * Q - 1).element() == Q - 1


@pytest.mark.parametrize("multiple", [0, 1, 254])
def test_draw_below_the_largest_multiple__is_reduced(multiple: int) -> None:
    assert Scripted(multiple * Q + 5).element() == 5


def test_nonzero_element__draws_zero_again() -> None:
    assert Scripted(0, 0, 3).nonzero_element() == 3


def test_draws_over_a_small_field__are_uniform() -> None:
    draw = SeededRandomness(b"uniform", for_tests_only=True, over=PrimeField(7))
    counts = [0] * 7
    for _ in range(7000):
        counts[draw.element()] += 1
    chi_square = sum((count - 1000) ** 2 / 1000 for count in counts)
    assert chi_square < 22.46  # 6 degrees of freedom, p = 0.001


def test_seeded_source__same_seed__same_draws() -> None:
    first, second = (SeededRandomness(b"a", for_tests_only=True) for _ in range(2))
    assert first.elements(5) == second.elements(5)
    assert len(first.elements(5)) == 5 * ELEMENT_BYTES
    assert first.octets(8) != SeededRandomness(b"b", for_tests_only=True).octets(8)


def test_seeded_source__not_asked_for_by_name__is_refused() -> None:
    with pytest.raises(RefusedInput):
        SeededRandomness(b"a", for_tests_only=False)
