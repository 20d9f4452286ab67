"""From a wish to an order: what fits is drafted, what does not is refused in words that help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.ethereum.merkle import MerkleTree
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.sharing.shamir import recover
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.outsourcing.contract.hashes import compute_job_id, compute_leaf, split_share
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.contract.terms import check_terms
from edgemark.systems.outsourcing.offline.drafting import (
    GATHER_PART,
    LAST_PART,
    LONGEST_WINDOW_S,
    check_node_list,
    draft_terms,
    sort_by_provider,
)
from edgemark.systems.outsourcing.protocol.events import Order

KEY = cast.key_of_role("job").public_key


def shares_of(order: Order) -> list[tuple[bytes, int]]:
    """v(j) and w(j) of every index."""
    terms = order.terms
    return [split_share(task.share, terms.inputs, terms.batch) for task in order.tasks]


@pytest.mark.parametrize("elements", [0, 1, 3, 5])
def test_draft_terms__input_of_the_wrong_length__is_refused(elements: int) -> None:
    with pytest.raises(RefusedInput, match="wrong length") as caught:
        draft_terms(cast.dense_function(), bytes(17 * elements), KEY, cast.WISH, cast.START)
    assert (caught.value.who, caught.value.had) == ("input", f"{elements} elements")
    assert caught.value.needed == "a multiple of k = 2"


@pytest.mark.parametrize("batch", [b"\0" * 16, b"\0" * 35, Q.to_bytes(17, "big") * 2, b"\xff" * 34])
def test_draft_terms__input_that_is_no_vector_of_elements__is_refused(batch: bytes) -> None:
    with pytest.raises(RefusedInput) as caught:
        draft_terms(cast.dense_function(), batch, KEY, cast.WISH, cast.START)
    assert "input" in str(caught.value.who)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"threshold": 0}, "t is too small"),
        ({"errors": 2}, "e is out of range"),
        ({"errors": 0}, "e is out of range"),
        ({"threshold": 30}, "m is out of range"),
        ({"fee": Tokens(0)}, "fee"),
        ({"judge_fee": Tokens(250)}, "judges' fee"),
        ({"judge_fee": Tokens(335)}, "judges' fee"),
        ({"fee": Tokens(2**96)}, "fee"),
        ({"accept_s": 0, "compute_s": 0}, "the time to accept is out of range"),
        ({"collect_s": -1}, "the time to collect is out of range"),
    ],
    ids=str,
)
def test_draft_terms__wish_out_of_range__is_refused(change: dict[str, Any], what: str) -> None:
    wish = replace(cast.WISH, **change)
    with pytest.raises(RefusedInput, match=what) as caught:
        draft_terms(cast.dense_function(), cast.small_batch(), KEY, wish, cast.START)
    assert caught.value.needed is not None


@pytest.mark.parametrize("window", ["accept", "compute", "collect"])
@pytest.mark.parametrize(
    ("limits", "seconds", "needed"),
    [
        (None, 0, f"1 s to {LONGEST_WINDOW_S} s"),
        (None, -5, f"1 s to {LONGEST_WINDOW_S} s"),
        (None, 2**80, f"1 s to {LONGEST_WINDOW_S} s"),
        (cast.LIMITS, 9, "10 s to 600 s"),
        (cast.LIMITS, 601, "10 s to 600 s"),
    ],
)
def test_draft_terms__a_window_out_of_range__is_refused_in_the_seconds_of_its_user(
    window: str, limits: Limits | None, seconds: int, needed: str
) -> None:
    wish = replace(cast.WISH, **{f"{window}_s": seconds})
    asked = (cast.dense_function(), cast.small_batch(), KEY, wish, cast.START, limits)
    with pytest.raises(RefusedInput, match=f"the time to {window} is out of range") as refused:
        draft_terms(*asked)
    assert (refused.value.had, refused.value.needed) == (f"{seconds} s", needed)


def test_draft_terms__more_inputs_than_can_travel__is_refused() -> None:
    many = bytes(17 * 2 * 4097)
    with pytest.raises(RefusedInput, match="batch out of range"):
        draft_terms(cast.dense_function(), many, KEY, cast.WISH, cast.START)


@given(t=st.integers(1, 4), e=st.integers(1, 4), now=st.integers(0, 2**39))
def test_draft_terms__of_any_fitting_wish__pass_the_check_of_every_node(
    t: int, e: int, now: int
) -> None:
    wish = replace(cast.WISH, threshold=t, errors=min(e, t))
    terms = draft_terms(cast.dense_function(), cast.small_batch(), KEY, wish, Timestamp(now))
    check_terms(terms)
    assert terms.accept_by == now + 30
    assert terms.node_count == 3 * t + 1 + 2 * min(e, t)


@pytest.mark.parametrize("count", [0, 5, 7])
def test_draft_order__wrong_number_of_nodes__is_refused(count: int) -> None:
    with pytest.raises(RefusedInput, match="wrong number of nodes") as caught:
        check_node_list(cast.NODE_ADDRESSES[:1] * count, 6)
    assert (caught.value.had, caught.value.needed) == (count, 6)


def test_draft_order__node_named_twice__is_refused_by_its_name() -> None:
    nodes = (*cast.NODES[:5], cast.NODES[0])
    with pytest.raises(RefusedInput, match="named twice") as caught:
        cast.order_of(nodes=nodes)
    assert caught.value.had == cast.NODE_ADDRESSES[0]


def test_draft_order__has_one_root_one_key_and_one_job_id() -> None:
    order = cast.small_order()
    assert order.root == MerkleTree([compute_leaf(task.task_id) for task in order.tasks]).root
    assert SecretKey(order.job_secret).public_key == order.terms.job_key
    expected = compute_job_id(cast.CHAIN_ID, cast.SETTLEMENT, cast.PAYER.address, order.nonce)
    assert order.job == expected
    assert (order.gather_until, order.last_charges_at) == (1070 + 20, 1130 - 10)


def test_draft_terms__amounts_and_window_that_nobody_named__fit_the_deployment() -> None:
    wish = replace(cast.WISH, judge_fee=None, collect_s=None)
    drafted = (cast.dense_function(), cast.small_batch(), KEY, wish, cast.START)
    terms = draft_terms(*drafted, cast.LIMITS)
    assert terms.judge_fee == 251
    assert terms.collect_by - terms.compute_by == cast.LIMITS.max_window
    pricey = replace(cast.LIMITS, judge_price=Tokens(12))
    assert draft_terms(*drafted, pricey).judge_fee == 12 * 12 * 2 + 1
    long = replace(cast.LIMITS, max_window=100_000, judge_window=2_000)
    answering = 2_000  # J = max(W, accept + compute)
    terms = draft_terms(*drafted, long)
    window = terms.collect_by - terms.compute_by
    assert window == 3 * (2_000 + answering)
    check_terms(terms)


@given(accept=st.integers(1, 9_000), compute=st.integers(1, 9_000), judging=st.integers(1, 9_000))
def test_default_window__leaves_served_and_answer_and_one_more_charge(
    accept: int, compute: int, judging: int
) -> None:
    wish = replace(cast.WISH, accept_s=accept, compute_s=compute, collect_s=None)
    limits = replace(cast.LIMITS, max_window=100_000, judge_window=judging)
    window = wish.choose_collect_s(limits)
    answered = window // GATHER_PART + judging + max(judging, accept + compute)
    assert answered <= window - window // LAST_PART


def test_sort_by_provider__names_the_nodes_as_a_posting_does() -> None:
    nodes = list(reversed(cast.NODE_ADDRESSES))
    assert sort_by_provider(nodes, cast.PROVIDERS) == cast.NODE_ADDRESSES


def test_sort_by_provider__two_nodes_of_one_provider__are_refused_by_name() -> None:
    one, other = cast.NODE_ADDRESSES[:2]
    providers = cast.PROVIDERS | {other: cast.PROVIDERS[one]}
    with pytest.raises(RefusedInput, match="one provider") as caught:
        sort_by_provider(cast.NODE_ADDRESSES, providers)
    assert one in str(caught.value.had)
    assert other in str(caught.value.had)


def test_draft_order__shares__are_the_input_and_alpha() -> None:
    order = cast.small_order()
    shares = shares_of(order)
    assert recover(range(1, 7), [values for values, _ in shares], 1) == cast.small_batch()
    weights = [FIELD.pack([weight]) for _, weight in shares]
    assert recover(range(1, 7), weights, 1) == FIELD.pack([order.alpha])


def test_a25_two_orders_for_the_same_input__share_no_secret() -> None:
    first = cast.order_of(batch=cast.small_batch(), name="first")
    second = cast.order_of(batch=cast.small_batch(), name="second")
    assert first.alpha != second.alpha
    assert first.job != second.job
    assert first.job_secret != second.job_secret
    for one, other in zip(shares_of(first), shares_of(second), strict=True):
        assert one[0] != other[0]
        assert one[1] != other[1]


def test_a25_alpha__is_never_zero() -> None:
    class ZeroFirst(cast.SeededRandomness):
        """Draws zero first."""

        def octets(self, count: int) -> bytes:
            drawn = super().octets(count)
            self.calls = getattr(self, "calls", 0) + 1
            return bytes(count) if self.calls == 1 else drawn

    assert ZeroFirst(b"x", for_tests_only=True).nonzero_element() != 0
