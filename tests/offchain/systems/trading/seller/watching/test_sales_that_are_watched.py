"""T24: what a sale leaves off the chain, by what a tower answers for; its own limit without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import open_one
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, TERMS
from tests.offchain.systems.trading.tower.tower_cast import TOWER, countersign

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.settings.section import SettingInvalid, settings_of
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.life import SellerPhase, step
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.following import (
    DISMISS,
    WATCH,
    WatchedSales,
    describe_guard,
)
from edgemark.systems.trading.seller.watching.guard import Guard
from edgemark.systems.trading.settings import SellerSettings
from edgemark.untrusted.fields import Fields

COVER = Tokens(700)
VOUCHER = countersign(open_one(), 600)
TOWER_SETTING = next(e for e in settings_of(SellerSettings) if e.name.endswith(".tower"))


@dataclass
class Guards:
    """Stands for `Watching`: who is asked, what was handed over, what a tower answers for."""

    cover: int = 0
    asked: list[Address] = field(default_factory=list)
    signed: list[int] = field(default_factory=list)

    def guard(self, _: bytes) -> Guard | None:
        return Guard() if self.asked else None

    def watch(self, _: object, tower: Address) -> None:
        self.asked.append(tower)

    def note_signed(self, _: bytes, voucher: Countersigned | None) -> None:
        if voucher is not None:
            self.signed.append(voucher.voucher.amount)

    def answered(self, _: bytes) -> Tokens:
        return Tokens(self.cover)

    def why(self, _: bytes) -> Unwatched:
        return Unwatched.WATCHED if self.cover else Unwatched.UNREACHABLE

    def dismiss(self, _: bytes) -> Guard:
        return Guard(why=Unwatched.DISMISSED, number=1)


def sold(phase: SellerPhase = SellerPhase.SERVING) -> Sale:
    """A sale with 600 signed, and nothing paid."""
    opened = Sale(agreement=AGREEMENT, policy=POLICY, opened_at=Timestamp(1), deposit=TERMS.deposit)
    return replace(opened, phase=phase, voucher=VOUCHER)


def follow(guards: Guards, sale: Sale, **taken: Any) -> list[object]:
    told: list[object] = []

    def tell(key: bytes, events: Sequence[object]) -> None:
        assert key == CHANNEL
        told.extend(events)

    settings = SellerSettings(**{"tower": TOWER.address, **taken})
    WatchedSales(guards, settings, tell).follow({CHANNEL: sale})  # type: ignore[arg-type]
    return told


def test_channel_of_a_seller_with_a_tower__is_watched_from_its_opening() -> None:
    guards = Guards()
    assert follow(guards, sold()) == []
    assert (guards.asked, guards.signed) == ([TOWER.address], [600])
    follow(guards, sold())
    assert guards.asked == [TOWER.address], "asked once"


def test_seller_without_a_tower__asks_nobody() -> None:
    guards = Guards()
    follow(guards, sold(), tower="")
    assert guards.asked == []


@pytest.mark.parametrize(
    "phase", [SellerPhase.AGREED, SellerPhase.ENDED, SellerPhase.DROPPED, SellerPhase.UNKNOWN]
)
def test_channel_that_is_not_open__asks_for_no_tower(phase: SellerPhase) -> None:
    guards = Guards(cover=COVER)
    assert follow(guards, sold(phase)) == []
    assert (guards.asked, guards.signed) == ([], [])


def test_sale__hears_what_a_tower_answers_for_less_an_interval_and_within_its_setting() -> None:
    most = COVER - AGREEMENT.conditions.cap
    assert follow(Guards(COVER), sold()) == [on.FoundAnswered(Tokens(most))]
    assert follow(Guards(COVER), sold(), answered_above=Tokens(99)) == [
        on.FoundAnswered(Tokens(99))
    ]
    assert follow(Guards(COVER), replace(sold(), answered=Tokens(most))) == []
    assert follow(Guards(0), replace(sold(), answered=Tokens(most))) == [
        on.FoundAnswered(Tokens(0))
    ]
    assert follow(Guards(5), sold()) == [], "a cover below one interval's cap answers for nothing"


@pytest.mark.parametrize("phase", [SellerPhase.CLAIMING, SellerPhase.WINDOW])
def test_sale_that_is_claimed__hears_nothing_of_limits(phase: SellerPhase) -> None:
    guards = Guards(COVER)
    assert follow(guards, sold(phase)) == []
    assert guards.signed == [600], "its last voucher is handed over"


def test_limit_of_a_tower__replaces_the_sellers_own_and_goes_with_it() -> None:
    checkpoint = do.SubmitCheckpoint(Tokens(600))
    sale = sold()
    assert checkpoint in sale.owed(), "600 are above the limit of 150"
    watched, _ = step(sale, on.FoundAnswered(Tokens(640)))
    assert checkpoint not in watched.owed()
    alone, due = step(watched, on.FoundAnswered(Tokens(0)))
    assert checkpoint in alone.owed()
    assert checkpoint in due


def test_status__says_who_is_not_watched_and_why() -> None:
    for cover, word in ((COVER, "watched"), (0, "unreachable")):
        watched = WatchedSales(Guards(cover), SellerSettings(), lambda *_: None)  # type: ignore[arg-type]
        assert watched.describe({CHANNEL: sold()}) == {CHANNEL.hex(): word}
    told = describe_guard(CHANNEL, None)
    assert (told["watches"], told["why_not"]) == (False, "nobody_asked")


def test_commands__ask_the_seller_that_runs() -> None:
    guards = Guards()
    watched = WatchedSales(guards, SellerSettings(), lambda *_: None)  # type: ignore[arg-type]
    grants = watched.grants(lambda channel: sold() if channel == CHANNEL else None)
    asked = {"channel": CHANNEL.hex(), "tower": TOWER.address}
    grants[WATCH](Fields(dict(asked), "wish"))
    assert (guards.asked, guards.signed) == ([TOWER.address], [600])
    assert grants[DISMISS](Fields(dict(asked), "wish"))["why_not"] == "dismissed"
    with pytest.raises(RefusedInput, match="not known here"):
        grants[WATCH](Fields({**asked, "channel": "00" * 32}, "wish"))


def test_setting_of_a_tower__is_an_account() -> None:
    with pytest.raises(SettingInvalid):
        TOWER_SETTING.read("0xnobody", "trading.seller.tower")
    assert TOWER_SETTING.read(TOWER.address, "trading.seller.tower") == TOWER.address
