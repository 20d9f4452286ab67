"""The contracts that every party stands on: token, anchor, registry; and that of DIDs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgemark.anchoring.kinds import ASSET_ANCHOR
from edgemark.deployment.group import ContractGroup, integers_of
from edgemark.identifiers import Address, parse_address
from edgemark.identity.did.kinds import DID_REGISTRY
from edgemark.identity.kinds import PARTICIPANT_REGISTRY
from edgemark.identity.records import Staking
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.sending.intent import Call
from edgemark.token.kinds import ALLOCATIONS, META_COIN
from edgemark.token.plans import DEFAULT_MIN_STAKE, default_plans
from edgemark.token.records import AllocationPlan, Purpose

DEFAULT_PAUSE_S = 86_400  # longer than any wish to let somebody's posting fail is worth
DEFAULT_STAKING = Staking(DEFAULT_MIN_STAKE, unbonding_seconds=0, pause_seconds=DEFAULT_PAUSE_S)


@dataclass(frozen=True)
class BaseContracts(ContractGroup):
    """Token, its allocations, anchor and registry, with what is decided for them.

    Args:
        holder: beneficiary of the allocations, but for the incentives', until it hands them over.
        pool: receives what nobody else is owed.
        allocations: the four plans of the supply, by `Purpose`; empty: `default_plans`.
        staking: what providers need at stake; an unbonding time of 0: as long as the longest work
            of any group, and at least 1 s.
    """

    NAME = "base"
    KINDS = (META_COIN, ALLOCATIONS, ASSET_ANCHOR, PARTICIPANT_REGISTRY)

    holder: Address
    pool: Address
    allocations: tuple[AllocationPlan, ...] = ()
    staking: Staking = DEFAULT_STAKING

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> BaseContracts:
        """Of a manifest; raises as `ContractGroup.from_dict`."""
        return cls(
            holder=parse_address(facts["holder"], who="holder"),
            pool=parse_address(facts["pool"], who="pool"),
            allocations=tuple(AllocationPlan.from_dict(each) for each in facts["allocations"]),
            staking=Staking(**integers_of(Staking, facts["staking"])),
        )

    def filled(self, groups: Sequence[ContractGroup]) -> BaseContracts:
        """The same with plans and unbonding time written out."""
        plans = self.allocations or default_plans(self.holder, self.pool)
        longest = max(1, *(group.longest_work_s for group in groups))  # the registry takes no 0
        seconds = self.staking.unbonding_seconds or longest
        staking = replace(self.staking, unbonding_seconds=seconds)
        return replace(self, allocations=plans, staking=staking)

    def calls_after(self, contract: Callable[[str], Contract]) -> list[Call]:
        """Releases of what vests at once."""
        held = contract(ALLOCATIONS.name)
        return [
            Call(held, "release", (int(purpose),))
            for purpose, plan in zip(Purpose, self.allocations, strict=True)
            if plan.amount and plan.delay == plan.duration == 0
        ]


@dataclass(frozen=True)
class DidContracts(ContractGroup):
    """The registry of identities: nothing is decided for it, and it stands on no other contract.

    So it may be alone on a chain of its own: a DID names its chain, and no other contract reads it.
    """

    NAME = "did"
    KINDS = (DID_REGISTRY,)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> DidContracts:  # noqa: ARG003 - there are none
        """Of a manifest."""
        return cls()
