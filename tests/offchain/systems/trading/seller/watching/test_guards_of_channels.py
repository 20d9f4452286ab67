"""T24-T26: what a seller owes its towers and they owe it, in each phase of a guard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import LIMITS, open_one, signer
from tests.offchain.systems.trading.tower.tower_cast import (
    CLAIM_S,
    DOMAIN,
    RIVAL,
    TOWER,
    TOWERS,
    countersign,
)

from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.identifiers import NOBODY, Address, Hash32, Timestamp, Tokens
from edgemark.loop.machine import IllegalMove, Tick
from edgemark.systems.trading.contract.towers.records import Receipt
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.seller.watching import events as on
from edgemark.systems.trading.seller.watching.events import Unwatched
from edgemark.systems.trading.seller.watching.guard import (
    MAX_RECEIPTS,
    Guard,
    GuardMachine,
    GuardPhase,
    word_event,
)
from edgemark.systems.trading.seller.watching.watching import ReceiptWrong, check_receipt
from edgemark.systems.trading.tower.messages import SignedReceipt

CHANNEL = open_one()
EXPIRY = CHANNEL.terms.lock_expiry(LIMITS.exit_grace)
RETAINER = Hash32(b"\1" * 32)
COVER = Tokens(700)
MACHINE = GuardMachine()


def step(guard: Guard, *events: object) -> Guard:
    """Through the journal's form, as the loop does."""
    for event in events:
        if not isinstance(event, Tick):
            assert MACHINE.decode_event(MACHINE.encode_event(event)) == event
        guard, _ = MACHINE.step(guard, event)
        assert all(guard.laws().values()), guard.laws()
        (state,) = MACHINE.condense(guard)
        assert MACHINE.decode_event(MACHINE.encode_event(state)) == guard
    return guard


def ask(tower: Address = TOWER.address) -> on.AskedWatch:
    until = Timestamp(EXPIRY + CLAIM_S)
    return on.AskedWatch(CHANNEL.id, CHANNEL.terms, EXPIRY, until, tower)


def signed(amount: int) -> on.HeardSigned:
    return on.HeardSigned(countersign(CHANNEL, amount))


def receipt(
    amount: int,
    number: int = 1,
    tower: Address = TOWER.address,
    cover: int = COVER,
    keys: tuple[str, str] = ("payer's key", "seller's key"),
) -> on.FoundReceipt:
    said = Receipt(CHANNEL.id, Tokens(amount), *map(signer, keys), EXPIRY)
    by = TOWER if tower == TOWER.address else RIVAL
    kept = on.KeptReceipt(tower, SignedReceipt(said, by.sign(TOWERS.receipt(said))))
    return on.FoundReceipt(kept, number, Tokens(cover))


RETAINED = on.FoundRetained(TOWER.address, RETAINER)
GONE = on.SawGone(Tokens(200), Tokens(400), Timestamp(EXPIRY - 100))


def watched(amount: int = 600) -> Guard:
    return step(Guard(), ask(), RETAINED, signed(amount), receipt(amount))


def test_retainer__is_moved_before_anything_is_handed_in() -> None:
    guard = step(Guard(), ask(), signed(600))
    assert (guard.owed(), guard.why) == ((on.MoveRetainer(TOWER.address),), Unwatched.AWAITED)
    guard = step(guard, RETAINED)
    assert guard.owed() == (on.HandState(Tokens(600), 1),)
    assert not guard.answered


def test_retainer__is_not_moved_before_anything_is_signed() -> None:
    guard = step(Guard(), ask())
    assert (guard.owed(), guard.why) == ((), Unwatched.NO_VOUCHER)
    guard = step(guard, signed(1))
    assert (guard.owed(), guard.why) == ((on.MoveRetainer(TOWER.address),), Unwatched.AWAITED)


def test_retainer_that_was_in_vain__is_followed_by_none_until_the_tower_is_asked_again() -> None:
    old = on.FoundRetainerOld(TOWER.address)
    guard = step(Guard(), ask(), signed(600), RETAINED, old)
    assert (guard.owed(), guard.why, guard.tower) == ((), Unwatched.RETAINER_OLD, NOBODY)
    assert step(guard, signed(650)).owed() == ()
    assert "in vain" in str(word_event(old))
    with pytest.raises(IllegalMove):
        step(guard, old)
    guard = step(guard, ask())
    assert (guard.owed(), guard.number) == ((on.MoveRetainer(TOWER.address),), 3)
    assert guard.spent == (TOWER.address,)
    guard = step(guard, RETAINED, receipt(600, 3))
    assert guard.answered == COVER


def test_retainer_that_was_in_vain__is_another_towers_own() -> None:
    guard = step(watched(), ask(RIVAL.address), on.FoundRetained(RIVAL.address, RETAINER))
    guard = step(guard, on.FoundRetainerOld(RIVAL.address), ask())
    assert guard.owed() == (on.MoveRetainer(TOWER.address),)
    assert [guard.spent.count(each) for each in (TOWER.address, RIVAL.address)] == [0, 1]


def test_nothing_signed__leaves_nothing_to_hand_in_and_says_so() -> None:
    guard = step(Guard(), ask(), RETAINED)
    assert (guard.owed(), guard.why) == ((), Unwatched.NO_VOUCHER)


def test_receipt__lets_the_tower_answer_up_to_its_cover() -> None:
    guard = watched()
    assert (guard.owed(), guard.answered, guard.why) == ((), COVER, Unwatched.WATCHED)
    guard = step(guard, signed(650))
    assert guard.owed() == (on.HandState(Tokens(650), 1),)


def test_receipt_without_a_cover__answers_for_nothing() -> None:
    guard = step(Guard(), ask(), RETAINED, signed(600), receipt(600, cover=0))
    assert (guard.answered, guard.why) == (0, Unwatched.NO_COVER)
    assert guard.owed() == (on.HandState(Tokens(600), 1),)


@pytest.mark.parametrize("why", [each for each in Unwatched if each])
def test_reason__takes_the_tower_away_until_its_next_receipt(why: Unwatched) -> None:
    guard = step(watched(), on.FoundUnwatched(why))
    assert not guard.answered
    assert why.name.lower().replace("_", " ") in str(word_event(on.FoundUnwatched(why)).facts)
    assert step(guard, signed(650), receipt(650)).answered == COVER


def test_other_tower__has_a_higher_number_and_its_own_retainer() -> None:
    guard = step(watched(), ask(RIVAL.address))
    assert (guard.number, guard.tower, guard.answered) == (2, RIVAL.address, 0)
    assert guard.owed() == (on.MoveRetainer(RIVAL.address),)
    guard = step(guard, on.FoundRetained(RIVAL.address, RETAINER))
    assert guard.owed() == (on.HandState(Tokens(600), 2),)
    guard = step(guard, receipt(600, 2, RIVAL.address))
    assert {each.tower for each in guard.receipts} == {TOWER.address, RIVAL.address}
    assert guard.answered == COVER


def test_dismissal__takes_the_next_number_and_hands_nothing_in() -> None:
    guard = step(watched(), on.AskedDismissal())
    assert (guard.number, guard.owed(), guard.answered) == (2, (), 0)
    assert guard.why is Unwatched.DISMISSED
    assert step(guard, ask()).number == 3


def test_amount__never_falls() -> None:
    with pytest.raises(IllegalMove):
        step(watched(), signed(600))
    held = step(watched(), receipt(650), receipt(600)).receipt
    assert held is not None
    assert held.signed.receipt.amount == 650


@pytest.mark.parametrize(
    "keys", [("payer's next key", "seller's key"), ("payer's key", "seller's next key")]
)
def test_receipt_under_other_keys__takes_no_others_place(keys: tuple[str, str]) -> None:
    """Former keys may be put back, and with them a former receipt counts again."""
    guard = step(watched(), receipt(500, keys=keys), receipt(550, keys=keys))
    assert [each.signed.receipt.amount for each in guard.receipts] == [600, 550]
    assert len({each.signed.receipt.keys for each in guard.receipts}) == 2


def test_end_below_a_receipt__is_claimed_from_every_tower_that_gave_one() -> None:
    guard = step(watched(), ask(RIVAL.address), on.FoundRetained(RIVAL.address, RETAINER))
    guard = step(guard, receipt(600, 2, RIVAL.address), GONE)
    assert {*guard.owed()} == {on.ClaimCover(TOWER.address), on.ClaimCover(RIVAL.address)}
    guard = step(guard, on.FoundCompensated(TOWER.address, Tokens(0)))
    assert guard.owed() == (on.ClaimCover(RIVAL.address),)
    guard = step(guard, on.FoundCompensated(RIVAL.address, Tokens(400)))
    assert guard.is_finished


@pytest.mark.parametrize(
    "gone",
    [
        replace(GONE, amount=Tokens(600)),
        replace(GONE, returned=Tokens(0)),
        replace(GONE, last_second=Timestamp(0)),
    ],
)
def test_end_for_which_no_tower_answers__owes_nothing(gone: on.SawGone) -> None:
    guard = step(watched(), gone)
    assert (guard.owed(), guard.is_finished, guard.phase) == ((), True, GuardPhase.ENDED)


def test_claims__are_over_in_time() -> None:
    guard = step(watched(), GONE)
    until = EXPIRY + CLAIM_S
    assert MACHINE.step(guard, Tick(until))[0].owed()
    assert MACHINE.step(guard, Tick(until + 1))[0].is_finished


def test_receipts__are_bounded_and_the_smallest_go() -> None:
    guard = watched()
    for number in range(MAX_RECEIPTS + 3):
        tower = Address(f"0x{number:040x}")
        found = receipt(601 + number, 1, tower)
        guard, _ = MACHINE.step(guard, found)
    assert len(guard.receipts) == MAX_RECEIPTS
    assert min(each.signed.receipt.amount for each in guard.receipts) > 600


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"payer_key": signer("payer's next key")}, BadSignature),
        ({"seller_key": signer("seller's next key")}, BadSignature),
        ({"amount": Tokens(599)}, ReceiptWrong),
        ({"until": Timestamp(EXPIRY - 1)}, ReceiptWrong),
        ({"channel": ChannelId(bytes(32))}, ReceiptWrong),
    ],
)
def test_receipt_that_would_pay_nothing__is_refused(
    change: dict[str, Any], error: type[Exception] | None
) -> None:
    """A tower with a payer would else sign for keys that are not in force."""
    said = replace(receipt(600).kept.signed.receipt, **change)
    given = SignedReceipt(said, TOWER.sign(TOWERS.receipt(said)))
    handed = countersign(CHANNEL, 600)
    if error is None:
        check_receipt(ask(), given, handed, DOMAIN, TOWERS)
        return
    with pytest.raises(error):
        check_receipt(ask(), given, handed, DOMAIN, TOWERS)


def test_retainer_of_a_former_tower__is_not_taken_for_the_present_ones() -> None:
    guard = step(Guard(), ask(), signed(600), ask(RIVAL.address))
    with pytest.raises(IllegalMove):
        step(guard, RETAINED)
    guard = step(guard, on.FoundRetained(RIVAL.address, RETAINER))
    with pytest.raises(IllegalMove):
        step(guard, on.FoundRetainerOld(TOWER.address))
    assert guard.owed() == (on.HandState(Tokens(600), 2),)


@pytest.mark.parametrize("is_retained", [False, True])
@pytest.mark.parametrize("next_", [RIVAL.address, TOWER.address])
def test_receipt_that_comes_late__is_kept_and_lets_nobody_answer(
    next_: Address, is_retained: bool
) -> None:
    guard = step(Guard(), ask(), RETAINED, signed(600), ask(next_))
    if is_retained:
        guard = step(guard, on.FoundRetained(next_, RETAINER))
    had = guard.owed()
    guard = step(guard, receipt(600))
    assert (guard.answered, guard.handed, guard.owed()) == (0, 0, had)
    assert [each.tower for each in guard.receipts] == [TOWER.address]
    assert step(guard, GONE).owed() == (on.ClaimCover(TOWER.address),)


def test_receipt_behind_the_end__is_claimed() -> None:
    guard = step(Guard(), ask(), RETAINED, signed(600), GONE)
    guard = step(guard, receipt(600))
    assert (guard.owed(), guard.why) == ((on.ClaimCover(TOWER.address),), Unwatched.OVER)
    assert (guard.cover, guard.handed) == (0, 0), "nobody watches what ended"


@pytest.mark.parametrize("by_hand", [ask(), ask(RIVAL.address), on.AskedDismissal()])
def test_tower_of_the_settings__takes_no_other_ones_place(by_hand: object) -> None:
    guard = step(Guard(), on.AskedFirstWatch(ask()), by_hand)
    with pytest.raises(IllegalMove):
        step(guard, on.AskedFirstWatch(ask()))
    assert step(Guard(), on.AskedFirstWatch(ask())) == step(Guard(), ask())
