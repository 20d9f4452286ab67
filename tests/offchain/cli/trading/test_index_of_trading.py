"""Channels and offers, listed from the index of a chain's events, agree with the contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT
from tests.offchain.systems.trading.station.trading_ground import TradingGround, ground
from tests.stage.command_line import Finished, edgemark_here

from edgemark.cli.terminal.exits import Exit
from edgemark.systems.trading.contract.market.offers import OfferUnknown
from edgemark.systems.trading.contract.market.records import Demand

__all__ = ["ground"]
pytestmark = [pytest.mark.chain, pytest.mark.lasts(8)]


def run(ground: TradingGround, *words: str) -> Finished:
    environ = {
        "EDGEMARK_CHAIN_URL": ground.chain.url,
        "EDGEMARK_CONFIRMATIONS": "0",
        "EDGEMARK_MANIFEST": str(ground.folder / "deployment.json"),
    }
    home = ground.settings("reader").home
    return edgemark_here("index", *words, "--home", home, environ=environ)


def listed(ground: TradingGround, what: str, *words: str) -> list[dict[str, Any]]:
    ran = run(ground, what, *words, "--json")
    assert ran.status == Exit.DONE, ran.error
    found: list[dict[str, Any]] = ran.value[what]
    return found


@pytest.fixture(scope="module")
def traded(ground: TradingGround) -> Iterator[TradingGround]:
    """An offer with two channels, one of which ended and was released; and one without an offer."""
    seller, payer = ground["seller"], ground["payer"]
    offer = ground.post_offer(capacity=3)
    ended, _ = ground.open(offer=offer), ground.open(offer=offer)
    ground.send("seller", seller.escrow.close, ground.voucher(ended, 300))
    ground["outsider"].lane.send(seller.offers.release([ended]))
    alone = ground.open()
    ground.send("payer", payer.escrow.close, ground.voucher(alone, 10))
    yield ground


def test_channels__are_listed_with_money_and_phase(traded: TradingGround) -> None:
    closing, opened, ended = listed(traded, "channels")
    assert (ended["phase"], ended["ending"], ended["paid"]) == ("ended", "claimed", "300")
    assert (opened["phase"], opened["deposit"], opened["bond"]) == ("open", str(DEPOSIT), str(BOND))
    assert (closing["phase"], closing["offer"]) == ("closing by payer", None)
    assert opened["offer"] == ended["offer"] != ""
    by_phase = [each["channel"] for each in listed(traded, "channels", "--phase", "open")]
    assert by_phase == [opened["channel"]]
    mine = traded.address("payer")
    assert len(listed(traded, "channels", "--party", mine[:10])) == 3
    assert listed(traded, "channels", "--party", traded.address("outsider")) == []
    assert len(listed(traded, "channels", "--controller", traded.address("outsider"))) == 3
    assert listed(traded, "channels", "--controller", mine) == []
    assert len(listed(traded, "channels", "--limit", "2")) == 2
    assert "closing by payer" in run(traded, "channels").out


def test_offers__have_what_the_book_says_is_left_of_them(traded: TradingGround) -> None:
    (row,) = listed(traded, "offers")
    book = traded["seller"].offers
    offer = bytes.fromhex(row["offer"])
    kept = book.offer(offer)  # type: ignore[arg-type]
    assert (row["state"], row["free"], row["of"]) == ("listed", kept.free, 3)
    assert kept.free == 2
    assert row["price"] == str(kept.draft.price)
    assert kept.draft.category.hex() == row["category"]
    assert listed(traded, "offers", "--seller", traded.address("payer")) == []
    found, fitting = book.recommend(Demand(book.escrow, kept.draft.category))
    assert (found, fitting) == ([kept], 1)
    assert str(row["price"]) in run(traded, "offers", "--json").out


def test_offers_that_left_the_list__say_how(traded: TradingGround) -> None:
    seller = traded["seller"]
    second, third = traded.post_offer(capacity=1), traded.post_offer(capacity=1)
    until = traded["seller"].offers.offer(second).draft.expires_at
    seller.lane.send(seller.offers.renew(third, until + 200))  # type: ignore[arg-type]
    seller.lane.send(seller.offers.withdraw(second))
    states = {row["offer"]: row["state"] for row in listed(traded, "offers")}
    assert states[second.hex()] == "withdrawn"
    assert states[third.hex()] == "listed"
    with pytest.raises(OfferUnknown, match="not listed"):
        seller.offers.offer(second)
    traded.pass_to(until + 1)
    rows = {row["offer"]: row for row in listed(traded, "offers")}
    assert rows[third.hex()]["state"] == "listed"
    assert rows[third.hex()]["expires_at"] == until + 200
    expired = [row["offer"] for row in listed(traded, "offers", "--state", "expired")]
    assert len(expired) == 1
    seller.lane.send(seller.offers.clear([bytes.fromhex(expired[0])]))  # type: ignore[list-item]
    cleared = listed(traded, "offers", "--state", "cleared")
    assert [row["offer"] for row in cleared] == expired
