"""ChannelEscrow: every way in which a channel ends, to the second and to the token."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.trading.escrow_world import EscrowWorld, address
from tests.contracts.world import refused, term_name
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, KEYS, LIMITS, WINDOW, signer

from edgemark.identifiers import NOBODY
from edgemark.systems.trading.contract.channel import Channel
from edgemark.systems.trading.contract.records import MAX_DELEGATION, ChannelEnding, ChannelPhase

OWED = 600
FULL = DEPOSIT + BOND
BY_PAYER, BY_SELLER, BY_OTHER = (
    ChannelPhase.CLOSING_BY_PAYER,
    ChannelPhase.CLOSING_BY_SELLER,
    ChannelPhase.CLOSING_BY_OTHER,
)


def close_with(world: EscrowWorld, channel: Channel, amount: int, sender: str = "payer") -> Any:
    return world.escrow.close([world.claim(channel, amount)], sender=world.people[sender])


def close_bare(world: EscrowWorld, channel: Channel, sender: str = "payer") -> Any:
    return world.escrow.closeBare([channel.terms.as_abi()], sender=world.people[sender])


def respond(world: EscrowWorld, response: Any, sender: str = "tower") -> Any:
    return world.escrow.respond([response], sender=world.people[sender])


def settle(world: EscrowWorld, channel: Channel, sender: str = "outsider") -> Any:
    world.at(world.escrow.channelOf(channel.id).deadline + 1)
    return world.escrow.settle([channel.terms.as_abi()], sender=world.people[sender])


def ended(world: EscrowWorld, receipt: Any) -> Any:
    (log,) = receipt.decode_logs(world.escrow.ChannelEnded)
    return log


def test_close_together__pays_what_both_signed_in_one_transaction(world: EscrowWorld):
    channel = world.open()
    with world.moved() as moved:
        item = world.closing(channel, OWED)
        receipt = world.escrow.closeTogether([item], sender=world.people["outsider"])
    log = ended(world, receipt)
    assert (bytes(log.channel), log.ending) == (channel.id, ChannelEnding.TOGETHER)
    assert (log.amount, log.toSeller, log.toPayer, log.penalty) == (OWED, OWED, FULL - OWED, 0)
    assert moved == {"seller": OWED, "payer": FULL - OWED, "locked": -FULL}
    assert world.escrow.channelOf(channel.id).phase == ChannelPhase.ENDED


def test_close_together__outside_what_is_possible_or_too_late__reverts(world: EscrowWorld):
    channel, anybody = world.open(), world.people["outsider"]
    world.escrow.checkpoint([world.claim(channel, 50)], sender=anybody)
    for amount in (49, DEPOSIT + 1):
        bounds = {"had": amount, "least": 50, "most": DEPOSIT}
        with refused(world.escrow.AmountOutside, channel=channel.id, **bounds):
            world.escrow.closeTogether([world.closing(channel, amount)], sender=anybody)
    until = world.now() + 30
    item = world.closing(channel, 60, until)
    world.at(until + 1)
    with refused(world.escrow.TooLate, nowAt=until + 1, deadline=until):
        world.escrow.closeTogether([item], sender=anybody)


def test_close_together__by_one_alone__reverts(world: EscrowWorld):
    channel = world.open()
    for sender, keys, missing in (
        ("outsider", {"payer": ""}, "payer's key"),
        ("payer", {"seller": ""}, "seller's key"),
        ("seller", {"payer": "", "seller": ""}, "payer's key"),
    ):
        item = world.closing(channel, OWED, **keys)
        wanted = {"channel": channel.id, "signer": NOBODY, "needed": signer(missing)}
        with refused(world.escrow.NotSigned, **wanted):
            world.escrow.closeTogether([item], sender=world.people[sender])


def test_close__by_the_seller__is_final_at_once(world: EscrowWorld):
    channel = world.open()
    item = world.claim(channel, OWED, seller="")
    with world.moved() as moved:
        receipt = world.escrow.close([item], sender=world.people["seller"])
    assert ended(world, receipt).ending == ChannelEnding.CLAIMED
    assert moved == {"seller": OWED, "payer": FULL - OWED, "locked": -FULL}


def test_close__by_the_seller__needs_the_payers_signature(world: EscrowWorld):
    channel = world.open()
    for payer in ("", "a thief", "seller's key"):
        wanted = {"signer": signer(payer), "needed": signer("payer's key")}
        with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
            item = world.claim(channel, OWED, payer=payer)
            world.escrow.close([item], sender=world.people["seller"])


def test_close__by_a_stranger__reverts(world: EscrowWorld):
    channel = world.open()
    for caller in ("outsider", "tower"):
        wanted = {"channel": channel.id, "caller": world.who(caller)}
        with refused(world.escrow.NotAParty, **wanted):
            close_with(world, channel, OWED, caller)


def test_close__by_the_payer__begins_a_window_that_nothing_restarts(world: EscrowWorld):
    """T6: responses count until its last second, and none makes it longer."""
    channel = world.open()
    receipt = close_with(world, channel, 100)
    deadline = world.now() + WINDOW
    (log,) = receipt.decode_logs(world.escrow.ChannelClosed)
    assert (bytes(log.channel), log.closer, log.phase) == (channel.id, world.who("payer"), BY_PAYER)
    assert (log.amount, log.deadline) == (100, deadline)
    world.at(deadline - 1)
    receipt = respond(world, world.response(channel, 200))
    (log,) = receipt.decode_logs(world.escrow.ResponseShown)
    assert (log.sender, log.amount, log.tower, log.number) == (world.who("tower"), 200, NOBODY, 0)
    world.at(deadline)
    respond(world, world.response(channel, 201), "outsider")
    assert world.escrow.channelOf(channel.id).deadline == deadline
    world.at(deadline + 1)
    with refused(world.escrow.TooLate, nowAt=deadline + 1, deadline=deadline):
        respond(world, world.response(channel, 300))


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_settle__in_the_seconds_around_the_end_of_a_window(world: EscrowWorld, step: int):
    channel = world.open()
    close_with(world, channel, OWED)
    at, deadline = world.now() + WINDOW + step, world.now() + WINDOW
    found = world.refusal_of("settle", channel.terms.as_abi(), "outsider", at)
    early = ("TooEarly", {"nowAt": at, "allowedAfter": deadline})
    assert found == (None if step == 1 else early)


@pytest.mark.parametrize("amount", [0, 100, OWED])
def test_settle__without_a_response__pays_what_the_payer_said(world: EscrowWorld, amount: int):
    channel = world.open()
    close_with(world, channel, amount)
    with world.moved() as moved:
        receipt = settle(world, channel)
    assert ended(world, receipt).penaltyTo == NOBODY
    expected = {"seller": amount, "payer": FULL - amount, "locked": -FULL}
    assert moved == {role: change for role, change in expected.items() if change}


@pytest.mark.parametrize("is_bare", [False, True])
@pytest.mark.parametrize("tower", ["", "tower"])
def test_a53_payer_that_closed_below_what_it_signed__loses_the_bond_either_way(
    world: EscrowWorld, is_bare: bool, tower: str
):
    """One tariff, with a voucher and without; to the tower, or to the victim."""
    channel = world.open()
    if is_bare:
        close_bare(world, channel)
    else:
        close_with(world, channel, 100)
    respond(world, world.response(channel, OWED, tower, 5), "outsider")
    with world.moved() as moved:
        log = ended(world, settle(world, channel))
    assert (log.amount, log.penalty) == (OWED, BOND)
    assert address(log.penaltyTo) == world.who(tower or "seller")
    to_tower = {"tower": BOND} if tower else {}
    to_seller = {"seller": OWED if tower else OWED + BOND}
    assert moved == {"payer": DEPOSIT - OWED, "locked": -FULL, **to_tower, **to_seller}


def test_a53_response_to_oneself_from_a_second_address__gains_nothing(world: EscrowWorld):
    channel = world.open()
    close_with(world, channel, 100)
    respond(world, world.response(channel, 200), "outsider")  # the payer's own
    respond(world, world.response(channel, OWED, "tower", 1))
    with world.moved() as moved:
        settle(world, channel)
    assert moved == {
        "seller": OWED,
        "tower": BOND,
        "payer": DEPOSIT - OWED,
        "locked": -FULL,
    }


def test_a53_copied_response__pays_the_tower_that_the_victim_named(world: EscrowWorld):
    """A bot in front of the tower sends the tower's own response, and gains nothing."""
    channel = world.open()
    close_bare(world, channel)
    response = world.response(channel, OWED, "tower", 1)
    respond(world, response, "rival")
    with refused(world.escrow.DelegationOld, channel=channel.id, had=1, newest=1):
        respond(world, response)
    with world.moved() as moved:
        settle(world, channel, "rival")
    assert moved["tower"] == BOND
    assert "rival" not in moved


def test_a53_dismissed_tower__is_superseded_by_the_newest_delegation(world: EscrowWorld):
    """It may copy its successor's response; with the same amount the delegation alone changes."""
    channel = world.open()
    close_bare(world, channel)
    respond(world, world.response(channel, OWED, "rival", 1), "rival")
    respond(world, world.response(channel, OWED, "tower", 2))
    with refused(world.escrow.DelegationOld, channel=channel.id, had=1, newest=2):
        respond(world, world.response(channel, OWED, "rival", 1), "rival")
    # A larger amount counts, whoever brings it, and keeps the newest delegation.
    respond(world, world.response(channel, OWED + 1, "rival", 1), "rival")
    with world.moved() as moved:
        settle(world, channel)
    assert moved["tower"] == BOND
    assert moved["seller"] == OWED + 1


def test_a53_the_highest_index_with_nothing__loses_to_the_larger_amount(world: EscrowWorld):
    channel = world.open()
    last = world.claim(channel, 0, 2**64 - 1)
    world.escrow.close([last], sender=world.people["payer"])
    respond(world, world.response(channel, OWED))
    with world.moved() as moved:
        settle(world, channel)
    assert moved["seller"] == OWED + BOND


def test_respond__with_nothing_larger__reverts(world: EscrowWorld):
    channel = world.open()
    with refused(world.escrow.ChannelNotClosing, channel=channel.id, had=ChannelPhase.OPEN):
        respond(world, world.response(channel, OWED))
    close_with(world, channel, OWED)
    for amount in (OWED - 1, OWED):
        with refused(world.escrow.AmountNotAbove, channel=channel.id, had=amount, above=OWED):
            respond(world, world.response(channel, amount))


def test_respond__signed_by_another_than_payer_or_victim__reverts(world: EscrowWorld):
    channel = world.open()
    close_bare(world, channel)
    for payer in ("", "seller's key"):
        wanted = {"signer": signer(payer), "needed": signer("payer's key")}
        with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
            respond(world, world.response(channel, OWED, payer=payer))
    wanted = {"signer": signer("payer's key"), "needed": signer("seller's key")}
    with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
        respond(world, world.response(channel, OWED, "rival", 1, victim="payer's key"))
    with refused(world.escrow.TowerInvalid, channel=channel.id, tower=world.anchor):
        respond(world, world.response(channel, OWED, str(world.anchor.address), 1))
    number = MAX_DELEGATION + 1
    bounds = {"had": number, "least": 1, "most": MAX_DELEGATION}
    with refused(world.escrow.OutOfBounds, field=term_name("number"), **bounds):
        respond(world, world.response(channel, OWED, "tower", number))


def test_checkpoint_in_a_window__is_refused(world: EscrowWorld):
    """Else a payer that sees the response coming would pay by it, and keep its bond."""
    channel = world.open()
    close_bare(world, channel)
    for function, item in (
        ("checkpoint", world.claim(channel, OWED)),
        ("closeTogether", world.closing(channel, OWED)),
        ("close", world.claim(channel, OWED)),
    ):
        found = world.refusal_of(function, item, "payer", world.now() + 1)
        assert found == ("ChannelNotOpen", {"channel": channel.id.hex(), "had": BY_PAYER})


@pytest.mark.parametrize(
    ("amount", "tower", "lost"), [(OWED, "", BOND), (40, "", 40), (OWED, "rival", BOND)]
)
def test_close_bare__by_the_seller__costs_it_what_it_received_at_most(
    world: EscrowWorld, amount: int, tower: str, lost: int
):
    channel = world.open()
    close_bare(world, channel, "seller")
    assert world.escrow.channelOf(channel.id).deadline == world.now() + 2 * WINDOW
    respond(world, world.response(channel, amount, tower, 1, victim="payer's key"))
    with world.moved() as moved:
        log = ended(world, settle(world, channel))
    assert (log.penalty, address(log.penaltyTo)) == (lost, world.who(tower or "payer"))
    expected = {"seller": amount - lost, "payer": FULL - amount + (0 if tower else lost)}
    expected |= {tower: lost} if tower else {}
    assert moved == {role: n for role, n in (expected | {"locked": -FULL}).items() if n}


@pytest.mark.parametrize(("step", "allowed"), [(-1, False), (0, False), (1, True)])
def test_close_bare__by_a_stranger__after_expires_at_only(
    world: EscrowWorld, step: int, allowed: bool
):
    channel = world.open()
    at, bound = channel.terms.expires_at + step, channel.terms.expires_at
    found = world.refusal_of("closeBare", channel.terms.as_abi(), "outsider", at)
    assert found == (None if allowed else ("TooEarly", {"nowAt": at, "allowedAfter": bound}))
    if allowed:  # nobody's closing: a larger amount counts, and costs nobody anything
        respond(world, world.response(channel, OWED))
        with world.moved() as moved:
            settle(world, channel)
        assert moved == {"seller": OWED, "payer": FULL - OWED, "locked": -FULL}


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_end_unclosed__after_close_by_only__pays_what_is_paid(world: EscrowWorld, step: int):
    """T7: nobody needs any data for it."""
    channel = world.open()
    world.escrow.checkpoint([world.claim(channel, OWED)], sender=world.people["seller"])
    at, bound = channel.terms.close_by + step, channel.terms.close_by
    with world.moved() as moved:
        found = world.refusal_of("endUnclosed", channel.terms.as_abi(), "outsider", at)
    if step < 1:
        assert found == ("TooEarly", {"nowAt": at, "allowedAfter": bound})
        return
    assert (found, moved) == (None, {"payer": FULL - OWED, "locked": OWED - FULL})
    again = world.refusal_of("endUnclosed", channel.terms.as_abi(), "outsider", at + 1)
    assert again == ("ChannelNotOpen", {"channel": channel.id.hex(), "had": ChannelPhase.ENDED})


def test_a53_close_in_the_last_second__its_window_ends_before_the_lock(world: EscrowWorld):
    """Closed at `close_by`, answered and settled in the last seconds there are."""
    channel = world.open()
    world.at(channel.terms.close_by)
    close_bare(world, channel)
    deadline, expiry = world.now() + 2 * WINDOW, world.now() + 2 * WINDOW + LIMITS.exit_grace
    world.at(deadline)
    respond(world, world.response(channel, OWED))
    assert world.escrow.lockExpiryOf(channel.terms.as_abi()) == expiry
    world.at(expiry)
    with world.moved() as moved:
        world.escrow.settle([channel.terms.as_abi()], sender=world.people["outsider"])
    assert moved["seller"] == OWED + BOND


def test_after_the_lock_expired__a_channel_lapses_and_the_anchor_returns_the_rest(
    world: EscrowWorld,
):
    channel, closing = world.open(), world.open()
    close_bare(world, closing)
    respond(world, world.response(closing, OWED))
    expiry = closing.terms.close_by + 2 * WINDOW + LIMITS.exit_grace
    late = world.refusal_of("settle", closing.terms.as_abi(), "outsider", expiry + 1)
    assert late == ("TooLate", {"nowAt": expiry + 1, "deadline": expiry})
    both = [channel.terms.as_abi(), closing.terms.as_abi()]
    receipt = world.escrow.endUnclosed(both, sender=world.people["outsider"])
    logs = receipt.decode_logs(world.escrow.ChannelEnded)
    assert [log.ending for log in logs] == [ChannelEnding.LAPSED] * 2
    assert tuple(world.escrow.windowOf(closing.id)) == (0, False, NOBODY)
    with world.moved() as moved:
        for each in (channel, closing):
            world.anchor.expire(world.escrow, each.id, 0, sender=world.people["outsider"])
    assert moved == {"payer": 2 * FULL, "locked": -2 * FULL}


def test_lists_of_several__pass_over_what_is_over(world: EscrowWorld):
    """`settle`, `endUnclosed`, `close`, `closeBare`, `closeTogether` and `respond` alike."""
    over, open_, closing = world.open(), world.open(), world.open()
    world.escrow.closeTogether([world.closing(over, 9)], sender=world.people["payer"])
    close_bare(world, closing)
    both, people = (over, closing), world.people
    responses = [world.response(each, OWED) for each in both]
    assert len(world.escrow.respond(responses, sender=people["tower"]).logs) == 1
    every = [over, open_, closing]
    terms = [each.terms.as_abi() for each in every]
    world.at(world.escrow.channelOf(closing.id).deadline + 1)
    assert len(ends_of(world, world.escrow.settle(terms, sender=people["outsider"]))) == 1
    claims = [world.claim(each, OWED) for each in every]
    assert len(ends_of(world, world.escrow.close(claims, sender=people["seller"]))) == 1
    closings = [world.closing(each, OWED) for each in every]
    assert world.escrow.closeTogether(closings, sender=people["outsider"]).logs == []
    assert world.escrow.closeBare(terms, sender=people["payer"]).logs == []
    assert world.escrow.endUnclosed(terms, sender=people["payer"]).logs == []
    assert world.balances()["locked"] == 0


def ends_of(world: EscrowWorld, receipt: Any) -> list[Any]:
    return list(receipt.decode_logs(world.escrow.ChannelEnded))


def test_close__with_less_than_is_paid__counts_what_is_paid(world: EscrowWorld):
    channel = world.open()
    world.escrow.checkpoint([world.claim(channel, OWED)], sender=world.people["seller"])
    close_with(world, channel, 10)
    with world.moved() as moved:
        settle(world, channel)
    assert moved == {"payer": FULL - OWED, "locked": OWED - FULL}


def test_the_keys_of_the_cast__are_different(world: EscrowWorld):
    assert len({key.address for key in KEYS.values()} | set(world.addresses.values())) == 10
    assert BY_SELLER < BY_OTHER
