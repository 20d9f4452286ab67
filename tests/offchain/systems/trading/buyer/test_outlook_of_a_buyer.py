"""What `status` says of a channel: what is awaited, the money, the time to the overdraft."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, TERMS

from edgemark.amounts import Amount
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.buyer.outlook import (
    REASONS,
    ChannelUnknown,
    describe,
    find_awaited,
    require_known,
    stand,
    tell,
)
from edgemark.systems.trading.buyer.purchase import Purchase, Signed
from edgemark.systems.trading.contract.records import ChannelEnding
from edgemark.systems.trading.protocol.agreement import Fault, Reason
from edgemark.systems.trading.protocol.life import BuyerPhase
from edgemark.systems.trading.protocol.messages import Request

BUYING = Purchase(
    agreement=AGREEMENT,
    policy=POLICY,
    phase=BuyerPhase.BUYING,
    opened_at=Timestamp(START),
    deposit=TERMS.deposit,
    signed=Signed(3, Tokens(100), Timestamp(START + 50), (30,)),
    paid=Tokens(40),
)


def test_money__is_what_was_deposited_signed_paid_and_is_left() -> None:
    standing = stand(BUYING)
    left = TERMS.deposit - 100
    assert (standing.deposit, standing.signed, standing.paid) == (TERMS.deposit, 100, 40)
    assert standing.left == left
    assert standing.outlook is not None
    assert standing.outlook.seconds == left * 50 // 100  # at the pace of the first 50 s
    assert standing.outlook.surely == left // 60 * 20  # at the cap of every interval


def test_what_is_paid__is_after_the_end_what_the_seller_got() -> None:
    ended = replace(
        BUYING, phase=BuyerPhase.ENDED, ending=ChannelEnding.CLAIMED, amount=Tokens(100)
    )
    facts = describe(ended)
    assert (facts["paid"], facts["signed"], facts["cost"]) == (Amount(100),) * 3
    assert facts["left"] == Amount(Tokens(0))  # nothing is held of it any more


def test_time_to_the_overdraft__is_left_out_where_service_ends_before() -> None:
    slow = replace(BUYING, signed=replace(BUYING.signed, amount=Tokens(1)))
    assert "overdraft_in_s" not in describe(slow)
    warned = replace(slow, warned=slow.deposit)
    assert describe(warned)["top_up_now"] is True


def test_what_is_paid_and_not_known_to_be_signed__is_not_left() -> None:
    lost = replace(BUYING, signed=Signed(), phase=BuyerPhase.STOPPED, is_lost=True)
    assert stand(lost).left == TERMS.deposit - 40
    assert stand(lost).outlook is None


AWAITED: dict[str, tuple[dict[str, Any], str]] = {
    "opening": ({"phase": BuyerPhase.AGREED}, "the opening, on chain"),
    "blocks": ({"blocks_stopped": True}, "new blocks"),
    "broker": ({"broker_away": True}, "its broker"),
    "top-up": ({"wanted_deposit": Tokens(TERMS.deposit + 1)}, "a top-up, on chain"),
    "answers": ({"requests": (Request(1, 1, b""), Request(2, 1, b""))}, "2 answers of the seller"),
    "user": ({}, f"orders of its user: `edgemark trading buy --in {CHANNEL.hex()[:16]}`"),
    "seller": ({"phase": BuyerPhase.STOPPED}, "the seller, to end it on chain"),
    "voucher": (
        {"phase": BuyerPhase.STOPPED, "is_returned": False},
        "the seller, to take the last voucher",
    ),
    "over": ({"phase": BuyerPhase.ENDED}, "nothing"),
}


@pytest.mark.parametrize(("changed", "words"), AWAITED.values(), ids=AWAITED)
def test_what_is_awaited__is_said_in_words(changed: dict[str, Any], words: str) -> None:
    state = replace(BUYING, **changed)
    assert find_awaited(state) == words
    assert words in tell(state)


def test_a_lost_disk__waits_for_the_sellers_word_or_close_by() -> None:
    state = replace(BUYING, phase=BuyerPhase.STOPPED, is_lost=True)
    assert find_awaited(state).startswith("the seller's word for the end, else close_by")


def test_every_reason__has_its_words() -> None:
    assert set(REASONS) == set(Reason)


def test_facts__name_reason_fault_and_evidence_once_there_are_any() -> None:
    quiet = describe(BUYING)
    assert not {"reason", "fault", "evidence", "refused", "ending"} & quiet.keys()
    wrong = replace(BUYING, why=Reason.PROPOSAL_WRONG, fault=Fault.CAP, phase=BuyerPhase.STOPPED)
    told = describe(wrong, wrong=["1.wrong"])
    assert (told["reason"], told["fault"]) == ("proposal_wrong", "cap")
    assert (told["wrong_answers"], told["signed"]) == (["1.wrong"], Amount(100))


def test_a_channel_that_nobody_bought_in__is_unknown_by_its_id() -> None:
    for state in (None, Purchase()):
        with pytest.raises(ChannelUnknown, match=CHANNEL.hex()):
            require_known(state, CHANNEL)
