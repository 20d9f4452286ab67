"""The definition of F_q itself, on numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.elements import EDGES, elements

from edgemark.crypto.field.field import (
    ELEMENT_BYTES,
    FIELD,
    NotAnElement,
    NotInvertible,
    PrimeField,
    Q,
    WrongLength,
    element_at,
)
from edgemark.errors import RefusedInput


def test_modulus__is_a_prime_of_129_bits() -> None:
    # Pocklington would need the factors of q - 1; Fermat to 12 bases leaves no doubt in practice.
    assert Q.bit_length() == 129
    assert all(pow(base, Q - 1, Q) == 1 for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))


@given(st.lists(elements, max_size=8))
def test_pack__then_unpack__is_the_same(numbers: list[int]) -> None:
    packed = FIELD.pack(numbers)
    assert len(packed) == ELEMENT_BYTES * len(numbers)
    assert FIELD.unpack(packed) == numbers
    assert [element_at(packed, i) for i in range(len(numbers))] == numbers


@pytest.mark.parametrize("number", [Q, Q + 1, 2**129, -1])
def test_pack__outside_the_field__is_refused(number: int) -> None:
    with pytest.raises(NotAnElement) as caught:
        FIELD.pack([5, number])
    assert "element 1" in str(caught.value)


@pytest.mark.parametrize("number", [Q, Q + 1, 2**129, 2**136 - 1])
def test_unpack__element_of_q_or_more__is_refused_without_showing_it(number: int) -> None:
    packed = bytes(ELEMENT_BYTES) + number.to_bytes(ELEMENT_BYTES, "big")
    with pytest.raises(NotAnElement) as caught:
        FIELD.unpack(packed)
    assert "element 1" in str(caught.value)
    assert caught.value.had is None


@pytest.mark.parametrize("length", [1, 16, 18, 33])
def test_unpack__no_whole_number_of_elements__is_refused(length: int) -> None:
    with pytest.raises(WrongLength):
        FIELD.unpack(bytes(length))


def test_inverses__of_all_edges__multiply_to_one() -> None:
    numbers = [number for number in EDGES if number]
    for number, inverse in zip(numbers, FIELD.inverses(numbers), strict=True):
        assert number * inverse % Q == 1
        assert FIELD.inverse(number) == inverse


def test_inverse__of_zero__is_refused() -> None:
    with pytest.raises(NotInvertible):
        FIELD.inverse(0)
    with pytest.raises(NotInvertible):
        FIELD.inverses([3, 0, 5])


@pytest.mark.parametrize("modulus", [0, 1, 256**17])
def test_field__modulus_that_does_not_fit__is_refused(modulus: int) -> None:
    with pytest.raises(RefusedInput):
        PrimeField(modulus)


def test_small_field__is_its_tables() -> None:
    field = PrimeField(7)
    pairs = [(a, b) for a in range(7) for b in range(7)]
    left, right = field.pack(a for a, _ in pairs), field.pack(b for _, b in pairs)
    assert field.unpack(field.add(left, right)) == [(a + b) % 7 for a, b in pairs]
    assert field.unpack(field.subtract(left, right)) == [(a - b) % 7 for a, b in pairs]
    assert field.unpack(field.multiply(left, right)) == [a * b % 7 for a, b in pairs]
    with pytest.raises(NotAnElement):
        field.check(FIELD.pack([7]))
