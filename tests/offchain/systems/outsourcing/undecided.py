"""What becomes of an undecided job, for every mix of nodes, exactly: no seeds, no sampling.

`steps.charging.choose_charges` decides whom the device charges; its draws are enumerated here with
their probabilities, so that a mean is a fraction and not an estimate. Nodes of one kind are alike.

| kind     | to the device              | to the judges   |
|----------|----------------------------|-----------------|
| honest   | right                      | right           |
| lying    | wrong, each its own way    | wrong           |
| agreeing | wrong, all on one word     | wrong           |
| proven   | wrong, b is not c w(j)     | wrong           |
| shy      | nothing                    | right           |
| missing  | nothing                    | nothing         |

Agreeing ones choose their word so that it passes through as many honest values as a word can, dt.
Everybody has committed, so whoever is not charged is paid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from unittest.mock import patch

from tests.offchain.systems.outsourcing import cast

from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import Tokens
from edgemark.systems.outsourcing.contract.amounts import compute_payout
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_least_judge_fee,
    compute_least_stake,
)
from edgemark.systems.outsourcing.steps import charging
from edgemark.systems.outsourcing.steps.charging import Docket, Suspicion, choose_charges

FEE = 1200  # divisible by what stands below a fraction of it


class Kind(Enum):
    """How a node behaves."""

    HONEST = "honest"
    LYING = "lying"
    AGREEING = "agreeing"
    PROVEN = "proven"
    SHY = "shy"
    MISSING = "missing"


WRONG = (Kind.LYING, Kind.AGREEING, Kind.PROVEN)
MUTE = (Kind.SHY, Kind.MISSING)
BAD = (*WRONG, Kind.MISSING)  # who has not earned its fee


@dataclass(frozen=True)
class Size:
    """Numbers of a job with the least m."""

    threshold: int
    errors: int
    degree: int

    @property
    def nodes(self) -> int:
        """m."""
        return compute_least_nodes(self.degree, self.threshold, self.errors)

    @property
    def terms(self) -> Terms:
        """Terms with the least stake and the least judges' fee."""
        return replace(
            cast.small_order().terms,
            threshold=self.threshold,
            errors=self.errors,
            degree=self.degree,
            node_count=self.nodes,
            fee=Tokens(FEE),
            stake=Tokens(compute_least_stake(FEE, self.nodes, self.errors)),
            judge_fee=Tokens(compute_least_judge_fee(FEE)),
        )


Rule = Callable[[Suspicion, Docket], tuple[tuple[int, ...], tuple[int, ...]]]


class Choices:
    """One run through a tree of choices; `step` goes on to the next leaf."""

    def __init__(self) -> None:
        self._path: list[tuple[int, list[int]]] = []
        self._at = 0

    def choose(self, weights: list[int]) -> int:
        """A branch of this node of the tree."""
        if self._at == len(self._path):
            self._path.append((0, weights))
        self._at += 1
        return self._path[self._at - 1][0]

    @property
    def probability(self) -> Fraction:
        """Of the leaf that was reached."""
        product = Fraction(1)
        for branch, weights in self._path:
            product *= Fraction(weights[branch], sum(weights))
        return product

    def step(self) -> bool:
        """Whether there is another leaf."""
        self._at = 0
        while self._path:
            branch, weights = self._path.pop()
            if branch + 1 < len(weights):
                self._path.append((branch + 1, weights))
                return True
        return False


@dataclass
class Job:
    """One undecided job in the making.

    Attributes:
        kinds: of index j at position j - 1.
        stalls: silent nodes answer when there is no time left to charge again.
    """

    size: Size
    kinds: tuple[Kind, ...]
    stalls: bool
    choices: Choices
    rule: Rule

    def __post_init__(self) -> None:
        self.answered = {j for j in self.indices if self.kind(j) not in MUTE}
        self.phases: dict[int, IndexPhase] = {}
        honest = [j for j in self.indices if self.kind(j) is Kind.HONEST]
        dt = self.size.degree * self.size.threshold
        agreeing = {j for j in self.indices if self.kind(j) is Kind.AGREEING}
        self._false_word = agreeing | set(honest[:dt]) if agreeing else set[int]()

    @property
    def indices(self) -> range:
        """1..m."""
        return range(1, len(self.kinds) + 1)

    def kind(self, index: int) -> Kind:
        """Of an index."""
        return self.kinds[index - 1]

    def find(self, more: int = 0) -> frozenset[int] | None:
        """Who is named at the radius that `more` answers more would give; None when undecided."""
        radius = self.size.errors - (len(self.kinds) - len(self.answered)) + more
        right = {j for j in self.answered if self.kind(j) not in WRONG}
        for word in (right, self._false_word & self.answered):
            if word and 0 <= len(self.answered - word) <= radius:
                return frozenset(self.answered - word)
        return None

    def play(self) -> None:
        """Charge until nothing is left to be charged."""
        left, is_last = self.size.errors, False
        while left:
            named = self.find()
            if named is not None:
                silent = [j for j in self.indices if j not in self.answered]
                due = [j for j in (*sorted(named), *silent) if j not in self.phases]
                self._charge(due[:left])
                return
            wrong, silent_ones = self._choose(left, is_last)
            chosen = (*wrong, *silent_ones)
            if not chosen:
                return
            self._charge(chosen)
            left -= len(chosen)
            is_last = self.stalls
        return

    def _choose(self, left: int, is_last: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        answered = frozenset(self.answered)
        proven = frozenset(j for j in answered if self.kind(j) is Kind.PROVEN)
        findable = self.find(1) if len(answered) < len(self.kinds) else None
        open_ = frozenset(self.indices) - self.phases.keys()
        docket = Docket(open_, self.size.errors, left, is_last, b"")
        with patch.object(charging, "draw", self._draw):
            return self.rule(Suspicion(answered, proven, findable), docket)

    def _draw(self, indices: Collection[int], lot: bytes) -> list[int]:
        """A draw, of which as many places are decided as can be charged."""
        del lot
        left, drawn = sorted(indices), list[int]()
        for _ in range(min(self.size.errors, len(left))):
            kinds = sorted({self.kind(j) for j in left}, key=lambda kind: kind.value)
            counts = [sum(self.kind(j) is kind for j in left) for kind in kinds]
            chosen = kinds[self.choices.choose(counts)]
            drawn.append(next(j for j in left if self.kind(j) is chosen))
            left.remove(drawn[-1])
        return drawn + left

    def _charge(self, indices: Collection[int]) -> None:
        answers = []
        for j in indices:
            match self.kind(j):
                case Kind.HONEST:
                    self.phases[j] = IndexPhase.REFUTED
                case Kind.SHY:
                    self.phases[j] = IndexPhase.ANSWERED
                    answers.append(j)
                case _:
                    self.phases[j] = IndexPhase.CONVICTED
        self.answered |= set(answers)

    def gains(self) -> tuple[dict[Kind, int], int]:
        """(what the nodes of each kind have gained together, what the payer has)."""
        terms, nodes, payer = self.size.terms, dict[Kind, int](), 0
        for j in self.indices:
            end = self.phases.get(j, IndexPhase.PAID)
            payout = compute_payout(end, terms)
            bond = 0 if end is IndexPhase.PAID else terms.bond
            nodes[self.kind(j)] = nodes.get(self.kind(j), 0) + payout.node - terms.stake
            payer += payout.payer - terms.fee - bond
        return nodes, payer


@dataclass(frozen=True)
class Outcome:
    """Means over all draws, in fees; `nodes` by kind, all nodes of a kind together."""

    nodes: dict[Kind, Fraction]
    payer: Fraction
    worst_payer: Fraction
    found: Fraction

    def of(self, *kinds: Kind) -> Fraction:
        """What these kinds gain together."""
        return sum((self.nodes.get(kind, Fraction(0)) for kind in kinds), Fraction(0))


def evaluate(
    size: Size, mix: dict[Kind, int], *, stalls: bool = False, rule: Rule = choose_charges
) -> Outcome:
    """The exact means of a mix; the rest of m is honest."""
    kinds = [kind for kind, count in mix.items() for _ in range(count)]
    kinds = [Kind.HONEST] * (size.nodes - len(kinds)) + kinds
    choices, nodes, payer, found = Choices(), dict[Kind, Fraction](), Fraction(0), Fraction(0)
    worst = Fraction(size.nodes)
    while True:
        job = Job(size, tuple(kinds), stalls, choices, rule)
        job.play()
        weight = choices.probability
        gained, paid = job.gains()
        for kind, amount in gained.items():
            nodes[kind] = nodes.get(kind, Fraction(0)) + weight * Fraction(amount, FEE)
        payer += weight * Fraction(paid, FEE)
        worst = min(worst, Fraction(paid, FEE))
        found += weight * (job.find() is not None)
        if not choices.step():
            return Outcome(nodes, payer, worst, found)


def every_mix(size: Size, lie: Kind) -> Iterator[dict[Kind, int]]:
    """All numbers of liars of one kind, of shy and of missing ones, somebody bad among them."""
    m = size.nodes
    most = size.threshold + size.errors - 1 if lie is Kind.AGREEING else m
    for liars in range(min(most, m) + 1):
        for shy in range(m - liars + 1):
            for missing in range(m - liars - shy + 1):
                if liars + missing:
                    yield {lie: liars, Kind.SHY: shy, Kind.MISSING: missing}
