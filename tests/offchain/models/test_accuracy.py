"""A compiled model answers what the plain one says, within the bound that its plan states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.models.plain_models import (
    find_excess,
    run_in_field,
    run_plainly,
)

from edgemark.errors import RefusedInput
from edgemark.models.compiling import compile_model, find_exponent
from edgemark.models.description import ModelDescription
from edgemark.models.signature import Decision, Signature, number_names
from edgemark.models.steps import (
    Kernel,
    Linear,
    Monomials,
    Rescale,
    Standardise,
    Step,
)
from edgemark.models.traced import Precision

Row = tuple[float, ...]
NOTHING_TO_SAY = ("depend on its inputs", "rounds to zero", "error bound is wider")
precisions = st.sampled_from(Precision)


def numbers(precision: Precision, largest: float) -> st.SearchStrategy[float]:
    """Floats of this precision, none of them so small that only its rounding shows."""
    width = 32 if precision is Precision.SINGLE else 64
    return st.floats(-largest, largest, width=width, allow_subnormal=False)


@st.composite
def draw_models(draw: st.DrawFn) -> tuple[ModelDescription, list[Row]]:
    """A model of some steps, and rows within its bounds, the corners often among them."""
    precision = draw(precisions)
    k = draw(st.integers(1, 3))
    bounds = draw(st.lists(st.sampled_from([0.5, 1.0, 7.0, 16.0, 300.0]), min_size=k, max_size=k))
    steps: list[Step] = []
    if draw(st.booleans()):
        means = st.lists(numbers(precision, 10.0), min_size=k, max_size=k)
        scales = st.lists(st.sampled_from([0.25, 1.5, 3.0]), min_size=k, max_size=k)
        steps.append(Standardise(tuple(draw(means)), tuple(draw(scales))))
    if draw(st.booleans()):
        pairs = st.lists(numbers(precision, 2.0), min_size=k, max_size=k)
        steps.append(Rescale(tuple(draw(pairs)), tuple(draw(pairs))))
    steps.append(draw(draw_last_step(precision, k)))
    outputs = len(steps[-1].weights)  # type: ignore[union-attr]
    if draw(st.booleans()) and isinstance(steps[-1], Linear):
        variables = draw(
            st.lists(
                st.lists(st.integers(0, k - 1), min_size=1, max_size=3).map(
                    lambda v: tuple(sorted(v))
                ),
                min_size=1,
                max_size=6,
                unique=True,
            )
        )
        steps.insert(-1, Monomials(tuple(variables)))
        row = st.lists(numbers(precision, 4.0), min_size=len(variables), max_size=len(variables))
        weights = tuple(tuple(draw(row)) for _ in range(outputs))
        steps[-1] = replace(steps[-1], weights=weights)
    signature = Signature(number_names("x", k), False, tuple(bounds), number_names("y", outputs))
    shares = st.one_of(st.floats(-1, 1), st.sampled_from([-1.0, 0.0, 1.0]))
    rows = draw(st.lists(st.tuples(*[shares] * k), min_size=1, max_size=4))
    scaled = [tuple(s * b for s, b in zip(row, bounds, strict=True)) for row in rows]
    return ModelDescription("drawn", precision, signature, tuple(steps)), scaled


@st.composite
def draw_last_step(draw: st.DrawFn, precision: Precision, k: int) -> Step:
    """A linear step of 1 to 3 outputs, or a kernel with as many vectors."""
    count = draw(st.integers(1, 3))
    row = st.lists(numbers(precision, 4.0), min_size=k, max_size=k).map(tuple)
    rows = tuple(draw(st.lists(row, min_size=count, max_size=count)))
    offsets = tuple(draw(st.lists(numbers(precision, 4.0), min_size=count, max_size=count)))
    if draw(st.booleans()):
        return Linear(rows, offsets)
    duals = st.lists(numbers(precision, 4.0), min_size=count, max_size=count).map(tuple)
    return Kernel(
        vectors=rows,
        gamma=draw(st.sampled_from([0.125, 1.0])),
        constant=draw(st.sampled_from([0.0, 1.0])),
        degree=draw(st.integers(1, 3)),
        weights=(draw(duals),),
        offsets=offsets[:1],
    )


@given(draw_models())
def test_answer__of_any_model_and_row__is_within_the_stated_bound(
    drawn: tuple[ModelDescription, list[Row]],
) -> None:
    model, rows = drawn
    try:
        compiled = compile_model(model.trace())
    except RefusedInput as refused:
        assert any(words in str(refused) for words in NOTHING_TO_SAY)
        return
    assert find_excess(compiled, rows, run_plainly(model, rows)) <= 0


@given(draw_models(), st.integers(1, 20))
def test_answer__at_a_coarse_scale__is_within_the_wider_bound(
    drawn: tuple[ModelDescription, list[Row]], bits: int
) -> None:
    model, rows = drawn
    try:
        compiled = compile_model(model.trace(), bits)
    except RefusedInput:
        return
    assert compiled.plan.overflow.fixed.fraction_bits == bits
    assert find_excess(compiled, rows, run_plainly(model, rows)) <= 0


def classify(rows: tuple[Row, ...], offsets: Row) -> ModelDescription:
    signature = Signature(
        ("x_0", "x_1"),
        False,
        (4.0, 4.0),
        number_names("score", len(rows)),
        Decision.LARGEST,
        tuple(range(len(rows))),
    )
    return ModelDescription("scores", Precision.DOUBLE, signature, (Linear(rows, offsets),))


@given(
    weights=st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=2, max_size=4),
    row=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    bits=st.integers(1, 30),
)
def test_label__that_is_sure__is_the_plain_models(
    weights: list[tuple[float, float]], row: tuple[float, float], bits: int
) -> None:
    model = classify(tuple(weights), (0.5,) * len(weights))
    try:
        compiled = compile_model(model.trace(), bits)
    except RefusedInput:
        return  # every weight rounds to zero at this scale
    (answer,) = run_in_field(compiled, [row])
    plain = run_plainly(model, [row])[0]
    margin = np.sort(plain)[-1] - np.sort(plain)[-2]
    if answer.is_sure:
        assert answer.label == int(plain.argmax())
    assert answer.is_sure or margin <= 4 * max(compiled.plan.error_bounds)


def test_bound__of_a_model_that_cancels__counts_what_its_floats_lose() -> None:
    # (x + 1) - x is 1; in float32 it is 0 for x = 2^24
    signature = Signature(("x",), False, (2.0**24,), ("y",))
    steps = (
        Monomials(((0,), (0,))),
        Rescale((1.0, 1.0), (1.0, 0.0)),
        Linear(((1.0, -1.0),), (0.0,)),
    )
    model = ModelDescription("cancels", Precision.SINGLE, signature, steps)
    off = max(abs(float(run_plainly(model, [[x]])[0, 0]) - 1.0) for x in (2.0**24, 2.0**24 - 1))
    assert off == 1.0
    with pytest.raises(RefusedInput, match="does not depend on its inputs"):
        compile_model(model.trace())
    assert model.trace().outputs[0].roundoff >= off


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_exponent__of_a_bound__is_the_least_that_covers_it(bound: float) -> None:
    p = find_exponent(bound)
    assert 2.0 ** (p - 1) < bound <= 2.0**p


def test_inputs_of_different_size__do_not_cost_each_other_accuracy() -> None:
    signature = Signature(("small", "large"), False, (1e-3, 1e6), ("y",))
    steps = (Monomials(((0, 0), (1, 1), (0, 1))), Linear(((1e6, 1e-12, 1.0),), (0.0,)))
    compiled = compile_model(ModelDescription("mixed", Precision.DOUBLE, signature, steps).trace())
    assert max(compiled.plan.overflow.output_errors) < 1e-5
    assert find_excess(compiled, [(1e-3, -1e6)], [[1.0 + 1.0 - 1e3]]) <= 0
