"""F2: a job that cannot be moved over a line of 1 MiB/s in its windows is not begun.

Function and evidence have to reach all judges within W, one after the other; by the planted rules,
as they were, one copy was counted, and then as if all judges kept up.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.transport.asking.one_line import play, readers_of

from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp
from edgemark.systems.outsourcing import limits
from edgemark.systems.outsourcing.contract.terms import Terms, check_terms, compute_share_bytes
from edgemark.systems.outsourcing.device.means import check_judging, check_line, compute_serving_s
from edgemark.systems.outsourcing.station.contracts import DEFAULT_LIMITS, SERVING_BLOCKS
from edgemark.transport.asking.turns import FULL_BYTES_PER_S
from edgemark.transport.limits import LEAST_BYTES_PER_S, MIB

SMALL = cast.small_order().terms
BLOCK_S, CONFIRMATIONS = 1, 2


def station(window: int, judges: int = 4) -> Any:
    """A device's, of a deployment with this W, on a chain with a block each second."""
    chain = SimpleNamespace(confirmations=CONFIRMATIONS)
    limits_of_it = replace(DEFAULT_LIMITS, judge_window=window)
    of_it = SimpleNamespace(limits=limits_of_it, judges=cast.JUDGE_ADDRESSES[:1] * judges)
    deployment = SimpleNamespace(group=lambda _: of_it)
    return SimpleNamespace(chain=chain, deployment=deployment, block_s=lambda: BLOCK_S)


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
    assert compute_serving_s(LARGEST, 1) > DEFAULT_LIMITS.judge_window
    with pytest.raises(RefusedInput, match="could not serve") as caught:
        check_judging(LARGEST, station(DEFAULT_LIMITS.judge_window))
    assert caught.value.remedy
    check_judging(LARGEST, station(100, judges=1))
    with pytest.raises(RefusedInput, match="could not serve"):
        check_judging(LARGEST, station(100))
    check_judging(LARGEST, station(360))


@pytest.mark.parametrize(("window", "idle_s"), [(8, 0), (60, 1)])
def test_f2_the_least_window__is_what_moves_and_the_blocks_of_serving(
    window: int, idle_s: int
) -> None:
    """A mute judge holds nobody up who has room beside it."""
    blocks_s = (CONFIRMATIONS + SERVING_BLOCKS) * BLOCK_S
    evidence = (SMALL.errors + 1) * (compute_share_bytes(1, 1) + 2 * 17 + 3 * limits.HEAD_BYTES)
    fits = (window - blocks_s - idle_s) * FULL_BYTES_PER_S // 4 - evidence
    check_judging(terms(fits), station(window))
    with pytest.raises(RefusedInput, match="could not serve"):
        check_judging(terms(fits + MIB), station(window))


def test_f2_small_jobs__are_begun_without_a_look_at_the_chain() -> None:
    blind = station(60)
    del blind.block_s
    check_judging(SMALL, blind)


def test_f2_the_largest_evidence__is_counted_for_each_charge_and_once_more() -> None:
    widest = terms(1, batch=4096, inputs=64, outputs=64)
    most = (SMALL.errors + 1) * limits.MAX_EVIDENCE_BYTES
    assert compute_serving_s(widest, 1) * FULL_BYTES_PER_S + 4096 >= most


def test_f2_as_many_charges_as_there_may_be__go_over_one_line_to_a_judge() -> None:
    """Evidence of one charge fits W beside this function, that of e = 15 does not."""
    many = terms(MIB, batch=512, inputs=64, outputs=64)
    many = replace(many, errors=15, node_count=64)
    check_judging(replace(many, errors=1), station(DEFAULT_LIMITS.judge_window))
    with pytest.raises(RefusedInput, match="could not serve"):
        check_judging(many, station(DEFAULT_LIMITS.judge_window))


@pytest.mark.parametrize(("judges", "fits"), [(1, True), (4, True), (5, False), (16, False)])
def test_f2_a_function__is_counted_for_each_judge_that_has_to_have_it(
    judges: int, *, fits: bool
) -> None:
    """One copy fits in any case, and was all that the planted rule looked at."""
    large = terms(9 * MIB)
    assert compute_serving_s(large, 1) < DEFAULT_LIMITS.judge_window / 4
    if fits:
        check_judging(large, station(DEFAULT_LIMITS.judge_window, judges))
    else:
        with pytest.raises(RefusedInput, match="could not serve"):
            check_judging(large, station(DEFAULT_LIMITS.judge_window, judges))


@pytest.mark.parametrize(("judges", "bad", "rate"), [(4, 1, 0.7), (7, 2, 0.7), (16, 5, 0.3)])
@pytest.mark.parametrize("window", [12, 60])
def test_f2_judges_that_do_not_keep_up__leave_the_others_time_to_serve(
    judges: int, bad: int, rate: float, window: int
) -> None:
    """Of the largest job that is begun; the planted rule counts its bytes at a full line."""
    most_s = window - (CONFIRMATIONS + SERVING_BLOCKS) * BLOCK_S
    planted = most_s / judges
    begun = max(
        length
        for length in (planted * part / 100 for part in range(1, 101))
        if compute_serving_s(terms(int(length * MIB)), judges) <= most_s
    )
    got_at_s = {}
    for length in (planted, begun):
        slow = readers_of(bad, length, most_per_s=rate * LEAST_BYTES_PER_S)
        good = readers_of(judges - bad, length)
        play([*slow, *good], LEAST_BYTES_PER_S, 2 * window)
        got_at_s[length] = max(reader.got_at for reader in good)
    assert got_at_s[begun] <= most_s < got_at_s[planted]


@pytest.mark.parametrize("rate", [0, 0.05, 0.2, 0.5, 0.74, 0.76])
@pytest.mark.parametrize(("judges", "bad"), [(4, 1), (16, 5)])
@pytest.mark.parametrize("mib", [0.36, 0.6, 2.5])
def test_f2_what_turns_leave_to_those_that_keep_up__is_no_more_than_what_is_reckoned_with(
    judges: int, bad: int, rate: float, mib: float
) -> None:
    slow = readers_of(bad, mib, most_per_s=rate * LEAST_BYTES_PER_S)
    good = readers_of(judges - bad, mib)
    play([*slow, *good], LEAST_BYTES_PER_S, 120)
    reckoned_s = compute_serving_s(terms(int(mib * MIB)), judges)
    assert max(reader.got_at for reader in good) <= reckoned_s


def test_f2_charges_that_one_thread_of_a_judge_does_not_compute_in_j__are_not_risked() -> None:
    """e = 15 of the largest task: 50 s, and the blocks in which verdicts are seen and mined."""
    most = replace(SMALL, errors=15, term_count=limits.MAX_PRODUCTS, batch=1)
    short, window = SMALL.accept_by + 20, DEFAULT_LIMITS.judge_window
    most = replace(most, compute_by=Timestamp(short))
    check_judging(most, station(window))
    slow = station(72)
    slow.block_s = lambda: 12
    with pytest.raises(RefusedInput, match="could not decide all charges") as caught:
        check_judging(most, slow)
    assert caught.value.needed == "<= J = 72 s"
    check_judging(replace(most, compute_by=Timestamp(SMALL.accept_by + 600)), slow)


@pytest.mark.parametrize(
    ("compute_s", "collect_s", "what"), [(140, 3600, "tasks"), (3600, 420, "answers")]
)
def test_f2_tasks_and_answers__fit_into_their_windows_one_after_the_other(
    compute_s: int, collect_s: int, what: str
) -> None:
    """All shares are 68 MiB, all answers 136: the largest job that there may be, e of it mute."""
    wide = replace(terms(1, batch=4096, inputs=64, outputs=64), node_count=16)

    def windows(compute_s: int, collect_s: int) -> Terms:
        by = wide.accept_by + compute_s
        return replace(wide, compute_by=Timestamp(by), collect_by=Timestamp(by + collect_s))

    check_line(windows(184, 548))
    with pytest.raises(RefusedInput, match=f"{what} of this job could not") as caught:
        check_line(windows(compute_s, collect_s))
    assert caught.value.remedy
