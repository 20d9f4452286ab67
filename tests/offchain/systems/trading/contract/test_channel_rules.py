"""The plain model of a channel at each of its bounds, call by call, in numbers.

The contracts' tests hold the contract to this model; here the model is held to the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.channel_cast import (
    BOND,
    CHAIN_ID,
    DEPOSIT,
    ESCROW,
    LIMITS,
    PEOPLE,
    SERVICE,
    START,
    WINDOW,
    draft_terms,
    open_one,
    signer,
)

from edgemark.identifiers import NO_TIME, NOBODY
from edgemark.systems.trading.contract import channel as moves
from edgemark.systems.trading.contract import closing as ends
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import (
    MAX_DELEGATION,
    ChannelEnding,
    ChannelPhase,
    Delegation,
    Said,
    Signers,
)
from edgemark.systems.trading.contract.terms import ChannelRefused, compute_channel_id

PAYER, SELLER, STRANGER = PEOPLE["payer"], PEOPLE["seller"], PEOPLE["outsider"]
PAYER_KEY, SELLER_KEY = signer("payer's key"), signer("seller's key")
BOTH = Said(STRANGER, PAYER_KEY, SELLER_KEY)
EXPIRES, CLOSE_BY = START + SERVICE, START + SERVICE + 2 * WINDOW
LOCK = CLOSE_BY + 2 * WINDOW + LIMITS.exit_grace
LATER = 10**12


def refusal(call: Callable[..., Channel], *arguments: Any) -> str:
    """Name of the error."""
    with pytest.raises(ChannelRefused) as caught:
        call(*arguments)
    return caught.value.error


def paid(amount: int) -> Channel:
    return moves.checkpoint(open_one(), amount, START, BOTH)


# Opening.


def open_by(said: Said, now: int = START, valid_until: int = START) -> Channel:
    terms = draft_terms(PEOPLE, START)
    channel = compute_channel_id(CHAIN_ID, ESCROW, terms)
    return moves.open_channel(channel, terms, LIMITS, now, valid_until, said)


def test_opening__takes_the_seller_s_word_and_the_payer_s_unless_it_sends_it() -> None:
    for said in (Said(PAYER, seller_signer=SELLER), Said(STRANGER, PAYER, SELLER)):
        opened = open_by(said)
        assert (opened.phase, opened.locked, opened.paid) == (ChannelPhase.OPEN, DEPOSIT + BOND, 0)
        assert (opened.agreements, opened.number, opened.shown) == (0, 0, 0)
        assert not opened.is_amended
        assert not opened.is_answered
    for said in (Said(PAYER), Said(STRANGER, PAYER_KEY, SELLER), Said(STRANGER, PAYER, SELLER_KEY)):
        assert refusal(open_by, said) == "NotSigned"
    said = Said(PAYER, seller_signer=SELLER)
    assert refusal(open_by, said, START + 1, START) == "TooLate"


@pytest.mark.parametrize(
    "changes", [{"deposit": 0}, {"bond": BOND - 1}, {"window": LIMITS.min_window - 1}]
)
def test_opening_out_of_bounds__is_refused(changes: dict[str, Any]) -> None:
    assert refusal(lambda: open_one(**changes)) == "OutOfBounds"


# While it is open.


def test_top_up__is_the_payer_s_within_what_a_channel_may_hold() -> None:
    room = LIMITS.max_deposit - DEPOSIT
    assert moves.top_up(open_one(), room, EXPIRES, PAYER).deposit == LIMITS.max_deposit
    assert moves.top_up(open_one(), 1, START, PAYER).deposit == DEPOSIT + 1
    assert refusal(moves.top_up, open_one(), 1, START, SELLER) == "CallerWrong"
    assert refusal(moves.top_up, open_one(), 1, EXPIRES + 1, PAYER) == "TooLate"
    for amount in (0, room + 1):
        assert refusal(moves.top_up, open_one(), amount, START, PAYER) == "OutOfBounds"
    assert refusal(moves.top_up, paid(1), room + 1, START, PAYER) == "OutOfBounds"


def test_reduction__gives_back_what_is_not_paid_and_is_numbered() -> None:
    had = paid(1)
    whole = moves.reduce(had, 0, DEPOSIT - 1, CLOSE_BY, CLOSE_BY, BOTH)
    assert (whole.locked, whole.deposit, whole.paid, whole.agreements) == (BOND, 1, 1, 1)
    part = moves.reduce(had, 0, 10, START, START, BOTH)
    assert moves.reduce(part, 1, 5, START, START, BOTH).agreements == 2
    for number in (0, 2):
        refused = refusal(moves.reduce, part, number, 5, START, START, BOTH)
        assert refused == "AgreementNumberWrong"
    for amount in (0, DEPOSIT):
        assert refusal(moves.reduce, had, 0, amount, START, START, BOTH) == "OutOfBounds"
    assert refusal(moves.reduce, had, 0, 1, START + 1, START, BOTH) == "TooLate"
    assert refusal(moves.reduce, had, 0, 1, CLOSE_BY + 1, LATER, BOTH) == "TooLate"


@pytest.mark.parametrize(
    "said",
    [Said(STRANGER, NOBODY, SELLER_KEY), Said(STRANGER, PAYER_KEY), Said(PAYER), Said(SELLER)],
)
def test_what_both_say__is_refused_without_either(said: Said) -> None:
    signers = Signers(PAYER_KEY, SELLER_KEY, STRANGER, 1)
    calls: list[tuple[Callable[..., Channel], tuple[object, ...]]] = [
        (moves.reduce, (0, 1, START, START, said)),
        (moves.checkpoint, (1, START, said)),
        (moves.amend, (0, 1, signers, START, START, said)),
        (ends.close_together, (1, START, START, said)),
    ]
    for call, arguments in calls:
        assert refusal(call, open_one(), *arguments) == "NotSigned"


def test_signature_of_another__is_named_beside_the_one_that_is_needed() -> None:
    thief = signer("a thief")
    calls: list[tuple[Callable[..., Channel], Said, str]] = [
        (ends.close, Said(SELLER, thief), PAYER_KEY),
        (moves.checkpoint, Said(STRANGER, thief, SELLER_KEY), PAYER_KEY),
        (moves.checkpoint, Said(STRANGER, PAYER_KEY, thief), SELLER_KEY),
    ]
    for call, said, needed in calls:
        with pytest.raises(ChannelRefused) as caught:
            call(open_one(), 1, START, said)
        assert (caught.value.values["signer"], caught.value.values["needed"]) == (thief, needed)


def test_what_both_say__counts_by_whoever_of_them_sends_it() -> None:
    for said in (BOTH, Said(PAYER, seller_signer=SELLER_KEY), Said(SELLER, PAYER_KEY)):
        assert moves.checkpoint(open_one(), 7, START, said).paid == 7


def test_checkpoint__pays_what_is_above_until_the_lock_expires() -> None:
    had = paid(10)
    assert (had.locked, had.paid, had.deposit) == (DEPOSIT + BOND - 10, 10, DEPOSIT)
    more = moves.checkpoint(had, 11, LOCK, BOTH)
    assert (more.locked, more.paid, more.deposit) == (DEPOSIT + BOND - 11, 11, DEPOSIT)
    assert moves.checkpoint(had, 10**9, START, BOTH).paid == DEPOSIT
    assert refusal(moves.checkpoint, had, 10, START, BOTH) == "AmountNotAbove"
    assert refusal(moves.checkpoint, had, 11, LOCK + 1, BOTH) == "TooLate"


def test_amendment__counts_its_epochs_and_its_numbers() -> None:
    had = paid(10)

    def amend(signers: Signers, number: int = 0, amount: int = 10, now: int = EXPIRES) -> Channel:
        return moves.amend(had, number, amount, signers, now, LATER, BOTH)

    key = signer("payer's next key")
    keyed = amend(Signers(key, SELLER_KEY, STRANGER, 0), amount=DEPOSIT)
    assert (keyed.paid, keyed.signers.payer_key, keyed.agreements) == (DEPOSIT, key, 1)
    assert keyed.is_amended
    assert amend(Signers(PAYER_KEY, SELLER_KEY, SELLER, 1)).signers.epoch == 1
    for controller, epoch in ((STRANGER, 1), (SELLER, 0), (SELLER, 2)):
        signers = Signers(PAYER_KEY, SELLER_KEY, controller, epoch)
        assert refusal(amend, signers) == "EpochWrong"
    same = Signers(PAYER_KEY, SELLER_KEY, STRANGER, 0)
    assert refusal(amend, same, 1) == "AgreementNumberWrong"
    for amount in (9, DEPOSIT + 1):
        assert refusal(amend, same, 0, amount) == "AmountOutside"
    assert refusal(amend, same, 0, 10, EXPIRES + 1) == "TooLate"
    assert refusal(amend, Signers(key, key, STRANGER, 0)) == "PartiesInvalid"
    assert refusal(moves.amend, had, 0, 10, same, START + 1, START, BOTH) == "TooLate"


# The first word about its end.


def test_close_together__ends_it_at_what_both_say() -> None:
    ended = ends.close_together(paid(10), 30, CLOSE_BY, CLOSE_BY, BOTH)
    assert ended.end is not None
    assert (ended.end.ending, ended.end.amount) == (ChannelEnding.TOGETHER, 30)
    division = ended.end.division
    assert (division.seller, division.payer, division.penalty) == (20, DEPOSIT - 30 + BOND, 0)
    for amount in (9, DEPOSIT + 1):
        refused = refusal(ends.close_together, paid(10), amount, START, START, BOTH)
        assert refused == "AmountOutside"
    assert refusal(ends.close_together, paid(10), 10, CLOSE_BY + 1, LATER, BOTH) == "TooLate"
    assert refusal(ends.close_together, paid(10), 10, START + 1, START, BOTH) == "TooLate"


def test_close_by_the_payer__begins_a_window_of_w_at_no_less_than_what_is_paid() -> None:
    for amount, shown in ((5, 0), (10, 0), (11, 11), (10**9, DEPOSIT)):
        closing = ends.close(paid(10), amount, CLOSE_BY, Said(PAYER))
        assert closing.phase is ChannelPhase.CLOSING_BY_PAYER
        assert (closing.shown, closing.deadline) == (shown, CLOSE_BY + WINDOW)
        assert closing.counted == max(shown, 10)
    assert refusal(ends.close, paid(10), 10, CLOSE_BY + 1, Said(PAYER)) == "TooLate"


def test_close_by_the_seller__ends_it_at_once_with_the_payer_s_signature() -> None:
    ended = ends.close(paid(10), 30, START, Said(SELLER, PAYER_KEY))
    assert ended.end is not None
    assert (ended.end.ending, ended.end.amount) == (ChannelEnding.CLAIMED, 30)
    assert refusal(ends.close, paid(10), 30, START, Said(SELLER)) == "NotSigned"
    assert refusal(ends.close, paid(10), 30, START, Said(STRANGER, PAYER_KEY)) == "NotAParty"


@pytest.mark.parametrize(
    ("sender", "now", "phase"),
    [
        (PAYER, START, ChannelPhase.CLOSING_BY_PAYER),
        (SELLER, START, ChannelPhase.CLOSING_BY_SELLER),
        (STRANGER, EXPIRES + 1, ChannelPhase.CLOSING_BY_OTHER),
        (STRANGER, CLOSE_BY, ChannelPhase.CLOSING_BY_OTHER),
    ],
)
def test_close_without_a_voucher__counts_as_what_is_paid_with_a_window_of_two_w(
    sender: str, now: int, phase: ChannelPhase
) -> None:
    closing = ends.close_bare(paid(10), now, sender)  # type: ignore[arg-type]
    assert (closing.phase, closing.shown, closing.counted) == (phase, 0, 10)
    assert closing.deadline == now + 2 * WINDOW


def test_close_without_a_voucher__is_a_stranger_s_after_the_expiry_alone() -> None:
    assert refusal(ends.close_bare, open_one(), EXPIRES, STRANGER) == "TooEarly"
    assert refusal(ends.close_bare, open_one(), CLOSE_BY + 1, PAYER) == "TooLate"


# In the window.


def closed(by: str = PAYER) -> Channel:
    return ends.close_bare(paid(10), START, by)  # type: ignore[arg-type]


def delegation(number: int, tower: str = "tower", key: str = SELLER_KEY) -> Delegation:
    return Delegation(PEOPLE[tower], number, key)  # type: ignore[arg-type]


def test_response__shows_more_until_the_last_second() -> None:
    end = START + 2 * WINDOW
    shown = ends.respond(closed(), 30, end, PAYER_KEY, None)
    assert (shown.shown, shown.is_answered, shown.tower) == (30, True, NOBODY)
    assert ends.respond(shown, 31, end, PAYER_KEY, None).shown == 31
    assert ends.respond(closed(), 10**9, end, PAYER_KEY, None).shown == DEPOSIT
    assert refusal(ends.respond, closed(), 30, end + 1, PAYER_KEY, None) == "TooLate"
    assert refusal(ends.respond, closed(), 10, end, PAYER_KEY, None) == "AmountNotAbove"
    assert refusal(ends.respond, shown, 30, end, PAYER_KEY, None) == "AmountNotAbove"
    assert refusal(ends.respond, closed(), 30, end, SELLER_KEY, None) == "NotSigned"
    assert refusal(ends.respond, open_one(), 30, START, PAYER_KEY, None) == "ChannelNotClosing"


def test_delegation__of_the_highest_number_of_the_victim_counts() -> None:
    first = ends.respond(closed(), 30, START, PAYER_KEY, delegation(1))
    assert (first.tower, first.number) == (PEOPLE["tower"], 1)
    newer = ends.respond(first, 30, START, PAYER_KEY, delegation(MAX_DELEGATION, "rival"))
    assert (newer.tower, newer.number, newer.shown) == (PEOPLE["rival"], MAX_DELEGATION, 30)
    older = ends.respond(newer, 31, START, PAYER_KEY, delegation(1))
    assert (older.tower, older.shown) == (PEOPLE["rival"], 31)
    args = (30, START, PAYER_KEY)
    assert refusal(ends.respond, first, *args, delegation(1, "rival")) == "DelegationOld"
    assert refusal(ends.respond, first, 29, START, PAYER_KEY, delegation(2)) == "AmountNotAbove"
    too_many = delegation(MAX_DELEGATION + 1)
    assert refusal(ends.respond, first, *args, too_many) == "OutOfBounds"
    assert refusal(ends.respond, closed(), *args, delegation(1, key=PAYER_KEY)) == "NotSigned"
    of_payer = delegation(1, key=PAYER_KEY)
    assert ends.respond(closed(SELLER), *args, of_payer).tower == PEOPLE["tower"]
    refused = refusal(ends.respond, closed(SELLER), *args, delegation(1))
    assert refused == "NotSigned"


def test_delegation_alone__answers_nothing() -> None:
    told = ends.respond(closed(), 10, START, PAYER_KEY, delegation(1))
    assert (told.is_answered, told.shown, told.number) == (False, 0, 1)


# The last word.


def settled(channel: Channel) -> Channel:
    return ends.settle(channel, channel.deadline + 1)


@pytest.mark.parametrize(
    ("by", "key", "victim"), [(PAYER, SELLER_KEY, SELLER), (SELLER, PAYER_KEY, PAYER)]
)
def test_penalty__goes_to_the_victim_s_tower_or_to_the_victim(
    by: str, key: str, victim: str
) -> None:
    alone = settled(ends.respond(closed(by), 30, START, PAYER_KEY, None))
    watched = settled(ends.respond(closed(by), 30, START, PAYER_KEY, delegation(1, key=key)))
    assert alone.end is not None
    assert watched.end is not None
    assert (alone.end.penalty_to, watched.end.penalty_to) == (victim, PEOPLE["tower"])
    penalty = BOND if by == PAYER else 20  # of a seller at most what it receives
    assert alone.end.division.penalty == watched.end.division.penalty == penalty
    assert alone.end.division.total == DEPOSIT + BOND - 10


def test_close_by_a_stranger__costs_nobody_anything() -> None:
    closing = ends.close_bare(paid(10), CLOSE_BY, STRANGER)
    ended = settled(ends.respond(closing, 30, CLOSE_BY, PAYER_KEY, delegation(1)))
    assert ended.end is not None
    assert (ended.end.division.penalty, ended.end.penalty_to) == (0, NOBODY)
    assert (ended.end.division.seller, ended.end.division.payer) == (20, DEPOSIT - 30 + BOND)


def test_settling__comes_after_the_window_and_within_the_lock() -> None:
    closing = closed()
    assert refusal(ends.settle, closing, closing.deadline) == "TooEarly"
    assert ends.settle(closing, LOCK).phase is ChannelPhase.ENDED
    assert refusal(ends.settle, closing, LOCK + 1) == "TooLate"
    assert refusal(ends.settle, open_one(), START) == "ChannelNotClosing"


def test_what_nobody_closed__ends_at_what_is_paid_and_after_its_lock_goes_back() -> None:
    assert refusal(ends.end_unclosed, paid(10), CLOSE_BY) == "TooEarly"
    ended = ends.end_unclosed(paid(10), CLOSE_BY + 1)
    assert ended.end is not None
    assert (ended.end.ending, ended.end.amount) == (ChannelEnding.UNCLOSED, 10)
    assert ended.deadline == CLOSE_BY
    assert ends.end_unclosed(paid(10), LOCK).deadline == CLOSE_BY
    for had in (paid(10), closed()):
        lapsed = ends.end_unclosed(had, LOCK + 1)
        assert lapsed.end is not None
        assert (lapsed.end.ending, lapsed.end.division.total) == (ChannelEnding.LAPSED, 0)
        assert lapsed.deadline == LOCK
    assert refusal(ends.end_unclosed, closed(), CLOSE_BY + 1) == "ChannelNotOpen"
    assert refusal(ends.end_unclosed, ended, LOCK + 1) == "ChannelNotOpen"


def test_channel_that_ended__keeps_what_went_where_and_the_last_second_for_more() -> None:
    answered = ends.respond(closed(), 30, START, PAYER_KEY, delegation(1))
    ended = settled(answered)
    assert (ended.paid, ended.locked, ended.deadline) == (30, DEPOSIT - 30, START + 2 * WINDOW)
    assert (ended.shown, ended.is_answered, ended.tower, ended.number) == (0, False, NOBODY, 0)
    by_seller = settled(ends.respond(closed(SELLER), 30, START, PAYER_KEY, None))
    assert by_seller.deadline == NO_TIME
    claimed = ends.close(paid(10), 30, START, Said(SELLER, PAYER_KEY))
    assert claimed.deadline == NO_TIME
    for call in (moves.top_up, ends.close_bare):
        arguments = (1, START, PAYER) if call is moves.top_up else (START, PAYER)
        assert refusal(call, ended, *arguments) == "ChannelNotOpen"


def test_worth__is_never_more_than_the_deposit() -> None:
    had = replace(paid(10), shown=5)
    assert (had.worth(DEPOSIT + 1), had.worth(3), had.counted) == (DEPOSIT, 3, 10)
    assert (had.deposit, had.lock_expiry) == (DEPOSIT, LOCK)
