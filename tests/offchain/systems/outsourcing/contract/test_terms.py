"""Terms: what is in bounds, what is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import RefusedInput
from edgemark.systems.outsourcing.contract.terms import (
    LEAST_FEE,
    Terms,
    check_pace,
    check_sharing,
    check_terms,
    check_work,
    compute_least_judge_fee,
    compute_least_stake,
    compute_most_judge_fee,
    compute_output_bytes,
    compute_share_bytes,
    hash_nodes,
    warn_of_judges,
)
from edgemark.systems.outsourcing.limits import MAX_NODES, MAX_OUTPUT_BYTES, MAX_SHARE_BYTES

TERMS = cast.small_order().terms


def check_numbers(degree: int, threshold: int, errors: int, node_count: int) -> None:
    """`check_sharing`, in the order of the paper."""
    check_sharing(degree=degree, threshold=threshold, errors=errors, node_count=node_count)


def with_sizes(**changes: Any) -> Terms:
    """The small job's terms with other sizes, and the length of a share that fits them."""
    terms = replace(TERMS, **changes)
    return replace(terms, share_bytes=compute_share_bytes(terms.batch, terms.inputs))


def test_least_nodes__of_the_first_job__are_six() -> None:
    assert compute_least_nodes(degree=2, threshold=1, errors=1) == 6


@given(data=st.data(), d=st.integers(1, 20))
def test_check_sharing__one_node_fewer_than_needed__is_refused(data: Any, d: int) -> None:
    t = data.draw(st.integers(1, (MAX_NODES - 1) // (d + 3)))
    e = data.draw(st.integers(1, t))
    least = (d + 1) * t + 1 + 2 * e
    check_numbers(d, t, e, least)
    check_numbers(d, t, e, MAX_NODES)
    for m in (least - 1, MAX_NODES + 1, 0):
        with pytest.raises(RefusedInput, match=f"had m = {m}; needed {least} <= m <= 64") as caught:
            check_numbers(d, t, e, m)
        assert caught.value.who == "job"
        assert caught.value.remedy


@pytest.mark.parametrize(
    ("numbers", "had"),
    [
        ((2, 0, 1, 6), "0"),
        ((2, -1, 1, 6), "-1"),
        ((2, 1, 2, 8), "e = 2"),
        ((2, 1, 0, 6), "e = 0"),
        ((2, 1, -1, 6), "e = -1"),
        ((0, 1, 1, 6), "0"),
        ((21, 1, 1, 64), "21"),
        ((20, 4, 1, 87), "m = 87"),
    ],
)
def test_check_sharing__number_out_of_range__says_what_there_was(
    numbers: tuple[int, int, int, int], had: str
) -> None:
    with pytest.raises(RefusedInput) as caught:
        check_numbers(*numbers)
    assert str(caught.value.had) == had
    assert caught.value.needed is not None


@given(f=st.integers(1, 2**90), m=st.integers(4, 64), e=st.integers(1, 20))
def test_least_stake__is_the_fee_of_the_job_for_every_e(f: int, m: int, e: int) -> None:
    least = compute_least_stake(f, m, e)
    assert least * e >= m * f
    assert (least - 1) * e < m * f


@example(f=LEAST_FEE, t=1, d=1)
@given(f=st.integers(LEAST_FEE, 10**24), t=st.integers(1, 7), d=st.integers(1, 3))
def test_least_stake__makes_a_charge_drawn_at_random_cost_colluders_the_whole_job(
    f: int, t: int, d: int
) -> None:
    for e in range(1, t + 1):
        m = compute_least_nodes(d, t, e)
        expected_loss_of_one = compute_least_stake(f, m, e) * e  # times 1/m: drawn e of m
        assert expected_loss_of_one >= m * f


@example(f=LEAST_FEE)
@given(f=st.integers(LEAST_FEE, 2**90))
def test_judge_fee__from_the_least_fee_on__has_room_between_a_quarter_and_a_third(f: int) -> None:
    least, most = compute_least_judge_fee(f), compute_most_judge_fee(f)
    assert least <= most
    assert 4 * least >= f
    assert 3 * most <= f


def test_judge_fee__grows_with_the_work_of_the_job() -> None:
    assert compute_least_judge_fee(1000) == 250
    assert compute_least_judge_fee(1000, 100, floor=7, price=2) == 250
    assert compute_least_judge_fee(1000, 150, floor=7, price=2) == 307


def test_hash_of_nodes__is_over_a_word_for_each() -> None:
    nodes = cast.NODE_ADDRESSES
    words = b"".join(bytes(12) + bytes.fromhex(node[2:]) for node in nodes)
    assert hash_nodes(nodes) == keccak256(words)
    assert hash_nodes(nodes[::-1]) != hash_nodes(nodes)


def test_check_terms__of_the_small_job__passes() -> None:
    check_terms(TERMS)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"batch": 0}, "batch"),
        ({"batch": 4097}, "batch"),
        ({"inputs": 0}, "inputs k"),
        ({"inputs": 2001}, "inputs k"),
        ({"outputs": 0}, "outputs n"),
        ({"outputs": 1025}, "outputs n"),
        ({"batch": 4096, "inputs": 65}, "input values"),
        ({"batch": 4096, "outputs": 65}, "output values"),
        ({"batch": 4096, "outputs": 64, "node_count": 17}, "values of all nodes"),
        ({"batch": 4096, "term_count": 2**16 + 1}, "products"),
        ({"function_bytes": 0}, "function bytes"),
        ({"function_bytes": 64 * 2**20 + 1}, "function bytes"),
        ({"term_count": 0}, "term count"),
        ({"fee": 5}, "fee"),
        ({"fee": 2**96}, "fee"),
        ({"judge_fee": 250}, "judges' fee"),
        ({"judge_fee": 335}, "judges' fee"),
        ({"stake": 6017}, "stake"),
        ({"stake": 2**96}, "stake"),
        ({"accept_by": TERMS.compute_by}, "deadlines"),
        ({"compute_by": TERMS.collect_by}, "deadlines"),
        ({"collect_by": 0}, "deadlines"),
        ({"node_count": 5}, "m is out of range"),
        ({"errors": 2}, "e is out of range"),
        ({"degree": 3}, "m is out of range"),
    ],
    ids=str,
)
def test_check_terms__field_out_of_bounds__is_refused_by_name(
    changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(RefusedInput, match=what) as caught:
        check_terms(with_sizes(**changes))
    assert caught.value.who is not None
    assert caught.value.had is not None
    assert caught.value.needed is not None


@pytest.mark.parametrize("share_bytes", [TERMS.share_bytes - 1, TERMS.share_bytes + 1, 0])
def test_check_terms__share_of_another_length__is_refused(share_bytes: int) -> None:
    with pytest.raises(RefusedInput, match="share bytes"):
        check_terms(replace(TERMS, share_bytes=share_bytes))


@pytest.mark.parametrize("key", [b"", bytes(33), b"\x04" + bytes(32), b"\x02" + b"\xff" * 32])
def test_check_terms__job_key_that_is_no_point__is_refused(key: bytes) -> None:
    with pytest.raises(RefusedInput, match="compressed public key"):
        check_terms(replace(TERMS, job_key=key))


def test_sizes__of_the_largest_job_that_travels() -> None:
    assert compute_share_bytes(4096, 64) == MAX_SHARE_BYTES == 17 * (4096 * 64 + 1)
    assert compute_output_bytes(4096, 64) == MAX_OUTPUT_BYTES == 2 * 17 * 4096 * 64


def test_check_work__more_products_than_judges_have_time_for__are_refused() -> None:
    check_work(4096, 2**16, 64 * 2**20)
    for batch, terms in ((4096, 2**16 + 1), (2**12 - 1, 2**16 + 17)):
        with pytest.raises(RefusedInput, match="products") as caught:
            check_work(batch, terms, 64 * 2**20)
        assert caught.value.remedy


def test_check_pace__a_window_shorter_than_three_looks__is_refused() -> None:
    shortest = min(TERMS.compute_by - TERMS.accept_by, TERMS.collect_by - TERMS.compute_by)
    check_pace(TERMS, shortest / 3, who="node")
    with pytest.raises(RefusedInput, match="too seldom") as caught:
        check_pace(TERMS, shortest / 3 + 0.01, who="node")
    assert caught.value.remedy


@given(data=st.data())
def test_terms_hash__changes_with_every_field(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([n for n in vars(TERMS) if n not in {"job_key"}]))
    value = getattr(TERMS, name)
    other = bytes(32) if isinstance(value, bytes) else value + 1
    assert replace(TERMS, **{name: other}).hash != TERMS.hash


def test_terms__as_abi__stand_in_the_order_of_the_contract() -> None:
    assert len(TERMS.as_abi()) == 18
    assert TERMS.as_abi()[11:15] == (TERMS.job_key, TERMS.fee, TERMS.stake, TERMS.judge_fee)


@pytest.mark.parametrize(
    ("threshold", "errors", "shares"), [(1, 1, 2), (2, 2, 3), (1, 3, 4), (2, 1, 0), (1, 0, 0)]
)
def test_r26_whoever_chooses_no_more_than_e__is_told_what_a_judge_and_a_node_know(
    threshold: int, errors: int, shares: int
) -> None:
    said = warn_of_judges(threshold, errors)
    assert (f"would hold {shares} shares" in said) if shares else said == ""


def test_check_sharing__that_would_take_more_nodes_than_any_job__says_what_is_too_large() -> None:
    """Before: "needed 3000003 <= m <= 64"."""
    with pytest.raises(RefusedInput) as refused:
        check_sharing(degree=2, threshold=1_000_000, errors=1, node_count=3_000_003)
    assert refused.value.needed == "m <= 64"
    assert "take a smaller t" in refused.value.remedy
