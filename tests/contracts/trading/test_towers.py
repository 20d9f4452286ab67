"""Watchtowers: bonds, terms, what is set aside, how it leaves; what is refused (T26)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.trading.evidence_world import COMPUTE_NODE, register
from tests.contracts.trading.tower_world import CLAIMING, LONGEST, STAKED, TowerWorld
from tests.contracts.world import refused, term_name

from edgemark.identifiers import NOBODY

MOST = 2**88 - 1
CLAIM = CLAIMING.claim_seconds


def held(watch: TowerWorld) -> tuple[str, int]:
    subject = watch.towers.subjectOf(watch.tower)
    owner, amount = watch.trade.anchor.placeOf(watch.towers, subject, 0)
    return str(owner), amount


def bond_of(watch: TowerWorld) -> tuple[Any, ...]:
    return tuple(watch.towers.bondOf(watch.tower))


def bounds(field: str, least: int, most: int) -> dict[str, Any]:
    return {"field": term_name(field), "least": least, "most": most}


def test_bond__of_a_registered_tower__is_locked(watch: TowerWorld):
    before = watch.trade.free(watch.tower)
    receipt = watch.towers.bond(STAKED, sender=watch.tower)
    expires_at = watch.escrow.now() + LONGEST
    (log,) = receipt.decode_logs(watch.towers.TowerBonded)
    assert (log.tower, log.amount, log.total) == (watch.tower, STAKED, STAKED)
    assert log.expiresAt == expires_at
    assert (held(watch), bond_of(watch)) == (
        (watch.tower, STAKED),
        (STAKED, 0, expires_at, False),
    )
    assert watch.trade.free(watch.tower) == before - STAKED


@pytest.mark.parametrize("role", [0, COMPUTE_NODE])
def test_bond__of_anybody_else__is_refused(watch: TowerWorld, role: int):
    who = watch.trade.issuer
    if role:
        register(watch.trade, who, role)
    with refused(watch.towers.NotATower, account=who, role=role):
        watch.towers.bond(STAKED, sender=who)


def test_bond__outside_its_bounds__is_refused(watch: TowerWorld):
    for amount in (0, MOST + 1, 2**256 - 1):
        with refused(watch.towers.OutOfBounds, had=amount, **bounds("amount", 1, MOST)):
            watch.bond(amount)
    watch.bond()
    for amount in (MOST - STAKED + 1, 2**256 - 1):
        room = bounds("amount", 0, MOST - STAKED)
        with refused(watch.towers.OutOfBounds, had=amount, **room):
            watch.bond(amount)


def test_bond__again__adds_renews_and_ends_retirement(watch: TowerWorld):
    watch.bond()
    watch.towers.retire(sender=watch.tower)
    watch.escrow.at(watch.escrow.now() + 500)
    at = watch.bond(7)
    assert bond_of(watch) == (STAKED + 7, 0, at + LONGEST, False)
    watch.escrow.at(at + 100)
    watch.bond(0)
    assert bond_of(watch) == (STAKED + 7, 0, at + 100 + LONGEST, False)
    assert held(watch) == (watch.tower, STAKED + 7)


def test_t26_terms__are_public_until_when_the_bond_answers(watch: TowerWorld):
    towers, tower = watch.towers, watch.tower
    latest = watch.bond() + LONGEST - CLAIM
    with refused(
        towers.OutOfBounds, had=latest + 1, **bounds("until", watch.escrow.now() + 1, latest)
    ):
        watch.escrow.at(watch.escrow.now() + 1)
        towers.publish((101, 20, latest + 1), sender=tower)
    assert not towers.isWatching(tower)
    until = watch.escrow.now() + 5000
    receipt = towers.publish((101, 20, until), sender=tower)
    (log,) = receipt.decode_logs(towers.TermsPublished)
    assert (log.tower, log.leastBond, log.retainer, log.until) == (tower, 101, 20, until)
    assert tuple(towers.termsOf(tower)) == (101, 20, until)
    for second, counts in ((until, True), (until + 1, False)):
        watch.escrow.at(second)
        watch.escrow.chain.provider.make_request("evm_mine", [])
        assert towers.isWatching(tower) is counts


def test_t26_who_left_or_retired__watches_no_more(watch: TowerWorld):
    towers, tower = watch.towers, watch.tower
    watch.bond()
    towers.publish((101, 20, watch.escrow.now() + 5000), sender=tower)
    with watch.escrow.undone():
        watch.trade.registry.dismiss(tower, sender=watch.trade.provider)
        assert not towers.isWatching(tower)
    assert towers.isWatching(tower)
    towers.retire(sender=tower)
    assert not towers.isWatching(tower)


def test_cover__sets_a_part_of_the_bond_aside(watch: TowerWorld):
    channel = watch.open()
    watch.bond()
    until = channel.lock_expiry
    receipt = watch.towers.cover([(channel.id, 500, until)], sender=watch.tower)
    (log,) = receipt.decode_logs(watch.towers.ChannelCovered)
    assert (log.tower, log.channel, log.amount, log.until) == (watch.tower, channel.id, 500, until)
    assert tuple(watch.towers.coverOf(watch.tower, channel.id)) == (500, 0, until)
    assert bond_of(watch)[:2] == (STAKED, 500)
    watch.cover(channel, 700, until + 1)
    assert tuple(watch.towers.coverOf(watch.tower, channel.id)) == (700, 0, until + 1)
    assert bond_of(watch)[:2] == (STAKED, 700)


def test_cover__is_never_less_never_shorter_never_beyond_what_is_left(watch: TowerWorld):
    towers, first, second = watch.towers, watch.open(), watch.open()
    latest = watch.bond() + LONGEST - CLAIM
    until = watch.cover(first, 1500)
    for channel, amount, least, most in (
        (first, 1499, 1500, STAKED),
        (first, STAKED + 1, 1500, STAKED),
        (second, 0, 1, STAKED - 1500),
        (second, STAKED - 1499, 1, STAKED - 1500),
        (second, 2**256 - 1, 1, STAKED - 1500),
    ):
        with refused(towers.OutOfBounds, had=amount, **bounds("cover", least, most)):
            watch.cover(channel, amount)
    for wrong, least in ((until - 1, until), (latest + 1, until), (2**256 - 1, until)):
        with refused(towers.OutOfBounds, had=wrong, **bounds("until", least, latest)):
            watch.cover(first, 1500, wrong)
    twice = [(second.id, 300, until), (second.id, 504, until)]
    with refused(towers.OutOfBounds, had=504, **bounds("cover", 300, 503)):
        towers.cover(twice, sender=watch.tower)  # the list's own covers count
    watch.cover(second, STAKED - 1500)
    assert bond_of(watch)[:2] == (STAKED, STAKED)


def test_cover__of_a_list__is_bounded(watch: TowerWorld):
    channel = watch.open()
    watch.bond()
    for count in (0, 33):
        with refused(watch.towers.OutOfBounds, had=count, **bounds("channels", 1, 32)):
            watch.towers.cover([(channel.id, 1, 0)] * count, sender=watch.tower)
        with refused(watch.towers.OutOfBounds, had=count, **bounds("channels", 1, 32)):
            watch.towers.uncover(watch.tower, [channel.id] * count, sender=watch.outsider)


def test_without_a_bond__nothing_is_covered_published_or_retired(watch: TowerWorld):
    towers, tower, channel = watch.towers, watch.tower, watch.open()
    calls = (
        lambda: watch.cover(channel, 1),
        lambda: towers.publish((1, 1, channel.lock_expiry), sender=tower),
        lambda: towers.retire(sender=tower),
    )
    for call in (*calls, lambda: towers.release(tower, sender=watch.outsider)):
        with refused(towers.TowerNotBonded, tower=tower):
            call()
    watch.bond()
    towers.retire(sender=tower)
    for call in calls:
        with refused(towers.AlreadyRetired, tower=tower):
            call()


def test_t26_retirement__keeps_the_liability_until_every_receipt_is_over(watch: TowerWorld):
    towers, tower, channel = watch.towers, watch.tower, watch.open()
    before = watch.trade.free(tower)
    until = watch.watch(channel)
    with refused(towers.NotRetired, tower=tower):
        towers.release(tower, sender=tower)
    receipt = towers.retire(sender=tower)
    (log,) = receipt.decode_logs(towers.TowerRetired)
    assert (log.tower, log.covered) == (tower, 500)
    last = until + CLAIM
    stands = {"tower": tower, "channel": channel.id, "allowedAfter": last}
    for second in (watch.escrow.now() + 1, last):
        watch.escrow.at(second)
        with refused(towers.CoverStands, **stands):
            towers.uncover(tower, [channel.id], sender=watch.outsider)
    with refused(towers.StillCovering, tower=tower, covered=500):
        towers.release(tower, sender=tower)
    watch.escrow.at(last + 3)
    receipt = towers.uncover(tower, [channel.id], sender=watch.outsider)
    (log,) = receipt.decode_logs(towers.ChannelUncovered)
    assert (log.tower, log.channel, log.amount) == (tower, channel.id, 500)
    assert bond_of(watch)[:2] == (STAKED, 0)
    receipt = towers.release(tower, sender=watch.outsider)
    (log,) = receipt.decode_logs(towers.TowerReleased)
    assert (log.tower, log.amount) == (tower, STAKED)
    assert (watch.trade.free(tower), held(watch)) == (before, (NOBODY, 0))
    assert bond_of(watch) == (0, 0, 0, False)


@pytest.mark.parametrize("how", ["together", "claimed", "the seller's window", "whole", "later"])
def test_uncover__of_a_channel_that_lost_nothing_it_answers_for__counts_at_once(
    watch: TowerWorld, how: str
):
    channel = watch.open()
    watch.bond()
    watch.cover(channel, 500, watch.escrow.now() + 2 if how == "later" else None)
    if how == "whole":
        channel = watch.pay(channel, channel.deposit)
    watch.end(channel, how if how not in ("whole", "later") else "the payer's window")
    watch.towers.uncover(watch.tower, [channel.id], sender=watch.outsider)
    assert bond_of(watch)[:2] == (STAKED, 0)
    with refused(watch.towers.NotCovered, tower=watch.tower, channel=channel.id):
        watch.towers.uncover(watch.tower, [channel.id], sender=watch.outsider)


def test_uncover__of_several__passes_over_what_stands(watch: TowerWorld):
    towers, open_one, lost, over = watch.towers, watch.open(), watch.open(), watch.open()
    watch.bond()
    for channel in (open_one, lost, over):
        watch.cover(channel, 100)
    watch.end(lost, "the payer's window")
    watch.end(over, "claimed")
    channels = [open_one.id, lost.id, over.id, over.id, bytes(32)]
    receipt = towers.uncover(watch.tower, channels, sender=watch.outsider)
    assert [log.channel for log in receipt.decode_logs(towers.ChannelUncovered)] == [over.id]
    assert bond_of(watch)[:2] == (STAKED, 200)
    assert watch.cover_of(open_one).amount == watch.cover_of(lost).amount == 100


def test_a_bond_whose_lock_expired__is_its_owners(watch: TowerWorld):
    towers, tower, channel = watch.towers, watch.tower, watch.open()
    before = watch.trade.free(tower)
    expires_at = watch.bond() + LONGEST
    watch.cover(channel, 500, expires_at - CLAIM)
    watch.escrow.at(expires_at + 1)
    with refused(towers.TowerNotBonded, tower=tower):
        towers.retire(sender=tower)
    with watch.escrow.undone():  # by the anchor's own exit
        watch.trade.anchor.expire(towers, towers.subjectOf(tower), 0, sender=watch.outsider)
        towers.release(tower, sender=watch.outsider)
        assert watch.trade.free(tower) == before
    towers.release(tower, sender=watch.outsider)
    assert watch.trade.free(tower) == before
    until = watch.escrow.now() + LONGEST
    watch.trade.anchor.allowLocker(towers, STAKED, until, sender=tower)
    with refused(towers.StillCovering, tower=tower, covered=500):
        watch.bond()
    towers.uncover(tower, [channel.id], sender=watch.outsider)
    at = watch.bond()
    assert bond_of(watch) == (STAKED, 0, at + LONGEST, False)


def test_bond__after_the_lock_expired__is_a_new_one(watch: TowerWorld):
    second = watch.bond() + LONGEST + 1
    watch.escrow.at(second)
    watch.trade.anchor.allowLocker(watch.towers, 7, second + 9, sender=watch.tower)
    at = watch.bond(7)
    assert (held(watch), bond_of(watch)) == ((watch.tower, 7), (7, 0, at + LONGEST, False))


def test_towers__say_what_they_were_deployed_with(watch: TowerWorld):
    towers, trade = watch.towers, watch.trade
    wired = (towers.anchor(), towers.registry(), towers.escrow())
    assert wired == (trade.anchor, trade.registry, watch.escrow.escrow)
    assert towers.claimSeconds() == CLAIM


@pytest.mark.parametrize("seconds", [0, LONGEST // 2 + 1])
def test_deploying__with_a_time_out_of_bounds__is_refused(watch: TowerWorld, project, seconds: int):
    wired = (watch.trade.anchor, watch.trade.registry, watch.escrow.escrow)
    outside = bounds("claimSeconds", 1, LONGEST // 2)
    with refused(watch.towers.OutOfBounds, had=seconds, **outside):
        watch.escrow.deployer.deploy(project.Watchtowers, *wired, seconds)
