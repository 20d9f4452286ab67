"""T26, T6: who gains what of a tower's bond, alone and together: on planted copies, and here.

A tower with a seller, with a payer, with both, and both without it; a receipt for an amount that
the payer never signed. What every coalition gains by every end: `test_tower_payoffs.py`.
"""

from __future__ import annotations

from typing import Any

from tests.contracts.trading.tower_world import (
    OWED,
    OWN_KEYS,
    PAID,
    PAYERS_NEXT,
    SELLERS_NEXT,
    STAKED,
    TowerWorld,
    refuse_receipt,
)
from tests.contracts.world import refused, sign
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, signer

LOSS = OWED - PAID


def open_of_friends(watch: TowerWorld) -> Any:
    """A channel whose seller is the tower's friend, who never worked."""
    friend = watch.escrow.account_key("rival")
    terms = watch.escrow.terms(seller=watch.escrow.who("rival"))
    opening = watch.escrow.opening(terms, seller=friend)
    watch.escrow.escrow.open([opening], sender=watch.escrow.people["payer"])
    return watch.escrow.model(terms)


def fail_both(watch: TowerWorld, cover: int) -> tuple[Any, Any]:
    """A victim's channel and one of friends, both covered, both ended below their receipts."""
    victim, friends = watch.open(), open_of_friends(watch)
    watch.bond(2 * cover)
    for channel in (victim, friends):
        watch.cover(channel, cover)
        watch.end(channel, "the payer's window")
    return victim, friends


def test_t26_planted_first_claim__lets_a_tower_that_failed_pay_itself(watch: TowerWorld, project):
    planted = watch.escrow.deployer.deploy(project.PlantedFirstClaim, DEPOSIT)
    friend, seller = watch.escrow.people["rival"], watch.escrow.people["seller"]
    planted.claim(friend, DEPOSIT, sender=friend)
    planted.claim(seller, LOSS, sender=seller)
    assert (planted.paid(friend), planted.paid(seller)) == (DEPOSIT, 0)

    victim, friends = fail_both(watch, 500)
    with watch.escrow.moved() as moved:
        watch.claim(watch.receipt(friends, DEPOSIT))
        watch.claim(watch.receipt(victim))
    assert (moved["rival"], moved["seller"]) == (500, LOSS)  # of its own cover, and no more


def test_t26_planted_shared_bond__lets_a_tower_that_failed_take_most_of_it_back(
    watch: TowerWorld, project
):
    planted = watch.escrow.deployer.deploy(project.PlantedSharedBond, LOSS)
    friend, seller = watch.escrow.people["rival"], watch.escrow.people["seller"]
    planted.claim(seller, LOSS, sender=seller)
    planted.claim(friend, DEPOSIT, sender=friend)
    whole = LOSS + DEPOSIT
    assert planted.partOf(seller) == LOSS * LOSS // whole < LOSS // 3
    assert planted.partOf(friend) == LOSS * DEPOSIT // whole

    victim, friends = fail_both(watch, LOSS)
    with watch.escrow.moved() as moved:
        watch.claim(watch.receipt(friends, DEPOSIT))
        watch.claim(watch.receipt(victim))
    assert moved["seller"] == LOSS


def planted_receipt(watch: TowerWorld, project: Any, channel: Any) -> Any:
    planted = watch.escrow.deployer.deploy(project.PlantedPlainReceipt, watch.tower)
    digest = planted.digestOf(channel.id, OWED, channel.lock_expiry)
    signed = sign(watch.tower, bytes(digest))
    return lambda had: planted.dueOf(channel.id, OWED, channel.lock_expiry, signed, had)


def test_t26_planted_plain_receipt__lets_both_parties_rob_an_honest_tower_by_another_key(
    watch: TowerWorld, project
):
    channel = watch.open()
    planted = planted_receipt(watch, project, channel)
    watch.watch(channel)
    amended = watch.put_in_force(channel, PAYERS_NEXT)
    closing = watch.close(amended, "payer")
    response = watch.escrow.response(channel, OWED)  # all that the tower holds
    refusal = watch.escrow.refusal_of("respond", response, "tower", watch.escrow.now() + 1)
    assert refusal is not None and refusal[0] == "NotSigned"
    watch.settle(closing)
    assert planted(PAID) == LOSS

    said = watch.receipt(channel)
    with refuse_receipt(watch, channel, said, PAYERS_NEXT):
        watch.towers.claim(said, sender=watch.outsider)


def test_t26_planted_payers_receipt__lets_both_parties_rob_an_honest_tower_by_the_sellers_next_key(
    watch: TowerWorld, project
):
    """The tower brings what it holds before `close_by`, and is refused for the seller's key."""
    channel = watch.open()
    watch.watch(channel)
    wired = (watch.escrow.escrow, watch.tower)
    planted = watch.escrow.deployer.deploy(project.PlantedPayersReceipt, *wired)
    terms = channel.terms.as_abi()
    digest = planted.digestOf(terms, OWED, signer(OWN_KEYS[0]))
    signed = sign(watch.tower, bytes(digest))
    amended = watch.put_in_force(channel, SELLERS_NEXT)
    item = watch.escrow.claim(channel, OWED)
    at = channel.terms.close_by - 1
    refusal = watch.escrow.refusal_of("checkpoint", item, "tower", at)
    assert refusal is not None and refusal[0] == "NotSigned"
    watch.end(amended, "unclosed")
    assert planted.dueOf(terms, OWED, signed) == LOSS

    said = watch.receipt(channel)
    with refuse_receipt(watch, channel, said, SELLERS_NEXT):
        watch.towers.claim(said, sender=watch.outsider)


def test_t26_planted_plain_receipt__lets_both_parties_rob_an_honest_tower_by_a_smaller_deposit(
    watch: TowerWorld, project
):
    channel = watch.open()
    planted = planted_receipt(watch, project, channel)
    watch.watch(channel)
    reduced = watch.reduce_by(channel, DEPOSIT - PAID)  # nothing is left
    watch.end(reduced, "the payer's window")
    assert planted(PAID) == LOSS
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=PAID):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)


def test_t26_tower_with_the_payer__loses_what_the_payer_gains(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    with watch.escrow.moved() as moved:
        watch.end(channel, "the payer's window")
        watch.claim(watch.receipt(channel))
    assert moved["seller"] == LOSS
    assert moved["payer"] == DEPOSIT - PAID + BOND  # `LOSS` more than its due
    assert moved["locked"] == -(DEPOSIT - PAID + BOND) - LOSS


def test_t26_tower_with_the_seller__gains_nothing_by_an_amount_that_nobody_signed(
    watch: TowerWorld,
):
    """The tower pays its accomplice itself, of what it has set aside for it."""
    channel, other = watch.open(), watch.open()
    watch.bond()
    watch.cover(channel, 700)
    watch.cover(other, 500)
    watch.end(other, "the payer's window")
    watch.end(channel, "unclosed")
    with watch.escrow.moved() as moved:
        watch.claim(watch.receipt(channel, 10**9))
        watch.claim(watch.receipt(other))
    assert moved == {"seller": 700 + LOSS, "locked": -700 - LOSS}
    assert tuple(watch.towers.bondOf(watch.tower))[:2] == (STAKED - 700 - LOSS, 500 - LOSS)


def test_t26_tower_with_both__takes_nothing_that_is_set_aside_for_another(watch: TowerWorld):
    victim, friends = fail_both(watch, 500)
    watch.claim(watch.receipt(friends, 10**9))
    with refused(watch.towers.NotCovered, tower=watch.tower, channel=friends.id):
        watch.towers.claim(watch.receipt(friends, 10**9), sender=watch.outsider)
    watch.towers.retire(sender=watch.tower)
    with refused(watch.towers.StillCovering, tower=watch.tower, covered=500):
        watch.towers.release(watch.tower, sender=watch.tower)
    assert watch.claim(watch.receipt(victim)) == LOSS


def test_t6_tower_that_answers__has_the_payers_bond_and_all_of_its_own(watch: TowerWorld):
    channel = watch.open()
    watch.watch(channel)
    closing = watch.close(channel, "payer")
    response = watch.escrow.response(channel, OWED, "tower", 1)
    assert watch.escrow.refusal_of("respond", response, "tower", watch.escrow.now() + 1) is None
    with watch.escrow.moved() as moved:
        watch.escrow.at(closing.deadline + 1)
        watch.escrow.escrow.settle([channel.terms.as_abi()], sender=watch.outsider)
    assert (moved["tower"], moved["seller"]) == (BOND, LOSS)
    with refused(watch.towers.NothingDue, channel=channel.id, amount=OWED, had=OWED):
        watch.towers.claim(watch.receipt(channel), sender=watch.outsider)
