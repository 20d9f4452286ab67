"""Bills of a bundle: what both signed stands, what their controller alone said is told as its."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace as Known
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import START
from tests.offchain.systems.trading.credentials.trade_cast import (
    STRANGER,
    TEMPLATES,
    TERMS,
    TIC,
    VOUCHER,
    did_of,
    say,
    sign,
)

from edgemark.cli.trading.evidence.replaying import AGREES, BUT_NOT, DIFFERS, say_verdict
from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.credentials.sealing import carry
from edgemark.systems.trading.credentials.settlement import draft_claims
from edgemark.systems.trading.protocol.agreement import Readings
from edgemark.systems.trading.protocol.messages import Proposal
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.story.evidence.bills import try_bills
from edgemark.systems.trading.story.evidence.trial import ChannelTrial

DEAL = Deal.of(TERMS, TIC.token, TEMPLATES)
STORY = Known(opened=Known(time=START), terms=TERMS, deeds=())
UNITS, MANY = 100, 4


def bill(index: int, before: int) -> Proposal:
    """The bill of an interval, as its strategy gives it."""
    start = Timestamp(START + 60 * (index - 1))
    shown = Readings(start, Timestamp(start + 60), (UNITS * (index - 1),), (UNITS * index,))
    fee = DEAL.pricing.bill(shown, is_first=not before, left=10**15)
    voucher = replace(VOUCHER, index=index, amount=Tokens(before + fee))
    return Proposal(voucher, shown, fee, Timestamp(start + 600), False, bytes(65))


def bills() -> list[Proposal]:
    row: list[Proposal] = []
    for index in range(1, MANY + 1):
        row.append(bill(index, row[-1].voucher.amount if row else 0))
    return row


BILLS = bills()


def kept(bill: Proposal, **changes: Any) -> KeptSettlement:
    """Its credential, with claims that its controller changed."""
    buyer = changes.pop("subject", None)
    said = say(bill.voucher, carry({**draft_claims(DEAL.trade, bill), **changes}))
    said = said if buyer is None else replace(said, buyer=buyer)
    return KeptSettlement(sign(said), said, bytes(65))


def try_all(*settlements: KeptSettlement) -> ChannelTrial:
    trial = ChannelTrial()
    try_bills(trial, Known(settlements=settlements, story=STORY), DEAL)
    return trial


def sound(trial: ChannelTrial) -> list[int]:
    """Indices whose claims fit."""
    names = [check.name for check in trial.receipt.checks if check.passed]
    return [int(name.split()[1].rstrip(":")) for name in names]


def test_bills_in_a_row__fit_and_nothing_is_left() -> None:
    trial = try_all(*map(kept, BILLS))
    assert (sound(trial), trial.by_controller, trial.not_checked) == ([1, 2, 3, 4], [], [])


FALSE: dict[str, dict[str, Any]] = {
    "fee": {"fee": "7"},
    "fee above all that is owed": {"fee": str(10**9)},
    "start": {"start": START - 1000},
    "end": {"end": START + 10**6},
    "readings": {"readings": {"before": ["0"], "after": ["9"]}},
    "readings far ahead": {"readings": {"before": ["100"], "after": [str(10**6)]}},
    "registers": {"readings": {"before": [], "after": []}},
    "field": {"more": "1"},
    "buyer": {"buyer": str(did_of(STRANGER)), "subject": did_of(STRANGER)},
    "encryption": {"encryption": "jwe"},
}


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_of_a_controller__are_told_as_its_own_and_fail_nothing(name: str) -> None:
    row = [kept(each) for each in BILLS]
    row[1] = kept(BILLS[1], **dict(FALSE[name]))
    trial = try_all(*row)
    assert trial.failed == []
    assert 2 not in sound(trial) or trial.not_checked
    if 2 in sound(trial):  # more was used than was billed: nobody lost by that
        assert "why its fee is" in trial.not_checked[0]
        return
    assert trial.by_controller[0].startswith("settlement 2: fee and readings, claims by the issuer")
    owed = BILLS[1].voucher.amount
    assert trial.by_controller[0].endswith(f"both signed that {owed} are owed in all")
    assert sound(trial) == [1, 3, 4]
    trial.since = Known(has_moved=False)  # type: ignore[assignment]
    assert say_verdict(trial, 1) == AGREES + BUT_NOT


def test_settlement_left_out_in_the_middle__is_told_with_what_it_came_to() -> None:
    one, _, three, four = map(kept, BILLS)
    trial = try_all(one, three, four)
    assert sound(trial) == [1, 3, 4]
    (told,) = trial.not_checked
    assert told.startswith(
        "settlement 3: fee and readings before it: settlements from index 1 to 3"
    )
    assert f"of {BILLS[1].fee} in all" in told
    (told,) = try_all(three, four).not_checked
    assert "the settlement before it is not here" in told


def test_bill_cut_by_a_reduction_that_nobody_brought__fits_and_is_told() -> None:
    fee = BILLS[1].fee - 1
    voucher = replace(BILLS[1].voucher, amount=Tokens(BILLS[0].voucher.amount + fee))
    cut = replace(BILLS[1], fee=Tokens(fee), voucher=voucher)
    trial = try_all(kept(BILLS[0]), kept(cut))
    assert (sound(trial), trial.by_controller) == ([1, 2], [])
    (told,) = trial.not_checked
    assert told.startswith(f"settlement 2: why its fee is {fee}, and not {fee + 1}")
    at_deposit = replace(TERMS, deposit=voucher.amount)
    trial = ChannelTrial()
    story = Known(opened=Known(time=START), terms=at_deposit, deeds=())
    try_bills(trial, Known(settlements=(kept(BILLS[0]), kept(cut)), story=story), DEAL)
    assert (sound(trial), trial.not_checked) == ([1, 2], [])


def test_amount_that_goes_back__fails_as_both_signed_it() -> None:
    less = replace(BILLS[0], voucher=replace(BILLS[0].voucher, index=9))
    trial = try_all(kept(BILLS[0]), kept(BILLS[1]), kept(less))
    assert trial.failed == ["settlement 9: amount"]
    assert say_verdict(trial, 1) == DIFFERS
