"""AssetAnchor: deposits, locks, payments, exits; and tokens that behave badly (threat A2)."""

from __future__ import annotations

import pytest
from tests.contracts.world import World, refused

PAID_IN = 1000
NOBODY = "0x" + "00" * 20
LONGEST = 730 * 86400


@pytest.fixture
def anchor(world: World, project):
    anchor = world.deployer.deploy(project.AssetAnchor, world.token)
    world.token.approve(anchor, 10**30, sender=world.deployer)
    anchor.deposit(world.payer, PAID_IN, sender=world.deployer)
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


def test_deposit__for_another_account__credits_it(world: World, anchor, outsider):
    held = world.token.balanceOf(anchor)
    tx = anchor.deposit(outsider, 7, sender=world.deployer)
    (log,) = tx.decode_logs(anchor.Deposited)
    assert (log.account, log.payer, log.received) == (outsider, world.deployer, 7)
    assert books(anchor, outsider) == [7, PAID_IN + 7, 0]
    assert world.token.balanceOf(anchor) == held + 7


def test_deposit__to_nobody_or_to_the_anchor__reverts(world: World, anchor):
    with refused(anchor.ZeroAccount):
        anchor.deposit(NOBODY, 7, sender=world.deployer)
    with refused(anchor.AnchorAsAccount):
        anchor.deposit(anchor, 7, sender=world.deployer)


@pytest.mark.parametrize("amount", [0, 2**96])
def test_deposit__amount_out_of_range__reverts(world: World, anchor, amount):
    with refused(anchor.AmountOutOfRange, amount=amount):
        anchor.deposit(world.payer, amount, sender=world.deployer)


def test_withdraw__free_tokens__sends_them(world: World, anchor, outsider):
    tx = anchor.withdraw(outsider, 300, sender=world.payer)
    (log,) = tx.decode_logs(anchor.Withdrawn)
    assert (log.account, log.to, log.amount) == (world.payer, outsider, 300)
    assert world.token.balanceOf(outsider) == 300
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


def test_token__is_the_one_it_was_deployed_with(world: World, anchor):
    assert anchor.token() == world.token


# Tokens that behave badly.


def anchor_on(world: World, project, token):
    return world.deployer.deploy(project.AssetAnchor, token)


def test_a02_token_that_keeps_a_fee__credits_what_arrived(world: World, project):
    token = world.deployer.deploy(project.FeeToken, world.deployer, 3)
    anchor = anchor_on(world, project, token)
    token.approve(anchor, 1000, sender=world.deployer)
    tx = anchor.deposit(world.payer, 1000, sender=world.deployer)
    assert [log.received for log in tx.decode_logs(anchor.Deposited)] == [970]
    assert books(anchor, world.payer) == [970, 970, 0]
    assert token.balanceOf(anchor) == 970
    anchor.withdraw(world.payer, 970, sender=world.payer)
    assert token.balanceOf(anchor) == 0


def test_a02_token_that_keeps_everything__reverts(world: World, project):
    token = world.deployer.deploy(project.FeeToken, world.deployer, 100)
    anchor = anchor_on(world, project, token)
    token.approve(anchor, 1000, sender=world.deployer)
    with refused(anchor.NothingReceived, account=world.payer, asked=1000):
        anchor.deposit(world.payer, 1000, sender=world.deployer)


def test_a02_token_that_answers_false__reverts(world: World, project):
    token = world.deployer.deploy(project.FalseToken)
    anchor = anchor_on(world, project, token)
    with refused(anchor.SafeERC20FailedOperation, token=token):
        anchor.deposit(world.payer, 1000, sender=world.deployer)
    assert books(anchor, world.payer) == [0, 0, 0]


def test_a02_token_that_answers_nothing__works(world: World, project):
    token = world.deployer.deploy(project.SilentToken, world.deployer)
    anchor = anchor_on(world, project, token)
    anchor.deposit(world.payer, 1000, sender=world.deployer)
    anchor.withdraw(world.outsider, 400, sender=world.payer)
    assert books(anchor, world.payer) == [600, 600, 0]
    assert token.balanceOf(world.outsider) == 400
