"""T24, A56: which states a tower takes; a hostile seller at each of its values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.systems.trading.channel_cast import KEYS, LIMITS, START, draft_voucher, open_one
from tests.offchain.systems.trading.tower.tower_cast import (
    DOMAIN,
    MARGIN,
    RIVAL,
    TOWER,
    TOWERS,
    bring,
    countersign,
    delegate,
    held_of,
    open_and_watch,
    stored_of,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.encoding import MalformedMessage
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.journal.journal import Journal
from edgemark.loop.machine import IllegalMove, Tick
from edgemark.loop.replay import encode_record
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.terms import Terms, check_answering, compute_bringing_s
from edgemark.systems.trading.contract.towers.records import Receipt, TowerTerms
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.seller.seller import Seller
from edgemark.systems.trading.settings import SellerSettings, TowerSettings
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.tower import events as on
from edgemark.systems.trading.tower.messages import (
    MAX_RECEIPT_BYTES,
    MAX_STATE_BYTES,
    BroughtState,
    SignedReceipt,
)
from edgemark.systems.trading.tower.taking import (
    ChannelUnsuitable,
    KeysTooMany,
    NotWatchedNow,
    StateOld,
    StateRefused,
    TimeShort,
    check_newer,
    check_suitable,
    hold,
)
from edgemark.systems.trading.tower.tower import Tower
from edgemark.systems.trading.tower.watch import MAX_PAIRS, TowerMachine

CHANNEL = open_one()
STATE = bring(CHANNEL, 600)
BRINGING_S = 24
LEAST_S = MARGIN + BRINGING_S
AT_LEAST = CHANNEL.terms.expires_at + LEAST_S
OFFERED = TowerTerms(Tokens(100), Tokens(7), Timestamp(START + 10**6))


def take(state: BroughtState, **changes: Any) -> Any:
    given_ = {"channel": CHANNEL.id, "signers": CHANNEL.signers, "domain": DOMAIN}
    return hold(state, **{**given_, "me": TOWER.address, **changes})


def with_voucher(payer: str = "payer's key", seller: str = "seller's key") -> BroughtState:
    """Signed by others."""
    voucher = draft_voucher(600)
    digest = DOMAIN.voucher(CHANNEL.id, voucher)
    signed = Countersigned(voucher, KEYS[seller].sign(digest), KEYS[payer].sign(digest))
    return replace(STATE, voucher=signed)


def test_state__is_held_as_it_was_signed() -> None:
    assert take(STATE) == held_of(CHANNEL, 600)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(with_voucher(payer="a thief"), id="not signed by the payer"),
        pytest.param(with_voucher(payer="seller's key"), id="signed by the seller twice"),
        pytest.param(with_voucher(seller="a thief"), id="not signed by the seller"),
        pytest.param(
            replace(STATE, delegation=delegate(CHANNEL, 1, RIVAL.address)), id="of another tower"
        ),
        pytest.param(replace(STATE, number=2), id="of another number"),
        pytest.param(replace(STATE, delegation=bytes(65)), id="no signature"),
        pytest.param(
            replace(STATE, voucher=countersign(open_one(nonce=2), 600)), id="of another channel"
        ),
    ],
)
def test_state_that_somebody_else_signed__is_refused(hostile: BroughtState) -> None:
    with pytest.raises(BadSignature):
        take(hostile)


@pytest.mark.parametrize("number", [0, 2**24])
def test_number_of_no_delegation__is_refused(number: int) -> None:
    with pytest.raises(StateRefused):
        take(replace(STATE, number=number))


@pytest.mark.parametrize(("amount", "number"), [(599, 1), (599, 9), (700, 0)])
def test_older_state__is_refused(amount: int, number: int) -> None:
    with pytest.raises(StateOld):
        check_newer(open_and_watch().watch, replace(held_of(CHANNEL, amount), number=number))


def test_same_state__is_not_newer_and_refused_to_nobody() -> None:
    keeper = open_and_watch()
    assert not check_newer(keeper.watch, held_of(CHANNEL, 600))
    assert check_newer(keeper.watch, held_of(CHANNEL, 601))
    assert check_newer(keeper.watch, held_of(CHANNEL, 600, number=2))
    keeper.reach(CHANNEL.terms.close_by - MARGIN + 1)
    assert not check_newer(keeper.watch, held_of(CHANNEL, 600))
    with pytest.raises(NotWatchedNow):
        check_newer(keeper.watch, held_of(CHANNEL, 601))


@pytest.mark.parametrize("number", [1, 2])
def test_first_receipt_within_the_margin__is_given_to_nobody(number: int) -> None:
    """Its state was handed in early, and nobody was bound to bring it: now it may be too late."""
    keeper = open_and_watch(receipt=False)
    keeper.reach(CHANNEL.terms.close_by - MARGIN)
    check_newer(keeper.watch, held_of(CHANNEL, 600, number))
    keeper.reach(CHANNEL.terms.close_by - MARGIN + 1)
    with pytest.raises(NotWatchedNow):
        check_newer(keeper.watch, held_of(CHANNEL, 600, number))
    with pytest.raises(IllegalMove):
        keeper.hand(600, number)


def suit(
    now: int = START,
    offered: TowerTerms = OFFERED,
    terms: Terms = CHANNEL.terms,
    **changes: Any,
) -> None:
    stored = replace(stored_of(CHANNEL), **changes)
    lock_expiry = terms.lock_expiry(LIMITS.exit_grace)
    check_suitable(terms, stored, offered, lock_expiry, now, MARGIN, BRINGING_S)


def test_channel_that_suits__is_taken() -> None:
    suit()
    suit(now=CHANNEL.terms.close_by - MARGIN - 1)
    suit(terms=replace(CHANNEL.terms, window=LEAST_S))
    suit(terms=replace(CHANNEL.terms, close_by=AT_LEAST))
    suit(offered=replace(OFFERED, least_bond=CHANNEL.terms.bond, until=CHANNEL.lock_expiry))


@pytest.mark.parametrize(
    ("confirmations", "poll_s", "block_s", "needed"),
    [(0, 0.0, 1, 2), (1, 0.4, 1, 4), (12, 1.0, 12, 169), (12, 1.0, 0, 169), (0, 0.0, 0, 24)],
)
def test_time_to_bring__is_confirmations_a_look_and_two_blocks(
    confirmations: int, poll_s: float, block_s: int, needed: int
) -> None:
    assert compute_bringing_s(confirmations, poll_s, block_s) == needed
    station: Any = SimpleNamespace(
        block_s=lambda: block_s,
        paces=SimpleNamespace(poll_s=poll_s),
        chain=SimpleNamespace(confirmations=confirmations),
    )
    assert TradingStation.bringing_s(station) == needed


def test_margin_that_is_no_longer_than_seeing_and_answering__lets_nobody_begin_to_sell_or_watch(
    tmp_path: Path,
) -> None:
    told = []
    station: Any = SimpleNamespace(
        home=tmp_path,
        block_s=lambda: 12,
        bringing_s=lambda: 169,
        address=TOWER.address,
        check_answering=lambda *said: (
            told.append(said) or TradingStation.check_answering(station, *said)
        ),
    )
    for shell in (
        SimpleNamespace(station=station, _decided=TowerSettings(margin_s=169)),
        SimpleNamespace(station=station, _taken=SellerSettings(min_window_s=169)),
    ):
        start: Any = Tower.start if hasattr(shell, "_decided") else Seller.start
        with pytest.raises(RefusedInput, match=r"margin_s|min_window_s"):
            start(shell)
    assert [had for _, had in told] == [169, 169]
    check_answering("trading.tower.margin_s", 170, 169, who="tower")
    with Journal.open(tmp_path / "tower.journal") as journal:  # it has taken a channel
        journal.append(encode_record(TowerMachine(), bytes(32), Tick(1)))
    TradingStation.check_answering(station, "trading.tower.margin_s", 6)
    with pytest.raises(RefusedInput):
        TradingStation.check_answering(station, "trading.seller.min_window_s", 6)
    station.block_s = lambda: 0
    TradingStation.check_answering(station, "trading.seller.min_window_s", 6)  # nobody can tell


@pytest.mark.parametrize(
    "hostile",
    [
        {"phase": ChannelPhase.NONE},
        {"phase": ChannelPhase.CLOSING_BY_PAYER},
        {"phase": ChannelPhase.ENDED},
        {"offered": replace(OFFERED, least_bond=Tokens(CHANNEL.terms.bond + 1))},
        {"offered": replace(OFFERED, until=Timestamp(CHANNEL.lock_expiry - 1))},
        {"now": CHANNEL.terms.close_by - MARGIN},
        {"terms": replace(CHANNEL.terms, window=LEAST_S - 1)},
        {"terms": replace(CHANNEL.terms, close_by=AT_LEAST - 1)},
    ],
)
def test_channel_that_does_not_suit__is_refused_by_name(hostile: dict[str, Any]) -> None:
    with pytest.raises(ChannelUnsuitable):
        suit(**hostile)


def test_lock_that_expires_before_a_window_is_settled__is_watched_by_nobody() -> None:
    terms, grace = CHANNEL.terms, LEAST_S
    stored = stored_of(CHANNEL)
    check_suitable(terms, stored, OFFERED, terms.lock_expiry(grace), START, MARGIN, BRINGING_S)
    with pytest.raises(TimeShort):
        check_suitable(
            terms, stored, OFFERED, terms.lock_expiry(grace - 1), START, MARGIN, BRINGING_S
        )


@pytest.mark.parametrize("field", ["window", "close_by"])
def test_channel_that_leaves_no_time_to_bring_it__is_refused_for_that(field: str) -> None:
    """Keys and deposit are final at `expires_at`, and a margin before `close_by` all is brought."""
    short = {"window": LEAST_S - 1, "close_by": AT_LEAST - 1}
    with pytest.raises(TimeShort, match=f"{LEAST_S - 1} s"):
        suit(terms=replace(CHANNEL.terms, **{field: short[field]}))


def test_state_under_more_keys_than_are_kept__takes_the_place_of_what_is_paid() -> None:
    keeper = open_and_watch()
    receipted = held_of(CHANNEL, 600, receipt=b"r" * 65)
    others = [Address(f"0x{number:040x}") for number in range(1, MAX_PAIRS + 1)]
    for other in others[:-1]:
        keeper.step(on.HeardState(replace(receipted, payer_key=other)))
    assert len(keeper.watch.held) == MAX_PAIRS
    one_more = replace(receipted, payer_key=others[-1])
    with pytest.raises(KeysTooMany):
        check_newer(keeper.watch, one_more)
    with pytest.raises(IllegalMove):
        keeper.step(on.HeardState(one_more))
    keeper.step(on.SawFunds(Tokens(CHANNEL.deposit), Tokens(600)))
    assert check_newer(keeper.watch, one_more)
    keeper.step(on.HeardState(one_more))
    assert len(keeper.watch.held) == MAX_PAIRS
    assert keeper.watch.under(CHANNEL.signers.keys), "what counts now stays"
    assert keeper.watch.under(one_more.keys) and not keeper.watch.under(
        (others[0], receipted.seller_key)
    )


def test_messages__come_back_as_they_were_and_are_short() -> None:
    raw = STATE.to_wire()
    assert BroughtState.from_wire(raw) == STATE
    assert len(raw) < MAX_STATE_BYTES / 2
    said = Receipt(CHANNEL.id, Tokens(600), *CHANNEL.signers.keys, CHANNEL.lock_expiry)
    signed = SignedReceipt(said, TOWER.sign(TOWERS.receipt(said)))
    assert SignedReceipt.from_wire(signed.to_wire()) == signed
    assert len(signed.to_wire()) < MAX_RECEIPT_BYTES
    signed.check(TOWERS, TOWER.address)
    with pytest.raises(BadSignature):
        signed.check(TOWERS, RIVAL.address)
    with pytest.raises(BadSignature):
        replace(signed, receipt=replace(said, amount=Tokens(601))).check(TOWERS, TOWER.address)


@given(st.integers(0, len(STATE.to_wire()) - 1), st.binary(max_size=40))
def test_cut_or_changed_state__is_refused_or_another(at: int, put: bytes) -> None:
    raw = STATE.to_wire()
    for hostile in (raw[:at], raw[:at] + put + raw[at + len(put) :], raw + put):
        try:
            found = BroughtState.from_wire(hostile)
        except (MalformedMessage, RefusedInput):
            continue
        assert (found == STATE) == (hostile == raw)


def test_retainer_field__is_whatever_transaction_its_seller_names() -> None:
    named = replace(STATE, retainer=Hash32(b"\7" * 32))
    assert BroughtState.from_wire(named.to_wire()).retainer == named.retainer
