"""Settlement: only nodes in good standing take new work; what they have taken goes on."""

from __future__ import annotations

import pytest
from tests.contracts.world import MIN_STAKE, NODES, PAUSE, UNBONDING, World, refused

LATER = 3  # an index of the job


def retire_node(world: World, node, provider):
    world.registry.retire(sender=node)


def retire_provider(world: World, node, provider):
    world.registry.retire(sender=provider)


def dismiss(world: World, node, provider):
    world.registry.dismiss(node, sender=provider)


def unstake(world: World, node, provider):
    world.registry.unstake(sender=provider)


WAYS_OUT = [retire_node, retire_provider, dismiss, unstake]


@pytest.mark.parametrize("leave", WAYS_OUT)
def test_post__a_node_that_left__reverts(world: World, leave):
    node, provider = world.nodes[LATER - 1], world.node_providers[LATER - 1]
    leave(world, node, provider)
    with refused(world.settlement.NodeNotActive, node=node, provider=provider):
        world.post()


@pytest.mark.parametrize("leave", WAYS_OUT)
def test_accept__a_node_that_left_after_it_was_named__reverts(world: World, leave):
    node, provider = world.nodes[LATER - 1], world.node_providers[LATER - 1]
    job = world.post()
    leave(world, node, provider)
    with refused(world.settlement.NodeNotActive, node=node, provider=provider):
        world.accept(job, LATER)
    assert world.phase(job, LATER) == "Named"


@pytest.mark.parametrize("leave", WAYS_OUT)
def test_everything_after_acceptance__of_a_node_that_left__goes_on(world: World, leave):
    everybody = tuple(range(1, NODES + 1))
    job = world.start()
    leave(world, world.nodes[LATER - 1], world.node_providers[LATER - 1])
    world.commit(job, *everybody)
    world.settlement.approve(job, list(everybody), sender=world.payer)
    assert [world.phase(job, index) for index in everybody] == ["Paid"] * NODES


def test_a_conviction__of_a_node_whose_provider_left__comes_before_its_stake_is_free(world: World):
    """Unbonding outlasts every complaint about a job that was accepted before it."""
    provider = world.node_providers[1]
    job = world.charged_wrong(2)
    free_at = world.registry.unstake(sender=provider).timestamp + UNBONDING
    assert world.settlement.jobOf(job).collectBy < free_at
    world.serve(job, 2)
    world.judge(job, 2, 2)
    assert world.phase(job, 2) == "Convicted"
    assert world.registry.stakeOf(provider).amount == MIN_STAKE


def test_post__after_the_provider_is_back__waits_for_the_pause(world: World):
    """F9: a provider that could switch its standing off and on would stop every posting for gas."""
    node, provider = world.nodes[0], world.node_providers[0]
    dismiss(world, node, provider)
    unstake(world, node, provider)
    world.allow(provider, world.registry, MIN_STAKE)
    world.registry.stake(0, sender=provider)
    back = world.registry.admit(node, sender=provider).timestamp
    world.chain.mine(timestamp=back + PAUSE - 2)
    world.at(back + PAUSE - 1)
    with refused(world.settlement.NodeNotActive, node=node, provider=provider):
        world.post()
    world.at(back + PAUSE)
    assert world.job_phase(world.post()) == "Posted"


def test_judges__that_retire__stop_nobody(world: World):
    for judge in world.judges:
        world.registry.retire(sender=judge)
    assert world.job_phase(world.start()) == "Started"
