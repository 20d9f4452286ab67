"""Watchtowers: what a tower owes for a channel that it did not watch, to the token; row T26.

Every end is held to the model of the money, and what is due to `tower.liability`.
"""

from __future__ import annotations

import pytest
from tests.contracts.trading.escrow_world import address
from tests.contracts.trading.tower_world import (
    BY_SELLER,
    CLAIMING,
    LOST,
    OWED,
    OWN_KEYS,
    PAID,
    PAYERS_NEXT,
    SELLERS_NEXT,
    STAKED,
    TowerWorld,
    refuse_receipt,
)
from tests.contracts.world import refused
from tests.offchain.systems.trading.channel_cast import DEPOSIT

from edgemark.identifiers import Timestamp, Tokens
from edgemark.systems.trading.contract.towers.records import Receipt

CLAIM = CLAIMING.claim_seconds


@pytest.mark.parametrize("how", LOST)
def test_t26_channel_that_ended_below_a_receipt__is_made_good_whole_and_once(
    watch: TowerWorld, how: str
):
    channel = watch.open()
    watch.watch(channel)
    ended = watch.end(channel, how)
    had = 300 if how == "with a voucher" else PAID
    said = watch.receipt(channel)
    with watch.escrow.moved() as moved:
        receipt = watch.towers.claim(said, sender=watch.outsider)
    assert moved == {"seller": OWED - had, "locked": had - OWED}
    (log,) = receipt.decode_logs(watch.towers.SellerCompensated)
    assert (log.tower, log.channel, log.seller) == (
        watch.tower,
        channel.id,
        watch.escrow.who("seller"),
    )
    assert (log.amount, log.had, log.due) == (OWED, had, OWED - had)
    left = 500 - (OWED - had)
    assert watch.cover_of(channel).amount == left
    assert tuple(watch.towers.bondOf(watch.tower))[:2] == (STAKED - (OWED - had), left)
    assert watch.due(ended) == 0
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=OWED):
        watch.towers.claim(said, sender=watch.outsider)


@pytest.mark.parametrize("how", BY_SELLER)
def test_t26_channel_that_ended_by_its_sellers_word__is_not(watch: TowerWorld, how: str):
    channel = watch.open()
    watch.watch(channel)
    ended = watch.end(channel, how)
    assert watch.due(ended) == 0
    with refused(watch.towers.EndedBySeller, channel=channel.id):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)


def test_t26_tower_that_answered__owes_nothing(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    watch.close(channel, "payer")
    watch.escrow.escrow.respond(
        [watch.escrow.response(channel, OWED, "tower", 1)], sender=watch.tower
    )
    watch.escrow.at(watch.escrow.escrow.channelOf(channel.id).deadline + 1)
    watch.escrow.escrow.settle([channel.terms.as_abi()], sender=watch.outsider)
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=OWED):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)


def test_t26_due__is_bounded_by_the_cover(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel, 150)
    ended = watch.end(channel, "the payer's window")
    assert watch.due(ended) == watch.claim(watch.receipt(channel)) == 150
    assert tuple(watch.towers.bondOf(watch.tower))[:2] == (STAKED - 150, 0)
    with refused(watch.towers.NotCovered, tower=watch.tower, channel=channel.id):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)
    watch.cover(channel, 500)  # which it need not
    assert watch.claim(watch.receipt(channel)) == OWED - PAID - 150


def test_t26_due__is_bounded_by_what_the_channel_lost(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel, STAKED)
    ended = watch.end(channel, "unclosed")
    assert watch.due(ended, 10**6) == DEPOSIT - PAID
    assert watch.claim(watch.receipt(channel, 10**6)) == DEPOSIT - PAID


def test_t26_claims_with_several_receipts__come_to_the_largest(watch: TowerWorld):
    """Who brings a small one first takes nothing from the seller."""
    channel = watch.open()
    watch.watch(channel)
    ended = watch.end(channel, "the payer's window")
    for amount, due in ((PAID + 1, 1), (450, 249), (OWED, 150)):
        assert watch.due(ended, amount) == due
        assert watch.claim(watch.receipt(channel, amount)) == due
    for amount in (PAID, 450):
        with refused(watch.towers.NothingDue, channel=channel.id, amount=amount, had=OWED):
            watch.towers.claim(watch.receipt(channel, amount), sender=watch.outsider)


def test_uncover__after_a_claim__does_not_make_it_due_again(watch: TowerWorld):
    channel = watch.open()
    until = watch.watch(channel)
    watch.end(channel, "the payer's window")
    watch.claim(watch.receipt(channel))
    watch.escrow.at(until + CLAIM + 1)
    watch.towers.uncover(watch.tower, [channel.id], sender=watch.outsider)
    later = watch.escrow.now() + 1000
    watch.cover(channel, 500, later)
    assert watch.cover_of(channel).paid == OWED - PAID
    said = watch.receipt(channel, OWED, later)
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=OWED):
        watch.towers.claim(said, sender=watch.outsider)


def test_t26_receipt__counts_for_what_could_be_brought_until_its_last_second(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    ended = watch.end(channel, "the payer's window")
    last = ended.deadline
    assert watch.due(ended, OWED, last - 1) == 0
    later = {"channel": channel.id, "lastSecond": last, "until": last - 1}
    with refused(watch.towers.EndedLater, **later):
        watch.towers.claim(watch.receipt(channel, until=last - 1), sender=watch.outsider)
    assert watch.due(ended, OWED, last) == watch.claim(watch.receipt(channel, until=last))


def test_t26_receipt__counts_no_longer_than_the_cover(watch: TowerWorld):
    channel = watch.open()
    watch.bond()
    until = watch.cover(channel, 500, watch.escrow.now() + 5)
    ended = watch.end(channel, "the payer's window")
    assert watch.due(ended) == 0
    later = {"channel": channel.id, "lastSecond": ended.deadline, "until": until}
    with refused(watch.towers.EndedLater, **later):
        watch.towers.claim(watch.receipt(channel, until=2**256 - 1), sender=watch.outsider)


def test_t26_claim__counts_until_the_claiming_time_is_over(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    ended = watch.end(channel, "the payer's window")
    until = ended.deadline + 7
    said, last = watch.receipt(channel, until=until), until + CLAIM
    with watch.escrow.undone():
        watch.escrow.at(last)
        assert watch.claim(said) == OWED - PAID
    watch.escrow.at(last + 1)
    with refused(watch.towers.TooLate, nowAt=last + 1, deadline=last):
        watch.towers.claim(said, sender=watch.outsider)


def test_t26_claim__before_the_channel_ended__is_refused(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    for phase in (1, 2):
        with refused(watch.towers.ChannelNotEnded, channel=channel.id, had=phase):
            watch.towers.claim(watch.receipt(channel), sender=watch.outsider)
        if phase == 1:
            watch.close(channel, "payer")


def test_t26_receipt_without_a_cover__is_worth_nothing(watch: TowerWorld):
    channel = watch.open()
    watch.bond()
    watch.end(channel, "the payer's window")
    with refused(watch.towers.NotCovered, tower=watch.tower, channel=channel.id):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)


def test_t26_receipt__of_another_or_over_another_amount__is_refused(watch: TowerWorld):
    channel, other = watch.open(), watch.open()
    watch.watch(channel)
    watch.cover(other, 500)
    watch.end(channel, "the payer's window")
    watch.end(other, "the payer's window")
    rivals = watch.receipt(channel, by="rival")
    rival = watch.escrow.who("rival")
    values = {"channel": channel.id, "signer": rival, "needed": watch.escrow.who("tower")}
    with refused(watch.towers.ReceiptNotSigned, **values):
        watch.towers.claim(rivals, sender=watch.outsider)
    tower, terms, amount, until, signed = watch.receipt(channel)
    for of, wrong in (
        (channel, (tower, terms, amount + 1, until, signed)),
        (channel, (tower, terms, amount, until - 1, signed)),
        (other, (tower, other.terms.as_abi(), amount, until, signed)),
    ):
        with refuse_receipt(watch, of, wrong):
            watch.towers.claim(wrong, sender=watch.outsider)
    with refused(watch.towers.ECDSAInvalidSignatureLength, length=0):
        watch.towers.claim((tower, terms, amount, until, b""), sender=watch.outsider)


@pytest.mark.parametrize("keys", [PAYERS_NEXT, SELLERS_NEXT])
def test_t26_receipt_for_a_key_that_both_replaced__is_worth_nothing(
    watch: TowerWorld, keys: tuple[str, str]
):
    """What the tower holds counts no more: it could have brought nothing."""
    channel = watch.open()
    watch.watch(channel)
    amended = watch.put_in_force(channel, keys)
    ended = watch.end(amended, "the payer's window")
    said = watch.receipt(channel)
    with refuse_receipt(watch, channel, said, keys):
        watch.towers.claim(said, sender=watch.outsider)
    now_signed = watch.receipt(channel, keys=keys)
    assert watch.due(ended) == watch.claim(now_signed) == OWED - PAID


@pytest.mark.parametrize("keys", [PAYERS_NEXT, SELLERS_NEXT])
def test_t26_receipt_for_keys_that_were_put_back__counts_again(
    watch: TowerWorld, keys: tuple[str, str]
):
    """So a tower keeps what it holds under each pair; after `expires_at` none is put back."""
    channel = watch.open()
    watch.watch(channel)
    back = watch.put_in_force(watch.put_in_force(channel, keys), OWN_KEYS, keys)
    ended = watch.end(back, "the payer's window")
    assert watch.due(ended) == watch.claim(watch.receipt(channel)) == OWED - PAID


def test_t26_deposit_that_both_reduced__is_no_loss(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    reduced = watch.reduce_by(channel, DEPOSIT - 350)
    ended = watch.end(reduced, "the payer's window")
    assert watch.due(ended) == watch.claim(watch.receipt(channel)) == 350 - PAID
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=350):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)


def test_digest_of_a_receipt__is_the_contracts(watch: TowerWorld):
    channel, tower = watch.open(0), address(watch.tower)
    payer = watch.escrow.who("payer")
    said = Receipt(channel.id, Tokens(OWED), payer, tower, Timestamp(77))
    found = watch.towers.receiptDigest(channel.id, OWED, payer, tower, 77)
    assert found == watch.domain.receipt(said)
