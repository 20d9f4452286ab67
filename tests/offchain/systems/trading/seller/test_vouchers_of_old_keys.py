"""What a voucher is worth under an index from before keys, or the controller, changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import (
    AGREEMENT,
    CONTROLLER,
    DOMAIN,
    METERED,
    NEXT,
    OPENED,
    PAYER_KEY,
    POLICY,
    SELLER_KEY,
    SELLER_OPENING,
    TERMS,
    THIEF,
    key_of,
    sign_voucher,
)

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.life import LIFE, step
from edgemark.systems.trading.protocol.messages import Answer, Countersigned, Proposal, Request
from edgemark.systems.trading.seller.admission import (
    VoucherStrange,
    check_voucher,
    draft_bill,
    with_signature,
)
from edgemark.systems.trading.seller.sale import MAX_FORMER, Sale

LATER = Head(START + 21, START + 21)
NEW_SELLER, NEW_PAYER = key_of("seller's next"), key_of("payer's next")


def propose(sale: Sale, key: Any, head: Head = LATER) -> Sale:
    sale = LIFE.reach_time(sale, Timestamp(head.block))
    draft = draft_bill(sale, METERED, head)
    assert isinstance(draft, Proposal)
    return step(sale, with_signature(draft, sign_voucher(draft.voucher, key)))[0]


def serve(sale: Sale, number: int) -> Sale:
    sale, _ = step(sale, on.HeardRequest(Request(number, 4, b"work")))
    return step(sale, on.FoundServed(Answer(number, (4,), b"done")))[0]


def billed() -> Sale:
    """A sale whose first bill is out."""
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    return propose(serve(sale, 1), SELLER_KEY)


def signers(seller: Any = SELLER_KEY, payer: Any = PAYER_KEY, controller: Any = None) -> Signers:
    issues = controller or CONTROLLER
    return Signers(payer.address, seller.address, issues.address, int(controller is not None))


def amended(sale: Sale, after: Signers) -> Sale:
    told, _ = step(sale, on.SawAmended(after))
    assert all(told.laws().values()), told.laws()
    return told


def signed(bill: Proposal, payer: Any = PAYER_KEY, **changes: Any) -> Countersigned:
    voucher = replace(bill.voucher, **changes)
    return Countersigned(voucher, bill.signature, sign_voucher(voucher, payer))


def test_bill_of_the_sellers_old_key__is_paid_and_shown_to_nobody_who_asks_for_the_new_one() -> (
    None
):
    before = billed()
    assert before.proposed is not None
    first = signed(before.proposed)
    sale = propose(amended(before, signers(NEW_SELLER)), NEW_SELLER)
    assert sale.last_index == 2
    told = check_voucher(sale, first, DOMAIN)
    assert told == on.HeardVoucher(first)
    paid, _ = step(sale, told)
    assert (paid.signed, paid.shown, paid.unissued, paid.former_keys) == (4 * 3, None, (), ())
    assert not any(isinstance(each, do.SendSettlement) for each in paid.owed())


@pytest.mark.parametrize("payer", [PAYER_KEY, NEW_PAYER])
@pytest.mark.parametrize("by", [THIEF, NEW_SELLER, SELLER_KEY])
def test_junk_under_an_index_of_before__is_refused_whoever_made_it_up(payer: Any, by: Any) -> None:
    """After a change of the payer's key no bill was out; so it can have signed none of them."""
    before = billed()
    assert before.proposed is not None
    if payer is NEW_PAYER:
        paid, _ = step(before, on.HeardVoucher(signed(before.proposed)))
        sale = serve(amended(paid, signers(NEW_SELLER, NEW_PAYER)), 2)
        sale = propose(sale, NEW_SELLER, Head(START + 42, START + 42))
    else:
        sale = propose(amended(before, signers(NEW_SELLER)), NEW_SELLER)
    assert sale.proposed is not None
    junk = replace(sale.proposed.voucher, index=1, epoch=7)
    made_up = Countersigned(junk, bytes(65), sign_voucher(junk, payer))
    planted = [made_up]
    if payer is NEW_PAYER or by is not SELLER_KEY:
        planted.append(replace(made_up, seller_signature=sign_voucher(junk, by)))
    for each in planted:
        with pytest.raises(VoucherStrange):
            check_voucher(sale, each, DOMAIN)
    right = signed(sale.proposed, payer)
    assert check_voucher(sale, right, DOMAIN) == on.HeardVoucher(right), "it blocks nothing"


def test_voucher_of_an_old_controller__fills_no_place_of_those_that_wait_for_the_new_one() -> None:
    before = billed()
    assert before.proposed is not None
    sale = propose(amended(before, signers(controller=NEXT)), SELLER_KEY)
    told = check_voucher(sale, signed(before.proposed), DOMAIN)
    assert told is not None
    paid, _ = step(sale, told)
    assert (paid.signed, paid.unissued) == (4 * 3, ())
    newest, _ = step(sale, on.HeardVoucher(signed(sale.proposed)))  # type: ignore[arg-type]
    assert [each.proposal.voucher.index for each in newest.unissued] == [2]
    assert paid.shown is not None, "both keys in force signed it: a tower takes it"


def test_former_keys__are_few_and_go_with_their_bill() -> None:
    sale = billed()
    for number in range(MAX_FORMER + 2):
        following = key_of(f"seller's key {number}")
        sale = propose(amended(sale, signers(following)), following)
    assert len(sale.former_keys) == MAX_FORMER
    assert sale.proposed is not None
    told = check_voucher(sale, signed(sale.proposed), DOMAIN)
    assert told is not None
    assert step(sale, told)[0].former_keys == ()
    assert TERMS.seller_key == SELLER_KEY.address
