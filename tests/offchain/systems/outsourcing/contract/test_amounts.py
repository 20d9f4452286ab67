"""Every end of an index divides exactly what is held, and nobody honest pays for a liar."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.architecture.checkout import ROOT
from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.contract.amounts import (
    Payees,
    Payout,
    compute_ending,
    compute_judge_share,
    compute_judge_threshold,
    compute_payout,
    share_out,
)
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import (
    LEAST_FEE,
    Terms,
    compute_least_judge_fee,
    compute_least_stake,
    compute_most_judge_fee,
)

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
    e = draw(st.integers(1, t))
    m = draw(st.integers(compute_least_nodes(d, t, e), 64))
    f = draw(st.just(LEAST_FEE) | st.integers(LEAST_FEE, 2**80))
    g = draw(st.integers(compute_least_judge_fee(f), compute_most_judge_fee(f)))
    stake = compute_least_stake(f, m, e) + draw(st.integers(0, 2**80))
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
    verdicts = (IndexPhase.CONVICTED, IndexPhase.REFUTED, IndexPhase.ANSWERED)
    assert {compute_payout(end, terms).judges for end in verdicts} == {terms.judge_fee}


@given(terms=amounts())
def test_payout__without_a_verdict__pays_no_judge(terms: Terms) -> None:
    """Void paid judges for hearing nothing as much as for a verdict."""
    for end in (IndexPhase.VOID, IndexPhase.LAPSED, IndexPhase.PAID, IndexPhase.UNEARNED):
        assert compute_payout(end, terms).judges == 0
    assert compute_payout(IndexPhase.VOID, terms).pool == terms.judge_fee


@given(terms=amounts())
def test_payout__of_a_started_job__returns_the_fee_by_a_conviction_only(terms: Terms) -> None:
    """Equal harm paid a payer for using its charges up on nodes that it never served."""
    for end in (IndexPhase.UNEARNED, IndexPhase.PAID):
        assert compute_payout(end, terms).payer == 0
    assert compute_payout(IndexPhase.UNEARNED, terms).node == terms.stake


@EACH_END
@given(terms=amounts())
def test_ending__of_every_end__divides_each_place_by_itself(end: IndexPhase, terms: Terms) -> None:
    ending = compute_ending(end, terms)
    assert ending.stake.total == terms.stake
    assert ending.deposit.total == terms.fee + (terms.bond if end in CHARGED_ENDS else 0)
    assert not (ending.deposit.judges and ending.stake.judges)


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
    assert (terms.fee, terms.judge_fee, terms.stake, terms.bond) == (1003, 263, 6018, 1266)
    expected = {
        IndexPhase.PAID: Payout(node=7021),
        IndexPhase.UNEARNED: Payout(node=6018, pool=1003),
        IndexPhase.CONVICTED: Payout(payer=5015 + 1003 + 1266, judges=263, pool=740),
        IndexPhase.REFUTED: Payout(node=8024, judges=263),
        IndexPhase.ANSWERED: Payout(node=6018 + 1003 - 131, payer=1266 - 132, judges=263),
        IndexPhase.VOID: Payout(node=8024, pool=263),
        IndexPhase.LAPSED: Payout(node=6018, payer=1266, pool=1003),
        IndexPhase.RELEASED: Payout(node=6018, payer=1003),
    }
    assert {end: compute_payout(end, terms) for end in ENDS} == expected


@pytest.mark.parametrize("phase", [phase for phase in IndexPhase if not phase.is_end])
def test_payout__of_an_index_that_goes_on__is_an_error(phase: IndexPhase) -> None:
    with pytest.raises(ValueError, match=phase.name):
        compute_payout(phase, cast.small_order().terms)


@given(fee=st.integers(0, 2**96), judges=st.integers(4, 16), data=st.data())
def test_judge_share__and_the_rest__are_the_whole_fee(
    fee: int, judges: int, data: st.DataObject
) -> None:
    signers = data.draw(st.integers(0, judges))
    share, rest = compute_judge_share(fee, judges, signers)
    assert share * signers + rest == fee
    assert share == fee // judges  # whoever else signed: leaving one out brings nobody more


@EACH_END
@given(terms=amounts(), signers=st.integers(0, 4))
def test_share_out__of_every_end__gives_each_role_its_part_and_the_pool_the_rest(
    end: IndexPhase, terms: Terms, signers: int
) -> None:
    payout, signed = compute_payout(end, terms), cast.JUDGE_ADDRESSES[:signers]
    node, payer = cast.NODE_ADDRESSES[0], cast.PAYER.address
    due = share_out(payout, Payees(node, payer, cast.POOL, 4, signed))
    share, rest = compute_judge_share(payout.judges, 4, signers)
    parts = {node: payout.node, payer: payout.payer, cast.POOL: payout.pool + rest}
    parts |= dict.fromkeys(signed, share)
    assert due == {account: amount for account, amount in parts.items() if amount}
    assert sum(due.values()) == payout.total


def test_share_out__to_an_account_in_two_roles__gives_it_both_parts() -> None:
    judge, pool = cast.JUDGE_ADDRESSES[0], cast.POOL
    payout = Payout(node=5, payer=7, judges=9, pool=1)
    assert share_out(payout, Payees(judge, judge, pool, 4, (judge,))) == {judge: 14, pool: 8}


def test_judge_threshold__is_more_than_two_thirds_and_no_more() -> None:
    counts = (4, 5, 6, 7, 15, 16)
    assert [compute_judge_threshold(count) for count in counts] == [3, 4, 5, 5, 11, 11]


def test_phases__are_those_of_the_interface_in_its_order() -> None:
    text = (ROOT / "contracts" / "interfaces" / "IJobSettlement.sol").read_text()
    names = text.partition("enum IndexPhase {")[2].partition("}")[0].replace(",", " ").split()
    assert [(phase.name.title(), phase.value) for phase in IndexPhase] == [
        (name, place) for place, name in enumerate(names)
    ]
