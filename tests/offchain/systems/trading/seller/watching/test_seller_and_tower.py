"""T24-T26, T6, A53: a seller's guards and towers on a real chain, to the last token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import BOND
from tests.offchain.systems.trading.tower.tower_house import (
    COVER,
    RETAINER,
    TowerHouse,
    house,
)

from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.settings.settings import Settings
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.guard import GuardPhase
from edgemark.systems.trading.seller.watching.watching import Watching
from edgemark.systems.trading.station.station import TradingStation

__all__ = ["house"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300), pytest.mark.lasts(24)]

OWED, DEAREST = 600, Tokens(20)


@pytest.fixture(scope="module")
def tower(house: TowerHouse) -> Settings:
    """Admitted, and running where a test lets it."""
    settings = house.settings("tower")
    house.admit(settings)
    return settings


@contextmanager
def guarding(house: TowerHouse) -> Iterator[Watching]:
    """The seller's guards, of whichever life of its process."""
    with Watching(house.ground["seller"], DEAREST, is_alone=True) as watching:
        watching.start()
        yield watching


def account(house: TowerHouse, settings: Settings) -> Address:
    return KeyStore.of(settings).account.address


def sign(house: TowerHouse, terms: Terms, amount: int) -> Countersigned:
    both = house.ground.voucher(terms, amount)
    return Countersigned(both.voucher, both.seller_signature, both.payer_signature)


def await_answer(house: TowerHouse, watching: Watching, terms: Terms, amount: int) -> None:
    """Until a receipt for this amount is on the seller's disk."""
    channel = house.ground["seller"].escrow.id_of(terms)

    def has_receipt() -> bool:
        guard = watching.guard(channel)
        given = guard and guard.receipt
        return bool(given and given.signed.receipt.amount >= amount and watching.answered(channel))

    house.wait_for("a receipt", has_receipt)


def await_why(house: TowerHouse, watching: Watching, terms: Terms, why: Unwatched) -> None:
    channel = house.ground["seller"].escrow.id_of(terms)
    house.wait_for(f"{why}", lambda: watching.why(channel) is why)


def free(house: TowerHouse, who: Address) -> int:
    return house.ground["outsider"].accounts.free_balance(who)


def move(house: TowerHouse, by: str, to: Address, amount: Tokens) -> None:
    station = house.ground[by]
    station.lane.send(station.accounts.move(to, amount))


def seller_of(house: TowerHouse) -> TradingStation:
    return house.ground["seller"]


def test_t24_seller__moves_one_retainer_and_keeps_receipts(
    house: TowerHouse, tower: Settings
) -> None:
    terms, me = house.ground.open(), account(house, tower)
    channel = seller_of(house).escrow.id_of(terms)
    elsewhere = Tokens(free(house, terms.seller) - RETAINER)
    move(house, "seller", house.ground.address("outsider"), elsewhere)
    with house.running(tower), guarding(house) as watching:
        assert watching.why(channel) is Unwatched.NOBODY_ASKED
        watching.watch(terms, me)
        await_why(house, watching, terms, Unwatched.NO_VOUCHER)
        watching.note_signed(channel, sign(house, terms, 300))
        await_answer(house, watching, terms, 300)
        assert watching.answered(channel) == COVER
        watching.note_signed(channel, sign(house, terms, OWED))
        watching.watch(terms, me)  # the same again
        await_answer(house, watching, terms, OWED)
    with guarding(house) as again:  # the tower is away, what it gave is here
        assert again.answered(channel) == COVER
        guard = again.guard(channel)
        assert guard is not None
        assert guard.number == 1
        again.note_signed(channel, sign(house, terms, OWED + 1))
        await_why(house, again, terms, Unwatched.UNREACHABLE)
        assert again.answered(channel) == 0
    assert free(house, terms.seller) == 0, "the last that it had, once"
    move(house, "outsider", terms.seller, elsewhere)


def test_t24_tower_that_was_away_in_its_window__responds_when_it_is_back(
    house: TowerHouse, tower: Settings
) -> None:
    terms, me = house.ground.open(), account(house, tower)
    channel = seller_of(house).escrow.id_of(terms)
    with guarding(house) as watching:
        with house.running(tower):
            watching.watch(terms, me)
            watching.note_signed(channel, sign(house, terms, OWED))
            await_answer(house, watching, terms, OWED)
        house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
        escrow = seller_of(house).escrow
        with house.running(tower):
            house.wait_for("a response", lambda: escrow.channel(terms).shown == OWED)
            house.ground.pass_to(escrow.channel(terms).deadline + 1)
            house.wait_for("end", lambda: escrow.channel(terms).phase is ChannelPhase.ENDED)
        ended = house.end_of(terms)
        assert (ended.to_seller, ended.penalty, ended.penalty_to) == (OWED, BOND, me)


@pytest.mark.parametrize("how", ["window", "unclosed"])
def test_t26_tower_that_fails__pays_from_its_cover_and_once(
    house: TowerHouse, tower: Settings, how: str
) -> None:
    terms, me = house.ground.open(), account(house, tower)
    escrow, channel = seller_of(house).escrow, seller_of(house).escrow.id_of(terms)
    with guarding(house) as watching:
        with house.running(tower):
            watching.watch(terms, me)
            watching.note_signed(channel, sign(house, terms, OWED))
            await_answer(house, watching, terms, OWED)
        had = seller_of(house).towers.bond_of(me).amount  # a guard may claim at once
        if how == "window":
            house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
            house.ground.pass_to(escrow.channel(terms).deadline + 1)
            house.ground.send("outsider", escrow.settle, terms)
        else:
            house.ground.pass_to(terms.close_by + 1)
            house.ground.send("outsider", escrow.end_unclosed, terms)

        def is_paid() -> bool:
            guard = watching.guard(channel)
            return guard is not None and bool(guard.settled)

        house.wait_for("the cover", is_paid)
        assert seller_of(house).towers.bond_of(me).amount == had - OWED
        guard = watching.guard(channel)
        assert guard is not None
        assert (guard.phase, guard.is_finished) == (GuardPhase.ENDED, True)


def test_t25_dismissed_tower__is_left_nothing_by_the_sellers_own_delegation(
    house: TowerHouse, tower: Settings
) -> None:
    terms, me = house.ground.open(), account(house, tower)
    channel = seller_of(house).escrow.id_of(terms)
    with house.running(tower), guarding(house) as watching:
        watching.watch(terms, me)
        watching.note_signed(channel, sign(house, terms, OWED))
        await_answer(house, watching, terms, OWED)
        watching.dismiss(channel)
        assert watching.why(channel) is Unwatched.DISMISSED
        delegated = watching.delegated(channel)
        assert delegated is not None
        assert (delegated.tower, delegated.number) == (terms.seller, 2)
        house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
        escrow = seller_of(house).escrow
        house.wait_for("a response", lambda: escrow.channel(terms).shown == OWED)
        own = replace(
            house.ground.response(terms, OWED),
            tower=delegated.tower,
            number=delegated.number,
            delegation_signature=delegated.signature,
        )
        house.ground.send("seller", escrow.respond, own)
        house.ground.pass_to(escrow.channel(terms).deadline + 1)
        house.wait_for("end", lambda: escrow.channel(terms).phase is ChannelPhase.ENDED)
    assert house.end_of(terms).penalty_to == terms.seller


def test_t24_towers_that_do_not_suit__are_named_by_why(house: TowerHouse, tower: Settings) -> None:
    dear = house.settings("dear")
    dear_account = house.admit(dear, retainer=DEAREST + 1)
    poor = house.ground.open(house.ground.terms(deposit=Tokens(100), bond=Tokens(100)))
    long = house.ground.terms()
    long = house.ground.open(replace(long, close_by=long.close_by + 700 * 86_400))
    short = house.ground.open(replace(house.ground.terms(), window=60))
    had = free(house, short.seller)
    with house.running(tower), guarding(house) as watching:
        for terms, who, why in (
            (house.ground.open(), house.ground.address("outsider"), Unwatched.TAKES_NONE),
            (house.ground.open(), dear_account, Unwatched.TOO_DEAR),
            (poor, account(house, tower), Unwatched.BOND_SMALL),
            (long, account(house, tower), Unwatched.TIME_SHORT),
            (short, account(house, tower), Unwatched.CLOSE_SHORT),
        ):
            watching.watch(terms, who)
            await_why(house, watching, terms, Unwatched.NO_VOUCHER)
            watching.note_signed(seller_of(house).escrow.id_of(terms), sign(house, terms, 60))
            await_why(house, watching, terms, why)
            assert watching.answered(seller_of(house).escrow.id_of(terms)) == 0
    assert free(house, short.seller) == had, "a retainer was paid for nothing"
