"""What is decided at deployment, for good, and what each constructor gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Tokens, parse_address
from edgemark.ledger.allocation import DEFAULT_MIN_STAKE, SUPPLY, default_plans
from edgemark.ledger.evm.contract.interface import CONTRACTS
from edgemark.ledger.records import AllocationPlan, Limits, Staking

MIN_JUDGES, MAX_JUDGES = 4, 16  # the contract's bounds
DEFAULT_PAUSE_S = 86_400  # longer than any wish to let somebody's posting fail is worth
DEFAULT_STAKING = Staking(DEFAULT_MIN_STAKE, unbonding_seconds=0, pause_seconds=DEFAULT_PAUSE_S)
DEFAULT_LIMITS = Limits(
    min_fee=Tokens(12),
    max_fee=Tokens(10**6 * 10**18),  # a thousandth of the supply
    judge_floor=Tokens(1),
    judge_price=Tokens(10**9),  # 1 MTC for 10^9 products: seconds of one processor, times n judges
    min_window=2,
    max_window=86_400,
    judge_window=60,  # for two thirds of the judges to fetch a task, compute it, and be mined
    exit_grace=30 * 86_400,
)

SERVING_BLOCKS = 4  # to fetch a task, sign, gather k signatures and have them mined


def check_judge_window(limits: Limits, confirmations: int, block_s: int) -> None:
    """Judges act on a charge that is `confirmations` deep: W has to leave them blocks behind that.

    Args:
        limits: of the deployment.
        confirmations: that its parties wait for.
        block_s: seconds from block to block.

    Raises:
        RefusedInput: W is over before judges can have served.
    """
    needed = (confirmations + SERVING_BLOCKS) * block_s
    if limits.judge_window < needed:
        raise RefusedInput(
            "judge window is over before judges can serve a charge",
            who="deployment",
            had=f"{limits.judge_window} s",
            needed=f"{needed} s: {confirmations} + {SERVING_BLOCKS} blocks of {block_s} s",
            remedy="Deploy with a longer judge window, or wait for fewer confirmations.",
        )


@dataclass(frozen=True)
class DeploymentParameters:
    """What is decided at deployment, for good.

    Args:
        holder: beneficiary of the allocations, but for the incentives', until it hands them over.
        judges: members of the EnclaveManager, 4 .. 16 different accounts.
        pool: receives what nobody else is owed.
        guardian: may stop new jobs.
        limits: bounds of every job.
        allocations: the four plans of the supply, by `Purpose`; empty: `default_plans`.
        staking: what providers need at stake; an unbonding time of 0: as long as the longest job.
    """

    holder: Address
    judges: tuple[Address, ...]
    pool: Address
    guardian: Address
    limits: Limits
    allocations: tuple[AllocationPlan, ...] = ()
    staking: Staking = DEFAULT_STAKING

    def filled(self) -> DeploymentParameters:
        """The same with every default written out.

        Raises:
            RefusedInput: the number of judges is out of range.
        """
        count = len(self.judges)
        if not MIN_JUDGES <= count <= MAX_JUDGES:
            raise RefusedInput(
                "number of judges out of range",
                who="deployment",
                had=count,
                needed=f"{MIN_JUDGES}..{MAX_JUDGES}",
            )
        plans = self.allocations or default_plans(self.holder, self.pool)
        seconds = self.staking.unbonding_seconds or self.limits.longest_job_s
        staking = replace(self.staking, unbonding_seconds=seconds)
        return replace(self, allocations=plans, staking=staking)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> DeploymentParameters:
        """Of a manifest.

        Raises:
            KeyError, TypeError, ValueError, RefusedInput: something is missing or of another kind.
        """
        return cls(
            holder=parse_address(facts["holder"], who="holder"),
            judges=tuple(parse_address(each, who="judge") for each in facts["judges"]),
            pool=parse_address(facts["pool"], who="pool"),
            guardian=parse_address(facts["guardian"], who="guardian"),
            limits=Limits(**_integers(Limits, facts["limits"])),
            allocations=tuple(AllocationPlan.from_dict(each) for each in facts["allocations"]),
            staking=Staking(**_integers(Staking, facts["staking"])),
        )


def constructor_of(
    name: str, at: Mapping[str, Address], parameters: DeploymentParameters
) -> tuple[object, ...]:
    """The constructor's arguments of one contract.

    Args:
        name: of the contract, one of `CONTRACTS`.
        at: the contracts before it in `CONTRACTS`.
        parameters: with every default written out.

    Raises:
        RefusedInput: there is none of that name.
    """
    plans = [plan.as_abi() for plan in parameters.allocations]
    staking = parameters.staking
    match name:
        case "MetaCoin":
            return (plans, parameters.pool)
        case "Allocations":
            return (plans, parameters.pool, SUPPLY)
        case "AssetAnchor":
            return (at["MetaCoin"],)
        case "ParticipantRegistry":
            return (at["AssetAnchor"], *astuple(staking))
        case "EnclaveManager":
            return (list(parameters.judges),)
        case "JobSettlement":
            wired = (at["AssetAnchor"], at["ParticipantRegistry"], at["EnclaveManager"])
            return (*wired, parameters.pool, parameters.guardian, parameters.limits.as_abi())
        case _:
            raise RefusedInput("is no contract", who=name[:80], needed=", ".join(CONTRACTS))


def _integers(kind: type, facts: Any) -> dict[str, Any]:
    return {part.name: int(facts[part.name]) for part in fields(kind)}
