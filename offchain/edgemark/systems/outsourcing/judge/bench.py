"""What a judge works out by itself: charged tasks computed again, and its signature under that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgemark.crypto.polynomial import Polynomial
from edgemark.identifiers import Hash32
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.judge.case import JudgeCase, held
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Opinion
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.systems.outsourcing.steps.accuse import compute_opinion_digest, find


class Bench:
    """Finds and signs, in any thread.

    Args:
        station: keys, functions, and the settlement that opinions are for.
        note: told of the seconds that each task took.
    """

    def __init__(self, station: OutsourcingStation, note: Callable[[float], None]) -> None:
        self._station = station
        self._note = note
        self._seconds = 0.0
        self._counting = threading.Lock()

    @property
    def seconds(self) -> float:
        """Spent on computing tasks again, in all."""
        return self._seconds

    def digest(self, state: JudgeCase, finding: Finding) -> Hash32:
        """What a judge signs under a finding; under `served` with NONE."""
        return compute_opinion_digest(state.known, finding, self._station.settlement.domain)

    def sign(self, state: JudgeCase, finding: Finding) -> on.HeardOpinion:
        """This judge's own opinion, which it hears as all others."""
        case = state.known
        signature = self._station.keys.account.sign(self.digest(state, finding))
        signed = Opinion(case.job, case.index, finding, signature)
        return on.HeardOpinion(self._station.address, signed)

    def opinion(self, state: JudgeCase, finding: Finding) -> Opinion:
        """The same as it was signed before, to be passed on."""
        own = state.signatures(finding)[self._station.address]
        return Opinion(state.known.job, state.known.index, finding, own)

    def reexecute(self, state: JudgeCase) -> Finding:
        """Compute the task again and compare; two answers of one node need no computing.

        Raises:
            TryAgain: the function is not here.
        """
        if state.is_contradicted:
            return Finding.WRONG
        task, terms = held(state.task), held(state.terms)
        began = time.perf_counter()
        function = self._function(terms.function_hash)
        finding = find(task, held(state.answer), function=function, terms=terms)
        took = time.perf_counter() - began
        with self._counting:
            self._seconds += took
        self._note(took)
        return finding

    def _function(self, function_hash: Hash32) -> Polynomial:
        function = self._station.functions.find(function_hash)
        if function is None:
            raise TryAgain("function is not here", who=function_hash.hex())
        return function
