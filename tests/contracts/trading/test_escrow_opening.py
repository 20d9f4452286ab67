"""ChannelEscrow: how a channel opens, grows and shrinks, and its deployment; what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.trading.escrow_world import EscrowWorld, address, plain
from tests.contracts.world import refused, term_name
from tests.offchain.systems.trading.channel_cast import (
    BOND,
    DEPOSIT,
    KEYS,
    LIMITS,
    SERVICE,
    WINDOW,
    signer,
)

from edgemark.identifiers import NOBODY, Tokens
from edgemark.systems.trading.contract.records import MAX_CHANNELS, ChannelPhase, Signers
from edgemark.systems.trading.contract.terms import Terms

NONE, OPEN, ENDED = ChannelPhase.NONE, ChannelPhase.OPEN, ChannelPhase.ENDED
NEXT = ("payer's next key", "seller's next key")


def next_signers(world: EscrowWorld, epoch: int = 1, controller: str = "tower") -> Signers:
    return Signers(*map(signer, NEXT), world.who(controller), epoch)


def send_open(world: EscrowWorld, *openings: Any, sender: str = "payer") -> Any:
    return world.escrow.open(list(openings), sender=world.people[sender])


def test_open__by_the_payer__locks_deposit_and_bond_under_the_channels_id(world: EscrowWorld):
    terms = world.terms()
    receipt = send_open(world, world.opening(terms))
    channel = world.id(terms)
    assert bytes(world.escrow.channelIdOf(terms.as_abi())) == channel
    (log,) = receipt.decode_logs(world.escrow.ChannelOpened)
    assert (bytes(log.channel), log.payer, log.seller) == (channel, terms.payer, terms.seller)
    assert [plain(each) for each in log.terms] == [plain(each) for each in terms.as_abi()]
    (owner, held) = world.anchor.placeOf(world.escrow, channel, 0)
    assert (address(owner), held) == (terms.payer, DEPOSIT + BOND)
    expiry = terms.close_by + 2 * WINDOW + LIMITS.exit_grace
    assert world.anchor.lockOf(world.escrow, channel) == (expiry, False)
    assert world.escrow.lockExpiryOf(terms.as_abi()) == expiry
    assert world.anchor.freeBalanceOf(terms.payer) == 10**9 - DEPOSIT - BOND


def test_open__by_anybody_with_both_signatures__is_the_payers(world: EscrowWorld):
    terms = world.terms()
    opening = world.opening(terms, payer=world.account_key("payer"))
    send_open(world, opening, sender="outsider")
    assert world.escrow.channelOf(world.id(terms)).phase == OPEN


@pytest.mark.parametrize(
    ("sender", "payer", "seller"),
    [
        ("outsider", None, None),  # nobody's word for the payer
        ("outsider", KEYS["payer's key"], None),  # its signing address opens nothing
        ("payer", None, KEYS["seller's key"]),
        ("seller", KEYS["a thief"], None),
    ],
)
def test_open__without_the_word_of_an_account__reverts(world: EscrowWorld, sender, payer, seller):
    """Nobody opens channels in another's name, or fills a seller's capacity unasked (T5)."""
    terms = world.terms()
    needed = terms.seller if seller else terms.payer
    signed_by = (seller or payer).address if (seller or payer) else NOBODY
    channel = world.id(terms)
    with refused(world.escrow.NotSigned, channel=channel, signer=signed_by, needed=needed):
        send_open(world, world.opening(terms, seller=seller, payer=payer), sender=sender)


def test_open__again_or_after_its_end__reverts(world: EscrowWorld):
    channel = world.open()
    opening = world.opening(channel.terms)
    with refused(world.escrow.ChannelExists, channel=channel.id):
        send_open(world, opening)
    world.escrow.closeTogether([world.closing(channel, 0)], sender=world.people["outsider"])
    with refused(world.escrow.ChannelExists, channel=channel.id):
        send_open(world, opening)


def test_open__after_the_last_second_of_what_was_signed__reverts(world: EscrowWorld):
    terms, until = world.terms(), world.now() + 50
    opening = world.opening(terms, until)
    world.at(until + 1)
    with refused(world.escrow.TooLate, nowAt=until + 1, deadline=until):
        send_open(world, opening)
    again = world.opening(replace(terms, nonce=99), until + 9)
    world.at(until + 9)
    send_open(world, again)


@pytest.mark.parametrize(
    ("field", "name", "value", "least", "most"),
    [
        ("deposit", "deposit", 0, 1, LIMITS.max_deposit),
        ("deposit", "deposit", LIMITS.max_deposit + 1, 1, LIMITS.max_deposit),
        ("bond", "bond", BOND - 1, BOND, LIMITS.max_deposit),
        ("bond", "bond", LIMITS.max_deposit + 1, BOND, LIMITS.max_deposit),
        ("window", "window", LIMITS.min_window - 1, LIMITS.min_window, LIMITS.max_window),
        ("window", "window", LIMITS.max_window + 1, LIMITS.min_window, LIMITS.max_window),
    ],
)
def test_open__amount_or_window_out_of_bounds__reverts(
    world: EscrowWorld, field, name, value, least, most
):
    terms = world.terms(**{field: value})
    bounds = {"had": value, "least": least, "most": most}
    with refused(world.escrow.OutOfBounds, field=term_name(name), **bounds):
        send_open(world, world.opening(terms))


def test_open__times_in_the_wrong_order__reverts(world: EscrowWorld):
    most = 2**40 - 1
    for field, ahead, window, least in (("expiresAt", -1, WINDOW, 0), ("closeBy", 0, -1, WINDOW)):
        now = world.now() + 10
        expires_at = now + ahead
        terms = world.terms(expires_at=expires_at, close_by=expires_at + WINDOW + min(window, 0))
        opening, had = world.opening(terms, now), terms.as_abi()[7 if least == 0 else 8]
        world.at(now)
        bounds = {"had": had, "least": now + least, "most": most}
        with refused(world.escrow.OutOfBounds, field=term_name(field), **bounds):
            send_open(world, opening)
    terms = world.terms(close_by=most - 2 * WINDOW - LIMITS.exit_grace)
    now = world.now() + 10
    world.at(now)
    bounds = {"earliest": now + 1, "latest": now + 730 * 86_400}
    with refused(world.anchor.ExpiryOutOfRange, expiresAt=most, **bounds):
        send_open(world, world.opening(terms))


def test_open__parties_that_are_one_or_nobody__reverts(world: EscrowWorld):
    payer, key = world.who("payer"), signer("payer's key")
    for changes in (
        {"seller": payer},
        {"seller_key": key},
        {"payer_key": NOBODY},
        {"seller_key": NOBODY},
    ):
        terms = world.terms(**changes)
        parties = {"payer": terms.payer, "seller": terms.seller}
        keys = {"payerKey": terms.payer_key, "sellerKey": terms.seller_key}
        with refused(world.escrow.PartiesInvalid, **parties, **keys):
            send_open(world, world.opening(terms))


def test_open__a_list_that_is_empty_or_too_long__reverts(world: EscrowWorld):
    opening = world.opening(world.terms())
    for count in (0, MAX_CHANNELS + 1):
        with refused(
            world.escrow.OutOfBounds,
            field=term_name("channels"),
            had=count,
            least=1,
            most=MAX_CHANNELS,
        ):
            send_open(world, *[opening] * count)


def test_open__many_at_once__pays_each_from_its_own_lock(world: EscrowWorld):
    """T9: one transaction opens, pays and ends 32 channels."""
    every = [world.terms() for _ in range(MAX_CHANNELS)]
    assert done(world.send("open", [world.opening(terms) for terms in every], "payer"))
    assert world.balances()["locked"] == MAX_CHANNELS * (DEPOSIT + BOND)
    channels = [world.model(terms) for terms in every]
    claims = [world.claim(channel, 10 + turn) for turn, channel in enumerate(channels)]
    assert done(world.send("checkpoint", claims, "outsider")) == 2 * MAX_CHANNELS  # two logs each
    paid = sum(10 + turn for turn in range(MAX_CHANNELS))
    assert world.balances()["seller"] == 10**9 + paid
    closings = [world.closing(channel, 100) for channel in channels]
    assert done(world.send("closeTogether", closings, "outsider"))
    assert world.balances()["locked"] == 0
    assert world.balances()["seller"] == 10**9 + 100 * MAX_CHANNELS


def done(mined: dict[str, Any]) -> int:
    """Logs of a call that was not refused."""
    assert int(mined["status"], 16) == 1
    return len(mined["logs"])


def test_top_up__by_another_or_above_the_cap__reverts(world: EscrowWorld):
    """T10: a channel never holds more than the cap."""
    channel = world.open()
    item = channel.terms.as_abi()
    with refused(world.escrow.CallerWrong, had=world.who("seller"), needed=world.who("payer")):
        world.escrow.topUp([(item, 1)], sender=world.people["seller"])
    room = LIMITS.max_deposit - DEPOSIT
    for amount in (0, room + 1):
        bounds = {"had": amount, "least": 1, "most": room}
        with refused(world.escrow.OutOfBounds, field=term_name("amount"), **bounds):
            world.escrow.topUp([(item, amount)], sender=world.people["payer"])
    receipt = world.escrow.topUp([(item, room)], sender=world.people["payer"])
    (log,) = receipt.decode_logs(world.escrow.DepositAdded)
    assert (bytes(log.channel), log.amount) == (channel.id, room)


@pytest.mark.parametrize("end", ["closing", "ended"])
def test_top_up__of_a_channel_that_closes_or_ended__reverts(world: EscrowWorld, end: str):
    channel = world.open()
    payer = world.people["payer"]
    if end == "closing":
        world.escrow.closeBare([channel.terms.as_abi()], sender=payer)
    else:
        world.escrow.closeTogether([world.closing(channel, 0)], sender=payer)
    had = ChannelPhase.CLOSING_BY_PAYER if end == "closing" else ENDED
    with refused(world.escrow.ChannelNotOpen, channel=channel.id, had=had):
        world.escrow.topUp([(channel.terms.as_abi(), 1)], sender=payer)


def test_terms_that_do_not_hash_to_the_channel__are_of_no_channel(world: EscrowWorld):
    channel = world.open()
    other = replace(channel.terms, bond=Tokens(BOND + 1))
    moved = replace(channel, terms=other)
    with refused(world.escrow.ChannelNotOpen, channel=world.id(other), had=NONE):
        world.escrow.checkpoint([world.claim(moved, 10)], sender=world.people["outsider"])


def test_reduce__gives_unused_deposit_back_once(world: EscrowWorld):
    """T23."""
    channel = world.open()
    item = world.reduction(channel, 0, 400)
    before = world.anchor.freeBalanceOf(world.who("payer"))
    receipt = world.escrow.reduce([item], sender=world.people["outsider"])
    (log,) = receipt.decode_logs(world.escrow.DepositReduced)
    assert (bytes(log.channel), log.number, log.amount) == (channel.id, 0, 400)
    assert world.anchor.freeBalanceOf(world.who("payer")) == before + 400
    world.escrow.topUp([(channel.terms.as_abi(), 400)], sender=world.people["payer"])
    with refused(world.escrow.AgreementNumberWrong, channel=channel.id, had=0, needed=1):
        world.escrow.reduce([item], sender=world.people["payer"])  # nothing counts twice


def test_reduce__more_than_is_there_or_by_one_alone__reverts(world: EscrowWorld):
    channel = world.open()
    for amount in (0, DEPOSIT + 1):
        bounds = {"had": amount, "least": 1, "most": DEPOSIT}
        with refused(world.escrow.OutOfBounds, field=term_name("amount"), **bounds):
            world.escrow.reduce([world.reduction(channel, 0, amount)], sender=world.people["payer"])
    alone = world.reduction(channel, 0, 5, seller="")
    wanted = {"channel": channel.id, "signer": NOBODY, "needed": signer("seller's key")}
    with refused(world.escrow.NotSigned, **wanted):
        world.escrow.reduce([alone], sender=world.people["payer"])
    until = world.now() + 20
    item = world.reduction(channel, 0, 5, until)
    world.at(until + 1)
    with refused(world.escrow.TooLate, nowAt=until + 1, deadline=until):
        world.escrow.reduce([item], sender=world.people["payer"])


@pytest.mark.parametrize(("step", "allowed"), [(-1, True), (0, True), (1, False)])
def test_what_needs_an_open_channel__until_close_by__and_not_a_second_later(
    world: EscrowWorld, step: int, allowed: bool
):
    """At `close_by` -1/0/+1 s; what is signed is paid for longer, until the channel ends."""
    channel = world.open()
    at, until = channel.terms.close_by + step, channel.terms.close_by + SERVICE
    for function, item, sender in (
        ("reduce", world.reduction(channel, 0, 1, until), "payer"),
        ("closeTogether", world.closing(channel, 0, until), "payer"),
        ("close", world.claim(channel, 0), "seller"),
        ("closeBare", channel.terms.as_abi(), "payer"),
        ("checkpoint", world.claim(channel, 5), "outsider"),
    ):
        with world.undone():
            found = world.refusal_of(function, item, sender, at)
        if allowed or function == "checkpoint":
            assert found is None, function
        else:
            values = {"nowAt": at, "deadline": channel.terms.close_by}
            assert found == ("TooLate", values), function


@pytest.mark.parametrize(("step", "allowed"), [(-1, True), (0, True), (1, False)])
def test_deposit_and_keys__change_until_service_is_over_and_not_a_second_later(
    world: EscrowWorld, step: int, allowed: bool
):
    """At `expires_at` -1/0/+1 s: what a tower brings before `close_by` is all there will be."""
    channel = world.open()
    at, until = channel.terms.expires_at + step, channel.terms.close_by
    refusal = ("TooLate", {"nowAt": at, "deadline": channel.terms.expires_at})
    for function, item in (
        ("topUp", (channel.terms.as_abi(), 1)),
        ("amend", world.amendment(channel, 0, 0, next_signers(world), until)),
    ):
        with world.undone():
            found = world.refusal_of(function, item, "payer", at)
        assert found == (None if allowed else refusal), function
    with world.undone():
        late = world.reduction(channel, 0, 1, until)
        assert world.refusal_of("reduce", late, "payer", at) is None


def test_deprecate__stops_new_channels_and_deposits_and_no_exit(world: EscrowWorld):
    """T10."""
    channel, other = world.open(), world.open()
    with refused(world.escrow.CallerWrong, had=world.who("payer"), needed=world.guardian):
        world.escrow.deprecate(sender=world.people["payer"])
    receipt = world.escrow.deprecate(sender=world.guardian)
    (log,) = receipt.decode_logs(world.escrow.WorkStopped)
    assert (log.guardian, world.escrow.isDeprecated()) == (world.guardian, True)
    for call in (
        lambda: send_open(world, world.opening(world.terms())),
        lambda: world.escrow.topUp([(channel.terms.as_abi(), 1)], sender=world.people["payer"]),
        lambda: world.escrow.deprecate(sender=world.guardian),
    ):
        with refused(world.escrow.Deprecated):
            call()
    anybody = world.people["outsider"]
    world.escrow.checkpoint([world.claim(channel, 5)], sender=anybody)
    world.escrow.closeTogether([world.closing(channel, 9)], sender=anybody)
    world.at(other.terms.close_by + 1)
    world.escrow.endUnclosed([other.terms.as_abi()], sender=anybody)
    assert world.balances()["locked"] == 0


@pytest.mark.parametrize(
    ("change", "field", "had", "least", "most"),
    [
        ({"max_deposit": 0}, "maxDeposit", 0, 1, (2**88 - 1) // 2),
        ({"max_deposit": 2**87}, "maxDeposit", 2**87, 1, (2**88 - 1) // 2),
        ({"min_window": 0}, "minWindow", 0, 1, 1000),
        ({"min_window": 1001}, "minWindow", 1001, 1, 1000),
        ({"exit_grace": 0}, "exitGrace", 0, 1, 2**40 - 1),
        ({"exit_grace": 730 * 86_400 - 2999}, "longestTail", 730 * 86_400 + 1, 1, 730 * 86_400),
    ],
)
def test_deploy__limits_that_leave_no_room__reverts(
    world: EscrowWorld, project, change, field, had, least, most
):
    limits = replace(LIMITS, **change)
    bounds = {"had": had, "least": least, "most": most}
    with refused(world.escrow.OutOfBounds, field=term_name(field), **bounds):
        world.deployer.deploy(
            project.ChannelEscrow, world.anchor, world.offers, world.guardian, limits.as_abi()
        )


def test_deployed__escrow__tells_what_it_is_bound_to(world: EscrowWorld):
    assert world.escrow.anchor() == world.anchor
    assert world.escrow.guardian() == world.guardian
    assert tuple(world.escrow.limits()) == LIMITS.as_abi()
    assert bytes(world.escrow.domainSeparator()) == world.domain.separator


def test_model_of_terms__is_that_of_the_contract(world: EscrowWorld):
    """Every field of the terms is in the id, in its place."""
    terms = world.terms()
    for name in Terms.__dataclass_fields__:
        value = getattr(terms, name)
        other = value + 1 if isinstance(value, int) else None
        if isinstance(value, bytes):
            other = bytes(31) + b"\1"
        elif isinstance(value, str):
            other = world.who("rival")
        changed = replace(terms, **{name: other})
        assert (
            bytes(world.escrow.channelIdOf(changed.as_abi()))
            == world.id(changed)
            != world.id(terms)
        )
