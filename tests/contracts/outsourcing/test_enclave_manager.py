"""EnclaveManager: who judges and how many of them decide."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.world import World, refused, sign

DIGEST = keccak(b"what the judges sign")
NOBODY = "0x" + "00" * 20


@pytest.fixture
def manager(world: World):
    return world.enclaves


def by_address(accounts):
    return sorted(accounts, key=lambda account: int(str(account), 16))


def check(manager, signatures, sender):
    """As a transaction, so that a refusal has its values."""
    return manager.checkSignatures.transact(DIGEST, signatures, sender=sender)


@pytest.mark.parametrize(
    ("count", "threshold"), [(4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (10, 7), (16, 11)]
)
def test_deployment__threshold_is_two_thirds_and_one(world, project, accounts, count, threshold):
    manager = world.deployer.deploy(project.EnclaveManager, accounts[:count])
    assert manager.threshold() == threshold
    assert manager.memberCount() == count
    assert list(manager.members()) == [account.address for account in accounts[:count]]


@pytest.mark.parametrize("count", [0, 3, 17])
def test_deployment__member_count_out_of_range__reverts(world, project, accounts, count):
    members = list(accounts)[:count]
    with refused(project.EnclaveManager.MemberCountOutOfRange, had=count, least=4, most=16):
        world.deployer.deploy(project.EnclaveManager, members)


def test_deployment__member_twice_or_zero__reverts(world: World, project, accounts):
    for members, bad in (
        ([*accounts[:4], accounts[0]], accounts[0]),
        ([*accounts[:4], NOBODY], NOBODY),
    ):
        with refused(project.EnclaveManager.MemberInvalid, member=bad):
            world.deployer.deploy(project.EnclaveManager, members)


def test_is_member__of_members_only(world: World, manager, outsider):
    assert all(manager.isMember(judge) for judge in world.judges)
    assert not manager.isMember(outsider)
    assert not manager.isMember(NOBODY)


@pytest.mark.parametrize("count", [3, 4])
def test_check_signatures__of_enough_members__passes(world: World, manager, count):
    check(manager, world.signatures(DIGEST, world.judges[:count]), world.outsider)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_check_signatures__too_few__reverts(world: World, manager, count):
    signatures = world.signatures(DIGEST, world.judges[:count])
    with refused(manager.TooFewSignatures, had=count, needed=3):
        check(manager, signatures, world.outsider)


def test_check_signatures__one_member_three_times__reverts(world: World, manager):
    judge = world.judges[0]
    with refused(manager.SignersNotAscending, previous=judge, signer=judge):
        check(manager, [sign(judge, DIGEST)] * 3, world.outsider)


def test_check_signatures__descending__reverts(world: World, manager):
    ordered = by_address(world.judges)
    signatures = [sign(judge, DIGEST) for judge in reversed(ordered)]
    with refused(manager.SignersNotAscending, previous=ordered[3], signer=ordered[2]):
        check(manager, signatures, world.outsider)


def test_check_signatures__two_members_and_a_stranger__reverts(world: World, manager, outsider):
    signatures = world.signatures(DIGEST, [*world.judges[:2], outsider])
    with refused(manager.NotAMember, signer=outsider):
        check(manager, signatures, outsider)
