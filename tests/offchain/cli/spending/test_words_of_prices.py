"""A price that is nothing now says so in one breath with what may follow."""

from __future__ import annotations

from edgemark.cli.spending.price import Price
from edgemark.ledger.evm.sending.rehearsed_lane import Rehearsal


def test_what_costs_later__is_not_said_to_need_nothing() -> None:
    told = Price(Rehearsal(()), later=("The end takes gas.",)).tell()
    assert told == "Price: nothing now. The end takes gas."
    assert Price(Rehearsal(())).tell() == "Price: nothing, for nothing has to be sent."
