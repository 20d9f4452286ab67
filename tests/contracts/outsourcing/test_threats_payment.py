"""A1, A3, A4, A7: payees that call back, refuse, burn gas or return megabytes; tokens from nowhere;
fines above the stake.

The token here runs the recipient's code. Each attack is also run against a planted copy of the
paper's way ("the contract automatically allocates its deposit"), which it must break.
"""

from __future__ import annotations

import ape
import pytest
from eth_utils import keccak
from tests.contracts.conftest import deploy_settlement, deploy_world
from tests.contracts.world import (
    BOND,
    FEE,
    FOUND_WRONG,
    JUDGE_FEE,
    JUDGES,
    NODES,
    STAKE,
    WEALTH,
    World,
    refused,
)

ALL = tuple(range(1, NODES + 1))
GAS_PER_SETTLEMENT = 3_000_000  # a settlement that copied a megabyte would need more


@pytest.fixture(scope="module")
def hooked_world(deployed: World, chain, project, accounts) -> World:
    """A second set of contracts, on that token (after the first, which outlives this file)."""
    token = accounts[0].deploy(project.HookToken, accounts[0])
    return deploy_world(chain, project, accounts, token)


@pytest.fixture
def hooked(hooked_world: World) -> World:
    hooked_world.nonce = 0
    hooked_world.named.clear()
    return hooked_world


def give_code(world: World, account, payee) -> None:
    """Let an account have code, as EIP-7702 allows any account to, and run it when it is paid."""
    world.token.hook(account, sender=world.outsider)
    provider = world.chain.provider
    code = provider.web3.eth.get_code(payee.address)
    provider.make_request("anvil_setCode", [str(account.address), "0x" + code.hex()])


PAYEES = ["RefusingPayee", "GasBurningPayee", "ReturnBombPayee"]


@pytest.mark.parametrize("kind", PAYEES)
def test_a03_payee_without_manners__blocks_the_planted_payout(hooked: World, project, kind):
    payout = hooked.deployer.deploy(project.PlantedPushPayout, hooked.token)
    payee = hooked.deployer.deploy(getattr(project, kind))
    hooked.token.hook(payee, sender=hooked.outsider)
    hooked.token.approve(payout, 10**6, sender=hooked.deployer)
    for account in (hooked.outsider, payee):
        payout.deposit(account, 100, sender=hooked.deployer)
    with ape.reverts():
        payout.allocate([hooked.outsider, payee], sender=hooked.deployer)
    assert hooked.token.balanceOf(hooked.outsider) == 0


@pytest.mark.parametrize("kind", PAYEES)
def test_a03_payees_without_manners__delay_nobody_in_the_settlement(hooked: World, project, kind):
    """Convicted node, a judge, the payer and a paid node are all of that kind."""
    payee = hooked.deployer.deploy(getattr(project, kind))
    job = hooked.started(committed=ALL)
    hooked.charge(job, wrong=(2,))
    hooked.serve(job, 2)
    for account in (hooked.payer, hooked.judges[3], hooked.nodes[0], hooked.nodes[1]):
        give_code(hooked, account, payee)
    with hooked.moves() as moved:
        verdict = hooked.judge(job, 2, FOUND_WRONG, hooked.judges)
    assert verdict.gas_used < GAS_PER_SETTLEMENT
    assert moved["judge 4"] == JUDGE_FEE // JUDGES
    assert moved["payer"] == BOND + FEE + (NODES - 1) * FEE

    hooked.at(hooked.settlement.jobOf(job).collectBy + 1)
    with hooked.moves() as moved:
        collected = hooked.settlement.collect(job, [1, 3, 4, 5, 6], sender=hooked.outsider)
    assert collected.gas_used < GAS_PER_SETTLEMENT
    assert moved["node 1"] == moved["node 3"] == FEE + STAKE

    # The others take their tokens out; the credit of the refuser stays, and it may send it on.
    hooked.anchor.withdraw(hooked.nodes[2], FEE, sender=hooked.nodes[2])
    assert hooked.token.balanceOf(hooked.nodes[2]) == FEE
    credit = hooked.anchor.freeBalanceOf(hooked.nodes[0])
    with ape.reverts():
        hooked.anchor.withdraw(hooked.nodes[0], 1, sender=hooked.nodes[0], gas=2_000_000)
    assert hooked.anchor.freeBalanceOf(hooked.nodes[0]) == credit
    hooked.anchor.withdraw(hooked.outsider, credit, sender=hooked.nodes[0])
    assert hooked.token.balanceOf(hooked.outsider) == credit
    hooked.assert_books_close()


@pytest.mark.parametrize("kind", PAYEES)
def test_a03_pool_without_manners__delays_nobody(hooked: World, project, kind):
    pool = hooked.deployer.deploy(getattr(project, kind))
    hooked.token.hook(pool, sender=hooked.outsider)
    settlement = deploy_settlement(hooked, project, pool=pool)
    for account in (hooked.payer, *hooked.nodes):
        hooked.allow(account, settlement, WEALTH)
    before, hooked.settlement = hooked.settlement, settlement
    try:
        job = hooked.started(committed=(1,))
        hooked.at(settlement.jobOf(job).collectBy + 1)
        settlement.collect(job, list(ALL), sender=hooked.outsider)
    finally:
        hooked.settlement = before
    assert hooked.anchor.freeBalanceOf(pool) == 5 * FEE
    assert hooked.locked() == 0


def reentering(world: World, project, amount: int):
    """A contract with `amount` free tokens in the anchor."""
    thief = world.deployer.deploy(project.ReenteringPayee)
    world.token.hook(thief, sender=world.outsider)
    world.token.approve(world.anchor, 10**6, sender=world.deployer)
    world.anchor.deposit(thief, amount, sender=world.deployer)
    return thief


def test_a01_reentering_payee__drains_the_planted_payout(hooked: World, project):
    payout = hooked.deployer.deploy(project.PlantedPushPayout, hooked.token)
    thief = hooked.deployer.deploy(project.ReenteringPayee)
    hooked.token.hook(thief, sender=hooked.outsider)
    hooked.token.approve(payout, 10**6, sender=hooked.deployer)
    payout.deposit(hooked.outsider, 300, sender=hooked.deployer)
    payout.deposit(thief, 100, sender=hooked.deployer)
    thief.prepare(payout, payout.withdrawFor.encode_input(thief), sender=hooked.outsider)
    payout.withdrawFor(thief, sender=hooked.outsider)
    assert hooked.token.balanceOf(thief) == 200


def test_a01_withdraw_again_in_the_hook__is_refused_and_pays_once(hooked: World, project):
    thief = reentering(hooked, project, 100)
    anchor = hooked.anchor
    again = anchor.withdraw.encode_input(thief, 100)
    for data in (again, anchor.deposit.encode_input(thief, 1)):
        thief.prepare(anchor, data, sender=hooked.outsider)
    held = hooked.token.balanceOf(anchor)
    thief.execute(anchor, anchor.withdraw.encode_input(thief, 60), sender=hooked.outsider)

    worked, answers = thief.outcomes()
    guard = keccak(text="ReentrancyGuardReentrantCall()")[:4]
    assert list(worked) == [False, False]
    assert [bytes(answer) for answer in answers] == [guard, guard]
    assert hooked.token.balanceOf(thief) == 60
    assert hooked.token.balanceOf(anchor) == held - 60
    assert anchor.freeBalanceOf(thief) == 40
    hooked.assert_books_close()


def test_a01_another_function_in_the_hook__finds_the_books_written(hooked: World, project):
    """Cross-function and read-only: whatever is asked during the payment, it is already booked."""
    thief = reentering(hooked, project, 100)
    anchor = hooked.anchor
    expiry = hooked.now() + 1000
    thief.execute(
        anchor, anchor.allowLocker.encode_input(thief, 10**6, expiry), sender=hooked.outsider
    )
    for data in (
        anchor.freeBalanceOf.encode_input(thief),
        anchor.totalFree.encode_input(),
        anchor.lock.encode_input(b"\1" * 32, thief, 41, expiry),
        anchor.lock.encode_input(b"\1" * 32, thief, 40, expiry),
    ):
        thief.prepare(anchor, data, sender=hooked.outsider)
    total = anchor.totalFree()
    thief.execute(anchor, anchor.withdraw.encode_input(thief, 60), sender=hooked.outsider)

    worked, answers = thief.outcomes()
    assert list(worked) == [True, True, False, True]
    assert int.from_bytes(answers[0], "big") == 40
    assert int.from_bytes(answers[1], "big") == total - 60
    assert anchor.freeBalanceOf(thief) == 0
    assert hooked.locked() == 40
    hooked.assert_books_close()


def test_a01_settlement_in_the_hook__pays_each_index_once(hooked: World, project):
    job = hooked.started(committed=ALL)
    thief = reentering(hooked, project, 100)
    hooked.at(hooked.settlement.jobOf(job).collectBy + 1)
    collect = hooked.settlement.collect.encode_input(job, [1])
    for _ in range(2):  # the second passes over what has ended
        thief.prepare(hooked.settlement, collect, sender=hooked.outsider)
    data = hooked.anchor.withdraw.encode_input(thief, 60)
    with hooked.moves() as moved:
        thief.execute(hooked.anchor, data, sender=hooked.outsider)
    worked, _ = thief.outcomes()
    assert list(worked) == [True, True]
    assert moved == {"node 1": FEE + STAKE, "locked": -FEE - STAKE}
    hooked.assert_books_close()


def test_a04_stray_token__jams_the_planted_books(world: World, project, outsider):
    planted = world.deployer.deploy(project.PlantedBalanceTruth, world.token)
    world.token.transfer(outsider, 100, sender=world.deployer)
    world.token.approve(planted, 50, sender=outsider)
    planted.deposit(50, sender=outsider)
    world.token.transfer(planted, 1, sender=outsider)
    with refused(planted.BooksDisagree, held=51, booked=50):
        planted.withdraw(sender=outsider)


def test_a04_stray_tokens_and_forced_ether__change_no_book(world: World, project, outsider):
    before = world.free(), world.anchor.totalFree()
    forcer = world.deployer.deploy(project.EtherForcer)
    for contract in (world.anchor, world.settlement):
        world.token.transfer(contract, 12345, sender=world.deployer)
        forcer.force(contract, sender=outsider, value=10**15)
        assert contract.balance == 10**15
        forcer = world.deployer.deploy(project.EtherForcer)
    assert (world.free(), world.anchor.totalFree()) == before

    with world.moves() as moved:
        job = world.started(committed=(1,))
        world.at(world.settlement.jobOf(job).collectBy + 1)
        world.settlement.collect(job, [1], sender=outsider)
    assert moved == {
        "payer": -NODES * FEE,
        "node 1": FEE,
        **{f"node {index}": -STAKE for index in range(2, NODES + 1)},
        "locked": 5 * (FEE + STAKE),
    }
    # The next deposit is credited with what it brought, not with what lay there.
    assert deposit_of(world, 5) == 5


def deposit_of(world: World, amount: int) -> int:
    tx = world.anchor.deposit(world.outsider, amount, sender=world.deployer)
    (log,) = tx.decode_logs(world.anchor.Deposited)
    return log.received


def test_a04_ether__has_no_way_in(world: World, outsider):
    for contract in (world.anchor, world.settlement, world.registry, world.enclaves):
        with ape.reverts():
            outsider.transfer(contract, 1)


def test_a07_fine_above_the_stake__is_paid_by_the_neighbours_in_the_planted_pot(
    world: World, project
):
    pot = world.deployer.deploy(project.PlantedPooledFines, world.token)
    world.token.approve(pot, 200, sender=world.deployer)
    convicted, honest = world.nodes[:2]
    for node in (convicted, honest):
        pot.stake(node, 100, sender=world.deployer)
    pot.fine(convicted, world.outsider, 150, sender=world.deployer)
    pot.withdraw(sender=world.outsider)
    with refused(world.token.ERC20InsufficientBalance, sender=pot, balance=50, needed=100):
        pot.withdraw(sender=honest)


def test_a07_fine_above_the_stake__cannot_be_taken_out_of_its_place(world: World):
    """Even by a contract that asks for it: a neighbour's stake is in another place of the lock."""
    court, (convicted, honest) = world.guardian, world.nodes[:2]
    for node in (convicted, honest):
        world.allow(node, court, 100)
    world.allow(world.payer, court, 50)
    subject = keccak(b"a group of equal stakes")
    world.anchor.openGroup(subject, world.payer, 50, world.now() + 1000, sender=court)
    world.anchor.fillMany(subject, [(1, convicted), (2, honest)], 100, sender=court)
    about = {"locker": court, "subject": subject, "place": 1}
    with refused(world.anchor.PlaceTooSmall, **about, had=100, needed=150):
        world.anchor.pay(subject, 1, world.outsider, 150, sender=court)
    world.anchor.pay(subject, 1, world.outsider, 100, sender=court)
    assert world.anchor.placeOf(court, subject, 2) == (honest, 100)
    with refused(world.anchor.PlaceEmpty, **about):
        world.anchor.pay(subject, 1, world.outsider, 50, sender=court)
