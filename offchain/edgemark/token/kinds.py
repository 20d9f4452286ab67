"""What is to be known of MetaCoin and its Allocations; `decided` has `allocations` and `pool`."""

from __future__ import annotations

from typing import Any

from edgemark.amounts import SUPPLY
from edgemark.ledger.evm.contract.kind import Addresses, ContractKind
from edgemark.token.events import (
    AllocationHandedOver,
    AllocationLapsed,
    AllocationOffered,
    AllocationReleased,
    Approval,
    Transfer,
)


def _plans(decided: Any) -> list[tuple[object, ...]]:
    return [plan.as_abi() for plan in decided.allocations]


def _of_coin(_: Addresses, decided: Any) -> tuple[object, ...]:
    return (_plans(decided), decided.pool)


def _of_allocations(_: Addresses, decided: Any) -> tuple[object, ...]:
    return (_plans(decided), decided.pool, SUPPLY)


META_COIN = ContractKind(
    "MetaCoin",
    events=(Transfer, Approval),
    constructor=_of_coin,
    wired=(("allocations", "Allocations"),),
    amounts={
        "ERC20InsufficientAllowance": ("allowance", "needed"),
        "ERC20InsufficientBalance": ("balance", "needed"),
    },
)
ALLOCATIONS = ContractKind(
    "Allocations",
    events=(AllocationReleased, AllocationOffered, AllocationHandedOver, AllocationLapsed),
    constructor=_of_allocations,
    wired=(("token", "MetaCoin"),),
    fixed=lambda decided: {"heir": decided.pool},
    made_by="MetaCoin",
    amounts={"PlansDoNotSum": ("had", "needed")},
)
