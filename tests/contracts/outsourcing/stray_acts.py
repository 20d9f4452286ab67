"""Acts that the settlement must refuse: drawn at random, at the seconds where rules change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy

from tests.contracts.outsourcing.mix_chain import Place
from tests.contracts.outsourcing.mix_walks import ACTS, Act
from tests.offchain.systems.outsourcing.model import SettlementModel
from tests.offchain.systems.outsourcing.model_rules import ModelRefused

from edgemark.identifiers import Address
from edgemark.systems.outsourcing.messages import Finding

TRIES = 20  # most drawn acts are refused


class StrayActs:
    """Draws what somebody tries without a right to it.

    Args:
        draw: decides.
        model: knows what is refused, and when the deadlines are.
        place: the job.
        posting: how it was posted.
        people: accounts that try something; all of them can sign.
    """

    def __init__(
        self,
        draw: random.Random,
        model: SettlementModel,
        place: Place,
        posting: Act,
        people: Sequence[Address],
    ) -> None:
        self._draw, self._model, self._place = draw, model, place
        self._posting, self._people = posting, people

    def between(self, since: int, until: int) -> Act | None:
        """A refused act at one of these seconds; None when each one that was drawn is allowed."""
        for _ in range(TRIES):
            act = self._any(self._draw.choice(self._moments(since, until)))
            model = deepcopy(self._model)  # it may be allowed after all
            try:
                act.on(model, self._place.job)
            except ModelRefused:
                return act
        return None

    def _moments(self, since: int, until: int) -> list[int]:
        """Both ends, and the last second before and the first after each deadline between them."""
        job = self._place.job
        terms = self._place.terms
        deadlines = {terms.accept_by, terms.compute_by, terms.collect_by}
        if self._model.job_view(job) is not None:
            for seat in self._model.index_views(job):
                deadlines |= {seat.served_by, seat.answer_by, seat.verdict_by}
        moments = {since, until} | deadlines | {deadline + 1 for deadline in deadlines}
        return sorted(moment for moment in moments if since <= moment <= until)

    def _any(self, now: int) -> Act:
        draw = self._draw
        name = draw.choice(ACTS)
        index, someone = draw.randrange(8), draw.choice(self._people)
        match name:
            case "post":
                return Act(now, name, self._posting.values)
            case "accept":
                until = draw.choice((None, now - 1, now))
                values = {"index": index, "signer": someone, "valid_until": until}
            case "commit":
                commitment = bytes([draw.randrange(2)]) * 32
                values = {"index": index, "commitment": commitment, "caller": someone}
            case "approve":
                values = {"indices": self._indices(), "caller": self._payer_or(someone)}
            case "charge":
                wrong, silent = self._indices(), self._indices()
                caller = self._payer_or(someone)
                values = {"wrong": wrong, "silent": silent, "caller": caller}
            case "record_served":
                values = {"index": index, "signers": self._signers()}
            case "record_verdict":
                finding = draw.choice(list(Finding))
                values = {"index": index, "finding": finding, "signers": self._signers()}
            case "void_charge" | "lapse_charge":
                values = {"index": index}
            case "collect":
                values = {"indices": self._indices()}
            case _:
                values = {}
        return Act(now, name, values)

    def _payer_or(self, someone: Address) -> Address:
        return self._draw.choice((self._place.payer, someone))

    def _indices(self) -> list[int]:
        return [self._draw.randrange(8) for _ in range(self._draw.randrange(3))]

    def _signers(self) -> list[Address]:
        """Judges, mostly; in order, mostly."""
        judges = sorted(self._model.judges, key=lambda judge: int(judge, 16))
        signers = self._draw.sample(judges, self._draw.randint(2, len(judges)))
        if self._draw.random() < 0.2:
            signers[0] = self._draw.choice(self._people)
        if self._draw.random() < 0.8:
            signers.sort(key=lambda signer: int(signer, 16))
        return signers
