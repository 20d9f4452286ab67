"""Every end of an index divides exactly what is held, and nobody honest pays for a liar."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast

from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.amounts import (
    IndexPhase,
    Payout,
    compute_judge_share,
    compute_payout,
)
from edgemark.systems.outsourcing.parameters import Terms, compute_least_nodes, compute_least_stake

ENDS = [phase for phase in IndexPhase if phase.is_end]
CHARGED_ENDS = {
    IndexPhase.CONVICTED,
    IndexPhase.REFUTED,
    IndexPhase.ANSWERED,
    IndexPhase.VOID,
    IndexPhase.LAPSED,
}
EACH_END = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)


@st.composite
def amounts(draw: st.DrawFn) -> Terms:
    """Terms with any amounts that a job may have."""
    d, t = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    e = draw(st.integers(0, t))
    m = draw(st.integers(compute_least_nodes(d, t, e), 64))
    f = draw(st.integers(10, 2**80))
    g = draw(st.integers(1, f))
    stake = compute_least_stake(f, g, m, e) + draw(st.integers(0, 2**80))
    return replace(
        cast.small_order().terms,
        fee=Tokens(f),
        judge_fee=Tokens(g),
        stake=Tokens(stake),
        node_count=m,
        errors=e,
        threshold=t,
        degree=d,
    )


@EACH_END
@given(terms=amounts())
def test_payout__of_every_end__is_all_that_was_held(end: IndexPhase, terms: Terms) -> None:
    held = terms.fee + terms.stake + (terms.bond if end in CHARGED_ENDS else 0)
    payout = compute_payout(end, terms)
    assert payout.total == held
    assert min(payout.node, payout.payer, payout.judges, payout.pool) >= 0


@given(terms=amounts())
def test_payout__of_a_conviction__costs_the_payer_nothing(terms: Terms) -> None:
    payout = compute_payout(IndexPhase.CONVICTED, terms)
    assert payout.node == 0
    assert payout.payer >= terms.fee + terms.bond
    assert payout.payer - terms.fee - terms.bond <= (terms.node_count - 1) * terms.fee
    assert payout.judges == terms.judge_fee


@given(terms=amounts())
def test_payout__of_judges__is_the_same_whoever_loses(terms: Terms) -> None:
    verdicts = (IndexPhase.CONVICTED, IndexPhase.REFUTED, IndexPhase.ANSWERED, IndexPhase.VOID)
    assert {compute_payout(end, terms).judges for end in verdicts} == {terms.judge_fee}


@given(terms=amounts())
def test_payout__of_a_right_node__is_never_less_than_its_stake_and_fee(terms: Terms) -> None:
    for end in (IndexPhase.PAID, IndexPhase.REFUTED, IndexPhase.VOID):
        assert compute_payout(end, terms).node >= terms.stake + terms.fee
    answered = compute_payout(IndexPhase.ANSWERED, terms).node
    assert answered == terms.stake + terms.fee - terms.judge_fee // 2 > terms.stake
    assert compute_payout(IndexPhase.LAPSED, terms).node == terms.stake


@given(terms=amounts())
def test_a23_fee_of_a_committed_unconvicted_index__never_returns_to_the_payer(
    terms: Terms,
) -> None:
    ends = (
        IndexPhase.PAID,
        IndexPhase.REFUTED,
        IndexPhase.ANSWERED,
        IndexPhase.VOID,
        IndexPhase.LAPSED,
    )
    for end in ends:
        locked = terms.fee + (terms.bond if end in CHARGED_ENDS else 0)
        assert compute_payout(end, terms).payer <= locked - terms.fee


def test_payouts__of_the_small_job__in_numbers() -> None:
    terms = cast.small_order().terms
    assert (terms.fee, terms.judge_fee, terms.stake) == (1003, 103, 6018)
    assert (terms.bond, terms.harm) == (1106, 100)
    expected = {
        IndexPhase.PAID: Payout(node=7021),
        IndexPhase.EQUAL_HARM: Payout(node=5918, payer=903, pool=200),
        IndexPhase.CONVICTED: Payout(payer=5015 + 1003 + 1106, judges=103, pool=900),
        IndexPhase.REFUTED: Payout(node=8024, judges=103),
        IndexPhase.ANSWERED: Payout(node=6018 + 1003 - 51, payer=1106 - 52, judges=103),
        IndexPhase.VOID: Payout(node=8024, judges=103),
        IndexPhase.LAPSED: Payout(node=6018, payer=1106, pool=1003),
        IndexPhase.RELEASED: Payout(node=6018, payer=1003),
    }
    assert {end: compute_payout(end, terms) for end in ENDS} == expected


@pytest.mark.parametrize("phase", [phase for phase in IndexPhase if not phase.is_end])
def test_payout__of_an_index_that_goes_on__is_an_error(phase: IndexPhase) -> None:
    with pytest.raises(ValueError, match=phase.name):
        compute_payout(phase, cast.small_order().terms)


@given(fee=st.integers(0, 2**96), judges=st.integers(4, 16))
def test_judge_share__and_remainder__are_the_whole_fee(fee: int, judges: int) -> None:
    share, rest = compute_judge_share(fee, judges)
    assert share * judges + rest == fee
    assert 0 <= rest < judges
