"""The allocations as a party reads and writes them, on a real chain; and plans from a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.token.allocations import Allocations
from edgemark.token.events import (
    AllocationHandedOver,
    AllocationLapsed,
    AllocationOffered,
    AllocationReleased,
)
from edgemark.token.metacoin import MetaCoin
from edgemark.token.plans import (
    DEFAULT_MIN_STAKE,
    GRACE_S,
    SUPPLY,
    YEAR_S,
    default_plans,
    read_plans,
)
from edgemark.token.records import Purpose

__all__ = ["small_chain"]  # the fixture

HOLDER, HEIRESS, POOL = 0, 3, 9
PLANS = default_plans(account(HOLDER), account(POOL))


@pytest.fixture
def allocations(small_chain: SmallChain) -> Allocations:
    return Allocations(small_chain.chain, small_chain.deployment.contract("Allocations"))


def test_default_plans__divide_the_supply_whole() -> None:
    assert [plan.amount * 100 // SUPPLY for plan in PLANS] == [20, 20, 30, 30]
    assert sum(plan.amount for plan in PLANS) == SUPPLY == 1_000_000_000 * 10**18
    years = [(plan.delay / YEAR_S, plan.duration / YEAR_S, plan.grace / YEAR_S) for plan in PLANS]
    assert years == [(0, 4, 2), (1, 3, 2), (0, 0, 2), (0, 8, 2)]
    assert (YEAR_S, GRACE_S, DEFAULT_MIN_STAKE) == (31_536_000, 63_072_000, 1000 * 10**18)
    assert [plan.beneficiary for plan in PLANS] == [account(HOLDER)] * 3 + [account(POOL)]


@pytest.mark.chain
def test_the_deployment__released_the_community_part_at_once(
    small_chain: SmallChain, allocations: Allocations
) -> None:
    found = allocations.allocation(Purpose.COMMUNITY)
    plan = PLANS[Purpose.COMMUNITY]
    assert (found.beneficiary, found.amount, found.released) == (
        plan.beneficiary,
        plan.amount,
        plan.amount,
    )
    assert found.offered_to == NOBODY
    token = MetaCoin(small_chain.chain, small_chain.deployment.contract("MetaCoin"))
    assert token.balance(account(HOLDER)) == plan.amount
    assert token.balance(allocations.contract.address) == SUPPLY - plan.amount
    with (
        small_chain.lane(HEIRESS) as lane,
        pytest.raises(ContractRefused, match="NothingVested"),
    ):
        lane.send(allocations.release(Purpose.COMMUNITY))


@pytest.mark.chain
def test_a_part__vests_changes_hands_and_lapses(
    small_chain: SmallChain, allocations: Allocations
) -> None:
    chain, part = small_chain.chain, Purpose.OPERATION
    offered = small_chain.operator.send(allocations.offer(part, account(HEIRESS)))
    (event,) = receipt_events(offered, allocations.contract)
    assert event == AllocationOffered(part, account(HOLDER), account(HEIRESS), at=event.at)
    with small_chain.lane(HEIRESS) as lane:
        taken = lane.send(allocations.take_over(part))
        (event,) = receipt_events(taken, allocations.contract)
        assert event == AllocationHandedOver(part, account(HOLDER), account(HEIRESS), at=event.at)
        chain.rpc("evm_setNextBlockTimestamp", allocations.allocation(part).starts_at + YEAR_S)
        (event,) = receipt_events(lane.send(allocations.release(part)), allocations.contract)
        quarter = PLANS[part].amount // 4
        assert event == AllocationReleased(part, account(HEIRESS), quarter, at=event.at)
        assert allocations.allocation(part).released == quarter
        chain.rpc("evm_setNextBlockTimestamp", allocations.allocation(part).lapses_at + 1)
        (event,) = receipt_events(lane.send(allocations.lapse(part)), allocations.contract)
        rest = PLANS[part].amount - quarter
        assert event == AllocationLapsed(part, account(POOL), rest, at=event.at)
        assert allocations.releasable(part) == 0


def test_read_plans__of_a_file__are_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "plans.json"
    path.write_text(json.dumps([asdict(plan) for plan in PLANS]))
    assert read_plans(path) == PLANS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "7",
        "[]",
        json.dumps([asdict(plan) for plan in PLANS[:3]]),
        json.dumps([asdict(plan) | {"amount": 1} for plan in PLANS]),
        json.dumps([asdict(plan) | {"beneficiary": "0x12"} for plan in PLANS]),
        json.dumps([{"amount": 1}] * 4),
        json.dumps([asdict(plan) for plan in PLANS]).replace("{", '{"grace": 1,', 1),
        "[" * 5000,
    ],
    ids=lambda text: text[:12],
)
def test_read_plans__anything_else__is_refused_by_the_files_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plans.json"
    path.write_text(text)
    with pytest.raises(RefusedInput, match="holds no plan of the supply") as refused:
        read_plans(path)
    assert refused.value.who == path


def test_read_plans__no_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="cannot be read; had No such file"):
        read_plans(tmp_path / "none.json")
