"""What becomes of a lot whose requests the loop did not take."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CONDITIONS, METERED
from tests.offchain.systems.trading.work.work_cast import CHANNELS, make_batch, make_dense

from edgemark.identifiers import Tokens
from edgemark.loop.machine import IllegalMove, LoopBusy
from edgemark.systems.trading.buyer.buyer import Buyer
from edgemark.systems.trading.buyer.orders.ordering import ALL, Wanted
from edgemark.systems.trading.buyer.orders.shelf import Shelf

CHANNEL = CHANNELS[0]
FUNCTION = make_dense()
ROOMY = replace(AGREEMENT, conditions=replace(CONDITIONS, cap=Tokens(10**6)))


def buyer_whose_loop(error: Exception, home: Path) -> Any:
    """As much of a buyer as gives an order; no loop of the real one is busy for half a minute."""

    def ask(*_: object, **__: object) -> None:
        raise error

    deals = SimpleNamespace(get=lambda _: METERED)
    return SimpleNamespace(
        _ordering=threading.Lock(),
        state=lambda _: SimpleNamespace(last_number=0, known=ROOMY, requests=(), units_came=0),
        station=SimpleNamespace(deals=deals),
        shelf=Shelf(home),
        runtime=SimpleNamespace(ask=ask),
    )


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (LoopBusy("event not taken yet", who="buyer"), 1),
        (IllegalMove("is stopped", who="purchase"), 0),
    ],
)
def test_lot__goes_only_when_its_requests_were_refused(
    error: Exception, left: int, tmp_path: Path
) -> None:
    buyer = buyer_whose_loop(error, tmp_path)
    wanted = Wanted.polynomial(FUNCTION, make_batch(FUNCTION, 6), 2)
    with pytest.raises(type(error)):
        Buyer.order(buyer, CHANNEL, wanted, sample=ALL, out="")
    assert len(buyer.shelf.lots(CHANNEL)) == left
