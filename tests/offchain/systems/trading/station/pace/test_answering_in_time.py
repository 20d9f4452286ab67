"""What a party begins no more once its chain turns out too slow, by a pace of the test's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.parties_cast import AGREEMENT, OPENED, POLICY, SELLER_OPENING

from edgemark.identifiers import Timestamp
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Pause
from edgemark.systems.trading.protocol.life import SellerPhase, step
from edgemark.systems.trading.protocol.messages import Request
from edgemark.systems.trading.seller.admission import NotServed
from edgemark.systems.trading.seller.dealing import Dealing
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching.following import left_to_answer
from edgemark.systems.trading.station.pace.answering import MAX_SAID, Answering
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.taking import NotWatchedNow, TimeShort
from edgemark.systems.trading.tower.tower import Tower

WINDOW = AGREEMENT.terms.window


class SlowStation:
    """A chain whose blocks come as the test says; 0: nobody can tell."""

    address = "me"
    paces = SimpleNamespace(poll_s=1.0)
    chain = SimpleNamespace(confirmations=1)

    def __init__(self, block_s: int = 0) -> None:
        self.pace = block_s

    def block_s(self) -> int:
        return self.pace

    def bringing_s(self) -> int:
        return TradingStation.bringing_s(cast(Any, self))

    def may_answer(self, had_s: int) -> bool:
        return TradingStation.may_answer(cast(Any, self), had_s)


def channels(many: int) -> list[ChannelId]:
    return [ChannelId(number.to_bytes(32, "big")) for number in range(many)]


def test_channels_that_leave_too_little_time__are_said_once_and_when_they_do_again() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    station = SlowStation()
    log = SimpleNamespace(warning=lambda text, **facts: told.append((text, facts)))
    answering = Answering(cast(Any, station), cast(Any, log))
    left = {each: 10 + at for at, each in enumerate(channels(20))}
    answering.look(left)
    assert (answering.late, told) == (0, []), "nobody can tell"
    station.pace = 5  # 1 confirmation, 2 blocks, a look: 16 s
    for _ in range(2):
        answering.look(left)
    ((text, facts),) = told
    assert "too slowly" in text
    assert (answering.late, facts["in_all"], facts["needed"]) == (7, 7, "> 16 s")
    for pace, late in ((6, 10), (5, 7), (1, 0), (0, 0)):
        station.pace = pace
        answering.look(left)
        assert answering.late == late
    assert [facts["in_all"] for _, facts in told] == [7, 3, 3, 7]
    station.pace = 60
    answering.look(left)
    assert told[-1][1]["channels"].count(", ") == MAX_SAID - 1
    answering.look({})
    assert answering.late == 0
    assert len(told) == 5, "of a channel that ended nothing is said"


def test_a_seller__takes_no_order_in_a_channel_whose_close_it_could_not_answer() -> None:
    sale = Sale()
    for event in (on.AskedSell(AGREEMENT, POLICY, SELLER_OPENING), *OPENED):
        sale, _ = step(sale, event)
    assert left_to_answer([Sale(), sale]) == {sale.known.channel: WINDOW}
    stopped, _ = step(sale, on.AskedStop(Timestamp(10)))
    assert stopped.phase is SellerPhase.STOPPED
    assert left_to_answer([stopped]) == {sale.known.channel: WINDOW}, "its payer may close still"
    station = SlowStation()
    dealing = cast(Any, SimpleNamespace(_station=station))
    request = Request(1, 1, b"")
    for pace in (0, 1):
        station.pace = pace
        Dealing._check_pace(dealing, sale, request)
    station.pace = WINDOW
    with pytest.raises(NotServed, match="a window of") as refused:
        Dealing._check_pace(dealing, sale, request)
    assert refused.value.why is Pause.CHAIN_SLOW


def test_a_tower__takes_no_state_that_it_could_not_bring_in_time_and_drops_none() -> None:
    terms, margin = AGREEMENT.terms, 20
    shortest = terms.shortest_s(10**6)
    promise = SimpleNamespace(terms=terms, lock_expiry=terms.lock_expiry(10**6))
    watch = cast(Any, SimpleNamespace(known=promise))
    station = SlowStation()
    decided = SimpleNamespace(margin_s=margin)
    tower = cast(Any, SimpleNamespace(station=station, _decided=decided, _stale_s=10))
    for pace in (0, 1):
        station.pace = pace
        Tower._check_pace(tower, watch)
    station.pace = shortest
    with pytest.raises(TimeShort):
        Tower._check_pace(tower, watch)
    with pytest.raises(NotWatchedNow, match="margin"):
        Tower._check_awake(tower)
