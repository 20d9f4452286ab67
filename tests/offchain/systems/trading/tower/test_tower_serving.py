"""T24, T25, T6: a tower that serves on a real chain: states in, receipts out, windows answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, TEMPLATE
from tests.offchain.systems.trading.tower.tower_house import (
    COVER,
    RETAINER,
    TowerHouse,
    house,
)

from edgemark.identifiers import NO_HASH, NOBODY, Address, Timestamp, Tokens
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.systems.trading.contract.escrow import (
    BroughtAmendment,
    BroughtResponse,
    BroughtVoucher,
)
from edgemark.systems.trading.contract.records import ChannelPhase, Voucher
from edgemark.systems.trading.contract.terms import Terms
from edgemark.systems.trading.tower.messages import MAX_STATE_BYTES
from edgemark.systems.trading.tower.tower import Tower
from edgemark.transport.rates import RateLimit

__all__ = ["house"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(16)]

OWED = 600


@pytest.fixture(scope="module")
def tower(house: TowerHouse) -> Iterator[Tower]:
    """One that serves all tests of this file."""
    settings = house.settings("tower")
    house.admit(settings)
    with house.running(settings) as running:
        yield running


@pytest.fixture
def channel(house: TowerHouse) -> Terms:
    """Open, with nothing paid."""
    return house.ground.open()


def let_look(tower: Tower, per_s: float) -> None:
    """How often one stranger may make it look: tests ask more often than sellers do."""
    tower._looks = RateLimit(4 * per_s, per_s)


def me(tower: Tower) -> Address:
    return tower.station.address


def free(house: TowerHouse, account: Address) -> int:
    return house.ground["outsider"].accounts.free_balance(account)


def stored(house: TowerHouse, terms: Terms) -> ChannelPhase:
    return house.ground["seller"].escrow.channel(terms).phase


def shown(house: TowerHouse, terms: Terms) -> tuple[int, Address]:
    found = house.ground["seller"].escrow.channel(terms)
    return found.shown, found.tower


def settle_and_pay(house: TowerHouse, terms: Terms, seller: int, to: Address, bond: int) -> None:
    """After the window the tower settles: what its seller gets, who gets what of the bond."""
    house.ground.pass_to(house.ground["seller"].escrow.channel(terms).deadline + 1)
    house.wait_for("the end", lambda: stored(house, terms) is ChannelPhase.ENDED)
    ended = house.end_of(terms)
    assert (ended.to_seller, ended.penalty, ended.penalty_to) == (seller, bond, to)


def close_at(house: TowerHouse, terms: Terms, amount: int, index: int = 1) -> None:
    """The payer closes with what it says itself."""
    voucher = Voucher(index, Tokens(amount), TEMPLATE, terms.controller)
    house.ground.send("payer", house.ground["payer"].escrow.close, BroughtVoucher(terms, voucher))


def test_t24_receipt__comes_after_retainer_and_cover_and_is_the_same_again(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    given = house.watch(channel, OWED, me(tower))
    lock = house.ground["seller"].decided.limits.exit_grace
    said = given.receipt
    assert (said.amount, said.payer_key) == (OWED, channel.payer_key)
    assert said.until == channel.lock_expiry(lock)
    cover = house.ground["seller"].towers.cover_of(me(tower), said.channel)
    assert (cover.amount, cover.until) == (COVER, said.until)
    assert house.hand(house.state(channel, OWED, me(tower)), me(tower)) == given
    more = house.hand(house.state(channel, OWED + 50, me(tower)), me(tower))
    assert more.receipt.amount == OWED + 50
    assert "StateOld" in house.refusal(house.state(channel, OWED, me(tower)), me(tower))


@pytest.mark.parametrize(
    ("amount", "index"), [(None, 1), (0, 1), (200, 1), (0, 2**64 - 1)], ids=str
)
def test_t24_payer_that_closes_below__loses_its_bond_to_the_tower(
    house: TowerHouse, tower: Tower, channel: Terms, amount: int | None, index: int
) -> None:
    house.watch(channel, OWED, me(tower))
    if amount is None:
        house.ground.send("payer", house.ground["payer"].escrow.close_bare, channel)
    else:
        close_at(house, channel, amount, index)
    house.wait_for("a response", lambda: shown(house, channel) == (OWED, me(tower)))
    settle_and_pay(house, channel, OWED, me(tower), BOND)


def test_t24_copied_response__gains_its_sender_nothing(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    house.watch(channel, OWED, me(tower))
    state = house.state(channel, OWED, me(tower))
    signed = state.voucher
    copy = BroughtResponse(
        channel, signed.voucher, signed.payer_signature, me(tower), 1, state.delegation
    )
    had = free(house, house.ground.address("outsider"))
    house.ground.send("payer", house.ground["payer"].escrow.close_bare, channel)
    with suppress(ContractRefused):  # where the tower was faster
        house.ground.send("outsider", house.ground["outsider"].escrow.respond, copy)
    house.wait_for("a response", lambda: shown(house, channel) == (OWED, me(tower)))
    settle_and_pay(house, channel, OWED, me(tower), BOND)
    assert free(house, house.ground.address("outsider")) == had


def test_t25_successor__has_the_bond_and_the_dismissed_tower_has_nothing(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    settings = house.settings("successor")
    second = house.admit(settings, retainer=0)
    house.watch(channel, OWED, me(tower))
    with house.running(settings):
        state = house.state(channel, OWED, second, NO_HASH, number=2)
        house.await_receipt(state, second)
        house.ground.send("payer", house.ground["payer"].escrow.close_bare, channel)
        house.wait_for("the newer delegation", lambda: shown(house, channel) == (OWED, second))
        settle_and_pay(house, channel, OWED, second, BOND)


def test_t24_stranger_that_closes_after_expiry__is_answered(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    house.watch(channel, OWED, me(tower))
    house.ground.pass_to(channel.expires_at + 1)
    house.ground.send("outsider", house.ground["outsider"].escrow.close_bare, channel)
    house.wait_for("a response", lambda: shown(house, channel)[0] == OWED)
    settle_and_pay(house, channel, OWED, NOBODY, 0)


def test_t24_margin_before_close_by__pays_the_seller_and_then_ends_the_channel(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    house.watch(channel, OWED, me(tower))
    escrow = house.ground["seller"].escrow
    house.ground.pass_to(channel.close_by - 60)
    assert escrow.channel(channel).paid == 0
    house.ground.pass_to(channel.close_by - 59)
    house.wait_for("a checkpoint", lambda: escrow.channel(channel).paid == OWED)
    late = house.refusal(house.state(channel, OWED + 50, me(tower)), me(tower))
    assert "NotWatchedNow" in late, late
    house.ground.pass_to(channel.close_by + 1)
    house.wait_for("the end", lambda: stored(house, channel) is ChannelPhase.ENDED)
    assert house.end_of(channel).to_seller == 0


def name_payers_key(house: TowerHouse, terms: Terms, number: int, had: str, role: str) -> None:
    """Both put another key of the payer in force; `had`: whose is now."""
    escrow = house.ground["payer"].escrow
    signers = replace(terms.signers, payer_key=house.ground.address(role))
    told = (number, Tokens(0), signers, Timestamp(house.ground.now() + 600))
    digest = escrow.domain.amendment(escrow.id_of(terms), *told)
    signed = (house.ground.key(each).sign(digest) for each in (had, "seller"))
    house.ground.send("outsider", escrow.amend, BroughtAmendment(terms, *told, *signed))


def test_t26_key_that_both_put_back__has_the_tower_bring_what_it_held_under_it(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    first, escrow = house.watch(channel, OWED, me(tower)), house.ground["seller"].escrow
    name_payers_key(house, channel, 0, "payer", "outsider")
    less = house.state(channel, 100, me(tower))
    digest = escrow.domain.voucher(escrow.id_of(channel), less.voucher.voucher)
    signed = replace(less.voucher, payer_signature=house.ground.key("outsider").sign(digest))
    second = house.await_receipt(replace(less, voucher=signed), me(tower), ("BadSignature",))
    assert (second.receipt.amount, second.receipt.payer_key) == (
        100,
        house.ground.address("outsider"),
    )
    name_payers_key(house, channel, 1, "outsider", "payer")
    house.ground.pass_to(channel.close_by - 59)
    house.wait_for("a checkpoint", lambda: escrow.channel(channel).paid == OWED)
    assert first.receipt.keys == channel.signers.keys


@pytest.mark.parametrize("after", [-1, 0])
def test_t24_close_in_the_last_second__is_answered_in_its_window(
    house: TowerHouse, tower: Tower, channel: Terms, after: int
) -> None:
    small = replace(channel, nonce=channel.nonce + 1000)
    terms = house.ground.open(small)
    house.watch(terms, OWED, me(tower))
    house.ground.chain.rpc("evm_setNextBlockTimestamp", terms.close_by + after)
    house.ground.send("payer", house.ground["payer"].escrow.close_bare, terms)
    house.wait_for("a response", lambda: shown(house, terms) == (OWED, me(tower)))
    settle_and_pay(house, terms, OWED, me(tower), BOND)


# --- hostile sellers ---------------------------------------------------------------------------


def test_t24_retainer__counts_once_for_its_own_seller_and_not_below_what_is_asked(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    account = me(tower)
    for retainer in (
        NO_HASH,
        house.retain(account, RETAINER - 1),
        house.retain(account, RETAINER, "outsider"),
        house.retain(house.ground.address("outsider"), RETAINER),
    ):
        let_look(tower, 1000.0)
        assert "RetainerMissing" in house.refusal(
            house.state(channel, OWED, account, retainer), account
        )
    used = house.retain(account)
    house.await_receipt(house.state(channel, OWED, account, used), account)
    other = house.ground.open()
    assert "counted for channel" in house.refusal(house.state(other, OWED, account, used), account)
    key = house.ground["seller"].escrow.id_of(other)
    assert tower.runtime.state_at_hand(key) is None, "nothing is held of what was refused"


def test_t24_hostile_states__are_refused_by_name_and_leave_nothing(
    house: TowerHouse, tower: Tower, channel: Terms
) -> None:
    account = me(tower)
    good = house.state(channel, OWED, account, house.retain(account))
    poor = house.ground.terms(deposit=Tokens(DEPOSIT - 901), bond=Tokens(100))
    house.ground.open(poor)
    short = house.ground.open(house.ground.terms(window=60))
    for hostile, why in (
        (replace(good, terms=replace(channel, nonce=9999)), "ChannelUnsuitable"),
        (replace(good, delegation=bytes(65)), "BadSignature"),
        (house.state(channel, OWED, house.ground.address("outsider")), "BadSignature"),
        (house.state(poor, 10, account, good.retainer), "bond is too small"),
        (house.state(short, 10, account, good.retainer), "TimeShort"),
        (good.to_wire()[:-1], "MalformedMessage"),
        (good.to_wire() + b"\0", "MalformedMessage"),
        (b"", "MalformedMessage"),
        (bytes(MAX_STATE_BYTES + 1), "413"),
    ):
        let_look(tower, 1000.0)
        assert why in house.refusal(hostile, account)
    assert tower.runtime.state_at_hand(house.ground["seller"].escrow.id_of(channel)) is None
    house.await_receipt(good, account)


def test_t24_flood_of_states_that_nobody_paid_for__is_slowed_by_name(
    house: TowerHouse, tower: Tower
) -> None:
    account = me(tower)
    let_look(tower, 0.1)  # less often than the slowest machine asks
    said = [
        house.refusal(house.state(house.ground.terms(), OWED, account), account) for _ in range(30)
    ]
    assert "too many requests" in said[-1], said[-1]
    assert len(tower.runtime.states()) < 30
    let_look(tower, 1000.0)
