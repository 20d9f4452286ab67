"""What an operator sees of a channel at info: money and agreements, one line each."""

from __future__ import annotations

from tests.offchain.systems.trading.parties_cast import AGREEMENT, POLICY

from edgemark.identifiers import Tokens
from edgemark.systems.trading.buyer.purchase import Purchase
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.accords import events as accord
from edgemark.systems.trading.protocol.life import TOLD, BuyerPhase, PartyMachine

BUYING = Purchase(agreement=AGREEMENT, policy=POLICY, phase=BuyerPhase.BUYING)


def is_seen(event: object) -> bool:
    (line,) = PartyMachine(Purchase).tell(BUYING, event, BUYING)
    return not line.is_detail


def test_what_moves_money_or_keys__is_a_line_for_an_operator() -> None:
    assert is_seen(on.AskedTopUp(Tokens(5)))
    for kind in (on.HeardVoucher, on.FoundCountersigned, on.SawMoney, on.SawAmended):
        assert kind in TOLD
    for kind in (accord.AskedReduce, accord.AskedController, accord.AskedKey):
        assert kind in TOLD


def test_what_comes_with_each_answer__floods_nothing() -> None:
    assert not is_seen(on.HeardVoucherTaken(1))
    assert not TOLD & {on.HeardRequest, on.HeardAnswer, on.FoundServed, on.HeardProposal}
