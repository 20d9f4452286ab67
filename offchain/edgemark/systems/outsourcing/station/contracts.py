"""The contracts of this system: what they log, how they are made, what is decided for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from edgemark.anchoring.events import WorkStopped
from edgemark.deployment.group import ContractGroup, integers_of
from edgemark.errors import RefusedInput
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens, parse_address
from edgemark.identity.records import Role, Staking, name_role
from edgemark.ledger.evm.contract.kind import Addresses, ContractKind
from edgemark.ledger.evm.contract.token_values import BOUNDS
from edgemark.party.evm.contracts import DEFAULT_STAKING, BaseContracts
from edgemark.systems.outsourcing.contract import events
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.token.records import AllocationPlan

MIN_JUDGES, MAX_JUDGES = 4, 16  # the contract's bounds
DEFAULT_LIMITS = Limits(
    min_fee=Tokens(12),
    max_fee=Tokens(10**6 * TOKEN_UNIT),  # a thousandth of the supply
    judge_floor=Tokens(1),
    judge_price=Tokens(10**9),  # 1 MTC for 10^9 products: seconds of one processor, times n judges
    min_window=2,
    max_window=86_400,
    judge_window=60,  # for two thirds of the judges to fetch a task, compute it, and be mined
    exit_grace=30 * 86_400,
)
COMPUTE_NODE = name_role(16, "COMPUTE_NODE")  # as `OutsourcingRoles` has them
ENCLAVE = name_role(17, "ENCLAVE", "judge")
AMOUNTS = ("fee", "judgeFee", "stake", "minFee", "maxFee")  # of what its bounds are about
SERVING_BLOCKS = 4  # to fetch a task, sign, gather k signatures and have them mined


def _of_settlement(at: Addresses, decided: Any) -> tuple[object, ...]:
    wired = (at["AssetAnchor"], at["ParticipantRegistry"], at["EnclaveManager"])
    return (*wired, decided.pool, decided.guardian, decided.limits.as_abi())


def _fixed_of_settlement(decided: Any) -> Mapping[str, object]:
    return {
        "pool": decided.pool,
        "guardian": decided.guardian,
        "limits": decided.limits.as_abi(),
    }


ENCLAVE_MANAGER = ContractKind(
    "EnclaveManager",
    constructor=lambda _, decided: (list(decided.judges),),
    fixed=lambda decided: {"members": decided.judges},
)
JOB_SETTLEMENT = ContractKind(
    "JobSettlement",
    events=(
        events.JobPosted,
        events.NodeAccepted,
        events.JobStarted,
        events.JobCancelled,
        events.ResultCommitted,
        events.NodePaid,
        events.FeeUnearned,
        events.NodeCharged,
        events.ChargeServed,
        events.NodeConvicted,
        events.ChargeRefuted,
        events.ChargeAnswered,
        events.ChargeVoided,
        events.ChargeLapsed,
        WorkStopped,
    ),
    constructor=_of_settlement,
    wired=(
        ("anchor", "AssetAnchor"),
        ("registry", "ParticipantRegistry"),
        ("enclaves", "EnclaveManager"),
    ),
    fixed=_fixed_of_settlement,
    amounts={
        **{f"OutOfBounds.{field}": BOUNDS for field in AMOUNTS},
        "limits": ("min_fee", "max_fee", "judge_floor", "judge_price"),
    },
)


@dataclass(frozen=True)
class OutsourcingContracts(ContractGroup):
    """Judges and settlement, with what is decided for them.

    Args:
        judges: members of the EnclaveManager, 4 .. 16 different accounts.
        pool: receives what nobody else is owed.
        guardian: may stop new jobs.
        limits: bounds of every job.
    """

    NAME = "outsourcing"
    KINDS = (ENCLAVE_MANAGER, JOB_SETTLEMENT)
    LOCKERS = (JOB_SETTLEMENT.name,)
    ROLES: ClassVar[Mapping[str, Role]] = {"node": COMPUTE_NODE, "judge": ENCLAVE}

    judges: tuple[Address, ...]
    pool: Address
    guardian: Address
    limits: Limits

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> OutsourcingContracts:
        """Of a manifest; raises as `ContractGroup.from_dict`."""
        return cls(
            judges=tuple(parse_address(each, who="judge") for each in facts["judges"]),
            pool=parse_address(facts["pool"], who="pool"),
            guardian=parse_address(facts["guardian"], who="guardian"),
            limits=Limits(**integers_of(Limits, facts["limits"])),
        )

    @property
    def longest_work_s(self) -> int:
        """From the posting of the longest job to the expiry of its locks."""
        return self.limits.longest_job_s

    def filled(self, groups: Sequence[ContractGroup]) -> OutsourcingContracts:
        """There are no defaults.

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
        return super().filled(groups)

    def check_pace(self, confirmations: int, block_s: int) -> None:
        """Check the judges' window; raises as `check_judge_window`."""
        check_judge_window(self.limits, confirmations, block_s)


def check_judge_window(limits: Limits, confirmations: int, block_s: int) -> None:
    """Judges act on a charge that is `confirmations` deep: W has to leave them blocks behind that.

    Nodes that are charged, and judges that decide, have J >= W from when a charge is served: half
    of it at least is left when they have seen that, and a block more.

    Args:
        limits: of the deployment.
        confirmations: that its parties wait for.
        block_s: seconds from block to block.

    Raises:
        RefusedInput: W is over before judges can have served.
    """
    behind = max(SERVING_BLOCKS, confirmations + 2)
    needed = (confirmations + behind) * block_s
    if limits.judge_window < needed:
        raise RefusedInput(
            "judge window is over before judges can serve a charge",
            who="deployment",
            had=f"{limits.judge_window} s",
            needed=f"{needed} s: {confirmations} + {behind} blocks of {block_s} s",
            remedy="Deploy with a longer judge window, or wait for fewer confirmations.",
        )


def draft_contracts(
    holder: Address,
    judges: tuple[Address, ...],
    pool: Address,
    guardian: Address,
    limits: Limits,
    *,
    allocations: tuple[AllocationPlan, ...] = (),
    staking: Staking = DEFAULT_STAKING,
) -> tuple[ContractGroup, ...]:
    """This system with the contracts it stands on; arguments as of both groups."""
    base = BaseContracts(holder, pool, allocations, staking)
    return (base, OutsourcingContracts(judges, pool, guardian, limits))
