"""Who gets what when an index ends; the plain twin of `contracts/outsourcing/Amounts.sol`.

Every index holds f of the payer's deposit and the node's stake S; a charged one holds the payer's
bond b = g + f as well. An end divides exactly what is held: `Payout.total` equals it, always.

| end       | node          | payer              | judges | pool          |
|-----------|---------------|--------------------|--------|---------------|
| PAID      | S + f         |                    |        |               |
| EQUAL_HARM| S - z         | f - z              |        | 2z            |
| CONVICTED |               | p + f + b          | g      | S - g - p     |
| REFUTED   | S + 2f        |                    | g      |               |
| ANSWERED  | S + f - g/2   | b - g/2            | g      |               |
| VOID      | S + 2f        |                    | g      |               |
| LAPSED    | S             | b                  |        | f             |
| RELEASED  | S             | f                  |        |               |

p = min(S - g, (m-1) f). The halves of g are floor for the node and ceiling for the payer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.systems.outsourcing.parameters import Terms


class IndexPhase(IntEnum):
    """Phases of one index, in the order of `ISettlement.IndexPhase`."""

    NONE = 0
    NAMED = 1
    ACCEPTED = 2
    COMMITTED = 3
    CHARGED = 4
    SERVED = 5
    PAID = 6
    EQUAL_HARM = 7
    CONVICTED = 8
    REFUTED = 9
    ANSWERED = 10
    VOID = 11
    LAPSED = 12
    RELEASED = 13

    @property
    def is_end(self) -> bool:
        """Whether nothing of this index is held any more."""
        return self >= IndexPhase.PAID


@dataclass(frozen=True)
class Payout:
    """Credits of one ended index, in the token's smallest unit."""

    node: int = 0
    payer: int = 0
    judges: int = 0
    pool: int = 0

    @property
    def total(self) -> int:
        """All that was held."""
        return self.node + self.payer + self.judges + self.pool


def compute_payout(end: IndexPhase, terms: Terms) -> Payout:  # noqa: PLR0911 - one line an end
    """Credits when an index ends in `end`.

    A node that had not accepted when a job was released had locked nothing: its S is then neither
    held nor credited, and the caller leaves it out.

    Raises:
        ValueError: `end` is not an end.
    """
    fee, stake, judge_fee, bond = terms.fee, terms.stake, terms.judge_fee, terms.bond
    match end:
        case IndexPhase.PAID:
            return Payout(node=stake + fee)
        case IndexPhase.EQUAL_HARM:
            harm = terms.harm
            return Payout(node=stake - harm, payer=fee - harm, pool=2 * harm)
        case IndexPhase.CONVICTED:
            compensation = min(stake - judge_fee, (terms.node_count - 1) * fee)
            return Payout(
                payer=compensation + fee + bond,
                judges=judge_fee,
                pool=stake - judge_fee - compensation,
            )
        case IndexPhase.REFUTED | IndexPhase.VOID:
            return Payout(node=stake + 2 * fee, judges=judge_fee)
        case IndexPhase.ANSWERED:
            half = judge_fee // 2
            return Payout(
                node=stake + fee - half, payer=bond - (judge_fee - half), judges=judge_fee
            )
        case IndexPhase.LAPSED:
            return Payout(node=stake, payer=bond, pool=fee)
        case IndexPhase.RELEASED:
            return Payout(node=stake, payer=fee)
        case _:
            raise ValueError(f"{end.name} is not an end")


def compute_judge_share(judge_fee: int, judge_count: int) -> tuple[int, int]:
    """(share of each judge, remainder that goes to the pool) of one judges' fee."""
    return divmod(judge_fee, judge_count)


def compute_judge_threshold(judge_count: int) -> int:
    """K of n judges who decide: floor(2n/3) + 1, as the contract fixes it at deployment."""
    return 2 * judge_count // 3 + 1
