"""Acts that the settlement must refuse: drawn at random, at the seconds where rules change."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy

from tests.contracts.outsourcing.mix_chain import CHARGED, Place
from tests.contracts.outsourcing.mix_walks import ACTS, Act
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused

from edgemark.identifiers import Address
from edgemark.systems.outsourcing.contract.records import Finding

TRIES = 30  # drawn for one that is taken


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
        self._met: Counter[str] = Counter()

    def between(self, since: int, until: int) -> Act | None:
        """A refused act at one of these seconds; None when each one that was drawn is allowed.

        Of those drawn, one is taken whose error was met least often.
        """
        found: dict[str, Act] = {}
        model = deepcopy(self._model)
        for _ in range(TRIES):
            act = self._any(self._draw.choice(self._moments(since, until)))
            try:
                act.on(model, self._place.job)
                model = deepcopy(self._model)  # it was allowed after all
            except ModelRefused as refused:
                found.setdefault(refused.error, act)
        if not found:
            return None
        error = min(found, key=lambda name: self._met[name])
        self._met[error] += 1
        return found[error]

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
        index, someone = self._index(), draw.choice(self._people)
        match name:
            case "post":
                return Act(now, name, self._posting.values)
            case "accept":
                until = draw.choice((None, now - 1, now))
                values = {"signed_by": {index: someone}, "valid_until": until}
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

    @property
    def charged(self) -> list[int]:
        """Indices whose charge is open: of these, most rules speak."""
        if self._model.job_view(self._place.job) is None:
            return []
        seats = self._model.index_views(self._place.job)
        return [index for index, seat in enumerate(seats, start=1) if seat.phase in CHARGED]

    def _index(self) -> int:
        """A charged one in half the draws; some are none of the job."""
        charged = self.charged
        return self._draw.choice(charged if charged and self._draw.random() < 0.5 else range(8))

    def _payer_or(self, someone: Address) -> Address:
        return self._draw.choice((self._place.payer, someone))

    def _indices(self) -> list[int]:
        return [self._index() for _ in range(self._draw.randrange(3))]

    def _signers(self) -> list[Address]:
        """Judges, mostly; in order, mostly."""
        judges = sorted(self._model.judges, key=lambda judge: int(judge, 16))
        signers = self._draw.sample(judges, self._draw.randint(2, len(judges)))
        if self._draw.random() < 0.2:
            signers[0] = self._draw.choice(self._people)
        if self._draw.random() < 0.8:
            signers.sort(key=lambda signer: int(signer, 16))
        return signers
