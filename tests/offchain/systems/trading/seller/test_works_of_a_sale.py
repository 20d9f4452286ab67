"""Works and bills of a sale: what each may cost, what is left for it, and whose answer goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    METERED,
    POLICY,
    PRICE,
    TERMS,
    draft_proposal,
)

from edgemark.identifiers import Timestamp, Tokens
from edgemark.loop.machine import IllegalMove
from edgemark.loop.moves import TimeOver
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.life import SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import Answer, Proposal, Request
from edgemark.systems.trading.seller.admission import NothingYet, draft_bill
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.works import Billed, Work

SALE = Sale(
    phase=SellerPhase.SERVING,
    agreement=AGREEMENT,
    policy=POLICY,
    opened_at=Timestamp(START),
    deposit=TERMS.deposit,
    signers=TERMS.signers,
    billed=Billed(end=Timestamp(START)),
    over=frozenset({TimeOver(TradeTime.INTERVAL)}),
)
HEAD = Head(START + 20, START + 20)


def test_work__is_charged_what_it_used_or_else_what_it_may_use() -> None:
    work = Work(Request(1, 9, b"work"))
    assert work.charge == 9
    assert replace(work, answer=Answer(1, (4,), b"done")).charge == 4


def test_answer_that_the_buyer_has__takes_no_other_answer_away() -> None:
    answered = [Work(Request(n, 9, b""), Answer(n, (1,), b"answer %d" % n)) for n in (1, 2, 3)]
    waiting = Work(Request(4, 9, b"work"))
    sale = replace(SALE, works=(*answered, waiting))
    told, _ = step(sale, on.HeardAnswerTaken(2))
    first, second, third, fourth = told.works
    assert (first, third, fourth) == (answered[0], answered[2], waiting)
    assert (second.is_taken, second.answer) == (True, Answer(2, (1,), b""))
    still = [each for each in told.owed() if isinstance(each, do.SendAnswer)]
    assert still == [do.SendAnswer(1), do.SendAnswer(3)]
    assert step(told, on.HeardAnswerTaken(1))[0].received == 2
    assert step(sale, on.HeardAnswerTaken(4))[0].works == sale.works, "it is not answered yet"


@pytest.mark.parametrize(("left", "fee"), [(61, 60), (60, 60), (30, 30), (1, 1)])
def test_bill__is_no_more_than_what_is_left_of_the_deposit(left: int, fee: int) -> None:
    had = Billed(Tokens(TERMS.deposit - left), Timestamp(START), (500,))
    sale = replace(SALE, billed=had, used=(520,))
    bill = draft_bill(sale, METERED, HEAD)
    assert isinstance(bill, Proposal)
    assert (20 * PRICE, bill.fee, bill.voucher.amount) == (60, fee, had.amount + fee)


def test_nothing_left__is_told_once_and_billed_when_it_is_covered() -> None:
    had = Billed(TERMS.deposit, Timestamp(START), (500,))
    sale = replace(SALE, billed=had, used=(520,))
    overdrawn = draft_bill(sale, METERED, HEAD)
    assert overdrawn == on.FoundOverdrawn(Timestamp(HEAD.block))
    with pytest.raises(NothingYet):
        draft_bill(replace(sale, overdrawn_since=Timestamp(START)), METERED, HEAD)
    free = draft_bill(replace(sale, used=(500,)), METERED, HEAD)
    assert isinstance(free, on.FoundNothingDue), "what costs nothing needs no deposit"


def test_bill_of_nothing__is_proposed_to_nobody() -> None:
    had = replace(SALE, billed=Billed(Tokens(30), Timestamp(START), (10,)), used=(10,))
    right = draft_proposal(33, 1, 3)
    shown = replace(right.readings, before=(10,), after=(10,))
    nothing = replace(draft_proposal(30), fee=Tokens(0), readings=shown)
    assert nothing.begins_at == had.billed.amount
    with pytest.raises(IllegalMove):
        step(had, on.FoundProposal(nothing))
    assert step(had, on.FoundProposal(replace(right, readings=shown)))[0].proposed is not None
