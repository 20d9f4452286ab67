"""T24, T18: guards killed at records of their journal hire a tower once, and keep its receipt."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.offchain.systems.trading.channel_cast import BOND
from tests.offchain.systems.trading.seller.watching.test_watching_by_hand import OWED, sell
from tests.offchain.systems.trading.tower.tower_house import COVER, RETAINER, TowerHouse, house
from tests.stage.command_line import KILLED, edgemark, write_settings

from edgemark.cli.terminal.exits import Exit
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.events import ChannelCovered
from edgemark.systems.trading.seller.watching import by_hand
from edgemark.systems.trading.station.station import TradingStation

__all__ = ["house"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.lasts(12)]

SEED = int(os.environ.get("EDGEMARK_SOAK_SEED", "24"))
EVENTS = ("AskedWatch", "HeardSigned", "FoundRetained", "FoundReceipt")  # in their order
PLACES = [place for event in EVENTS for place in (f"before:{event}", event)]
HANDFUL = 2  # of these, in `make test`


def draw_places() -> list[str]:
    """Where one life after the other ends, on its way to the receipt."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "soak":
        return PLACES
    drawn = set(random.Random(SEED).sample(PLACES, HANDFUL))
    return [place for place in PLACES if place in drawn]


@contextmanager
def seller_away(house: TowerHouse) -> Iterator[Path]:
    """Its home is other processes' meanwhile."""
    ground = house.ground
    settings = ground.settings("seller")
    ground.stations.pop("seller").close()
    try:
        yield write_settings(settings)
    finally:
        again = TradingStation.open(settings)
        house.stack.callback(again.close)
        ground.stations["seller"] = again


def test_t24_guards_killed_at_records__hire_once_and_keep_the_receipt(house: TowerHouse) -> None:
    ground, settings = house.ground, house.settings("tower")
    tower = house.admit(settings)
    channel, terms = sell(house)
    watcher = ground["outsider"]
    had = watcher.accounts.free_balance(terms.seller)
    with house.running(settings):
        with seller_away(house) as home:
            words = ("trading", "watch", channel.hex(), "--tower", tower, "--home", home)
            for place in draw_places():
                died = edgemark(*words, "--yes", environ={"EDGEMARK_CRASH_AFTER": place})
                assert died.status == KILLED, f"{place}: {died.error}"
            told = edgemark(*words, "--yes", "--json")
            assert (told.status, told.value["watches"]) == (Exit.DONE, True), told.error
            guard = by_hand.find_guard(home, channel)
        assert guard is not None
        assert (guard.number, guard.cover, len(guard.receipts)) == (1, COVER, 1)
        assert had - watcher.accounts.free_balance(terms.seller) == RETAINER
        ground.send("payer", ground["payer"].escrow.close_bare, terms)
        escrow = watcher.escrow
        house.wait_for("a response", lambda: escrow.channel(terms).shown == OWED)
        ground.pass_to(escrow.channel(terms).deadline + 1)
        house.wait_for("the end", lambda: escrow.channel(terms).phase is ChannelPhase.ENDED)
    ended = house.end_of(terms)
    assert (ended.to_seller, ended.penalty, ended.penalty_to) == (OWED, BOND, tower)
    contract = watcher.towers.contract
    raw = ground.chain.logs([contract.address], 0, ground.chain.head())
    covered = [each for each in decode_logs([contract], raw) if isinstance(each, ChannelCovered)]
    assert [each.amount for each in covered if each.channel == channel] == [COVER]
