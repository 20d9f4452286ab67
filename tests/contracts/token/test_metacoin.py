"""MetaCoin: a fixed supply, and permit."""

from __future__ import annotations

import pytest
from tests.contracts.conftest import deploy_coin
from tests.contracts.permits import parts_of, permit_digest, sign_permit
from tests.contracts.world import World, plans_of, refused, sign, signer_of, twin_of

from edgemark.amounts import SUPPLY

PART = 3 * SUPPLY // 10  # that the payer has


@pytest.fixture
def coin(world: World, project):
    """Another token, of which the payer has the community's part."""
    return deploy_coin(project, world.payer, world.pool)


def test_deployment__mints_the_whole_supply_to_the_allocations(world: World, project):
    coin = world.deployer.deploy(project.MetaCoin, plans_of(world.payer, world.pool), world.pool)
    assert (coin.name(), coin.symbol(), coin.decimals()) == ("MetaCoin", "MTC", 18)
    assert coin.SUPPLY() == coin.totalSupply() == coin.balanceOf(coin.allocations()) == SUPPLY


def test_abi__has_no_way_to_mint_burn_pause_or_own(coin):
    names = {method.name for method in coin.contract_type.mutable_methods}
    assert names == {"transfer", "transferFrom", "approve", "permit"}


def test_transfer__moves_and_conserves(world: World, coin, outsider):
    tx = coin.transfer(outsider, 5, sender=world.payer)
    (moved,) = tx.decode_logs(coin.Transfer)
    assert (moved["from"], moved.to, moved.value) == (world.payer, outsider, 5)
    assert (coin.balanceOf(world.payer), coin.balanceOf(outsider)) == (PART - 5, 5)


def test_transfer__more_than_there_is__reverts(world: World, coin, outsider):
    error = coin.ERC20InsufficientBalance
    with refused(error, sender=outsider, balance=0, needed=1):
        coin.transfer(world.payer, 1, sender=outsider)


def test_permit__signed_by_the_owner__allows(world: World, coin, outsider):
    deadline = world.now() + 100
    parts = sign_permit(world, coin, world.payer, outsider, 9, deadline)
    coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)
    assert coin.allowance(world.payer, outsider) == 9
    assert coin.nonces(world.payer) == 1


def test_permit__after_its_deadline__reverts(world: World, coin, outsider):
    deadline = world.now() + 100
    parts = sign_permit(world, coin, world.payer, outsider, 9, deadline)
    world.at(deadline + 1)
    with refused(coin.ERC2612ExpiredSignature, deadline=deadline):
        coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)


def test_a30_permit_replayed__reverts(world: World, coin, outsider):
    deadline = world.now() + 100
    parts = sign_permit(world, coin, world.payer, outsider, 9, deadline)
    coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)
    coin.transferFrom(world.payer, outsider, 9, sender=outsider)
    digest = permit_digest(world, coin, world.payer, outsider, 9, 1, deadline)
    signer = signer_of(digest, parts[1] + parts[2] + bytes([parts[0]]))
    with refused(coin.ERC2612InvalidSigner, signer=signer, owner=world.payer):
        coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)
    assert coin.allowance(world.payer, outsider) == 0


def test_a30_permit_of_a_fork__reverts(world: World, coin, outsider):
    """A chain that split off and changed its id takes no permits of the other side."""
    deadline = world.now() + 100
    values = (world.payer, outsider, 9, 0, deadline)
    there = sign(world.payer, permit_digest(world, coin, *values, chain_id=1))
    signer = signer_of(permit_digest(world, coin, *values), there)
    with refused(coin.ERC2612InvalidSigner, signer=signer, owner=world.payer):
        coin.permit(world.payer, outsider, 9, deadline, *parts_of(there), sender=outsider)


def test_a30_permit_with_the_other_s__reverts(world: World, coin, outsider):
    deadline = world.now() + 100
    digest = permit_digest(world, coin, world.payer, outsider, 9, 0, deadline)
    twin = twin_of(sign(world.payer, digest))
    with refused(coin.ECDSAInvalidSignatureS, s=twin[32:64]):
        coin.permit(world.payer, outsider, 9, deadline, *parts_of(twin), sender=outsider)
    assert coin.nonces(world.payer) == 0
