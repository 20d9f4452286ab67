"""The structs of Allocations, field for field in the order of the Solidity."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from edgemark.identifiers import Address, Tokens, parse_address


class Purpose(IntEnum):
    """What a part of the supply is for (`IAllocations.Purpose`)."""

    OPERATION = 0
    EARLY = 1
    COMMUNITY = 2
    INCENTIVES = 3


@dataclass(frozen=True)
class AllocationPlan:
    """One of the four parts of the supply (`IAllocations.Plan`).

    Args:
        beneficiary: whom the vested part is released to.
        amount: smallest units; the four sum to the supply.
        delay: seconds from deployment until vesting begins.
        duration: seconds from its beginning until all has vested; 0: all at once.
        grace: seconds from its end until the rest lapses to the pool, at least 1.
    """

    beneficiary: Address
    amount: Tokens
    delay: int
    duration: int
    grace: int

    @classmethod
    def from_dict(cls, facts: Any) -> AllocationPlan:
        """Of a manifest, or of a user's file.

        Raises:
            KeyError, TypeError, ValueError, RefusedInput: something is missing or of another kind.
        """
        beneficiary = parse_address(facts["beneficiary"], who="beneficiary")
        spans = (int(facts[name]) for name in ("delay", "duration", "grace"))
        return cls(beneficiary, Tokens(int(facts["amount"])), *spans)

    def as_abi(self) -> tuple[object, ...]:
        """The tuple that the contract takes."""
        return astuple(self)
