"""Who gets what when an index ends; the plain twin of `contracts/outsourcing/Amounts.sol`.

The job's lock in the anchor has a place for the payer, which holds f for an index and the bond
b = g + f as well once it is charged, and a place for each node, which holds its stake S. An end
divides exactly what is held: `Payout.total` equals it, always.

| end       | node          | payer       | judges | pool      | g is paid by      |
|-----------|---------------|-------------|--------|-----------|-------------------|
| PAID      | S + f         |             |        |           |                   |
| UNEARNED  | S             |             |        | f         |                   |
| CONVICTED |               | p + f + b   | g      | S - g - p | the node's place  |
| REFUTED   | S + 2f        |             | g      |           | the payer's place |
| ANSWERED  | S + f - g/2   | b - g/2     | g      |           | the payer's place |
| VOID      | S + 2f        |             |        | g         | the payer's place |
| LAPSED    | S             | b           |        | f         |                   |
| RELEASED  | S             | f           |        |           |                   |

p = min(S - g, (m-1) f). The halves of g are floor for the node and ceiling for the payer. Of g
each of the n judges gets floor(g/n) if its signature stands under the verdict; the rest goes to the
pool.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms


@dataclass(frozen=True)
class Payout:
    """Credits of one ended index, in the token's smallest unit.

    Attributes:
        judges: g; `compute_judge_share` says how much of it reaches judges, the pool gets the rest.
    """

    node: int = 0
    payer: int = 0
    judges: int = 0
    pool: int = 0

    @property
    def total(self) -> int:
        """All that was held."""
        return self.node + self.payer + self.judges + self.pool

    def __add__(self, other: Payout) -> Payout:
        """Both together."""
        return Payout(
            node=self.node + other.node,
            payer=self.payer + other.payer,
            judges=self.judges + other.judges,
            pool=self.pool + other.pool,
        )


NOTHING = Payout()


@dataclass(frozen=True)
class Ending:
    """How both places of one ended index are divided.

    Attributes:
        deposit: out of the payer's place.
        stake: out of the node's place.
    """

    deposit: Payout = NOTHING
    stake: Payout = NOTHING


def compute_ending(end: IndexPhase, terms: Terms) -> Ending:  # noqa: PLR0911 - one line an end
    """What is paid out of which place when an index ends in `end`.

    A node that had not accepted when a job was released had locked nothing: its S is then neither
    held nor credited, and the caller leaves it out.

    Raises:
        ValueError: `end` is not an end.
    """
    fee, judge_fee, bond = terms.fee, terms.judge_fee, terms.bond
    back = Payout(node=terms.stake)
    match end:
        case IndexPhase.PAID:
            return Ending(Payout(node=fee), back)
        case IndexPhase.UNEARNED:
            return Ending(Payout(pool=fee), back)
        case IndexPhase.CONVICTED:
            rest = terms.stake - judge_fee
            compensation = min(rest, (terms.node_count - 1) * fee)
            fine = Payout(payer=compensation, judges=judge_fee, pool=rest - compensation)
            return Ending(Payout(payer=fee + bond), fine)
        case IndexPhase.REFUTED:
            return Ending(Payout(node=2 * fee, judges=judge_fee), back)
        case IndexPhase.VOID:
            return Ending(Payout(node=2 * fee, pool=judge_fee), back)
        case IndexPhase.ANSWERED:
            half = judge_fee // 2
            return Ending(Payout(node=fee - half, payer=fee + half, judges=judge_fee), back)
        case IndexPhase.LAPSED:
            return Ending(Payout(payer=bond, pool=fee), back)
        case IndexPhase.RELEASED:
            return Ending(Payout(payer=fee), back)
        case _:
            raise ValueError(f"{end.name} is not an end")


def compute_payout(end: IndexPhase, terms: Terms) -> Payout:
    """Credits when an index ends in `end`, whatever place they come from; see `compute_ending`."""
    ending = compute_ending(end, terms)
    return ending.deposit + ending.stake


def compute_judge_share(judge_fee: int, judge_count: int, signers: int) -> tuple[int, int]:
    """(share of each judge that signed the verdict, rest that goes to the pool) of one judges' fee.

    A judge is paid g/n for its work and nothing for idling; and leaving another's signature out
    brings nobody anything.
    """
    share = judge_fee // judge_count
    return share, judge_fee - signers * share


@dataclass(frozen=True)
class Payees:
    """Who is paid when an index ends.

    Attributes:
        node, payer, pool: their accounts.
        judge_count: n.
        signers: judges whose signatures stand under the verdict; none without one.
    """

    node: Address
    payer: Address
    pool: Address
    judge_count: int
    signers: tuple[Address, ...] = ()


def share_out(payout: Payout, to: Payees) -> dict[Address, int]:
    """A payout by account; whoever gets nothing is left out."""
    share, rest = compute_judge_share(payout.judges, to.judge_count, len(to.signers))
    due: dict[Address, int] = {}
    for account, amount in (
        (to.node, payout.node),
        (to.payer, payout.payer),
        (to.pool, payout.pool + rest),
        *((judge, share) for judge in to.signers),
    ):
        if amount:
            due[account] = due.get(account, 0) + amount
    return due


def compute_judge_threshold(judge_count: int) -> int:
    """K of n judges who decide: floor(2n/3) + 1, as the contract fixes it at deployment."""
    return 2 * judge_count // 3 + 1
