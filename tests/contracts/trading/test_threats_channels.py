"""A53 and A1-A4 at the escrow: each attack on a planted copy, where it gains, and here.

"Last" by the index, two tariffs for one lie, a window that outlives the lock; payees that run code,
refuse or burn gas; tokens that ban an account. The other attacks of A53 need no copy: they stand in
`test_escrow_closing.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.trading.conftest import deploy_escrow
from tests.contracts.trading.escrow_world import ALLOWED_SECONDS, EscrowWorld
from tests.contracts.world import refused
from tests.offchain.systems.trading.channel_cast import BOND, DEPOSIT, KEYS, WINDOW

OWED = 600
LAST_INDEX = 2**64 - 1
GAS_OF_AN_END = 400_000


def end(world: EscrowWorld, channel: Any) -> dict[str, int]:
    """Settle after the window; what everybody gained."""
    world.at(world.escrow.channelOf(channel.id).deadline + 1)
    with world.moved() as moved:
        receipt = world.escrow.settle([channel.terms.as_abi()], sender=world.people["outsider"])
    assert receipt.gas_used < GAS_OF_AN_END
    return moved


def test_a53_planted_order_by_index__robs_the_seller_and_here_costs_the_bond(
    world: EscrowWorld, project
):
    key = KEYS["payer's key"]
    planted = world.deployer.deploy(project.PlantedIndexOrder, key.address, DEPOSIT)
    for index, amount in ((1440, OWED), (LAST_INDEX, 0)):
        signed = key.sign(bytes(planted.digestOf(index, amount)))
        planted.show(index, amount, signed, sender=world.people["payer"])
    assert tuple(planted.outcome()) == (0, DEPOSIT)  # the payer has its service for nothing

    channel = world.open()
    nothing = world.claim(channel, 0, LAST_INDEX)
    world.escrow.close([nothing], sender=world.people["payer"])
    world.escrow.respond([world.response(channel, OWED)], sender=world.people["seller"])
    moved = end(world, channel)
    assert (moved["seller"], moved["payer"]) == (OWED + BOND, DEPOSIT - OWED)


@pytest.mark.parametrize(("with_voucher", "lost"), [(True, BOND), (False, 0)])
def test_a53_planted_two_tariffs__let_a_cheat_try_for_nothing(
    world: EscrowWorld, project, with_voucher: bool, lost: int
):
    planted = world.deployer.deploy(project.PlantedTwoTariffs, DEPOSIT, BOND)
    planted.close(with_voucher, 100, sender=world.people["payer"])
    planted.respond(OWED, sender=world.people["seller"])
    assert tuple(planted.outcome()) == (OWED + lost, DEPOSIT - OWED + BOND - lost)

    channel, payer = world.open(), world.people["payer"]
    if with_voucher:
        world.escrow.close([world.claim(channel, 100)], sender=payer)
    else:
        world.escrow.closeBare([channel.terms.as_abi()], sender=payer)
    world.escrow.respond([world.response(channel, OWED)], sender=world.people["seller"])
    moved = end(world, channel)
    assert (moved["seller"], moved["payer"]) == (OWED + BOND, DEPOSIT - OWED)


def test_a53_planted_window_that_outlives_the_lock__gives_the_payer_everything(
    world: EscrowWorld, project
):
    payer, seller = world.people["payer"], world.people["seller"]
    planted = world.deployer.deploy(project.PlantedLongWindow, world.anchor, seller, WINDOW)
    until = world.now() + ALLOWED_SECONDS
    world.anchor.allowLocker(planted, DEPOSIT, until, sender=payer)
    close_by = world.now() + 50
    planted.open(DEPOSIT, close_by, sender=payer)
    world.at(close_by)
    planted.close(sender=payer)
    planted.respond(OWED, sender=seller)
    world.at(close_by + 1)
    with world.moved() as moved:
        world.anchor.expire(planted, planted.CHANNEL(), 0, sender=payer)
    assert moved == {"payer": DEPOSIT, "locked": -DEPOSIT}
    world.at(planted.deadline() + 1)
    with refused(world.anchor.LockUnknown, locker=planted, subject=planted.CHANNEL()):
        planted.settle(sender=seller)

    channel = world.open()
    world.at(channel.terms.close_by)
    world.escrow.closeBare([channel.terms.as_abi()], sender=payer)
    world.escrow.respond([world.response(channel, OWED)], sender=seller)
    expiry = world.escrow.lockExpiryOf(channel.terms.as_abi())
    deadline = world.escrow.channelOf(channel.id).deadline
    assert deadline < expiry
    world.at(deadline)
    values = {"expiresAt": expiry, "nowAt": deadline}
    with refused(world.anchor.LockNotExpired, locker=world.escrow, subject=channel.id, **values):
        world.anchor.expire(world.escrow, channel.id, 0, sender=payer)
    assert end(world, channel)["seller"] == OWED + BOND


@pytest.fixture(scope="module")
def hooked_escrow(deployed_escrow: EscrowWorld, chain, project, accounts) -> EscrowWorld:
    """A second escrow, on a token that runs its recipients' code."""
    token = accounts[0].deploy(project.HookToken, accounts[0])
    return deploy_escrow(chain, project, accounts, token)


@pytest.mark.parametrize("kind", ["RefusingPayee", "GasBurningPayee", "ReturnBombPayee"])
def test_a03_payees_without_manners__delay_nobody_and_run_no_code(
    hooked_escrow: EscrowWorld, project, kind: str
):
    """Payer, seller and tower are all of that kind; the escrow only credits."""
    world = hooked_escrow
    world.nonce, world.books = 0, {}
    channel, provider = world.open(), world.chain.provider
    payee = world.deployer.deploy(getattr(project, kind))
    code = provider.web3.eth.get_code(payee.address)
    world.escrow.closeBare([channel.terms.as_abi()], sender=world.people["payer"])
    response = world.response(channel, OWED, "tower", 1)
    world.escrow.respond([response], sender=world.people["tower"])
    for role in ("payer", "seller", "tower"):
        world.token.hook(world.people[role], sender=world.deployer)
        provider.make_request("anvil_setCode", [world.who(role), "0x" + code.hex()])
    assert end(world, channel) == {
        "seller": OWED,
        "tower": BOND,
        "payer": DEPOSIT - OWED,
        "locked": -(DEPOSIT + BOND),
    }


def test_a01_payee_that_calls_back__ends_a_channel_once(hooked_escrow: EscrowWorld, project):
    """From within its withdrawal it settles a channel, twice: the second call finds it ended."""
    world = hooked_escrow
    world.nonce, world.books = 0, {}
    channel, payee = world.open(), world.deployer.deploy(project.ReenteringPayee)
    world.token.hook(payee, sender=world.deployer)
    world.escrow.close([world.claim(channel, OWED)], sender=world.people["payer"])
    world.anchor.move(payee, 10, sender=world.people["seller"])
    settle = world.escrow.settle.encode_input([channel.terms.as_abi()])
    for _ in range(2):
        payee.prepare(world.escrow, settle, sender=world.deployer)
    world.at(world.escrow.channelOf(channel.id).deadline + 1)
    withdraw = world.anchor.withdraw.encode_input(payee, 10)
    with world.moved() as moved:
        payee.execute(world.anchor, withdraw, sender=world.deployer)
    worked, _ = payee.outcomes()
    assert list(worked) == [True, False]
    assert moved == {
        "seller": OWED,
        "payer": DEPOSIT + BOND - OWED,
        "locked": -(DEPOSIT + BOND),
    }


def test_a02_banned_seller__keeps_its_credit_and_stops_nobody(chain, project, accounts):
    token = accounts[0].deploy(project.BlacklistToken, accounts[0])
    world = deploy_escrow(chain, project, accounts, token)
    channel = world.open()
    token.ban(world.people["seller"], sender=accounts[0])
    with world.moved() as moved:
        world.escrow.close([world.claim(channel, OWED)], sender=world.people["seller"])
    assert moved["seller"] == OWED
    world.anchor.withdraw(world.people["payer"], 100, sender=world.people["payer"])


def test_a04_tokens_sent_to_the_escrow__move_no_channel(world: EscrowWorld):
    channel = world.open()
    world.token.transfer(world.escrow, 10**6, sender=world.deployer)
    closing = world.closing(channel, OWED)
    with world.moved() as moved:
        world.escrow.closeTogether([closing], sender=world.people["outsider"])
    assert moved == {
        "seller": OWED,
        "payer": DEPOSIT + BOND - OWED,
        "locked": -(DEPOSIT + BOND),
    }
