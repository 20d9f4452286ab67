"""Several channels are claimed by one call, or none of them is."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import open_one
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, TERMS
from tests.offchain.systems.trading.tower.tower_cast import countersign

from edgemark.cli.trading import selling
from edgemark.errors import RefusedInput
from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.rehearsed_lane import NOWHERE
from edgemark.systems.trading.contract.events import AmountPaid, ChannelEnded
from edgemark.systems.trading.contract.records import MAX_CHANNELS, ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.life import SellerPhase
from edgemark.systems.trading.seller import claiming
from edgemark.systems.trading.seller.claiming import (
    Claimed,
    NothingToClaim,
    claim,
    draft_claims,
    read_claimed,
)
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.station.sending import as_one

CONTRACT = cast(Any, "escrow")


SOLD = Sale(
    phase=SellerPhase.SERVING,
    agreement=AGREEMENT,
    policy=POLICY,
    opened_at=Timestamp(1),
    deposit=TERMS.deposit,
    voucher=countersign(open_one(), 600),
)


class Escrow:
    """Makes calls; there is no chain."""

    contract = SimpleNamespace(address="escrow")

    def checkpoint(self, brought: Any) -> Call:
        return Call(CONTRACT, "checkpoint", (list(brought),))

    def close(self, brought: Any) -> Call:
        return Call(CONTRACT, "close", (list(brought),))

    def phases(self, channels: Any, *, block: str) -> list[ChannelPhase]:
        assert block == "latest"
        return [ChannelPhase.OPEN] * len(channels)


STATION = cast(Any, SimpleNamespace(escrow=Escrow(), home=None))
find_sale = claiming.find_sale


@pytest.fixture(autouse=True)
def sales(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the home remembers, one after the other."""
    kept = [SOLD] * 3
    monkeypatch.setattr(claiming, "find_sale", lambda *_: kept.pop())
    return kept


@pytest.mark.parametrize(("is_end", "function"), [(False, "checkpoint"), (True, "close")])
def test_three_channels__are_claimed_by_one_call(is_end: bool, function: str) -> None:
    call, claimed = draft_claims(STATION, [CHANNEL] * 3, is_end=is_end)
    assert (call.function, len(call.args[0])) == (function, 3)
    assert [(each.amount, each.is_end) for each in claimed] == [(600, is_end)] * 3


def test_one_channel__is_claimed_by_the_call_that_a_seller_makes() -> None:
    call, _ = draft_claims(STATION, [CHANNEL], is_end=False)
    assert call.about is not None, "so that it joins what is under way"


def test_one_of_them_that_is_paid__claims_none(sales: list[Any]) -> None:
    sales[0] = replace(SOLD, paid=Tokens(600))
    with pytest.raises(NothingToClaim):
        draft_claims(STATION, [CHANNEL] * 3, is_end=False)


def event(kind: Any, channel: ChannelId, **told: Any) -> Any:
    """What a log of the escrow says, as far as it is looked at."""
    blank = dict.fromkeys(each.name for each in fields(kind))
    return kind(**{**blank, "channel": channel, **told})


def test_what_the_escrow_passed_over__is_said() -> None:
    """One ended between the look and the transaction; another was paid more than was known."""
    first, second = (ChannelId(bytes([number]) * 32) for number in (1, 2))
    sent = [Claimed(each, Tokens(600), is_end=True) for each in (first, second)]
    told = [
        event(AmountPaid, second, paid=Tokens(600)),
        event(ChannelEnded, first, amount=Tokens(650)),
    ]
    assert read_claimed(sent, told) == [
        Claimed(first, Tokens(650), is_end=True),
        Claimed(second, Tokens(600), is_end=True, is_passed_over=True),
    ]
    paid = [replace(each, is_end=False) for each in sent]
    assert [each.is_passed_over for each in read_claimed(paid, told)] == [True, False]


def test_claim__looks_at_what_its_transaction_did(monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = SimpleNamespace(block_hash=bytes([1]) * 32, logs=())
    sent = []
    monkeypatch.setattr(claiming, "send_as_asked", lambda *told: sent.append(told) or receipt)
    station = SimpleNamespace(escrow=Escrow(), home=None)
    (one, _) = claim(cast(Any, station), [CHANNEL] * 2, is_end=True)
    assert one.is_passed_over
    ((by, call, _),) = sent
    assert (by, call.function) == (station, "close")
    receipt.block_hash = NOWHERE
    monkeypatch.setattr(claiming, "find_sale", lambda *_: SOLD)
    (one, _) = claim(cast(Any, station), [CHANNEL] * 2, is_end=True)
    assert not one.is_passed_over, "a rehearsal that nothing is known of"


def test_more_than_the_escrow_takes__are_refused() -> None:
    calls = [Call(CONTRACT, "checkpoint", (["piece"],))] * MAX_CHANNELS
    assert len(as_one(calls).args[0]) == MAX_CHANNELS
    for many in ([], [*calls, calls[0]]):
        with pytest.raises(RefusedInput, match="no list of this length"):
            as_one(many)


def test_what_was_passed_over__is_told_without_an_amount_that_nobody_got() -> None:
    one = Claimed(CHANNEL, Tokens(600), is_end=False)
    assert selling._tell(one)["done"] == "paid"
    assert selling._tell(replace(one, is_end=True))["done"] == "closed"
    passed = selling._tell(replace(one, is_passed_over=True))
    assert passed == {"channel": CHANNEL.hex(), "done": "passed over"}


def test_channel_that_a_home_knows_nothing_of__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found in (None, Sale()):
        monkeypatch.setattr(claiming, "look_up", lambda *_, found=found: found)
        with pytest.raises(RefusedInput, match="is not known here"):
            find_sale(tmp_path, CHANNEL)
    monkeypatch.setattr(claiming, "look_up", lambda *_: SOLD)
    assert find_sale(tmp_path, CHANNEL) == SOLD
