"""F2: a job whose function and evidence cannot reach the judges within W is not begun."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing import limits
from edgemark.systems.outsourcing.contract.terms import Terms, check_terms, compute_share_bytes
from edgemark.systems.outsourcing.device.means import check_judging, compute_moving_s
from edgemark.systems.outsourcing.station.contracts import DEFAULT_LIMITS, SERVING_BLOCKS
from edgemark.transport.limits import LEAST_BYTES_PER_S, MIB

SMALL = cast.small_order().terms
BLOCK_S, CONFIRMATIONS = 1, 2


def station(window: int) -> Any:
    """A device's, of a deployment with this W, on a chain with a block each second."""
    chain = SimpleNamespace(
        confirmations=CONFIRMATIONS,
        block=lambda number: SimpleNamespace(
            number=1000, timestamp=1000 if number == "latest" else number * BLOCK_S
        ),
    )
    of_it = SimpleNamespace(limits=replace(DEFAULT_LIMITS, judge_window=window))
    return SimpleNamespace(chain=chain, deployment=SimpleNamespace(group=lambda _: of_it))


def terms(function_bytes: int, batch: int = 1, inputs: int = 1, outputs: int = 1) -> Terms:
    return replace(
        SMALL,
        function_bytes=function_bytes,
        batch=batch,
        inputs=inputs,
        outputs=outputs,
        share_bytes=compute_share_bytes(batch, inputs),
    )


LARGEST = terms(limits.MAX_FUNCTION_BYTES, batch=64, inputs=64, outputs=64)


def test_f2_the_job_with_the_longest_function__fits_no_window_of_a_minute() -> None:
    check_terms(replace(LARGEST, term_count=1))  # nothing but this refuses it
    assert compute_moving_s(LARGEST) > DEFAULT_LIMITS.judge_window
    with pytest.raises(RefusedInput, match="could not serve") as caught:
        check_judging(LARGEST, station(DEFAULT_LIMITS.judge_window))
    assert caught.value.remedy
    check_judging(LARGEST, station(90))


@pytest.mark.parametrize("window", [8, 60])
def test_f2_the_least_window__is_what_moves_and_the_blocks_of_serving(window: int) -> None:
    blocks_s = (CONFIRMATIONS + SERVING_BLOCKS) * BLOCK_S
    evidence = (SMALL.errors + 1) * (compute_share_bytes(1, 1) + 2 * 17 + 3 * limits.HEAD_BYTES)
    fits = (window - blocks_s) * LEAST_BYTES_PER_S - evidence
    check_judging(terms(fits), station(window))
    with pytest.raises(RefusedInput, match="could not serve"):
        check_judging(terms(fits + MIB), station(window))


def test_f2_small_jobs__are_begun_without_a_look_at_the_chain() -> None:
    check_judging(SMALL, SimpleNamespace())


def test_f2_the_largest_evidence__is_counted_for_each_charge_and_once_more() -> None:
    widest = terms(1, batch=4096, inputs=64, outputs=64)
    most = (SMALL.errors + 1) * limits.MAX_EVIDENCE_BYTES
    assert compute_moving_s(widest) * LEAST_BYTES_PER_S + 4096 >= most


def test_f2_as_many_charges_as_there_may_be__go_over_one_line_to_a_judge() -> None:
    """Evidence of one charge fits W beside this function, that of e = 15 does not."""
    many = terms(36 * MIB, batch=1024, inputs=64, outputs=64)
    many = replace(many, errors=15, node_count=64)
    check_judging(replace(many, errors=1), station(DEFAULT_LIMITS.judge_window))
    with pytest.raises(RefusedInput, match="could not serve"):
        check_judging(many, station(DEFAULT_LIMITS.judge_window))
