"""Deposits under a permit; threat A30: one sent first by somebody else delays and takes nothing."""

from __future__ import annotations

import pytest
from eth_abi import encode
from eth_utils import keccak
from tests.contracts.permits import permit_digest, sign_permit
from tests.contracts.world import World, refused, signer_of

AMOUNT = 500


@pytest.fixture
def saver(world: World):
    """Has tokens, and allows nobody to take them."""
    world.token.transfer(world.outsider, 10 * AMOUNT, sender=world.deployer)
    return world.outsider


@pytest.fixture
def anchor(world: World):
    return world.anchor


@pytest.fixture
def permit(world: World, saver, anchor):
    """Deadline and signature by which the saver lets the anchor take the amount."""
    deadline = world.now() + 100
    return deadline, *sign_permit(world, world.token, saver, anchor.address, AMOUNT, deadline)


def as_data(error: str, *values) -> bytes:
    """Revert data of a custom error of the token."""
    kinds = error[error.index("(") + 1 : -1].split(",")
    return keccak(text=error)[:4] + encode(kinds, values)


def test_deposit_with_permit__needs_no_approval_before(world: World, saver, anchor, permit):
    tx = anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)
    (log,) = tx.decode_logs(anchor.Deposited)
    assert (log.account, log.payer, log.received) == (saver, saver, AMOUNT)
    assert anchor.freeBalanceOf(saver) == AMOUNT
    assert world.token.allowance(saver, anchor) == 0


def test_a30_permit_sent_first_by_another__the_deposit_still_works(
    world: World, saver, anchor, permit
):
    world.token.permit(saver, anchor, AMOUNT, *permit, sender=world.payer)
    anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)
    assert anchor.freeBalanceOf(saver) == AMOUNT
    assert world.token.allowance(saver, anchor) == 0


def test_a30_permit_sent_first_by_another__ends_the_planted_deposit(world: World, saver, project):
    planted = world.deployer.deploy(project.PlantedFirstCome, world.token)
    deadline = world.now() + 100
    parts = sign_permit(world, world.token, saver, planted.address, AMOUNT, deadline)
    world.token.permit(saver, planted, AMOUNT, deadline, *parts, sender=world.payer)
    v, r, s = parts
    again = permit_digest(world, world.token, saver, planted, AMOUNT, 1, deadline)
    signer = signer_of(again, r + s + bytes([v]))
    with refused(world.token.ERC2612InvalidSigner, signer=signer, owner=saver):
        planted.depositWithPermit(saver, AMOUNT, deadline, *parts, sender=saver)
    assert planted.freeBalanceOf(saver) == 0


def test_a30_deposit_copied_by_another__takes_nothing_of_the_owner(
    world: World, saver, anchor, permit
):
    """The anchor takes from its caller: whoever copies the call would pay for it itself."""
    thief, had = world.pool, world.token.balanceOf(saver)
    deadline, v, r, s = permit
    digest = permit_digest(world, world.token, thief, anchor, AMOUNT, 0, deadline)
    signer = signer_of(digest, r + s + bytes([v]))
    why = as_data("ERC2612InvalidSigner(address,address)", signer, str(thief))
    with refused(anchor.PermitRefused, owner=thief, why=why):
        anchor.depositWithPermit(thief, AMOUNT, *permit, sender=thief)
    assert world.token.balanceOf(saver) == had
    anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)


def test_deposit_with_permit__after_its_deadline__reverts(world: World, saver, anchor, permit):
    deadline = permit[0]
    world.at(deadline + 1)
    why = as_data("ERC2612ExpiredSignature(uint256)", deadline)
    with refused(anchor.PermitRefused, owner=saver, why=why):
        anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)


def test_a30_permit_replayed__deposits_nothing_more(world: World, saver, anchor, permit):
    anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)
    deadline, v, r, s = permit
    digest = permit_digest(world, world.token, saver, anchor, AMOUNT, 1, deadline)
    signer = signer_of(digest, r + s + bytes([v]))
    why = as_data("ERC2612InvalidSigner(address,address)", signer, str(saver))
    with refused(anchor.PermitRefused, owner=saver, why=why):
        anchor.depositWithPermit(saver, AMOUNT, *permit, sender=saver)
    assert anchor.freeBalanceOf(saver) == AMOUNT
