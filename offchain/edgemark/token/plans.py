"""How the supply of MetaCoin is divided and vests, where a deployment does not say otherwise.

The paper (Meta-BMEOC, section V, eq. 15) names four purposes and gives no shares; these are ours:

| purpose | share | vests | beneficiary |
|---|---|---|---|
| operation and development | 20 % | over 4 years | holder |
| early contributors and investors | 20 % | over 3 years, from the second on | holder |
| community | 30 % | at once | holder |
| incentives for outsourced computation | 30 % | over 8 years | pool |

The holder hands each of its allocations to its real owner in two steps (`Allocations.offer`,
`takeOver`), so that no allocation ever goes to an account that nobody has the key of. What nobody
released two years after the end of its vesting, anyone sends to the pool.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.amounts import SUPPLY, Amount
from edgemark.errors import RefusedInput
from edgemark.files import read_limited
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens
from edgemark.token.records import AllocationPlan, Purpose
from edgemark.untrusted.json_text import load_json
from edgemark.words import count

YEAR_S = 365 * 86_400
GRACE_S = 2 * YEAR_S
MAX_PLANS_BYTES = 64 * 1024  # four of them have about 1
DEFAULT_MIN_STAKE = Tokens(1000 * TOKEN_UNIT)  # of a provider; the demo gives a party tenfold


def default_plans(holder: Address, pool: Address) -> tuple[AllocationPlan, ...]:
    """The four plans of the table above, by `Purpose`."""
    percents = (
        (holder, 20, 0, 4 * YEAR_S),
        (holder, 20, YEAR_S, 3 * YEAR_S),
        (holder, 30, 0, 0),
        (pool, 30, 0, 8 * YEAR_S),
    )
    return tuple(
        AllocationPlan(beneficiary, Tokens(SUPPLY * percent // 100), delay, duration, GRACE_S)
        for beneficiary, percent, delay, duration in percents
    )


def read_plans(path: Path) -> tuple[AllocationPlan, ...]:
    """Four plans from a JSON file: a list of objects by `Purpose`, as in the manifest.

    Raises:
        RefusedInput: no such file, or it holds anything else, or they do not sum to the supply.
    """
    raw = read_limited(path, MAX_PLANS_BYTES)
    try:
        plans = tuple(AllocationPlan.from_dict(each) for each in load_json(raw))
    except (KeyError, TypeError, ValueError, RecursionError, RefusedInput) as error:
        raise _plans_invalid(path, f"{type(error).__name__}: {error}") from error
    if len(plans) != len(Purpose):
        raise _plans_invalid(path, count(len(plans), "plan"))
    if (total := sum(plan.amount for plan in plans)) != SUPPLY:
        raise _plans_invalid(path, f"amounts that sum to {Amount(total)}, not {Amount(SUPPLY)}")
    return plans


def _plans_invalid(path: Path, why: str) -> RefusedInput:
    return RefusedInput(
        "holds no plan of the supply",
        who=path,
        had=why[:200],
        needed="a list of four objects: beneficiary, amount (in 10^-18 MTC, as a manifest has it), "
        "delay, duration, grace",
        remedy="Order them: " + ", ".join(purpose.name.lower() for purpose in Purpose) + ".",
    )
