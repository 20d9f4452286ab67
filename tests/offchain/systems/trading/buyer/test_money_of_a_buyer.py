"""What a buyer locks: decided by what the chain says at confirmed depth, and by one at a time."""

from __future__ import annotations

import contextlib
import functools
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, SELLER_OPENING

from edgemark.identifiers import Timestamp, Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.loop.machine import TryAgain
from edgemark.systems.trading.buyer import buyer as buying
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.money.means import find_refused
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.life import BuyerPhase

AGREED = Purchase(agreement=AGREEMENT, policy=POLICY, opening=SELLER_OPENING)
UNTIL = SELLER_OPENING.valid_until
REFUSED = ContractRefused("ChannelEscrow", "open", "TooLate", {})


def chain(phase: ChannelPhase, now: int) -> Any:
    """A station that shows a channel in this phase, in a confirmed block of this time."""
    shown = SimpleNamespace(phase=phase)
    return SimpleNamespace(
        chain=SimpleNamespace(confirmed=lambda: 7),
        escrow=SimpleNamespace(channel=lambda _, block: shown if block == 7 else None),
        time_of=lambda block: Timestamp(now if block == 7 else 10**12),
    )


@pytest.mark.parametrize(
    ("phase", "now"),
    [(ChannelPhase.NONE, UNTIL), (ChannelPhase.OPEN, UNTIL + 1), (ChannelPhase.ENDED, UNTIL + 1)],
)
def test_an_opening_that_a_node_refuses__is_looked_at_again_as_long_as_it_may_stand(
    phase: ChannelPhase, now: int
) -> None:
    with pytest.raises(TryAgain, match="TooLate"):
        find_refused(chain(phase, now), AGREED, REFUSED)


def test_an_opening__is_refused_for_good_by_a_confirmed_block_after_its_last_second() -> None:
    found = find_refused(chain(ChannelPhase.NONE, UNTIL + 1), AGREED, REFUSED)
    assert found == on.FoundOpeningRefused("TooLate")


class Topping:
    """A buyer whose tokens take their time to be brought in."""

    def __init__(self) -> None:
        self.purchase = replace(AGREED, deposit=Tokens(100), phase=BuyerPhase.BUYING)
        self.station = SimpleNamespace(head=lambda: Head(0, 0))
        self._ordering = threading.Lock()
        self.both = threading.Barrier(2)
        self.runtime = SimpleNamespace(ask=self.ask)

    def state(self, channel: object) -> Purchase:
        assert channel == CHANNEL
        return self.purchase

    def _bring_in(self, amount: Tokens) -> None:
        assert amount > 0
        with contextlib.suppress(threading.BrokenBarrierError):
            self.both.wait(0.3)  # whoever read the state before has both here

    def ask(self, channel: object, event: on.AskedTopUp) -> None:
        assert channel == CHANNEL
        self.purchase = self.purchase.after(event)


def test_two_that_are_begun_at_once__are_brought_in_for_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each brings in what is owed without the other, and one opening finds no tokens."""
    monkeypatch.setattr(buying, "check_signature", lambda *_: None)
    monkeypatch.setattr(buying, "draft_policy", lambda *_: POLICY)
    happened: list[str] = []
    buyer: Any = Topping()
    buyer._decided = None
    buyer.station = SimpleNamespace(
        address=AGREEMENT.terms.payer,
        deals=SimpleNamespace(agreement=lambda _: AGREEMENT),
        decided=SimpleNamespace(limits=None),
        domain=SimpleNamespace(opening=lambda *_: bytes(32)),
    )

    def bring_in(amount: Tokens) -> None:
        happened.append("brought")
        Topping._bring_in(buyer, amount)

    buyer._bring_in = bring_in
    buyer._openings = SimpleNamespace(begin=lambda *_: happened.append("asked"))
    buyer._asked = functools.partial(Buyer._asked, buyer)
    threads = [
        threading.Thread(target=lambda: Buyer.begin(buyer, {CHANNEL: SELLER_OPENING}))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert happened == ["brought", "asked"] * 2


def test_two_that_add_to_one_deposit_at_once__add_both() -> None:
    buyer: Any = Topping()
    wanted: list[int] = []
    threads = [
        threading.Thread(target=lambda a=a: wanted.append(Buyer.top_up(buyer, CHANNEL, Tokens(a))))
        for a in (50, 7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert buyer.purchase.wanted_deposit == max(wanted) == 157
