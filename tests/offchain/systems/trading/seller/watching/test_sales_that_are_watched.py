"""T24: what a sale leaves off the chain, by what a tower answers for; its own limit without one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, START, open_one
from tests.offchain.systems.trading.parties_cast import AGREEMENT, CHANNEL, POLICY, TERMS
from tests.offchain.systems.trading.tower.tower_cast import TOWER, countersign, stored_of

from edgemark.errors import RefusedInput
from edgemark.identifiers import NO_HASH, Address, Hash32, Timestamp, Tokens
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.moves import TimeOver
from edgemark.settings.section import SettingInvalid, settings_of
from edgemark.systems.trading.contract.escrow import StoredChannel
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import effects as do
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.agreement import Reason
from edgemark.systems.trading.protocol.life import SellerPhase, TradeTime, step
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.sale import Sale
from edgemark.systems.trading.seller.watching.events import AskedWatch, Unwatched
from edgemark.systems.trading.seller.watching.following import (
    DISMISS,
    MAX_TOLD,
    WATCH,
    WatchedSales,
    describe_guard,
)
from edgemark.systems.trading.seller.watching.guard import Guard
from edgemark.systems.trading.seller.watching.retaining import (
    TowerUnsuitable,
    draft_retainer,
    is_in_vain,
)
from edgemark.systems.trading.settings import SellerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower.messages import RETAINER_S
from edgemark.transport.faults import PeerRefused
from edgemark.untrusted.fields import Fields

COVER = Tokens(700)
VOUCHER = countersign(open_one(), 600)
TOWER_SETTING = next(e for e in settings_of(SellerSettings) if e.name.endswith(".tower"))


@dataclass
class Guards:
    """Stands for `Watching`: who is asked, what was handed over, what a tower answers for."""

    cover: int = 0
    receipted: int = 600
    none: bool = False
    has_no_time: bool = False
    asked: list[Address] = field(default_factory=list)
    first: list[Address] = field(default_factory=list)
    signed: list[int] = field(default_factory=list)

    def guard(self, _: bytes) -> Guard | None:
        return Guard() if self.asked else None

    def watch(self, _: object, tower: Address) -> None:
        self.asked.append(tower)

    def watch_first(self, _: object, tower: Address) -> None:
        self.asked.append(tower)
        self.first.append(tower)

    def has_time(self, ends: int) -> bool:
        assert ends == TERMS.expires_at - POLICY.margin_s, "the end of service"
        return not self.has_no_time

    def note_signed(self, _: bytes, voucher: Countersigned | None) -> None:
        if voucher is not None:
            self.signed.append(voucher.voucher.amount)

    def answered(self, _: bytes) -> Tokens:
        return Tokens(self.cover)

    def without_receipt(self, _: bytes, signed: Tokens) -> Tokens:
        return Tokens(max(0, signed - self.receipted))

    def why(self, _: bytes) -> Unwatched:
        none = Unwatched.NOBODY_ASKED if self.none else Unwatched.UNREACHABLE
        return Unwatched.WATCHED if self.cover else none

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

    settings = SellerSettings(**{"tower": TOWER.address, "max_retainer": Tokens(600), **taken})
    WatchedSales(guards, settings, tell).follow({CHANNEL: sale})  # type: ignore[arg-type]
    return told


def signed(amount: int, paid: int = 0) -> Sale:
    voucher = countersign(open_one(), amount) if amount else None
    return replace(sold(), voucher=voucher, paid=Tokens(paid))


def test_retainer__is_owed_once_the_sellers_own_limit_is_near_and_it_has_as_much_signed() -> None:
    limit, least = POLICY.checkpoint_above, 100
    for sale, is_hired in (
        (signed(0), False),
        (signed(1), False),
        (signed(limit // 2 - 1), False),
        (signed(limit // 2), False),  # less than a retainer costs
        (signed(least), True),
        (signed(least, paid=least), False),
        (signed(600, paid=600 - limit // 2 + 1), False),
        (signed(600, paid=600 - limit // 2), True),
        (replace(signed(600), deposit=Tokens(least - 1)), False),
    ):
        guards = Guards()
        follow(guards, sale, max_retainer=Tokens(least))
        assert bool(guards.asked) == is_hired, (sale.signed, sale.paid)


def test_channels_opened_for_gas__have_no_retainer_paid_however_many() -> None:
    guards, retainer = Guards(), SellerSettings().max_retainer
    opened = {bytes([number]) * 32: signed(0) for number in range(64)}
    settings = SellerSettings(tower=TOWER.address)
    watched = WatchedSales(guards, settings, lambda *_: None)  # type: ignore[arg-type]
    watched.follow(opened)  # type: ignore[arg-type]
    for sale in (signed(1), signed(600)):
        assert sale.signed < retainer
        follow(guards, sale, max_retainer=retainer)
    assert guards.asked == []
    guards.none = True
    assert watched.describe({CHANNEL: signed(1)}) == {CHANNEL.hex(): "little_owed"}


def test_status__is_short_however_many_channels_there_are() -> None:
    sales = {bytes([number]) * 32: signed(0) for number in range(255)}
    for number, key in enumerate(sales):
        known = replace(AGREEMENT, channel=ChannelId(bytes([number]) * 32))
        sales[key] = replace(sales[key], agreement=known)
    watched = WatchedSales(Guards(1), SellerSettings(), lambda *_: None)  # type: ignore[arg-type]
    assert len(watched.describe(sales)) == MAX_TOLD


def test_channel_of_a_seller_with_a_tower__is_watched_once_it_is_worth_it() -> None:
    guards = Guards()
    assert follow(guards, sold()) == []
    assert (guards.asked, guards.signed) == ([TOWER.address], [600])
    assert guards.first == guards.asked, "one that was asked by hand meanwhile keeps its place"
    follow(guards, sold())
    assert guards.asked == [TOWER.address], "asked once"


@pytest.mark.parametrize(
    "ending",
    [
        sold(SellerPhase.STOPPED),
        sold(SellerPhase.CLAIMING),
        sold(SellerPhase.WINDOW),
        sold().stop(Reason.ASKED_BY_SELLER),
        replace(sold(), over=frozenset({TimeOver(TradeTime.SERVICE)})),
    ],
)
def test_channel_that_is_to_end__has_no_tower_hired(ending: Sale) -> None:
    guards = Guards()
    follow(guards, ending)
    assert guards.asked == []


def test_channel_that_ends_before_a_tower_answers__has_none_hired() -> None:
    guards = Guards(has_no_time=True)
    follow(guards, sold())
    assert guards.asked == []


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


def test_tower_that_is_late_with_a_receipt__is_left_nothing() -> None:
    cap = AGREEMENT.conditions.cap
    most = COVER - cap
    for receipted, limit in ((600, most), (600 - cap, most), (600 - cap - 1, 0), (0, 0)):
        sale = replace(sold(), answered=Tokens(1))
        assert follow(Guards(COVER, receipted), sale) == [on.FoundAnswered(Tokens(limit))]


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


@pytest.mark.parametrize("age", [0, RETAINER_S, RETAINER_S + 1])
def test_retainer__is_in_vain_when_its_tower_refuses_for_good_and_it_is_too_old(age: int) -> None:
    mined = SimpleNamespace(receipt=SimpleNamespace(block_number=7))
    station = SimpleNamespace(
        chain=SimpleNamespace(mined=lambda _: [mined]),
        time_of=lambda number: 1000 * number,
        clock=lambda: 7000 + age,
    )
    guard = Guard(retainer=Hash32(b"\1" * 32))

    def is_it(guard: Guard, **said: str) -> bool:
        refused = PeerRefused(400, said, who=TOWER.address)
        return is_in_vain(cast(TradingStation, station), guard, refused)

    assert is_it(guard) == (age > RETAINER_S)
    assert not is_it(guard, retry_after_s="5"), "it says itself when to ask again"
    assert not is_it(replace(guard, retainer=NO_HASH)), "it asked for none"


STATUS = {"least_close_s": 100, "places_left": 1, "max_cover": 700, "promised": 0}
ASKED = AskedWatch(CHANNEL, TERMS, TERMS.close_by, Timestamp(TERMS.close_by + 1000), TOWER.address)
OPEN = replace(stored_of(open_one()), signers=TERMS.signers)


def station_of(
    stored: StoredChannel = OPEN,
    *,
    now: int = START,
    me: Address = TERMS.seller_key,
    free: int = 700,
    has_moved: bool = False,
    balance: int = 5,
    retainer: int = 5,
    **status: int,
) -> TradingStation:
    """Of a seller with this balance; `stored`: the channel at confirmed depth."""
    offered = SimpleNamespace(retainer=retainer, least_bond=0, until=TERMS.close_by + 10**9)
    station = SimpleNamespace(
        address=me,
        clock=lambda: now,
        escrow=SimpleNamespace(channel=lambda _: stored),
        towers=SimpleNamespace(
            terms_of=lambda _: offered,
            is_watching=lambda _: True,
            bond_of=lambda _: SimpleNamespace(free=Tokens(free)),
        ),
        accounts=SimpleNamespace(
            move=lambda to, amount: Call(cast(Any, None), "move", (to, amount)),
            free_balance=lambda _: Tokens(balance),
        ),
        lane=SimpleNamespace(was_begun=lambda _: has_moved),
        decided=SimpleNamespace(limits=LIMITS),
        ask=lambda *_, **__: json.dumps({**STATUS, **status}).encode(),
    )
    return cast(TradingStation, station)


def test_retainer_after_one_in_vain__is_another_transaction_and_no_third() -> None:
    keys = [
        call.key
        for spent in (0, 0, 1, 1)
        if (call := draft_retainer(station_of(), ASKED, Tokens(5), spent))
    ]
    assert keys[0] == keys[1] != keys[2] == keys[3]


UNFIT: list[tuple[dict[str, Any], Unwatched]] = [
    ({"stored": replace(OPEN, phase=ChannelPhase.CLOSING_BY_PAYER)}, Unwatched.ENDING),
    ({"stored": replace(OPEN, phase=ChannelPhase.ENDED)}, Unwatched.ENDING),
    ({"now": TERMS.close_by - 100}, Unwatched.ENDING),
    ({"me": TOWER.address}, Unwatched.KEY_CHANGED),
    ({"least_close_s": 101}, Unwatched.CLOSE_SHORT),
    ({"places_left": 0}, Unwatched.PLACES_TAKEN),
    ({"free": 699}, Unwatched.BOND_TAKEN),
    ({"promised": 1}, Unwatched.BOND_TAKEN),
    ({"promised": -1, "free": 699}, Unwatched.BOND_TAKEN),  # it cannot say more than it has
    ({"max_cover": 0}, Unwatched.BOND_TAKEN),
    ({"balance": 4}, Unwatched.NO_TOKENS),
    ({"balance": 0}, Unwatched.NO_TOKENS),
    ({"retainer": 6}, Unwatched.TOO_DEAR),
]


@pytest.mark.parametrize(("unfit", "why"), UNFIT)
def test_retainer__is_moved_to_no_tower_that_has_to_refuse_the_channel(
    unfit: dict[str, Any], why: Unwatched
) -> None:
    with pytest.raises(TowerUnsuitable) as refused:
        draft_retainer(station_of(**unfit), ASKED, Tokens(5))
    assert refused.value.why is why
    moved = draft_retainer(station_of(**unfit, has_moved=True), ASKED, Tokens(5))
    assert moved is not None, "one that may be paid by now is followed up"
    assert moved.args[1] <= 5, "and costs no more, should it be signed once more"


def test_retainer__is_moved_where_the_tower_has_just_enough() -> None:
    station = station_of(now=TERMS.close_by - 101)
    assert draft_retainer(station, ASKED, Tokens(5)) is not None
    little = station_of(free=300, max_cover=300)
    assert draft_retainer(little, ASKED, Tokens(5)) is not None
    paid = replace(OPEN, paid=Tokens(100), locked=Tokens(OPEN.locked - 100))
    left = OPEN.deposit(TERMS.bond) - 100
    whole = station_of(paid, free=left, max_cover=10**6)
    assert draft_retainer(whole, ASKED, Tokens(5)) is not None
