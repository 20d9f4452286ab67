"""Functions: what they compute, their one encoding, and that strangers' bytes are refused."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.crypto.elements import elements, seeded, vectors

from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, NotAnElement, Q
from edgemark.crypto.field.plain import FACTOR_BYTES, quadratic_terms
from edgemark.crypto.polynomial import (
    HEADER_BYTES,
    MAX_TERMS,
    DenseQuadratic,
    Header,
    Kind,
    MalformedFunction,
    Monomial,
    Polynomial,
    SparsePolynomial,
    parse_polynomial,
    size_from_header,
)
from edgemark.crypto.polynomial.dense import quadratic_row
from edgemark.errors import RefusedInput

ONE = FIELD.pack([1])
ZERO = FIELD.pack([0])


def monomials(most: int) -> st.SearchStrategy[Monomial]:
    return st.lists(st.integers(0, 4), max_size=most).map(lambda numbers: tuple(sorted(numbers)))


def terms(most: int) -> st.SearchStrategy[dict[Monomial, tuple[int, int]]]:
    return st.dictionaries(monomials(most), st.tuples(elements, elements), max_size=10)


def sparse(
    rows: list[tuple[list[tuple[int, int]], list[int]]],
    *,
    inputs: int = 3,
    degree: int | None = None,
) -> bytes:
    """Bytes of a sparse function of one or more outputs, canonical or not."""
    flat = [factor for factors, _ in rows for factor in factors]
    largest = max((sum(e for _, e in factors) for factors, _ in rows), default=0)
    outputs = len(rows[0][1]) if rows else 1
    header = b"EMKF\x01\x02" + b"".join(
        number.to_bytes(width, "big")
        for number, width in (
            (inputs, 2),
            (outputs, 2),
            (largest if degree is None else degree, 1),
            (len(rows), 4),
            (len(flat), 4),
        )
    )
    return b"".join(
        (
            header,
            bytes(len(factors) for factors, _ in rows),
            b"".join(i.to_bytes(2, "big") + bytes([e]) for i, e in flat),
            FIELD.pack(number for _, numbers in rows for number in numbers),
        )
    )


@given(terms(2), vectors(10))
def test_dense_and_sparse__of_the_same_terms__agree(
    written: dict[Monomial, tuple[int, int]], x: bytes
) -> None:
    dense = DenseQuadratic.from_terms(5, 2, written)
    assert dense.evaluate(x) == SparsePolynomial.from_terms(5, 2, written).evaluate(x)
    assert parse_polynomial(dense.to_bytes()) == dense


@given(terms(8))
def test_sparse__parsed_again__is_the_same_function(
    written: dict[Monomial, tuple[int, int]],
) -> None:
    function = SparsePolynomial.from_terms(5, 2, written)
    encoded = function.to_bytes()
    parsed = parse_polynomial(encoded)
    assert parsed == function
    assert parsed.to_bytes() == encoded
    assert size_from_header(encoded[:HEADER_BYTES]).total_bytes == len(encoded)
    assert function.hash == sha256(encoded).digest()
    kept = [monomial for monomial, numbers in written.items() if any(numbers)]
    assert function.header.coefficient_count == 2 * len(kept)
    assert function.term_count >= 2 * len(kept) + sum(len(set(monomial)) for monomial in kept)
    assert function.degree == max(map(len, kept), default=0)


@given(terms(8), st.randoms())
def test_sparse__terms_in_another_order__has_the_same_bytes(
    written: dict[Monomial, tuple[int, int]], random: object
) -> None:
    items = list(written.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    function = SparsePolynomial.from_terms(5, 2, written)
    assert SparsePolynomial.from_terms(5, 2, dict(items)).to_bytes() == function.to_bytes()


@pytest.mark.parametrize("inputs", [1, 2, 5, 12])
def test_quadratic_row__counts_all_monomials_in_order(inputs: int) -> None:
    z = combinations_with_replacement(range(inputs + 1), 2)
    expected = [tuple(i - 1 for i in pair if i > 0) for pair in z]
    assert [quadratic_row(m, inputs) for m in expected] == list(range(quadratic_terms(inputs)))


def test_dense__numbers() -> None:
    function = DenseQuadratic.from_terms(64, 10, {(3, 7): [1] * 10})
    assert (function.inputs, function.outputs, function.degree) == (64, 10, 2)
    assert function.term_count == 10 * 65 * 66 // 2
    assert len(function.to_bytes()) == HEADER_BYTES + function.term_count * ELEMENT_BYTES
    assert size_from_header(function.to_bytes()).total_bytes == len(function.to_bytes())
    assert "terms=21450" in repr(function)
    assert {function: 1}[parse_polynomial(function.to_bytes())] == 1
    assert function != object()


def test_degree_20_in_9_variables__is_within_the_limits() -> None:
    # the largest function of the paper's experiments: C(29, 9) monomials
    header = Header(Kind.SPARSE, 9, 1, 20, 10_015_005, 10_015_005 * 9)
    assert header.coefficient_count <= MAX_TERMS
    assert size_from_header(header.to_bytes()) == header


@given(st.integers(0, 200), st.binary(max_size=4))
def test_parse__truncated_or_with_trailing_bytes__is_refused(cut: int, extra: bytes) -> None:
    function: Polynomial
    for function in (
        DenseQuadratic.from_terms(2, 1, {(0, 1): [5]}),
        SparsePolynomial.from_terms(3, 2, {(0, 1): [5, 6], (2,): [0, 1]}),
    ):
        encoded = function.to_bytes()
        with pytest.raises(MalformedFunction):
            parse_polynomial(encoded[: cut % len(encoded)])
        if extra:
            with pytest.raises(MalformedFunction):
                parse_polynomial(encoded + extra)


@given(st.binary(max_size=120))
def test_parse__random_bytes__is_refused(encoded: bytes) -> None:
    for start in (b"", b"EMKF\x01\x01", b"EMKF\x01\x02\0\3\0\1"):
        with pytest.raises(RefusedInput):
            parse_polynomial(start + encoded + b"\xff")


@given(terms(4), st.integers(0, 10_000), st.integers(1, 255))
def test_parse__one_changed_byte__is_another_function_or_refused(
    written: dict[Monomial, tuple[int, int]], at: int, change: int
) -> None:
    encoded = bytearray(SparsePolynomial.from_terms(5, 2, written).to_bytes())
    encoded[at % len(encoded)] ^= change
    try:
        parsed = parse_polynomial(bytes(encoded))
    except RefusedInput:
        return
    assert parsed.to_bytes() == bytes(encoded)


NOT_CANONICAL = {
    "monomials out of order": sparse([([(1, 1)], [1]), ([(0, 1)], [1])]),
    "monomial twice": sparse([([(1, 1)], [1]), ([(1, 1)], [2])]),
    "longer before its prefix": sparse([([(0, 1), (1, 1)], [1]), ([(0, 1)], [1])]),
    "variables out of order": sparse([([(1, 1), (0, 1)], [1])]),
    "variable twice": sparse([([(1, 1), (1, 1)], [1])]),
    "exponent zero": sparse([([(1, 0)], [1])], degree=1),
    "variable that is not there": sparse([([(3, 1)], [1])]),
    "only zero coefficients": sparse([([(0, 1)], [1, 0]), ([(1, 1)], [0, 0])]),
    "degree too large": sparse([([(0, 1)], [1])], degree=2),
    "degree too small": sparse([([(0, 3)], [1])], degree=2),
}


@pytest.mark.parametrize("encoded", NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_parse__not_the_one_encoding__is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedFunction):
        parse_polynomial(encoded)


def test_parse__the_same_maker_in_canonical_form__is_accepted() -> None:
    encoded = sparse([([], [3]), ([(0, 1)], [1]), ([(0, 1), (1, 1)], [1]), ([(1, 1)], [2])])
    assert parse_polynomial(encoded).to_bytes() == encoded
    assert parse_polynomial(sparse([])).evaluate(FIELD.pack([1, 2, 3])) == ZERO


def test_parse__coefficient_of_q__is_refused() -> None:
    for function in (
        DenseQuadratic.from_terms(1, 1, {(): [1]}),
        SparsePolynomial.from_terms(1, 1, {(0,): [1]}),
    ):
        encoded = function.to_bytes()[:-ELEMENT_BYTES] + Q.to_bytes(ELEMENT_BYTES, "big")
        if isinstance(function, DenseQuadratic):
            encoded = function.to_bytes()[:HEADER_BYTES] + encoded[HEADER_BYTES:]
        with pytest.raises(NotAnElement):
            parse_polynomial(encoded)


def test_parse__counts_that_contradict_the_header__is_refused() -> None:
    encoded = bytearray(sparse([([(0, 1)], [1]), ([(1, 1)], [1])]))
    encoded[HEADER_BYTES : HEADER_BYTES + 2] = bytes([2, 1])  # says 3 factors, header 2
    with pytest.raises(MalformedFunction):
        parse_polynomial(bytes(encoded))


HEADERS = {
    "no inputs": (Kind.SPARSE, 0, 1, 1, 1, 1),
    "too many inputs": (Kind.SPARSE, 2001, 1, 1, 1, 1),
    "no outputs": (Kind.SPARSE, 1, 0, 1, 1, 1),
    "too many outputs": (Kind.SPARSE, 1, 1025, 1, 1, 1),
    "degree 21": (Kind.SPARSE, 1, 1, 21, 1, 1),
    "too many terms": (Kind.SPARSE, 9, 2, 20, MAX_TERMS // 2 + 1, 1),
    "more factors than the degree allows": (Kind.SPARSE, 9, 1, 2, 3, 7),
    "dense with another degree": (Kind.DENSE_QUADRATIC, 2, 1, 1, 6, 0),
    "dense with another number of rows": (Kind.DENSE_QUADRATIC, 2, 1, 2, 5, 0),
    "dense with factors": (Kind.DENSE_QUADRATIC, 2, 1, 2, 6, 1),
    "dense with too many terms": (Kind.DENSE_QUADRATIC, 2000, 9, 2, quadratic_terms(2000), 0),
}


@pytest.mark.parametrize("numbers", HEADERS.values(), ids=HEADERS.keys())
def test_header__outside_the_limits__is_refused(
    numbers: tuple[Kind, int, int, int, int, int],
) -> None:
    with pytest.raises(MalformedFunction):
        Header(*numbers)


@pytest.mark.parametrize("start", [b"", b"EMKF", b"EMKG\1\1", b"EMKF\2\1", b"EMKF\1\3"])
def test_header__not_the_start_of_a_function__is_refused(start: bytes) -> None:
    with pytest.raises(MalformedFunction):
        size_from_header(start.ljust(HEADER_BYTES if len(start) > 4 else 0, b"\0"))


BAD_TERMS: dict[str, dict[Monomial, list[int]]] = {
    "unsorted monomial": {(1, 0): [1]},
    "variable that is not there": {(2,): [1]},
    "negative variable": {(-1,): [1]},
    "too few coefficients": {(0,): []},
}


@pytest.mark.parametrize("written", BAD_TERMS.values(), ids=BAD_TERMS.keys())
def test_from_terms__bad_monomial__is_refused(written: dict[Monomial, list[int]]) -> None:
    for kind in (DenseQuadratic, SparsePolynomial):
        with pytest.raises(MalformedFunction):
            kind.from_terms(2, 1, written)


def test_from_terms__degree_above_the_limit__is_refused() -> None:
    with pytest.raises(MalformedFunction):
        DenseQuadratic.from_terms(2, 1, {(0, 0, 1): [1]})
    with pytest.raises(MalformedFunction):
        SparsePolynomial.from_terms(2, 1, {(0,) * 21: [1]})


def test_dense__coefficients_of_another_length__is_refused() -> None:
    with pytest.raises(MalformedFunction):
        DenseQuadratic(2, 1, ONE * 5)


def test_evaluate__twice__prepares_once(monkeypatch: pytest.MonkeyPatch) -> None:
    function = DenseQuadratic(3, 1, seeded("once").elements(10))
    x = seeded("x").elements(3)
    first = function.evaluate(x)
    monkeypatch.setattr(DenseQuadratic, "_prepare", None)
    assert function.evaluate(x) == first


def test_sparse_bytes__are_counts_then_factors_then_coefficients() -> None:
    function = SparsePolynomial.from_terms(3, 1, {(0, 0, 2): [9], (): [7]})
    body = function.to_bytes()[HEADER_BYTES:]
    assert body[:2] == bytes([0, 2])
    assert body[2 : 2 + 2 * FACTOR_BYTES] == bytes([0, 0, 2, 0, 2, 1])
    assert body[2 + 2 * FACTOR_BYTES :] == FIELD.pack([7, 9])
