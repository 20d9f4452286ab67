"""Threat A2: tokens that keep a fee, change balances, lie, say nothing, ban accounts or call back.

The anchor's ordinary suite runs over them too (test_asset_anchor.py); here is what is special. The
planted copy credits what it asked for; the same deposits leave it owing more than it holds.
"""

from __future__ import annotations

import ape
import pytest
from tests.contracts.world import World, refused


def books(anchor, *accounts):
    return [anchor.freeBalanceOf(account) for account in accounts] + [
        anchor.totalFree(),
        anchor.totalLocked(),
    ]


def anchor_on(world: World, project, token):
    return world.deployer.deploy(project.AssetAnchor, token)


def planted_on(world: World, project, token):
    return world.deployer.deploy(project.PlantedNominalCredit, token)


@pytest.mark.parametrize(("open_books", "is_whole"), [(planted_on, False), (anchor_on, True)])
def test_a02_token_that_keeps_a_fee__leaves_only_the_planted_books_short(
    world: World, project, open_books, is_whole
):
    token = world.deployer.deploy(project.FeeToken, world.deployer, 3)
    books = open_books(world, project, token)
    token.approve(books, 2000, sender=world.deployer)
    savers = (world.payer, world.outsider)
    for saver in savers:
        books.deposit(saver, 1000, sender=world.deployer)
    owed = sum(books.freeBalanceOf(saver) for saver in savers)
    assert (token.balanceOf(books) == owed) is is_whole
    first, last = savers
    books.withdraw(first, books.freeBalanceOf(first), sender=first)
    if is_whole:
        books.withdraw(last, books.freeBalanceOf(last), sender=last)
        assert token.balanceOf(books) == 0
        return
    had = token.balanceOf(books)
    with refused(token.ERC20InsufficientBalance, sender=books, balance=had, needed=970):
        books.withdraw(last, 1000, sender=last)


def test_a02_token_that_answers_false__gives_credit_for_nothing_in_the_planted_books(
    world: World, project
):
    token = world.deployer.deploy(project.FalseToken)
    planted = planted_on(world, project, token)
    planted.deposit(world.outsider, 1000, sender=world.outsider)
    assert planted.freeBalanceOf(world.outsider) == 1000


def test_a02_token_that_answers_nothing__cannot_come_into_the_planted_books(world: World, project):
    token = world.deployer.deploy(project.SilentToken, world.deployer)
    planted = planted_on(world, project, token)
    with ape.reverts():
        planted.deposit(world.payer, 1000, sender=world.deployer)


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


def test_a02_token_that_shrinks__costs_its_holders_and_invents_nothing(world: World, project):
    """The books say what came in; whoever leaves last finds out. MetaCoin cannot do this."""
    token = world.deployer.deploy(project.RebasingToken, world.deployer)
    anchor = anchor_on(world, project, token)
    for account in (world.payer, world.outsider):
        anchor.deposit(account, 1000, sender=world.deployer)
    token.rebase(50, sender=world.deployer)
    assert token.balanceOf(anchor) == 1000
    anchor.withdraw(world.payer, 1000, sender=world.payer)
    assert books(anchor, world.payer, world.outsider) == [0, 1000, 1000, 0]
    with refused(token.BalanceTooLow, account=anchor):
        anchor.withdraw(world.outsider, 1, sender=world.outsider)
    assert anchor.freeBalanceOf(world.outsider) == 1000


def test_a02_token_that_grows__the_surplus_is_nobodys(world: World, project):
    token = world.deployer.deploy(project.RebasingToken, world.deployer)
    anchor = anchor_on(world, project, token)
    anchor.deposit(world.payer, 1000, sender=world.deployer)
    token.rebase(200, sender=world.deployer)
    assert token.balanceOf(anchor) == 2000
    assert books(anchor, world.payer) == [1000, 1000, 0]
    anchor.deposit(world.outsider, 10, sender=world.deployer)
    assert books(anchor, world.payer, world.outsider) == [1000, 10, 1010, 0]


def test_a02_token_that_bans_a_payee__stops_nobody_else(world: World, project):
    """A settlement credits the banned as everybody; only its own withdrawal fails."""
    token = world.deployer.deploy(project.BlacklistToken, world.deployer)
    anchor = anchor_on(world, project, token)
    token.approve(anchor, 1000, sender=world.deployer)
    anchor.deposit(world.payer, 1000, sender=world.deployer)
    banned, other, locker = world.nodes[0], world.nodes[1], world.guardian
    token.ban(banned, sender=world.deployer)
    job, expiry = b"job".ljust(32), world.now() + 100
    anchor.allowLocker(locker, 900, expiry, sender=world.payer)
    anchor.openGroup(job, world.payer, 900, expiry, sender=locker)
    anchor.payMany(job, [(0, banned, 300), (0, other, 300)], sender=locker)
    with refused(token.Banned, account=banned):
        anchor.withdraw(banned, 300, sender=banned)
    anchor.withdraw(other, 300, sender=other)
    assert books(anchor, banned, other) == [300, 0, 400, 300]
    anchor.withdraw(other, 300, sender=banned)  # to an account that may be paid
    assert token.balanceOf(other) == 600


def test_a02_token_that_bans_the_anchor__keeps_every_credit(world: World, project):
    token = world.deployer.deploy(project.BlacklistToken, world.deployer)
    anchor = anchor_on(world, project, token)
    token.approve(anchor, 1000, sender=world.deployer)
    anchor.deposit(world.payer, 1000, sender=world.deployer)
    token.ban(anchor, sender=world.deployer)
    with refused(token.Banned, account=anchor):
        anchor.withdraw(world.payer, 1, sender=world.payer)
    assert books(anchor, world.payer) == [1000, 1000, 0]


def test_a02_token_that_calls_a_refusing_payee__stops_nobody_else(world: World, project):
    token = world.deployer.deploy(project.HookToken, world.deployer)
    anchor = anchor_on(world, project, token)
    token.approve(anchor, 1000, sender=world.deployer)
    anchor.deposit(world.payer, 1000, sender=world.deployer)
    refusing = world.deployer.deploy(project.RefusingPayee)
    token.hook(refusing, sender=world.deployer)
    with refused(refusing.Refused):
        anchor.withdraw(refusing, 400, sender=world.payer)
    anchor.withdraw(world.outsider, 400, sender=world.payer)
    assert books(anchor, world.payer) == [600, 600, 0]
    assert token.balanceOf(world.outsider) == 400
