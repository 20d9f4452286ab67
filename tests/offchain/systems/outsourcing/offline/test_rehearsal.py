"""A rehearsed job: sizes are those of the terms, seconds are there, and impossible jobs refused."""

from __future__ import annotations

import pytest

from edgemark.crypto.polynomial import DenseQuadratic, SparsePolynomial
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.offline.drafting import Wish
from edgemark.systems.outsourcing.offline.rehearsal import MOST_REHEARSED, rehearse

FUNCTION = DenseQuadratic.from_terms(3, 2, {(0, 1): (1, 2), (): (3, 4)})


def wish(threshold: int = 1, errors: int = 1) -> Wish:
    return Wish(threshold, errors, Tokens(100), Tokens(30), 5, 5, 5)


@pytest.mark.parametrize("batch", [1, MOST_REHEARSED, 10 * MOST_REHEARSED])
def test_rehearsal__tells_sizes_and_measured_seconds(batch: int) -> None:
    costs = rehearse(FUNCTION, wish(2, 1), batch)
    assert (costs.inputs, costs.outputs, costs.degree, costs.terms) == (3, 2, 2, 20)
    assert (costs.threshold, costs.errors, costs.nodes) == (2, 1, 9)
    assert costs.share_bytes == 17 * (3 * batch + 1)
    assert costs.answer_bytes == 17 * 4 * batch
    assert costs.function_bytes == len(FUNCTION.to_bytes())
    assert min(costs.device_seconds, costs.node_seconds, costs.local_seconds) > 0


def test_rehearsal_of_more_than_one_job_takes__is_refused_although_few_inputs_are_played() -> None:
    wide = SparsePolynomial.from_terms(1, 65, {(0,): (1,) * 65})
    assert rehearse(wide, wish(), 4032).answer_bytes == 34 * 4032 * 65
    with pytest.raises(RefusedInput, match="output values"):
        rehearse(wide, wish(), 4033)


def test_linear_function__needs_fewer_nodes() -> None:
    assert rehearse(SparsePolynomial.from_terms(2, 1, {(1,): (5,)}), wish(), 1).nodes == 5


@pytest.mark.parametrize(("threshold", "errors"), [(0, 0), (1, 2), (30, 1)])
def test_rehearsal_of_a_job_that_cannot_be__is_refused(threshold: int, errors: int) -> None:
    with pytest.raises(RefusedInput):
        rehearse(FUNCTION, wish(threshold, errors), 1)
