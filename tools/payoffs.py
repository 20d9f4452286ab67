"""What every coalition gains by every end of an index, against the honest end.

Pure: the amounts are outsourcing's `contract.amounts`, who can bring about which end is written
down here. Measured in tokens. The honest end is worth nothing to anybody: a node is paid f
for work that is worth f, a payer pays f for its part of a result that is worth it. A node that is
paid without having worked gains f, unless the payer is one of them.

| role     | in a coalition                                                                  |
|----------|---------------------------------------------------------------------------------|
| payer    | charges whom it likes, serves whom it likes                                     |
| nodes    | few: at most e, whom an honest payer finds and charges; many: more              |
| judges   | some: n - k, who hinder nothing; block: n - k + 1, without whom no charge,      |
|          | whoever makes it, is served or judged; k: they sign what they like              |
| pool     | its owner has what the pool gets                                                |
| provider | of its nodes; nothing of a provider is in a job                                 |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product

from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.systems.outsourcing.contract.amounts import (
    compute_ending,
    compute_judge_share,
    compute_judge_threshold,
)
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import Terms

UNCHARGED = (IndexPhase.PAID, IndexPhase.UNEARNED, IndexPhase.RELEASED)


class Nodes(Enum):
    """How many nodes, none of them the payer's unless it takes part."""

    NONE = "no node"
    FEW = "at most e nodes"
    MANY = "more than e nodes"


class Judges(Enum):
    """How many judges."""

    NONE = "no judge"
    SOME = "n - k judges"
    BLOCK = "n - k + 1 judges"
    QUORUM = "k judges"

    def count(self, judges: int) -> int:
        """Of n."""
        k = compute_judge_threshold(judges)
        return {"NONE": 0, "SOME": judges - k, "BLOCK": judges - k + 1, "QUORUM": k}[self.name]


@dataclass(frozen=True)
class Coalition:
    """Who acts together."""

    payer: bool
    nodes: Nodes
    judges: Judges
    pool: bool
    provider: bool

    @property
    def is_within_bounds(self) -> bool:
        """Whether the protocol promises that it gains nothing."""
        few = self.nodes is not Nodes.MANY or self.payer
        return few and self.judges in {Judges.NONE, Judges.SOME} and not self.pool

    def __str__(self) -> str:
        parts = [
            "payer" if self.payer else "",
            "" if self.nodes is Nodes.NONE else self.nodes.value,
            "" if self.judges is Judges.NONE else self.judges.value,
            "pool's owner" if self.pool else "",
            "provider" if self.provider else "",
        ]
        return ", ".join(part for part in parts if part) or "nobody"


def every_coalition() -> Iterator[Coalition]:
    """All of them, the smallest first."""
    both = (False, True)
    yield from (Coalition(*parts) for parts in product(both, Nodes, Judges, both, both))


@dataclass(frozen=True)
class Deed:
    """One way in which an index can end.

    Attributes:
        is_own: the node of the index takes part.
        is_idle: it is paid, if it is, without having worked.
    """

    end: IndexPhase
    is_own: bool
    is_idle: bool = False


def list_deeds(who: Coalition) -> Iterator[Deed]:
    """What a coalition can bring about at one index while all others are honest."""
    yield Deed(IndexPhase.PAID, is_own=False)
    blocks = who.judges in {Judges.BLOCK, Judges.QUORUM}
    rules = who.judges is Judges.QUORUM
    if blocks:  # of a charge that somebody else makes
        yield from (Deed(end, is_own=False) for end in (IndexPhase.VOID, IndexPhase.LAPSED))
    if who.payer:
        charged = [IndexPhase.REFUTED, IndexPhase.ANSWERED]
        charged += [] if blocks else [IndexPhase.VOID]
        yield from (Deed(end, is_own=False) for end in (IndexPhase.UNEARNED, *charged))
        if rules:
            yield Deed(IndexPhase.CONVICTED, is_own=False)
    if who.payer or who.nodes is not Nodes.NONE:
        yield Deed(IndexPhase.RELEASED, is_own=False)
    if who.nodes is Nodes.NONE:
        return
    unfound = who.payer or who.nodes is Nodes.MANY  # an honest payer charges the few it finds
    ends = [IndexPhase.PAID, IndexPhase.CONVICTED, IndexPhase.ANSWERED]
    ends += [IndexPhase.UNEARNED] if unfound else []
    ends += [IndexPhase.VOID, IndexPhase.LAPSED] if blocks else []
    ends += [IndexPhase.REFUTED, IndexPhase.VOID] if who.payer else []
    yield from (Deed(end, is_own=True) for end in dict.fromkeys(ends))
    # Without work: an honest payer charges whom it finds, and honest judges compute it again.
    idle = [IndexPhase.CONVICTED, IndexPhase.RELEASED]
    idle += [IndexPhase.VOID, IndexPhase.LAPSED] if blocks else []
    idle += [IndexPhase.REFUTED, IndexPhase.ANSWERED] if rules else []
    idle += [IndexPhase.PAID, IndexPhase.UNEARNED] if who.nodes is Nodes.MANY else []
    if not who.payer:
        yield from (Deed(end, is_own=True, is_idle=True) for end in dict.fromkeys(idle))


def compute_gain(who: Coalition, deed: Deed, terms: Terms, judges: int) -> int:
    """What the coalition has more than at the honest end, by one index; smallest units.

    Its judges bring the verdict: with no signature more than it takes when what is left of g goes
    to a pool of their own. Of more than e nodes that commit and have not worked, e of m are drawn
    and convicted: a mean.
    """
    if deed == Deed(IndexPhase.PAID, is_own=True, is_idle=True):
        return terms.fee + -terms.errors * (terms.fee + terms.stake) // terms.node_count
    ending = compute_ending(deed.end, terms)
    paid = ending.deposit + ending.stake
    gain = 0
    if who.payer:
        bond = 0 if deed.end in UNCHARGED else terms.bond
        gain += paid.payer - bond  # f of the deposit is what the honest end costs, too
        if deed.end is IndexPhase.RELEASED:
            gain -= terms.fee  # and there is no result
    if deed.is_own:
        worked = 0 if deed.is_idle else terms.fee
        gain += paid.node - terms.stake - worked
    own = who.judges.count(judges)
    signers = compute_judge_threshold(judges) if who.pool else judges
    share, rest = compute_judge_share(paid.judges, judges, signers)
    gain += own * share
    if who.pool:
        gain += paid.pool + rest
    return gain


def is_part_of(one: Coalition, other: Coalition) -> bool:
    """Whether everybody of `one` is in `other`."""
    nodes, judges = list(Nodes), list(Judges)
    return (
        one.payer <= other.payer
        and nodes.index(one.nodes) <= nodes.index(other.nodes)
        and judges.index(one.judges) <= judges.index(other.judges)
        and one.pool <= other.pool
        and one.provider <= other.provider
    )


def count_indices(deed: Deed, terms: Terms) -> int:
    """At how many indices of one job it can be done, where the payer wants its result."""
    if deed.end in {IndexPhase.UNEARNED, IndexPhase.PAID}:
        least = compute_least_nodes(terms.degree, terms.threshold, 0)
        return terms.node_count - least
    return terms.errors


def find_best(who: Coalition, terms: Terms, judges: int) -> tuple[int, Deed]:
    """(the largest gain by one index, how)."""
    return max(
        ((compute_gain(who, deed, terms, judges), deed) for deed in list_deeds(who)),
        key=lambda found: found[0],
    )
