"""T26: what a seller claims of a tower, whatever a node that lags behind shows it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, open_one
from tests.offchain.systems.trading.tower.tower_cast import (
    CLAIM_S,
    RIVAL,
    TOWER,
    TOWERS,
    countersign,
    stored_of,
)

from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.records import Cover, Receipt, Watching
from edgemark.systems.trading.seller.watching import events as on
from edgemark.systems.trading.seller.watching.guard import Guard, GuardMachine
from edgemark.systems.trading.seller.watching.watching import NotSeenYet, draft_claim
from edgemark.systems.trading.seller.watching.watching import Watching as Guards
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.messages import SignedReceipt

CHANNEL = open_one()
EXPIRY = CHANNEL.terms.lock_expiry(LIMITS.exit_grace)
BLOCK = 77
OPEN = stored_of(CHANNEL)
ENDED = replace(
    OPEN,
    phase=ChannelPhase.ENDED,
    paid=Tokens(200),
    locked=Tokens(400),
    deadline=Timestamp(EXPIRY - 100),
)
COVER = Cover(Tokens(700), Tokens(0), EXPIRY)
NONE = Cover(Tokens(0), Tokens(0), Timestamp(0))
MACHINE = GuardMachine()


def hire(tower: Address, number: int, cover: int) -> tuple[object, object, object]:
    """It is asked, paid, and gives a receipt for 600."""
    said = Receipt(CHANNEL.id, Tokens(600), *CHANNEL.signers.keys, EXPIRY)
    by = TOWER if tower == TOWER.address else RIVAL
    kept = on.KeptReceipt(tower, SignedReceipt(said, by.sign(TOWERS.receipt(said))))
    asked = on.AskedWatch(CHANNEL.id, CHANNEL.terms, EXPIRY, Timestamp(EXPIRY + CLAIM_S), tower)
    retained = on.FoundRetained(tower, Hash32(b"\1" * 32))
    return asked, retained, on.FoundReceipt(kept, number, Tokens(cover))


def owed(*more: object, cover: int = COVER.amount) -> Guard:
    """A guard whose tower gave a receipt for 600, of a channel that ended at 200."""
    asked, *answered = hire(TOWER.address, 1, cover)
    events = (
        asked,
        on.HeardSigned(countersign(CHANNEL, 600)),
        *answered,
        *more,
        on.SawGone(ENDED.paid, ENDED.locked, ENDED.deadline),
    )
    guard = Guard()
    for event in events:
        guard, _ = MACHINE.step(guard, event)
    return guard


def station_of(
    stored: StoredChannel, cover: Cover, now: int = EXPIRY, confirmed: int = BLOCK
) -> TradingStation:
    """A node that shows this at the block that is asked for, and nothing elsewhere."""

    def at(block: object, shown: object) -> object:
        assert block == BLOCK, "read where the end was seen, or behind it"
        return shown

    station = SimpleNamespace(
        clock=lambda: now,
        chain=SimpleNamespace(confirmed=lambda: confirmed),
        decided=SimpleNamespace(limits=LIMITS, watching=Watching(CLAIM_S)),
        escrow=SimpleNamespace(channel=lambda _, block: at(block, stored)),
        towers=SimpleNamespace(cover_of=lambda *_, block: at(block, cover)),
    )
    return cast(TradingStation, station)


def test_claim__is_read_at_one_block() -> None:
    for block in (BLOCK, "confirmed"):
        said = draft_claim(station_of(ENDED, COVER), owed(), TOWER.address, block)
        assert said is not None
        assert said.receipt.amount == 600


@pytest.mark.parametrize(
    ("stored", "cover"),
    [
        pytest.param(OPEN, COVER, id="not ended"),
        pytest.param(replace(ENDED, phase=ChannelPhase.CLOSING_BY_PAYER), COVER, id="in a window"),
        pytest.param(replace(OPEN, phase=ChannelPhase.NONE), NONE, id="never opened"),
        pytest.param(ENDED, NONE, id="never covered"),
    ],
)
def test_node_that_lags_behind__writes_off_nothing(stored: StoredChannel, cover: Cover) -> None:
    station = station_of(stored, cover, confirmed=BLOCK - 1)
    guards = SimpleNamespace(station=station, agenda=SimpleNamespace(block=BLOCK))
    with pytest.raises(NotSeenYet):
        Guards._claim(cast(Any, guards), owed(), TOWER.address)


@pytest.mark.parametrize(
    ("stored", "cover", "now"),
    [
        pytest.param(ENDED, Cover(Tokens(300), Tokens(400), EXPIRY), EXPIRY, id="paid"),
        pytest.param(ENDED, replace(NONE, paid=Tokens(400)), EXPIRY, id="paid and given up"),
        pytest.param(replace(ENDED, paid=Tokens(600)), NONE, EXPIRY, id="nothing lost"),
        pytest.param(replace(ENDED, deadline=Timestamp(0)), NONE, EXPIRY, id="no window"),
        pytest.param(ENDED, NONE, EXPIRY + CLAIM_S + 1, id="too late"),
    ],
)
def test_what_is_owed_no_more__is_settled(stored: StoredChannel, cover: Cover, now: int) -> None:
    assert draft_claim(station_of(stored, cover, now), owed(), TOWER.address, BLOCK) is None


def test_tower_of_which_no_cover_was_seen__owes_what_the_block_shows() -> None:
    former = owed(on.AskedDismissal())
    assert draft_claim(station_of(ENDED, NONE), former, TOWER.address, BLOCK) is None
    assert draft_claim(station_of(ENDED, COVER), former, TOWER.address, BLOCK) is not None
    rival = owed(*hire(RIVAL.address, 2, COVER.amount))
    assert draft_claim(station_of(ENDED, NONE), rival, TOWER.address, BLOCK) is None
    with pytest.raises(NotSeenYet):
        draft_claim(station_of(ENDED, NONE), rival, RIVAL.address, BLOCK)


def test_small_cover_that_is_paid_out__leaves_nothing_to_claim_though_more_was_lost() -> None:
    paid = Cover(Tokens(0), Tokens(300), EXPIRY)
    assert draft_claim(station_of(ENDED, paid), owed(cover=300), TOWER.address, BLOCK) is None
