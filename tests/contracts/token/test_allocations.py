"""Allocations: four parts of the supply vest, change hands in two steps, and lapse to the heir."""

from __future__ import annotations

import pytest
from tests.contracts.world import (
    COMMUNITY,
    EARLY,
    INCENTIVES,
    OPERATION,
    YEAR,
    World,
    plans_of,
    refused,
)

from edgemark.amounts import SUPPLY

NOBODY = "0x" + "00" * 20
PART = SUPPLY // 5  # of operation and of early contributors
MAX_SPAN = 20 * 365 * 86_400


@pytest.fixture
def coin(world: World, project):
    return world.deployer.deploy(project.MetaCoin, plans_of(world.payer, world.pool), world.pool)


@pytest.fixture
def held(coin, project):
    return project.Allocations.at(coin.allocations())


def changed(plans, purpose, **changes):
    """The plans with other fields in one of them."""
    names = ("beneficiary", "amount", "delay", "duration", "grace")
    plan = dict(zip(names, plans[purpose], strict=True)) | changes
    return [*plans[:purpose], tuple(plan.values()), *plans[purpose + 1 :]]


def test_deployment__opens_the_four_parts_as_planned(world: World, coin, held):
    assert (held.token(), held.heir(), held.maxSpan()) == (coin, world.pool, MAX_SPAN)
    born = held.allocationOf(OPERATION).startsAt
    for purpose, plan in enumerate(plans_of(world.payer, world.pool)):
        found = held.allocationOf(purpose)
        beneficiary, amount, delay, duration, grace = plan
        assert (found.beneficiary, found.amount) == (beneficiary, amount)
        assert (found.offeredTo, found.released) == (NOBODY, 0)
        assert found.startsAt == born + delay
        assert (found.endsAt - found.startsAt, found.lapsesAt - found.endsAt) == (duration, grace)


@pytest.mark.parametrize("difference", [-1, 1])
def test_deployment__plans_that_do_not_sum_to_the_supply__reverts(
    world: World, project, difference
):
    plans = plans_of(world.payer, world.pool)
    plans = changed(plans, EARLY, amount=PART + difference)
    error = project.Allocations.PlansDoNotSum
    with refused(error, had=SUPPLY + difference, needed=SUPPLY):
        world.deployer.deploy(project.MetaCoin, plans, world.pool)


def test_deployment__a_beneficiary_or_heir_that_is_nobody__reverts(world: World, project):
    plans = plans_of(world.payer, world.pool)
    error = project.Allocations.BeneficiaryInvalid
    with refused(error, beneficiary=NOBODY):
        world.deployer.deploy(project.MetaCoin, plans, NOBODY)
    with refused(error, beneficiary=NOBODY):
        world.deployer.deploy(
            project.MetaCoin, changed(plans, INCENTIVES, beneficiary=NOBODY), world.pool
        )


@pytest.mark.parametrize(
    ("field", "had", "least"),
    [
        ("delay", MAX_SPAN + 1, 0),
        ("duration", MAX_SPAN + 1, 0),
        ("grace", MAX_SPAN + 1, 1),
        ("grace", 0, 1),
    ],
)
def test_deployment__span_out_of_range__reverts(world: World, project, field, had, least):
    plans = changed(plans_of(world.payer, world.pool), EARLY, **{field: had})
    error = project.Allocations.SpanOutOfRange
    with refused(error, purpose=EARLY, had=had, least=least, most=MAX_SPAN):
        world.deployer.deploy(project.MetaCoin, plans, world.pool)


def test_release__at_once__gives_the_whole_part_to_the_beneficiary(world: World, coin, held):
    tx = held.release(COMMUNITY, sender=world.outsider)
    (log,) = tx.decode_logs(held.AllocationReleased)
    amount = 3 * SUPPLY // 10
    assert (log.purpose, log.beneficiary, log.amount) == (COMMUNITY, world.payer, amount)
    assert coin.balanceOf(world.payer) == amount
    assert coin.balanceOf(held) == SUPPLY - amount
    assert held.releasable(COMMUNITY) == 0


@pytest.mark.parametrize(("numerator", "denominator"), [(1, 4), (1, 3), (1, 1)])
def test_release__over_the_years__gives_the_elapsed_share(
    world: World, coin, held, numerator, denominator
):
    found = held.allocationOf(OPERATION)
    elapsed = 4 * YEAR * numerator // denominator
    world.at(found.startsAt + elapsed)
    held.release(OPERATION, sender=world.outsider)
    due = PART * elapsed // (4 * YEAR)
    assert coin.balanceOf(world.payer) == held.allocationOf(OPERATION).released == due
    world.at(found.endsAt)
    if due < PART:
        held.release(OPERATION, sender=world.outsider)
    assert coin.balanceOf(world.payer) == PART


def test_release__before_vesting_begins_and_at_its_first_second__reverts(world: World, held):
    found = held.allocationOf(EARLY)
    for moment in (found.startsAt - 1, found.startsAt):
        world.at(moment)
        error = held.NothingVested
        with refused(error, purpose=EARLY, nowAt=moment, endsAt=found.endsAt):
            held.release(EARLY, sender=world.payer)
    world.at(found.startsAt + 1)
    held.release(EARLY, sender=world.payer)


def test_offer__then_take_over__hands_the_rest_to_the_new_beneficiary(world: World, coin, held):
    heiress = world.outsider
    tx = held.offer(OPERATION, heiress, sender=world.payer)
    (log,) = tx.decode_logs(held.AllocationOffered)
    assert (log.purpose, log.beneficiary, log.offeredTo) == (OPERATION, world.payer, heiress)
    assert held.allocationOf(OPERATION).beneficiary == world.payer
    tx = held.takeOver(OPERATION, sender=heiress)
    (log,) = tx.decode_logs(held.AllocationHandedOver)
    assert (log.purpose, log.former, log.beneficiary) == (OPERATION, world.payer, heiress)
    found = held.allocationOf(OPERATION)
    assert (found.beneficiary, found.offeredTo) == (heiress, NOBODY)
    world.at(found.endsAt)
    held.release(OPERATION, sender=world.payer)
    assert (coin.balanceOf(heiress), coin.balanceOf(world.payer)) == (PART, 0)


def test_offer_and_take_over__by_anybody_else__reverts(world: World, held, outsider):
    with refused(held.WrongCaller, purpose=EARLY, caller=outsider, needed=world.payer):
        held.offer(EARLY, outsider, sender=outsider)
    with refused(held.WrongCaller, purpose=EARLY, caller=outsider, needed=NOBODY):
        held.takeOver(EARLY, sender=outsider)
    held.offer(EARLY, outsider, sender=world.payer)
    held.offer(EARLY, NOBODY, sender=world.payer)  # withdrawn
    with refused(held.WrongCaller, purpose=EARLY, caller=outsider, needed=NOBODY):
        held.takeOver(EARLY, sender=outsider)


def test_lapse__after_the_grace__sends_the_rest_to_the_heir(world: World, coin, held, outsider):
    found = held.allocationOf(COMMUNITY)
    world.at(found.lapsesAt)
    error = held.NotLapsed
    with refused(error, purpose=COMMUNITY, nowAt=found.lapsesAt, lapsesAt=found.lapsesAt):
        held.lapse(COMMUNITY, sender=outsider)
    world.at(found.lapsesAt + 1)
    tx = held.lapse(COMMUNITY, sender=outsider)
    (log,) = tx.decode_logs(held.AllocationLapsed)
    assert (log.purpose, log.heir, log.amount) == (COMMUNITY, world.pool, found.amount)
    assert coin.balanceOf(world.pool) == found.amount
    with refused(held.NothingLeft, purpose=COMMUNITY):
        held.lapse(COMMUNITY, sender=outsider)


def test_release__in_the_last_second_of_the_grace__still_goes_to_the_beneficiary(
    world: World, coin, held, outsider
):
    world.at(held.allocationOf(COMMUNITY).lapsesAt)
    held.release(COMMUNITY, sender=outsider)
    assert coin.balanceOf(world.payer) == 3 * SUPPLY // 10


def test_lapsed__beneficiary_comes_too_late(world: World, held, outsider):
    lapses = held.allocationOf(COMMUNITY).lapsesAt
    world.at(lapses + 1)
    for act, sender in (
        (lambda sender: held.release(COMMUNITY, sender=sender), outsider),
        (lambda sender: held.offer(COMMUNITY, outsider, sender=sender), world.payer),
        (lambda sender: held.takeOver(COMMUNITY, sender=sender), outsider),
    ):
        moment = world.now() + 1
        world.at(max(moment, lapses + 1))
        with refused(
            held.HasLapsed, purpose=COMMUNITY, nowAt=max(moment, lapses + 1), lapsesAt=lapses
        ):
            act(sender)
    assert held.releasable(COMMUNITY) == 0


def test_everything__once_all_has_ended__is_out(world: World, coin, held, outsider):
    """Released at different times, handed over, lapsed: no unit stays, none is made."""
    held.release(COMMUNITY, sender=outsider)
    world.at(held.allocationOf(OPERATION).startsAt + YEAR)
    held.release(OPERATION, sender=outsider)
    world.at(held.allocationOf(INCENTIVES).lapsesAt + 1)
    for purpose in (OPERATION, EARLY, INCENTIVES):
        held.lapse(purpose, sender=outsider)
    assert coin.balanceOf(held) == 0
    assert coin.balanceOf(world.payer) + coin.balanceOf(world.pool) == SUPPLY


def test_a06_last_unit_of_a_part__never_vests_in_the_planted_schedule(world: World, held, project):
    """So much a second leaves a remainder; a share of the whole leaves none."""
    part = held.allocationOf(OPERATION)
    seconds = part.endsAt - part.startsAt
    assert part.amount % seconds
    planted = world.deployer.deploy(project.PlantedVesting, part.amount, seconds)
    world.at(planted.startsAt() + seconds)
    world.chain.mine()
    assert planted.releasable() == part.amount - part.amount % seconds
    assert held.releasable(OPERATION) == part.amount
