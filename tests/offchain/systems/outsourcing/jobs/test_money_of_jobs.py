"""Thousands of jobs through one settlement, with adversaries at every step: every token counted.

No party is honest by design here: whoever may act next is drawn, and what it does, refused acts
included. The books are kept a second time, apart from the model, from the table of amounts alone.
A few hundred jobs in `make test`, ten thousand in `make soak`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.identifiers import Address, Hash32, Timestamp, Tokens
from edgemark.systems.outsourcing.contract.amounts import compute_judge_share, compute_payout
from edgemark.systems.outsourcing.contract.records import Finding, IndexPhase, JobPhase
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_least_judge_fee,
    compute_least_stake,
    compute_most_judge_fee,
)
from edgemark.systems.outsourcing.identifiers import JobId

JOBS = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 200
ACTS = 40  # drawn acts of one job before everybody else's exits
WEALTH = 10**9
FINDINGS = (Finding.RIGHT, Finding.WRONG, Finding.MISSING)
OPEN_CHARGES = {IndexPhase.CHARGED, IndexPhase.SERVED}
CHARGED_ENDS = {
    IndexPhase.CONVICTED,
    IndexPhase.REFUTED,
    IndexPhase.ANSWERED,
    IndexPhase.VOID,
    IndexPhase.LAPSED,
}


class Market:
    """One settlement, in which jobs are played one after the other."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.accounts = [cast.PAYER.address, *(node.address for node in cast.NODES)]
        free = {account: WEALTH for account in self.accounts}
        self.model = SettlementModel(
            limits=cast.LIMITS,
            judges=cast.JUDGE_ADDRESSES,
            pool=cast.POOL,
            free=free,
            providers=cast.PROVIDERS,
            judge_providers=cast.JUDGE_PROVIDERS,
        )
        self.total = self.model.total
        self.expected = Counter(free)
        self.ends: Counter[IndexPhase] = Counter()
        self.refused: Counter[str] = Counter()
        self.now = int(cast.START)

    def draw_terms(self) -> Terms:
        """Amounts, numbers and windows of a job; least ones and larger ones."""
        draw = self.draw
        t = draw.choice((1, 1, 2, 3))
        e, d = draw.randint(1, t), draw.randint(1, 2)
        m = compute_least_nodes(d, t, e) + draw.choice((0, 0, 1))
        fee = draw.randint(12, 5_000)
        judge_fee = draw.randint(compute_least_judge_fee(fee), compute_most_judge_fee(fee))
        stake = compute_least_stake(fee, m, e) + draw.choice((0, 0, draw.randrange(fee)))
        accept = Timestamp(self.now + draw.randint(10, 60))
        compute = Timestamp(accept + draw.randint(10, 60))
        return replace(
            cast.small_order().terms,
            threshold=t,
            errors=e,
            degree=d,
            node_count=m,
            fee=Tokens(fee),
            judge_fee=Tokens(judge_fee),
            stake=Tokens(stake),
            accept_by=accept,
            compute_by=compute,
            collect_by=Timestamp(compute + draw.randint(10, 60)),
        )

    def play(self, number: int) -> None:
        """One job to its end, and what it has moved."""
        job, terms = JobId(keccak256(number.to_bytes(8, "big"))), self.draw_terms()
        nodes = tuple(node.address for node in cast.NODES[: terms.node_count])
        root = Hash32(bytes(32))
        payer = cast.PAYER.address
        self.model.post(self.now, job, payer=payer, root=root, terms=terms, nodes=nodes)
        most = terms.node_count if self.draw.random() < 0.9 else terms.node_count - 1
        for index in self.draw.sample(range(1, terms.node_count + 1), most):
            self.model.accept(self.now, job, {index: nodes[index - 1]})
        for _ in range(ACTS):
            self.now += self.draw.choice((0, 0, 1, 3, 11))
            self._act(job, terms, nodes)
            assert self.model.total == self.total
        self._end(job, terms)
        self._count(job, terms, nodes)

    def _act(self, job: JobId, terms: Terms, nodes: tuple[Address, ...]) -> None:
        """Something that somebody tries, allowed or not."""
        draw, now, model = self.draw, self.now, self.model
        index = draw.choice(self._interesting(job) or range(1, terms.node_count + 1))
        some = sorted(draw.sample(range(1, terms.node_count + 1), draw.randint(1, 3)))
        caller = draw.choice((cast.PAYER.address, cast.PAYER.address, nodes[index - 1]))
        signers = sorted(
            draw.sample(cast.JUDGE_ADDRESSES, draw.choice((2, 3, 3, 4, 4))),
            key=lambda judge: int(judge, 16),
        )
        acts = (
            lambda: model.commit(now, job, index, Hash32(b"\1" * 32), caller=nodes[index - 1]),
            lambda: model.commit(now, job, index, Hash32(b"\1" * 32), caller=nodes[index - 1]),
            lambda: model.approve(now, job, some, caller=caller),
            lambda: model.charge(now, job, some[:1], some[1:], caller=caller),
            lambda: model.charge(now, job, [], [index], caller=caller),
            lambda: model.record_served(now, job, index, signers),
            lambda: model.record_verdict(now, job, index, draw.choice(FINDINGS), signers),
            lambda: model.void_charge(now, job, index),
            lambda: model.lapse_charge(now, job, index),
            lambda: model.collect(now, job, some),
            lambda: model.cancel_unstarted(now, job),
        )
        try:
            draw.choice(acts)()
        except ModelRefused as refused:
            self.refused[refused.error] += 1

    def _interesting(self, job: JobId) -> list[int]:
        """Charged indices, most of the time: there are few of them."""
        views = self.model.index_views(job)
        charged = [j for j, view in enumerate(views, start=1) if view.phase in OPEN_CHARGES]
        return charged if self.draw.random() < 0.6 else []

    def _end(self, job: JobId, terms: Terms) -> None:
        """Strangers end whatever is due, until nothing is left."""
        view = self.model.job_view(job)
        assert view is not None
        self.now = max(self.now, terms.collect_by) + 1
        if view.phase is JobPhase.POSTED:
            self.model.cancel_unstarted(self.now, job)
        for _ in range(3):
            for index in range(1, terms.node_count + 1):
                for act in (self.model.void_charge, self.model.lapse_charge):
                    with suppress(ModelRefused):
                        act(self.now, job, index)
                with suppress(ModelRefused):
                    self.model.collect(self.now, job, [index])
            self.now += 10 * cast.WINDOW

    def _count(self, job: JobId, terms: Terms, nodes: tuple[Address, ...]) -> None:
        """The second books: what the ends of this job should have moved."""
        for index, view in enumerate(self.model.index_views(job), start=1):
            end = view.phase
            assert end.is_end
            self.ends[end] += 1
            payout = compute_payout(end, terms)
            bond = terms.bond if end in CHARGED_ENDS else 0
            self.expected[nodes[index - 1]] += payout.node - terms.stake
            self.expected[cast.PAYER.address] += payout.payer - terms.fee - bond
            signers = self.model.verdicts.get((job, index), ())
            share, rest = compute_judge_share(payout.judges, len(cast.JUDGES), len(signers))
            for judge in signers:
                self.expected[judge] += share
            self.expected[cast.POOL] += payout.pool + rest
        assert self.model.held == 0
        assert {a: n for a, n in self.model.free.items() if n} == {
            a: n for a, n in self.expected.items() if n
        }


def test_money__of_many_jobs_with_adversaries__is_where_the_table_says_to_the_unit() -> None:
    market = Market(seed=8)
    for number in range(JOBS):
        market.play(number)
    assert sum(market.expected.values()) == market.total
    assert set(market.ends) == {end for end in IndexPhase if end.is_end}  # every end happened
    tried = {"ChargeCountOutOfRange", "TooEarly", "TooLate", "TooFewSignatures", "CallerWrong"}
    assert tried <= set(market.refused)
