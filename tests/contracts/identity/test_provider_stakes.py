"""ProviderStakes: an organisation's stake counts while it is bonded, and always comes back."""

from __future__ import annotations

import pytest
from eth_utils import keccak
from tests.contracts.world import MIN_STAKE, PAUSE, UNBONDING, World, refused, sign, term_name

PROVIDER, NODE = 2, 16
LONGEST = 730 * 86_400
NODE_FACTS = (keccak(b"key"), "https://127.0.0.1:8443", (1, 1, 1, 1))


@pytest.fixture
def registry(world: World, project):
    facts = (world.anchor, MIN_STAKE, UNBONDING, PAUSE)
    return world.deployer.deploy(project.ParticipantRegistry, *facts)


@pytest.fixture
def provider(world: World, registry):
    """An organisation with three stakes in the anchor, none of them locked."""
    account = world.node_providers[0]
    registry.registerProvider("Edge Ltd", sender=account)
    world.anchor.deposit(account, 3 * MIN_STAKE, sender=world.deployer)
    world.allow(account, registry, 3 * MIN_STAKE)
    return account


@pytest.fixture
def staked(registry, provider):
    registry.stake(MIN_STAKE, sender=provider)
    return provider


def pass_to(world: World, second: int) -> None:
    """Let the latest block be at that second."""
    world.at(second)
    world.chain.mine()


def lock_of(world: World, registry, provider) -> tuple:
    """Expiry, owner and amount of a provider's lock."""
    subject = registry.stakeSubjectOf(provider)
    assert bytes(subject) == bytes.fromhex(str(provider)[2:]).rjust(32, b"\0")
    expiry, is_group = world.anchor.lockOf(registry, subject)
    assert not is_group
    return (expiry, *world.anchor.placeOf(registry, subject, 0))


def expire(world: World, registry, provider) -> None:
    """A stranger returns the lock behind the registry's back."""
    subject = registry.stakeSubjectOf(provider)
    world.anchor.expire(registry, subject, 0, sender=world.outsider)


def free(world: World, account) -> int:
    return world.anchor.freeBalanceOf(account)


def test_deployment__says_what_it_needs(world: World, registry):
    assert (registry.anchor(), registry.minStake()) == (world.anchor, MIN_STAKE)
    assert (registry.unbondingSeconds(), registry.pauseSeconds()) == (UNBONDING, PAUSE)


@pytest.mark.parametrize(
    ("numbers", "field", "had", "most"),
    [
        ((0, UNBONDING, PAUSE), "minStake", 0, 2**96 - 1),
        ((2**96, UNBONDING, PAUSE), "minStake", 2**96, 2**96 - 1),
        ((1, 0, PAUSE), "unbondingSeconds", 0, LONGEST // 2),
        ((1, LONGEST // 2 + 1, PAUSE), "unbondingSeconds", LONGEST // 2 + 1, LONGEST // 2),
        ((1, UNBONDING, 0), "pauseSeconds", 0, LONGEST // 2),
        ((1, UNBONDING, LONGEST // 2 + 1), "pauseSeconds", LONGEST // 2 + 1, LONGEST // 2),
    ],
)
def test_deployment__values_that_make_no_sense__revert(
    world: World, project, numbers, field, had, most
):
    error = project.ParticipantRegistry.OutOfBounds
    with refused(error, field=term_name(field), had=had, least=1, most=most):
        world.deployer.deploy(project.ParticipantRegistry, world.anchor, *numbers)


def test_stake__locks_free_tokens_and_counts(world: World, registry, provider):
    had = free(world, provider)
    tx = registry.stake(MIN_STAKE, sender=provider)
    (log,) = tx.decode_logs(registry.ProviderStaked)
    expiry = tx.timestamp + LONGEST
    assert (log["provider"], log.amount, log.total) == (provider, MIN_STAKE, MIN_STAKE)
    assert log.expiresAt == expiry
    assert free(world, provider) == had - MIN_STAKE
    stake = registry.stakeOf(provider)
    assert (stake.amount, stake.expiresAt, stake.freeAt) == (MIN_STAKE, expiry, 0)
    assert stake.countsFrom == log.countsFrom == tx.timestamp
    assert lock_of(world, registry, provider) == (expiry, provider, MIN_STAKE)
    assert registry.activeStakeOf(provider) == MIN_STAKE
    assert registry.actorOf(provider) == provider


def test_stake__again__adds_and_renews_in_one_lock(world: World, registry, staked):
    first, had = registry.stakeOf(staked), free(world, staked)
    pass_to(world, first.expiresAt - 5)
    world.allow(staked, registry, MIN_STAKE + 5)  # exactly what is held then
    world.at(first.expiresAt)
    tx = registry.stake(5, sender=staked)
    (log,) = tx.decode_logs(registry.ProviderStaked)
    assert (log.amount, log.total, log.expiresAt) == (5, MIN_STAKE + 5, tx.timestamp + LONGEST)
    assert free(world, staked) == had - 5
    assert lock_of(world, registry, staked) == (log.expiresAt, staked, MIN_STAKE + 5)


def test_stake__after_its_lock_expired__takes_only_what_is_named(world: World, registry, staked):
    """The expired stake goes back first, whether somebody else returned it already or not."""
    for by_stranger in (False, True):
        had = free(world, staked)
        pass_to(world, registry.stakeOf(staked).expiresAt + 1)
        world.allow(staked, registry, MIN_STAKE)
        if by_stranger:
            expire(world, registry, staked)
        registry.stake(MIN_STAKE, sender=staked)
        assert registry.stakeOf(staked).amount == MIN_STAKE
        assert free(world, staked) == had


def test_active_stake__counts_as_long_as_it_outlasts_the_unbonding_time(
    world: World, registry, staked
):
    expiry = registry.stakeOf(staked).expiresAt
    pass_to(world, expiry - UNBONDING)
    assert registry.activeStakeOf(staked) == MIN_STAKE
    pass_to(world, expiry - UNBONDING + 1)
    assert registry.activeStakeOf(staked) == 0


def test_stake__by_no_provider__reverts(world: World, registry, outsider):
    with refused(registry.NotRegistered, account=outsider, needed=PROVIDER, had=0):
        registry.stake(1, sender=outsider)


def test_unstake__starts_the_unbonding_time_and_counts_no_more(world: World, registry, staked):
    tx = registry.unstake(sender=staked)
    (log,) = tx.decode_logs(registry.ProviderUnbonding)
    free_at = tx.timestamp + UNBONDING
    assert (log["provider"], log.amount, log.freeAt) == (staked, MIN_STAKE, free_at)
    assert registry.activeStakeOf(staked) == 0
    with refused(registry.AlreadyUnbonding, provider=staked, freeAt=free_at):
        registry.unstake(sender=staked)


def test_unstake__nothing_staked__reverts(registry, provider):
    with refused(registry.NothingStaked, provider=provider):
        registry.unstake(sender=provider)
    with refused(registry.NothingStaked, provider=provider):
        registry.releaseStake(provider, sender=provider)


def test_f9_standing_switched_off_and_on__counts_again_only_after_the_pause(
    world: World, registry, staked
):
    """A posting that names a node of it fails meanwhile, so its provider pays with standing."""
    registry.unstake(sender=staked)
    tx = registry.stake(0, sender=staked)
    (log,) = tx.decode_logs(registry.ProviderStaked)
    stake = registry.stakeOf(staked)
    assert stake.countsFrom == log.countsFrom == tx.timestamp + PAUSE
    assert (stake.freeAt, registry.activeStakeOf(staked)) == (0, 0)
    registry.stake(0, sender=staked)  # neither sooner nor later
    assert registry.stakeOf(staked).countsFrom == stake.countsFrom
    pass_to(world, stake.countsFrom)
    assert registry.activeStakeOf(staked) == MIN_STAKE


def test_f9_standing_switched_off_and_on__costs_nothing_in_the_planted_registry(
    world: World, project, staked
):
    planted = world.deployer.deploy(project.PlantedSwitchedStanding)
    planted.stake(MIN_STAKE, sender=staked)
    planted.unstake(sender=staked)
    assert not planted.isActive(staked)
    planted.stake(0, sender=staked)
    assert planted.isActive(staked)


@pytest.mark.parametrize("how", ["expired", "released"])
def test_f9_standing_lost_and_regained__waits_too(world: World, registry, staked, how):
    """The relatives: a lock that was not renewed in time, and a stake that was taken home."""
    if how == "expired":
        pass_to(world, registry.stakeOf(staked).expiresAt - UNBONDING + 1)
    else:
        free_at = registry.unstake(sender=staked).timestamp + UNBONDING
        world.at(free_at + 1)
        registry.releaseStake(staked, sender=staked)
    world.allow(staked, registry, MIN_STAKE)
    tx = registry.stake(0 if how == "expired" else MIN_STAKE, sender=staked)
    assert registry.stakeOf(staked).countsFrom == tx.timestamp + PAUSE
    assert registry.activeStakeOf(staked) == 0


def test_release_stake__by_anybody_from_the_second_after__pays_the_provider(
    world: World, registry, staked, outsider
):
    had = free(world, staked)
    free_at = registry.unstake(sender=staked).timestamp + UNBONDING
    world.at(free_at)
    with refused(registry.StillBonded, provider=staked, freeAt=free_at, nowAt=free_at):
        registry.releaseStake(staked, sender=outsider)
    world.at(free_at + 1)
    tx = registry.releaseStake(staked, sender=outsider)
    (log,) = tx.decode_logs(registry.ProviderStakeReleased)
    assert (log["provider"], log.to, log.amount) == (staked, staked, MIN_STAKE)
    assert free(world, staked) == had + MIN_STAKE
    left = registry.stakeOf(staked)
    assert (left.amount, left.expiresAt, left.freeAt) == (0, 0, 0)


def test_release_stake__bonded__reverts(world: World, registry, staked, outsider):
    moment = world.now() + 9
    world.at(moment)
    with refused(registry.StillBonded, provider=staked, freeAt=0, nowAt=moment):
        registry.releaseStake(staked, sender=outsider)


@pytest.mark.parametrize("by_anchor", [False, True])
def test_release_stake__after_the_lock_expired__pays_who_locked_it(
    world: World, registry, staked, outsider, by_anchor
):
    had, stake = free(world, staked), registry.stakeOf(staked)
    world.at(stake.expiresAt + 1)
    if by_anchor:
        expire(world, registry, staked)
    tx = registry.releaseStake(staked, sender=outsider)
    (log,) = tx.decode_logs(registry.ProviderStakeReleased)
    assert (log.to, log.amount) == ("0x" + "00" * 20 if by_anchor else staked, MIN_STAKE)
    assert free(world, staked) == had + MIN_STAKE
    assert registry.stakeOf(staked).amount == 0


def test_register_server__provider_with_too_little_at_stake__reverts(
    world: World, registry, provider
):
    node = world.nodes[0]
    registry.admit(node, sender=provider)
    registry.stake(MIN_STAKE - 1, sender=provider)
    had = MIN_STAKE - 1
    with refused(registry.StakeTooLow, provider=provider, had=had, needed=MIN_STAKE):
        registry.registerServer(NODE, provider, *NODE_FACTS, sender=node)
    registry.stake(1, sender=provider)
    registry.registerServer(NODE, provider, *NODE_FACTS, sender=node)
    assert registry.standingOf(node) == (NODE, provider, True)
    registry.unstake(sender=provider)
    assert registry.standingOf(node) == (NODE, provider, False)
    another = world.nodes[1]
    registry.admit(another, sender=provider)
    with refused(registry.StakeTooLow, provider=provider, had=0, needed=MIN_STAKE):
        registry.registerServer(NODE, provider, *NODE_FACTS, sender=another)


def test_retire__of_a_provider__unbonds_its_stake_and_ends_its_members_new_work(
    world: World, registry, staked
):
    node = world.nodes[0]
    registry.admit(node, sender=staked)
    registry.registerServer(NODE, staked, *NODE_FACTS, sender=node)
    tx = registry.retire(sender=staked)
    (log,) = tx.decode_logs(registry.ProviderUnbonding)
    assert log.freeAt == tx.timestamp + UNBONDING
    assert registry.standingOf(node) == (NODE, staked, False)
    with refused(registry.HasRetired, account=staked, retiredAt=tx.timestamp):
        registry.stake(1, sender=staked)
    world.at(tx.timestamp + UNBONDING + 1)
    registry.releaseStake(staked, sender=world.outsider)


def test_succession_of_a_provider__its_stake_is_released_to_the_new_account(
    world: World, registry, staked
):
    successor = world.node_providers[1]
    deadline = world.now() + 100
    digest = registry.successionDigest(staked, successor, deadline)
    registry.succeed(staked, deadline, sign(staked, digest), sender=successor)
    had = free(world, successor)
    free_at = registry.unstake(sender=successor).timestamp + UNBONDING
    world.at(free_at + 1)
    tx = registry.releaseStake(staked, sender=world.outsider)
    (log,) = tx.decode_logs(registry.ProviderStakeReleased)
    assert (log["provider"], log.to) == (staked, successor)
    assert free(world, successor) == had + MIN_STAKE


def test_succession_of_a_provider__renewing_makes_the_lock_the_new_accounts(
    world: World, registry, staked
):
    """Else the lock would go back, when it expires, to an account that does not act any more."""
    successor = world.node_providers[1]
    deadline = world.now() + 100
    digest = registry.successionDigest(staked, successor, deadline)
    registry.succeed(staked, deadline, sign(staked, digest), sender=successor)
    assert lock_of(world, registry, staked)[1] == staked
    world.allow(successor, registry, MIN_STAKE)
    registry.stake(0, sender=successor)
    stake, had = registry.stakeOf(staked), free(world, successor)
    assert lock_of(world, registry, staked) == (stake.expiresAt, successor, MIN_STAKE)
    assert registry.activeStakeOf(staked) == MIN_STAKE
    world.at(stake.expiresAt + 1)
    registry.releaseStake(staked, sender=world.outsider)
    assert free(world, successor) == had + MIN_STAKE
