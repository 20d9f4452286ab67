"""AssetAnchor: deposits, locks, payments, exits; all of it on odd tokens too (threat A2).

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
LONGEST = 730 * 86400


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
    """A lock of 400 of the payer's tokens, for 100 seconds."""
    anchor.allowLocker(locker, 600, sender=world.payer)
    expiry = world.now() + 100
    anchor.lock(world.payer, 400, expiry, sender=locker)
    return 1, expiry


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


def test_allow_locker__sets_the_allowance(world: World, anchor, locker):
    tx = anchor.allowLocker(locker, 5, sender=world.payer)
    (log,) = tx.decode_logs(anchor.LockerAllowed)
    assert (log.account, log.locker, log.allowance) == (world.payer, locker, 5)
    assert anchor.lockerAllowance(world.payer, locker) == 5
    with refused(anchor.ZeroAccount):
        anchor.allowLocker(NOBODY, 5, sender=world.payer)


def test_lock__allowed__moves_free_to_locked(world: World, anchor, locker):
    anchor.allowLocker(locker, 600, sender=world.payer)
    expiry = world.now() + 100
    tx = anchor.lock(world.payer, 400, expiry, sender=locker)
    (log,) = tx.decode_logs(anchor.Locked)
    assert (log.lockId, log.owner, log.locker) == (1, world.payer, locker)
    assert (log.amount, log.expiresAt) == (400, expiry)
    assert books(anchor, world.payer) == [600, 600, 400]
    assert anchor.lockerAllowance(world.payer, locker) == 200
    assert tuple(anchor.lockOf(1)) == (world.payer, expiry, locker, 400)


def test_lock__beyond_allowance_or_balance__reverts(world: World, anchor, locker):
    anchor.allowLocker(locker, 10, sender=world.payer)
    expiry = world.now() + 100
    error = anchor.AllowanceTooLow
    with refused(error, account=world.payer, locker=locker, had=10, needed=11):
        anchor.lock(world.payer, 11, expiry, sender=locker)
    anchor.allowLocker(locker, 10**6, sender=world.payer)
    with refused(anchor.FreeBalanceTooLow, account=world.payer, had=1000, needed=1001):
        anchor.lock(world.payer, 1001, expiry, sender=locker)
    with refused(anchor.AmountOutOfRange, amount=0):
        anchor.lock(world.payer, 0, expiry, sender=locker)


@pytest.mark.parametrize(("offset", "good"), [(0, False), (1, True), (LONGEST, True)])
def test_lock__expiry_at_its_bounds(world: World, anchor, locker, offset, good):
    anchor.allowLocker(locker, 10, sender=world.payer)
    start = world.now() + 10
    world.at(start)
    if good:
        anchor.lock(world.payer, 1, start + offset, sender=locker)
        assert anchor.lockOf(1).remaining == 1
        return
    error = anchor.ExpiryOutOfRange
    with refused(error, expiresAt=start + offset, earliest=start + 1, latest=start + LONGEST):
        anchor.lock(world.payer, 1, start + offset, sender=locker)


def test_lock__expiry_too_far__reverts(world: World, anchor, locker):
    assert anchor.maxLockSeconds() == LONGEST
    anchor.allowLocker(locker, 10, sender=world.payer)
    start = world.now() + 10
    world.at(start)
    far = start + LONGEST + 1
    error = anchor.ExpiryOutOfRange
    with refused(error, expiresAt=far, earliest=start + 1, latest=start + LONGEST):
        anchor.lock(world.payer, 1, far, sender=locker)


def test_pay__by_the_locker__credits_the_payee(world: World, anchor, locker, locked, outsider):
    tx = anchor.pay(1, outsider, 150, sender=locker)
    (log,) = tx.decode_logs(anchor.Paid)
    assert (log.lockId, log.to, log.locker, log.amount) == (1, outsider, locker, 150)
    assert books(anchor, world.payer, outsider) == [600, 150, 750, 250]
    assert anchor.lockOf(1).remaining == 250


def test_pay__the_rest__empties_the_lock(world: World, anchor, locker, locked, outsider):
    anchor.pay(1, outsider, 400, sender=locker)
    assert anchor.lockOf(1).locker == NOBODY
    with refused(anchor.LockUnknown, lockId=1):
        anchor.pay(1, outsider, 1, sender=locker)


def test_pay__nothing__changes_nothing(world: World, anchor, locker, locked, outsider):
    tx = anchor.pay(1, outsider, 0, sender=locker)
    assert tx.decode_logs(anchor.Paid) == []
    assert books(anchor, world.payer, outsider) == [600, 0, 600, 400]


def test_pay__too_much__reverts(anchor, locker, locked, outsider):
    with refused(anchor.LockTooSmall, lockId=1, had=400, needed=401):
        anchor.pay(1, outsider, 401, sender=locker)


def test_pay__by_another_than_the_locker__reverts(world: World, anchor, locker, locked, outsider):
    for caller in (outsider, world.payer):
        with refused(anchor.NotTheLocker, lockId=1, locker=locker, caller=caller):
            anchor.pay(1, caller, 1, sender=caller)


def test_pay__to_nobody_or_to_the_anchor__reverts(anchor, locker, locked):
    with refused(anchor.ZeroAccount):
        anchor.pay(1, NOBODY, 1, sender=locker)
    with refused(anchor.AnchorAsAccount):
        anchor.pay(1, anchor, 1, sender=locker)


@pytest.mark.parametrize("offset", [-1, 0])
def test_pay__up_to_expiry__is_done(world: World, anchor, locker, locked, outsider, offset):
    world.at(locked[1] + offset)
    anchor.pay(1, outsider, 1, sender=locker)
    assert anchor.freeBalanceOf(outsider) == 1


def test_pay__after_expiry__reverts(world: World, anchor, locker, locked, outsider):
    expiry = locked[1]
    world.at(expiry + 1)
    with refused(anchor.LockExpired, lockId=1, expiresAt=expiry, nowAt=expiry + 1):
        anchor.pay(1, outsider, 1, sender=locker)


def test_expire__by_a_stranger__returns_the_rest(world: World, anchor, locker, locked, outsider):
    anchor.pay(1, locker, 100, sender=locker)
    world.at(locked[1] + 1)
    tx = anchor.expire(1, sender=outsider)
    (log,) = tx.decode_logs(anchor.LockReturned)
    assert (log.lockId, log.owner, log.caller, log.amount) == (1, world.payer, outsider, 300)
    assert books(anchor, world.payer, locker) == [900, 100, 1000, 0]
    with refused(anchor.LockUnknown, lockId=1):
        anchor.expire(1, sender=outsider)


@pytest.mark.parametrize("offset", [-1, 0])
def test_expire__up_to_expiry__reverts(world: World, anchor, locked, outsider, offset):
    expiry = locked[1]
    world.at(expiry + offset)
    with refused(anchor.LockNotExpired, lockId=1, expiresAt=expiry, nowAt=expiry + offset):
        anchor.expire(1, sender=outsider)


def test_deployment__without_a_token__reverts(world: World, project):
    with refused(project.AssetAnchor.ZeroAccount):
        world.deployer.deploy(project.AssetAnchor, NOBODY)


def test_token__is_the_one_it_was_deployed_with(token, anchor):
    assert anchor.token() == token
