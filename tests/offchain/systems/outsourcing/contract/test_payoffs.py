"""No coalition within the bounds gains by any end; beyond them the page says how much.

Within: fewer than n - k + 1 judges, at most e nodes that are not the payer's, without the pool's
owner. What each can bring about is written down in `tools/payoffs.py`.
"""

from __future__ import annotations

from collections.abc import Callable
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

from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.contract.amounts import (
    Ending,
    Payout,
    compute_ending,
    compute_judge_threshold,
)
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import (
    LEAST_FEE,
    Terms,
    compute_least_judge_fee,
    compute_least_stake,
    compute_most_judge_fee,
)
from tools import payoffs

BOUNDED = [who for who in every_coalition() if who.is_within_bounds]
HONEST_PAYER = {"payer": False, "pool": False, "provider": False}


@st.composite
def amounts(draw: st.DrawFn) -> Terms:
    """Terms with any amounts that a job may have."""
    d, t = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    e = draw(st.integers(1, t))
    f = draw(st.just(LEAST_FEE) | st.integers(LEAST_FEE, 2**80))
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


def plant(
    monkeypatch: pytest.MonkeyPatch, end: IndexPhase, planted: Callable[[Terms], Ending]
) -> None:
    """One end is divided as it was before."""

    def compute(which: IndexPhase, terms: Terms) -> Ending:
        return planted(terms) if which is end else compute_ending(which, terms)

    monkeypatch.setattr(payoffs, "compute_ending", compute)


def divide_unearned(terms: Terms) -> Ending:
    """Equal harm: payer and node lose z = f / 10 each."""
    harm = terms.fee // 10
    deposit = Payout(payer=terms.fee - harm, pool=harm)
    return Ending(deposit, Payout(node=terms.stake - harm, pool=harm))


def divide_void(terms: Terms) -> Ending:
    """The judges have g, whatever they did."""
    deposit = Payout(node=2 * terms.fee, judges=terms.judge_fee)
    return Ending(deposit, Payout(node=terms.stake))


def test_planted_equal_harm__lets_a_payer_gain_by_nodes_that_it_never_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [who for who in BOUNDED if find_best(who, TERMS, JUDGES)[0] > 0] == []
    plant(monkeypatch, IndexPhase.UNEARNED, divide_unearned)
    gaining = {who for who in BOUNDED if find_best(who, TERMS, JUDGES)[0] > 0}
    assert gaining == {who for who in BOUNDED if who.payer}
    alone = Coalition(True, Nodes.NONE, Judges.NONE, False, False)
    unserved = Deed(IndexPhase.UNEARNED, is_own=False)
    assert find_best(alone, TERMS, JUDGES) == (TERMS.fee - TERMS.fee // 10, unserved)


@pytest.mark.parametrize("judges", [Judges.BLOCK, Judges.QUORUM])
def test_planted_void__lets_judges_gain_by_hearing_nothing(
    monkeypatch: pytest.MonkeyPatch, judges: Judges
) -> None:
    who = Coalition(False, Nodes.NONE, judges, False, False)
    assert find_best(who, TERMS, JUDGES)[0] == 0
    plant(monkeypatch, IndexPhase.VOID, divide_void)
    share = judges.count(JUDGES) * TERMS.judge_fee // JUDGES
    assert find_best(who, TERMS, JUDGES) == (share, Deed(IndexPhase.VOID, is_own=False))
