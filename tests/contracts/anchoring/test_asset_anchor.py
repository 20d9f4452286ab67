"""AssetAnchor: deposits, locks with places, payments, exits; all of it on odd tokens too (A2).

What is credited is what arrived, so a token that keeps a part of what is sent changes two numbers
here and nothing else; a token that answers false never gets in (see test_threats_tokens.py).
"""

from __future__ import annotations

import pytest
from tests.contracts.world import World, refused

TOKENS = ["MetaCoin", "FeeToken", "RebasingToken", "SilentToken", "BlacklistToken", "HookToken"]
FEE_PERCENT = 20  # of the FeeToken
PAID_IN = 1000
NOBODY = "0x" + "00" * 20
SUBJECT, OTHER = b"\1" * 32, b"\2" * 32


@pytest.fixture(params=TOKENS)
def token(request, world: World, project):
    """One of the tokens; the deployer has plenty."""
    if request.param == "MetaCoin":
        return world.token
    more = (FEE_PERCENT,) if request.param == "FeeToken" else ()
    return world.deployer.deploy(getattr(project, request.param), world.deployer, *more)


@pytest.fixture
def arrives(token):
    """How much of what is sent arrives."""
    percent = FEE_PERCENT if token.contract_type.name == "FeeToken" else 0
    return lambda amount: amount - amount * percent // 100


@pytest.fixture
def anchor(world: World, project, token, arrives):
    anchor = world.deployer.deploy(project.AssetAnchor, token)
    if "approve" in token.contract_type.mutable_methods:
        token.approve(anchor, 10**22, sender=world.deployer)
    sent = PAID_IN if arrives(PAID_IN) == PAID_IN else PAID_IN * 100 // (100 - FEE_PERCENT)
    anchor.deposit(world.payer, sent, sender=world.deployer)
    return anchor


@pytest.fixture
def locker(world: World):
    return world.guardian


@pytest.fixture
def locked(world: World, anchor, locker):
    """A plain lock of 400 of the payer's tokens, for 100 seconds; its expiry."""
    expiry = world.now() + 100
    anchor.allowLocker(locker, 600, expiry, sender=world.payer)
    anchor.lock(SUBJECT, world.payer, 400, expiry, sender=locker)
    return expiry


@pytest.fixture
def group(world: World, anchor, locker, outsider):
    """A group: 300 of the payer's in place 0, 100 each of two others in 2 and 255; its expiry."""
    expiry = world.now() + 100
    anchor.move(outsider, 150, sender=world.payer)
    anchor.allowLocker(locker, 400, expiry, sender=world.payer)
    anchor.allowLocker(locker, 120, expiry, sender=outsider)
    anchor.openGroup(SUBJECT, world.payer, 300, expiry, sender=locker)
    anchor.fillMany(SUBJECT, [(255, outsider), (2, world.payer)], 100, sender=locker)
    return expiry


def books(anchor, *accounts):
    return [anchor.freeBalanceOf(account) for account in accounts] + [
        anchor.totalFree(),
        anchor.totalLocked(),
    ]


def test_deposit__for_another_account__credits_what_arrived(
    world: World, token, arrives, anchor, outsider
):
    held = token.balanceOf(anchor)
    tx = anchor.deposit(outsider, 7, sender=world.deployer)
    (log,) = tx.decode_logs(anchor.Deposited)
    received = arrives(7)
    assert (log.account, log.payer, log.received) == (outsider, world.deployer, received)
    assert books(anchor, outsider) == [received, PAID_IN + received, 0]
    assert token.balanceOf(anchor) == held + received


def test_deposit__to_nobody_or_to_the_anchor__reverts(world: World, anchor):
    with refused(anchor.ZeroAccount):
        anchor.deposit(NOBODY, 7, sender=world.deployer)
    with refused(anchor.AnchorAsAccount):
        anchor.deposit(anchor, 7, sender=world.deployer)


@pytest.mark.parametrize("amount", [0, 2**96])
def test_deposit__amount_out_of_range__reverts(world: World, anchor, amount):
    with refused(anchor.AmountOutOfRange, amount=amount):
        anchor.deposit(world.payer, amount, sender=world.deployer)


def test_withdraw__free_tokens__sends_them(world: World, token, arrives, anchor, outsider):
    tx = anchor.withdraw(outsider, 300, sender=world.payer)
    (log,) = tx.decode_logs(anchor.Withdrawn)
    assert (log.account, log.to, log.amount) == (world.payer, outsider, 300)
    assert token.balanceOf(outsider) == arrives(300)
    assert books(anchor, world.payer) == [700, 700, 0]


def test_withdraw__more_than_free__reverts(world: World, anchor, locked):
    with refused(anchor.FreeBalanceTooLow, account=world.payer, had=600, needed=601):
        anchor.withdraw(world.payer, 601, sender=world.payer)


def test_withdraw__to_nobody_or_to_the_anchor_or_nothing__reverts(world: World, anchor):
    with refused(anchor.ZeroAccount):
        anchor.withdraw(NOBODY, 7, sender=world.payer)
    with refused(anchor.AnchorAsAccount):
        anchor.withdraw(anchor, 7, sender=world.payer)
    with refused(anchor.AmountOutOfRange, amount=0):
        anchor.withdraw(world.payer, 0, sender=world.payer)


def test_move__gives_free_tokens_and_no_token_leaves(world: World, token, anchor, outsider):
    held = token.balanceOf(anchor)
    tx = anchor.move(outsider, 300, sender=world.payer)
    (log,) = tx.decode_logs(anchor.Moved)
    assert (getattr(log, "from"), log.to, log.amount) == (world.payer, outsider, 300)
    assert books(anchor, world.payer, outsider) == [700, 300, 1000, 0]
    assert token.balanceOf(anchor) == held


def test_move__what_is_not_free_or_to_no_holder__reverts(world: World, anchor, locked, outsider):
    with refused(anchor.FreeBalanceTooLow, account=world.payer, had=600, needed=601):
        anchor.move(outsider, 601, sender=world.payer)
    for payee, error in ((NOBODY, anchor.ZeroAccount), (anchor, anchor.AnchorAsAccount)):
        with refused(error):
            anchor.move(payee, 1, sender=world.payer)
    with refused(anchor.AmountOutOfRange, amount=0):
        anchor.move(outsider, 0, sender=world.payer)


def holds(anchor, locker, subject, place):
    return tuple(anchor.placeOf(locker, subject, place))


# Allowances.


def test_allow_locker__sets_amount_and_end_and_replaces_them(world: World, anchor, locker):
    for amount, until in ((5, world.now() + 10), (3, world.now() + 9), (0, world.now() - 10)):
        tx = anchor.allowLocker(locker, amount, until, sender=world.payer)
        (log,) = tx.decode_logs(anchor.LockerAllowed)
        kept = until if amount else 0
        assert (log.account, log.locker) == (world.payer, locker)
        assert (log.amount, log.expiresAt) == (amount, kept)
        assert tuple(anchor.lockerAllowance(world.payer, locker)) == (amount, kept)


def test_allow_locker__nobody_or_more_than_there_can_be__reverts(world: World, anchor, locker):
    until = world.now() + 10
    with refused(anchor.ZeroAccount):
        anchor.allowLocker(NOBODY, 5, until, sender=world.payer)
    with refused(anchor.AmountOutOfRange, amount=2**96):
        anchor.allowLocker(locker, 2**96, until, sender=world.payer)


# Locks and groups.


def test_lock__allowed__moves_free_to_locked(world: World, anchor, locker):
    expiry = world.now() + 100
    anchor.allowLocker(locker, 600, expiry, sender=world.payer)
    tx = anchor.lock(SUBJECT, world.payer, 400, expiry, sender=locker)
    (log,) = tx.decode_logs(anchor.Locked)
    assert (log.locker, log.subject, log.owner) == (locker, SUBJECT, world.payer)
    assert (log.place, log.amount, log.expiresAt) == (0, 400, expiry)
    assert books(anchor, world.payer) == [600, 600, 400]
    assert anchor.lockerAllowance(world.payer, locker).amount == 200
    assert tuple(anchor.lockOf(locker, SUBJECT)) == (expiry, False)
    assert holds(anchor, locker, SUBJECT, 0) == (world.payer, 400)


def test_lock__beyond_allowance_or_balance__reverts(world: World, anchor, locker):
    expiry = world.now() + 100
    anchor.allowLocker(locker, 10, expiry, sender=world.payer)
    error = anchor.AllowanceTooLow
    with refused(error, account=world.payer, locker=locker, had=10, needed=11):
        anchor.lock(SUBJECT, world.payer, 11, expiry, sender=locker)
    anchor.allowLocker(locker, 10**6, expiry, sender=world.payer)
    with refused(anchor.FreeBalanceTooLow, account=world.payer, had=1000, needed=1001):
        anchor.lock(SUBJECT, world.payer, 1001, expiry, sender=locker)
    with refused(anchor.AmountOutOfRange, amount=0):
        anchor.lock(SUBJECT, world.payer, 0, expiry, sender=locker)


def test_lock__of_a_subject_that_has_one__reverts_for_this_locker_alone(
    world: World, anchor, locker, locked, outsider
):
    for again in (anchor.lock, anchor.openGroup):
        with refused(anchor.LockExists, locker=locker, subject=SUBJECT):
            again(SUBJECT, world.payer, 1, locked, sender=locker)
    anchor.allowLocker(outsider, 1, locked, sender=world.payer)
    anchor.lock(SUBJECT, world.payer, 1, locked, sender=outsider)
    assert holds(anchor, outsider, SUBJECT, 0) == (world.payer, 1)
    assert holds(anchor, locker, SUBJECT, 0) == (world.payer, 400)


def test_fill_many__takes_from_each_owner_and_its_allowance(
    world: World, anchor, locker, group, outsider
):
    assert tuple(anchor.lockOf(locker, SUBJECT)) == (group, True)
    assert holds(anchor, locker, SUBJECT, 0) == (world.payer, 300)
    assert holds(anchor, locker, SUBJECT, 2) == (world.payer, 100)
    assert holds(anchor, locker, SUBJECT, 255) == (outsider, 100)
    assert books(anchor, world.payer, outsider) == [450, 50, 500, 500]
    assert anchor.lockerAllowance(world.payer, locker).amount == 0
    assert anchor.lockerAllowance(outsider, locker).amount == 20


def test_fill_many__one_that_cannot_be_filled__fills_none(
    world: World, anchor, locker, group, outsider
):
    values = {"locker": locker, "subject": SUBJECT, "place": 255, "owner": outsider}
    with refused(anchor.PlaceTaken, **values):
        anchor.fillMany(SUBJECT, [(3, outsider), (255, outsider)], 10, sender=locker)
    error = anchor.AllowanceTooLow
    with refused(error, account=world.payer, locker=locker, had=0, needed=10):
        anchor.fillMany(SUBJECT, [(3, outsider), (4, world.payer)], 10, sender=locker)
    assert holds(anchor, locker, SUBJECT, 3) == (NOBODY, 0)
    assert anchor.totalLocked() == 500


def test_fill_many__of_a_plain_lock_or_none__reverts(anchor, locker, locked, outsider):
    with refused(anchor.LockKindWrong, locker=locker, subject=SUBJECT, isGroup=False):
        anchor.fillMany(SUBJECT, [(1, outsider)], 10, sender=locker)
    with refused(anchor.LockUnknown, locker=locker, subject=OTHER):
        anchor.fillMany(OTHER, [(1, outsider)], 10, sender=locker)


def test_increase__adds_to_a_place_of_its_owner(world: World, anchor, locker, group, outsider):
    tx = anchor.increase(SUBJECT, 255, 20, sender=locker)
    (log,) = tx.decode_logs(anchor.LockIncreased)
    assert (log.locker, log.subject, log.owner) == (locker, SUBJECT, outsider)
    assert (log.place, log.amount) == (255, 20)
    assert holds(anchor, locker, SUBJECT, 255) == (outsider, 120)
    assert books(anchor, outsider) == [30, 480, 520]
    with refused(anchor.AllowanceTooLow, account=outsider, locker=locker, had=0, needed=1):
        anchor.increase(SUBJECT, 255, 1, sender=locker)
    with refused(anchor.PlaceEmpty, locker=locker, subject=SUBJECT, place=7):
        anchor.increase(SUBJECT, 7, 1, sender=locker)


def test_renew__of_a_plain_lock__takes_consent_for_what_it_holds(
    world: World, anchor, locker, locked
):
    later = locked + 1000
    with refused(anchor.AllowanceTooLow, account=world.payer, locker=locker, had=200, needed=400):
        anchor.renew(SUBJECT, later, sender=locker)
    anchor.allowLocker(locker, 401, locked, sender=world.payer)
    tx = anchor.renew(SUBJECT, later, sender=locker)
    (log,) = tx.decode_logs(anchor.LockRenewed)
    assert (log.locker, log.subject, log.expiresAt) == (locker, SUBJECT, later)
    assert tuple(anchor.lockOf(locker, SUBJECT)) == (later, False)
    assert anchor.lockerAllowance(world.payer, locker).amount == 1
    assert books(anchor, world.payer) == [600, 600, 400]


def test_renew__of_a_group__reverts(anchor, locker, group):
    with refused(anchor.LockKindWrong, locker=locker, subject=SUBJECT, isGroup=True):
        anchor.renew(SUBJECT, group + 1000, sender=locker)


# Payments and exits.


def test_pay__a_part_and_the_rest__frees_the_subject(
    world: World, anchor, locker, locked, outsider
):
    tx = anchor.pay(SUBJECT, 0, outsider, 150, sender=locker)
    (log,) = tx.decode_logs(anchor.Paid)
    assert (log.locker, log.subject, log.to) == (locker, SUBJECT, outsider)
    assert (log.place, log.amount) == (0, 150)
    assert books(anchor, world.payer, outsider) == [600, 150, 750, 250]
    values = {"locker": locker, "subject": SUBJECT, "place": 0, "had": 250, "needed": 251}
    with refused(anchor.PlaceTooSmall, **values):
        anchor.pay(SUBJECT, 0, outsider, 251, sender=locker)
    anchor.pay(SUBJECT, 0, outsider, 250, sender=locker)
    assert tuple(anchor.lockOf(locker, SUBJECT)) == (0, False)
    with refused(anchor.LockUnknown, locker=locker, subject=SUBJECT):
        anchor.pay(SUBJECT, 0, outsider, 1, sender=locker)


def test_pay__nothing__changes_nothing(world: World, anchor, locker, locked, outsider):
    tx = anchor.pay(SUBJECT, 0, outsider, 0, sender=locker)
    assert tx.decode_logs(anchor.Paid) == []
    assert books(anchor, world.payer, outsider) == [600, 0, 600, 400]


def test_pay__by_another_than_the_locker__finds_no_lock(world: World, anchor, locked, outsider):
    for caller in (outsider, world.payer):
        with refused(anchor.LockUnknown, locker=caller, subject=SUBJECT):
            anchor.pay(SUBJECT, 0, caller, 1, sender=caller)


def test_pay__to_nobody_or_to_the_anchor__reverts(anchor, locker, locked):
    for payee, error in ((NOBODY, anchor.ZeroAccount), (anchor, anchor.AnchorAsAccount)):
        with refused(error):
            anchor.pay(SUBJECT, 0, payee, 1, sender=locker)
        with refused(error):
            anchor.payMany(SUBJECT, [(0, payee, 1)], sender=locker)


def test_pay_many__out_of_several_places__keeps_the_head_of_the_group(
    world: World, anchor, locker, group, outsider
):
    payee = world.nodes[0]
    payments = [(0, payee, 100), (2, payee, 100), (7, payee, 0), (0, outsider, 200)]
    tx = anchor.payMany(SUBJECT, [*payments, (255, world.payer, 100)], sender=locker)
    logs = tx.decode_logs(anchor.Paid)
    assert [(log.place, log.amount) for log in logs] == [(0, 100), (2, 100), (0, 200), (255, 100)]
    assert books(anchor, world.payer, outsider, payee) == [550, 250, 200, 1000, 0]
    assert tuple(anchor.lockOf(locker, SUBJECT)) == (group, True)
    with refused(anchor.LockExists, locker=locker, subject=SUBJECT):
        anchor.openGroup(SUBJECT, world.payer, 1, group, sender=locker)


def test_pay_many__one_that_is_too_much__pays_none(world: World, anchor, locker, group, outsider):
    values = {"locker": locker, "subject": SUBJECT, "place": 0, "had": 100, "needed": 101}
    with refused(anchor.PlaceTooSmall, **values):
        anchor.payMany(SUBJECT, [(0, outsider, 200), (0, outsider, 101)], sender=locker)
    assert books(anchor, outsider) == [50, 500, 500]


def test_expire__by_a_stranger__returns_the_rest(world: World, anchor, locker, locked, outsider):
    anchor.pay(SUBJECT, 0, locker, 100, sender=locker)
    world.at(locked + 1)
    tx = anchor.expire(locker, SUBJECT, 0, sender=outsider)
    (log,) = tx.decode_logs(anchor.LockReturned)
    assert (log.locker, log.subject, log.owner) == (locker, SUBJECT, world.payer)
    assert (log.place, log.amount, log.caller) == (0, 300, outsider)
    assert books(anchor, world.payer, locker) == [900, 100, 1000, 0]
    with refused(anchor.LockUnknown, locker=locker, subject=SUBJECT):
        anchor.expire(locker, SUBJECT, 0, sender=outsider)


def test_expire__of_a_group__returns_each_place_to_its_owner(
    world: World, anchor, locker, group, outsider
):
    world.at(group + 1)
    for place in (255, 0, 2):
        anchor.expire(locker, SUBJECT, place, sender=world.pool)
    assert books(anchor, world.payer, outsider) == [850, 150, 1000, 0]
    with refused(anchor.PlaceEmpty, locker=locker, subject=SUBJECT, place=2):
        anchor.expire(locker, SUBJECT, 2, sender=outsider)


def test_deployment__without_a_token__reverts(world: World, project):
    with refused(project.AssetAnchor.ZeroAccount):
        world.deployer.deploy(project.AssetAnchor, NOBODY)


def test_token__is_the_one_it_was_deployed_with(token, anchor):
    assert anchor.token() == token
