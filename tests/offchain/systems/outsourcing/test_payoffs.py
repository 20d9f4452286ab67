"""No coalition within the bounds gains by any end; beyond them the page says how much.

Within: fewer than n - k + 1 judges, at most e nodes that are not the payer's, without the pool's
owner. What each can bring about is written down in `tools/payoffs.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tools.payoffs import (
    Coalition,
    Deed,
    Judges,
    Nodes,
    compute_gain,
    every_coalition,
    find_best,
    list_deeds,
)
from tools.print_payoffs import JUDGES, TERMS

from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.amounts import IndexPhase, compute_judge_threshold
from edgemark.systems.outsourcing.parameters import (
    Terms,
    compute_least_judge_fee,
    compute_least_nodes,
    compute_least_stake,
    compute_most_judge_fee,
)

BOUNDED = [who for who in every_coalition() if who.is_within_bounds]
HONEST_PAYER = {"payer": False, "pool": False, "provider": False}


@st.composite
def amounts(draw: st.DrawFn) -> Terms:
    """Terms with any amounts that a job may have."""
    d, t = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    e = draw(st.integers(1, t))
    f = draw(st.integers(12, 2**80))
    m = draw(st.integers(compute_least_nodes(d, t, e), 64))
    g = draw(st.integers(compute_least_judge_fee(f), compute_most_judge_fee(f)))
    stake = compute_least_stake(f, m, e) + draw(st.integers(0, 2**80))
    sizes = {"degree": d, "threshold": t, "errors": e, "node_count": m}
    paid = {"fee": Tokens(f), "judge_fee": Tokens(g), "stake": Tokens(stake)}
    return replace(cast.small_order().terms, **sizes, **paid)


@pytest.mark.parametrize("who", [who for who in BOUNDED if not who.provider], ids=str)
@given(terms=amounts(), judges=st.integers(4, 16))
def test_coalition_within_the_bounds__gains_by_no_end(
    who: Coalition, terms: Terms, judges: int
) -> None:
    for deed in list_deeds(who):
        assert compute_gain(who, deed, terms, judges) <= 0, deed


@given(terms=amounts())
def test_more_than_e_nodes_that_do_not_work__lose_on_average(terms: Terms) -> None:
    idle = Deed(IndexPhase.PAID, is_own=True, is_idle=True)
    who = Coalition(nodes=Nodes.MANY, judges=Judges.NONE, **HONEST_PAYER)
    assert compute_gain(who, idle, terms, JUDGES) < 0


def test_bounds__are_every_coalition_without_pool_block_and_strange_nodes() -> None:
    assert len(BOUNDED) == 2 * 2 * (2 + 3)  # provider, judges; nodes without the payer and with
    assert {Judges.SOME.count(n) + compute_judge_threshold(n) for n in range(4, 17)} == set(
        range(4, 17)
    )


@pytest.mark.parametrize("who", [w for w in every_coalition() if w.provider], ids=str)
def test_provider__adds_nothing_to_any_coalition(who: Coalition) -> None:
    assert (
        find_best(who, TERMS, JUDGES)[0]
        == find_best(replace(who, provider=False), TERMS, JUDGES)[0]
    )


@pytest.mark.parametrize(
    ("who", "gain"),
    [
        (Coalition(False, Nodes.FEW, Judges.BLOCK, False, False), 2 * TERMS.fee),
        (Coalition(True, Nodes.NONE, Judges.NONE, True, False), TERMS.fee),
        (Coalition(True, Nodes.NONE, Judges.QUORUM, False, False), 7425),
    ],
    ids=str,
)
def test_coalition_beyond_the_bounds__gains_what_the_page_says(who: Coalition, gain: int) -> None:
    assert not who.is_within_bounds
    assert find_best(who, TERMS, JUDGES)[0] == gain


def test_planted_equal_harm__paid_a_payer_for_using_up_its_charges() -> None:
    """With z = f / 10 the payer had f - z back for a node that it never served; now nothing."""
    harm = TERMS.fee // 10
    assert TERMS.fee - harm > 0
    who = Coalition(True, Nodes.NONE, Judges.NONE, False, False)
    unserved = Deed(IndexPhase.UNEARNED, is_own=False)
    assert compute_gain(who, unserved, TERMS, JUDGES) == 0


def test_planted_equal_pay_of_all_judges__paid_them_for_hearing_nothing() -> None:
    """Void paid g to the judges: a block that refused to serve earned as much as by a verdict."""
    who = Coalition(False, Nodes.NONE, Judges.BLOCK, False, False)
    assert find_best(who, TERMS, JUDGES)[0] == 0
    void = Deed(IndexPhase.VOID, is_own=False)
    assert compute_gain(who, void, TERMS, JUDGES) == 0
