"""MetaCoin: a fixed supply, and permit."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.world import World, refused, sign

SUPPLY = 10**9 * 10**18


@pytest.fixture
def coin(world: World, project):
    return world.deployer.deploy(project.MetaCoin, world.payer)


def permit_signature(world: World, coin, owner, spender, value, deadline, nonce=0):
    chain_id = world.chain.provider.web3.eth.chain_id
    message = encode_typed_data(
        {
            "name": "MetaCoin",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": str(coin.address),
        },
        {
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        {
            "owner": str(owner),
            "spender": str(spender),
            "value": value,
            "nonce": nonce,
            "deadline": deadline,
        },
    )
    made = sign(owner, keccak(b"\x19" + message.version + message.header + message.body))
    return made[64], made[:32], made[32:64]


def test_deployment__mints_the_whole_supply_to_the_holder(world: World, coin):
    assert (coin.name(), coin.symbol(), coin.decimals()) == ("MetaCoin", "MTC", 18)
    assert coin.SUPPLY() == coin.totalSupply() == coin.balanceOf(world.payer) == SUPPLY


def test_abi__has_no_way_to_mint_burn_pause_or_own(coin):
    names = {method.name for method in coin.contract_type.mutable_methods}
    assert names == {"transfer", "transferFrom", "approve", "permit"}


def test_transfer__moves_and_conserves(world: World, coin, outsider):
    tx = coin.transfer(outsider, 5, sender=world.payer)
    (moved,) = tx.decode_logs(coin.Transfer)
    assert (moved["from"], moved.to, moved.value) == (world.payer, outsider, 5)
    assert (coin.balanceOf(world.payer), coin.balanceOf(outsider)) == (SUPPLY - 5, 5)


def test_transfer__more_than_there_is__reverts(world: World, coin, outsider):
    error = coin.ERC20InsufficientBalance
    with refused(error, sender=outsider, balance=0, needed=1):
        coin.transfer(world.payer, 1, sender=outsider)


def test_permit__signed_by_the_owner__allows(world: World, coin, outsider):
    deadline = world.now() + 100
    parts = permit_signature(world, coin, world.payer, outsider, 9, deadline)
    coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)
    assert coin.allowance(world.payer, outsider) == 9
    assert coin.nonces(world.payer) == 1


def test_permit__after_its_deadline__reverts(world: World, coin, outsider):
    deadline = world.now() + 100
    parts = permit_signature(world, coin, world.payer, outsider, 9, deadline)
    world.at(deadline + 1)
    with refused(coin.ERC2612ExpiredSignature, deadline=deadline):
        coin.permit(world.payer, outsider, 9, deadline, *parts, sender=outsider)
