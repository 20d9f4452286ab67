"""What a JobSettlement is deployed with, and the one thing that its guardian may do."""

from __future__ import annotations

import pytest
from tests.contracts.conftest import deploy_settlement
from tests.contracts.world import (
    EXIT_GRACE,
    FEE,
    JUDGE_WINDOW,
    NODES,
    STAKE,
    UNBONDING,
    World,
    refused,
    term_name,
)


def test_deprecate__by_the_guardian__stops_new_jobs_and_keeps_exits(world: World):
    job = world.post()
    tx = world.settlement.deprecate(sender=world.guardian)
    assert [log.guardian for log in tx.decode_logs(world.settlement.WorkStopped)] == [
        world.guardian
    ]
    assert world.settlement.isDeprecated()
    with refused(world.settlement.Deprecated):
        world.post()
    world.accept(job, 1)
    world.at(world.settlement.jobOf(job).acceptBy + 1)
    with world.moves() as moved:
        world.settlement.cancelUnstarted(job, sender=world.outsider)
    assert moved == {"payer": NODES * FEE, "node 1": STAKE, "locked": -NODES * FEE - STAKE}


def test_deprecate__twice__reverts(world: World):
    world.settlement.deprecate(sender=world.guardian)
    with refused(world.settlement.Deprecated):
        world.settlement.deprecate(sender=world.guardian)


def test_deprecate__by_an_outsider__reverts(world: World, outsider):
    with refused(world.settlement.CallerWrong, had=outsider, needed=world.guardian):
        world.settlement.deprecate(sender=outsider)


LONGEST = 730 * 86400
BOUNDS = {
    "minFee": 10,
    "maxFee": 100,
    "judgeFloor": 0,
    "judgePrice": 0,
    "minWindow": 10,
    "maxWindow": 60,
    "judgeWindow": 60,
    "exitGrace": 60,
}
WORK = 2**36  # the most term count times inputs that each one's own bound lets through
LIMIT_CASES = [
    ("minFee", {"minFee": 5}, (5, 6, 100)),
    ("minFee", {"minFee": 101}, (101, 6, 100)),
    ("maxFee", {"maxFee": 2**96 // 128 + 1}, (2**96 // 128 + 1, 10, (2**96 - 1) // 128)),
    ("maxFee", {"judgeFloor": 34}, (100, 102, (2**96 - 1) // 128)),
    ("maxFee", {"judgePrice": 1}, (100, 3 * WORK, (2**96 - 1) // 128)),
    (
        "maxFee",
        {"judgeFloor": 7, "judgePrice": 5, "maxFee": 3 * (7 + 5 * WORK) - 1},
        (3 * (7 + 5 * WORK) - 1, 3 * (7 + 5 * WORK), (2**96 - 1) // 128),
    ),
    ("minWindow", {"minWindow": 0}, (0, 1, 60)),
    ("minWindow", {"minWindow": 61}, (61, 1, 60)),
    ("judgeWindow", {"judgeWindow": 0}, (0, 1, 2**40 - 1)),
    ("exitGrace", {"exitGrace": 0}, (0, 1, 2**40 - 1)),
    ("longestLock", {"exitGrace": LONGEST}, (LONGEST + 480, 1, LONGEST)),
    (
        "longestLock",  # judges that have longer than any node
        {"judgeWindow": 200, "exitGrace": LONGEST},
        (LONGEST + 180 + 3 * 200, 1, LONGEST),
    ),
]


@pytest.mark.parametrize(("name", "limits", "values"), LIMIT_CASES)
def test_deployment__limits_that_contradict__reverts(world: World, project, name, limits, values):
    had, least, most = values
    limits = tuple((BOUNDS | limits).values())
    error = project.JobSettlement.OutOfBounds
    with refused(error, field=term_name(name), had=had, least=least, most=most):
        deploy_settlement(world, project, limits)


def test_deployment__highest_fee_that_just_pays_for_the_largest_work__is_taken(
    world: World, project
):
    bounds = BOUNDS | {"judgeFloor": 7, "judgePrice": 5, "maxFee": 3 * (7 + 5 * WORK)}
    deploy_settlement(world, project, tuple(bounds.values()))


def test_deployment__jobs_as_long_as_stakes_stay__are_the_longest(world: World, project):
    """A provider's stake stays until the last complaint about any job that its node took."""
    limits = tuple((BOUNDS | {"exitGrace": UNBONDING - 480}).values())
    settlement = deploy_settlement(world, project, limits)
    assert tuple(settlement.limits()) == limits
    values = {"had": UNBONDING, "least": UNBONDING + 1, "most": 2**256 - 1}
    longer = (*limits[:-1], UNBONDING - 479)
    with refused(project.JobSettlement.OutOfBounds, field=term_name("unbonding"), **values):
        deploy_settlement(world, project, longer)


def test_deployment__pool_that_cannot_withdraw__reverts(world: World, project):
    for pool in ("0x" + "00" * 20, world.anchor.address):
        with refused(project.JobSettlement.PoolInvalid, pool=pool):
            deploy_settlement(world, project, pool=pool)


def test_settlement__tells_what_it_was_deployed_with(world: World):
    settlement = world.settlement
    assert settlement.anchor() == world.anchor
    assert settlement.registry() == world.registry
    assert settlement.enclaves() == world.enclaves
    assert settlement.pool() == world.pool
    assert settlement.guardian() == world.guardian
    assert not settlement.isDeprecated()
    limits = settlement.limits()
    assert (limits.judgeWindow, limits.exitGrace) == (JUDGE_WINDOW, EXIT_GRACE)
