"""The device (MTD): orders jobs, hands out tasks, decodes, names liars, pays and charges.

| step        | effect                                                            |
|-------------|-------------------------------------------------------------------|
| 1 post      | `SubmitPosting`                                                   |
| 2 accept    | `SendOffer`, `SubmitAcceptances`                                  |
| 3 compute   | `SendTask`, `FetchAnswer`                                         |
| 4 approve   | `Decode`, `SubmitApproval`                                        |
| 5 charge    | `SubmitCharge`, `SendEvidence`, `FetchAnswerFromJudges`           |
| 6 collect   | `SubmitCollect`, `SubmitCancel`                                   |

The device serves nothing: it may leave at any moment and come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.errors import PeerFault
from edgemark.identifiers import Address, ShareIndex
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.errands import Errand
from edgemark.loop.machine import TryAgain, UnderWay
from edgemark.party.agenda import Agenda
from edgemark.party.inquiry import ask_each, ask_until_one
from edgemark.party.loop import PartyLoop
from edgemark.party.patience import Patience
from edgemark.party.rounds import Rounds
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import compute_output_bytes
from edgemark.systems.outsourcing.device.beginning import (
    Offering,
    post,
    venue_of,
)
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import (
    Funds,
    allow_what_is_due,
    check_begin,
    check_funds,
    compute_locked,
    cut_to_means,
    read_funds,
)
from edgemark.systems.outsourcing.device.observing import observe_as_device
from edgemark.systems.outsourcing.device.refusals import Refusal, RefusedAnswers
from edgemark.systems.outsourcing.device.staying import (
    NotThereYet,
    Until,
    not_there_yet,
    require_known,
    require_new,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import HEAD_BYTES, MAX_SMALL_BYTES
from edgemark.systems.outsourcing.offline.drafting import Wish, draft_order
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import subject_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Answer, Evidence, Task
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.station.calls import call_of
from edgemark.systems.outsourcing.station.functions import Needed
from edgemark.systems.outsourcing.station.read_requests import sign_read
from edgemark.systems.outsourcing.station.station import OutsourcingStation, Seen, path_of
from edgemark.systems.outsourcing.steps.charging import Docket
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
    decode_answers,
    decode_early,
)
from edgemark.transport.faults import from_peer

__all__ = ["Device", "NotThereYet", "Refusal", "Until"]

LAST_ANSWERS_S = 1.0  # most nodes answer together: one decoding of all is cheaper than two
EARLY_AGAIN_S = 60.0  # of the same answers; others that come are looked at at once


class Device(PartyLoop[OutsourcingStation]):
    """The device's side of all its jobs.

    Args:
        station: keys, chain, peers.
        randomness: where all secrets come from.
    """

    def __init__(self, station: OutsourcingStation, randomness: Randomness | None = None) -> None:
        super().__init__(station, PartyMachine(DeviceJob), "device", look=self.look)
        station.functions.keep(self._needed_functions)
        self.refusals = RefusedAnswers()
        self.seconds: dict[str, float] = {"share": 0.0, "decode": 0.0}
        self.agenda = Agenda(station.follow(), subject_of)
        self._rounds = Rounds(self, views_of=self._views_of, observe=_observe, hear=self._hear)
        self._offering = Offering(station)
        self._patience = Patience(time.monotonic, LAST_ANSWERS_S)
        self._beginning = threading.Lock()
        self._randomness = randomness or Randomness()

    # --- for the user --------------------------------------------------------------------------

    def submit(
        self,
        function: Polynomial,
        batch: bytes,
        nodes: Sequence[Address],
        wish: Wish,
        *,
        nonce: int | None = None,
    ) -> JobId:
        """Draft a job and begin it, with their arguments and errors; durable when it returns."""
        return self.begin(function, self.draft(function, batch, nodes, wish, nonce=nonce))

    def draft(
        self,
        function: Polynomial,
        batch: bytes,
        nodes: Sequence[Address],
        wish: Wish,
        *,
        nonce: int | None = None,
    ) -> on.Order:
        """Share a batch; the job has its id, and nothing of it is kept before `begin`.

        Args:
            function: F.
            batch: packed inputs, a multiple of k elements.
            nodes: m compute nodes of different providers, in any order; index j goes to the j-th
                by its provider's address.
            wish: threshold, errors, fees, windows.
            nonce: number of the job among this device's, 0 .. 2^128 - 1; drawn when None. With a
                number of the caller's own, a submission whose outcome it does not know can be
                repeated: a second job of that number is refused.

        Raises:
            RefusedInput: input, numbers or nodes are wrong.
        """
        venue, began = venue_of(self.station, nodes), time.perf_counter()
        order = draft_order(function, batch, wish, venue, self._randomness, nonce=nonce)
        self.seconds["share"] += time.perf_counter() - began
        return order

    def begin(self, function: Polynomial, order: on.Order) -> JobId:
        """Begin a job that was drafted; durable when it returns.

        Raises:
            RefusedInput: free balance or disk are too small, this device looks at the chain too
                seldom, the job is too large for W, or it was begun before.
        """
        check_begin(order.terms, self.station)
        self.station.functions.add(function)
        with self._beginning:  # of two jobs for the last tokens one comes too late
            require_new(self.runtime.state(order.job), order.job)
            check_funds(self.funds(), order.terms, who=self.station.address)
            self.runtime.ask(order.job, on.AskedSubmit(order))
        return order.job

    def job(self, job: JobId) -> DeviceJob:
        """State of a job.

        Raises:
            RefusedInput: this device never ordered it.
        """
        return require_known(self.runtime.state(job), job)

    def wait(self, job: JobId, timeout_s: float, until: Until = Until.RESULT) -> DeviceJob:
        """Wait for the result, or longer.

        A device that leaves before `CLEARED` has not charged those who lied to it yet: it must come
        back before `collect_by`, or they are paid.

        Raises:
            NotThereYet: not within `timeout_s`; the job goes on.
        """

        def is_there(_: dict[bytes, Any]) -> bool:
            return self._fault is not None or until.is_reached(self.job(job))

        there = self.runtime.wait_until(is_there, timeout_s)
        if self._fault is not None:
            raise self._fault
        if not there:
            raise not_there_yet(job, self.job(job), until)
        return self.job(job)

    def funds(self) -> Funds:
        """Free balance, and what open jobs have yet to lock of it."""
        return read_funds(self.station, self.station.settlement, self.jobs())

    def jobs(self) -> list[DeviceJob]:
        """Those that are at hand: open, or over and not archived yet."""
        return list(self.runtime.states().values())

    def locked_tokens(self) -> int:
        """Fees and bonds in open jobs, smallest unit."""
        return sum(compute_locked(state) for state in self.jobs())

    def _needed_functions(self) -> Needed:
        open_jobs = [state for state in self.jobs() if state.order and not state.is_finished]
        return {state.known.terms.function_hash: () for state in open_jobs}

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: DeviceJob, effect: do.DeviceEffect) -> Sequence[on.DeviceEvent]:  # noqa: C901, PLR0911 - one each
        """Carry out one effect; what it found out."""
        order = state.known
        match effect:
            case do.SubmitPosting():
                return post(self.station, order, self.jobs)
            case do.SendOffer(index):
                return self._offering.offer(state, index, self.tell)
            case do.SubmitAcceptances():
                return self._offering.bring(state)
            case do.SendTask(index):
                node, body = order.nodes[index - 1], order.tasks[index - 1].to_wire()
                path = path_of("tasks", order.job, index)
                by = state.deadline(effect)
                self.station.ask(node, path, body, most=MAX_SMALL_BYTES, by=by)
                return [on.HeardTaskTaken(index)]
            case do.FetchAnswer(index):
                return [on.HeardAnswer(self._fetch_answer(state, index))]
            case do.FetchAnswerFromJudges(index):
                return [on.HeardAnswer(self._fetch_from_judges(state, index))]
            case do.DecodeEarly():
                return self._decode_early(state)
            case do.Decode():
                return self._decode(state)
            case do.SendEvidence(index, judge):
                self._send_evidence(state, effect)
                return [on.HeardEvidenceTaken(index, judge)]
            case do.SubmitCharge():
                self.station.submit(self._charge(effect, order.terms.bond))
                return []
            case do.SubmitExpiry(job, place):
                self.station.return_place(job, place)
                return [on.SawEnded()]
            case _:
                self.station.submit(call_of(self.station.settlement, effect))
                return []

    def errand(self, state: DeviceJob, effect: do.DeviceEffect) -> Errand | None:
        """Whom an effect waits for."""
        nodes = state.known.nodes if state.order else ()
        return errand_of(effect, nodes, state.deadline(effect))

    def _charge(self, charge: do.SubmitCharge, bond: int) -> Call:
        """As much of it as there are means for; what locks for it is allowed once."""
        about = repr(charge).encode()
        call = replace(call_of(self.station.settlement, charge), about=about)
        if self.station.lane.may_happen(call):
            return call
        free = self.station.accounts.free_balance(self.station.address)
        cut = cut_to_means(charge, bond, free)
        allow_what_is_due(self.station, self.jobs)
        return replace(call_of(self.station.settlement, cut), about=about)

    def _fetch_answer(self, state: DeviceJob, index: ShareIndex) -> Answer:
        order, by = state.known, state.deadline(do.FetchAnswer(index))
        node = order.nodes[index - 1]
        request = sign_read(self.station, order.job, index, node, _job_key(order))
        raw = self.station.ask(node, "/v1/answers", request, most=_most_of(order), by=by)
        try:
            with from_peer(node):
                answer = Answer.from_wire(raw)
                self._check(order, order.tasks[index - 1], answer, is_owed=True)
        except PeerFault as fault:
            self._refuse(order.job, index, fault)
            raise TryAgain("answer does not verify", who=node, had=fault.what) from fault
        return answer

    def _refuse(self, job: JobId, index: ShareIndex, fault: PeerFault) -> None:
        if self.refusals.note(Refusal(job, index, fault.what)):
            self.log.warning("answer refused", job=job, index=index, error=fault)

    def _check(self, order: on.Order, task: Task, answer: Answer, *, is_owed: bool) -> None:
        """What does not open the node's commitment is no answer.

        A commitment `is_owed` by who serves the device; a node that was silent may have none.
        """
        settlement = self.station.settlement
        node = order.nodes[task.index - 1]
        check_signed_answer(answer, task, node, settlement.domain)
        check_outputs(answer, order.terms)
        if is_owed or settlement.index(order.job, task.index).committed:
            commitment = settlement.commitment(order.job, task.index)
            check_opens(answer, node, commitment, settlement.domain)

    def _fetch_from_judges(self, state: DeviceJob, index: ShareIndex) -> Answer:
        order, by = state.known, state.deadline(do.FetchAnswerFromJudges(index))

        def ask(judge: Address) -> Answer:
            request = sign_read(self.station, order.job, index, judge, _job_key(order))
            raw = self.station.ask(judge, "/v1/answers/read", request, most=_most_of(order), by=by)
            with from_peer(judge):
                answer = Answer.from_wire(raw)
                self._check(order, order.tasks[index - 1], answer, is_owed=False)
            return answer

        what, who, standing = "no judge gave the answer", f"index {index}", self.station.standing
        return ask_until_one(order.judges, ask, what=what, who=who, standing=standing)

    def _ask_again(self, state: DeviceJob, silent: Sequence[ShareIndex]) -> list[Answer]:
        """The answers of nodes that gave none yet; however many are mute, it takes one request."""
        index_of = {state.known.nodes[index - 1]: index for index in silent}
        found = ask_each([*index_of], lambda node: self._fetch_answer(state, index_of[node]))
        return list(found.values())

    def _decode_early(self, state: DeviceJob) -> Sequence[on.DeviceEvent]:
        """The result of the answers that are there, once the others were given a moment."""
        order = state.known
        what, count = (order.job, state.answered), len(state.answers)
        self._patience.wait_for(what, count, order.terms.node_count)
        challenge = self._randomness.elements(order.terms.batch * order.terms.outputs)
        began = time.perf_counter()
        found = decode_early(order, state.answers, challenge)
        self.seconds["decode"] += time.perf_counter() - began
        if found is None:
            later = UnderWay("answers so far do not decide it", who=order.job.hex(), had=count)
            later.after_s = EARLY_AGAIN_S
            raise later
        return [found]

    def _decode(self, state: DeviceJob) -> Sequence[on.DeviceEvent]:
        """Decode what is there; when waiting is over, after one last round to the others."""
        order, heard = state.known, list[on.DeviceEvent]()
        answers = {answer.index: answer for answer in state.answers}
        if state.phase is DevicePhase.GATHERED:
            silent = [task.index for task in order.tasks if task.index not in answers]
            for answer in self._ask_again(state, silent):
                answers[answer.index] = answer
                heard.append(on.HeardAnswer(answer))
        challenge = self._randomness.elements(order.terms.batch * order.terms.outputs)
        began = time.perf_counter()
        docket = Docket(
            open=frozenset(int(index) for index in state.open_indices),
            errors=order.terms.errors,
            left=state.charges_left,
            is_last=state.is_last_call,
            lot=self._randomness.octets(32),
        )
        found = decode_answers(order, answers.values(), challenge, docket)
        self.seconds["decode"] += time.perf_counter() - began
        # The loop drops it when other answers or charges came meanwhile.
        return [*heard, replace(found, answered=tuple(sorted(answers)), chosen=state.chosen)]

    def _send_evidence(self, state: DeviceJob, effect: do.SendEvidence) -> None:
        order, index, by = state.known, effect.index, state.deadline(effect)
        kind = ChargeKind.WRONG if index in state.wrong else ChargeKind.SILENT
        answer = state.answer_of(index) if kind is ChargeKind.WRONG else None
        body = Evidence(order.terms, order.tasks[index - 1], answer).to_wire()
        path = path_of("evidence", order.job, index)
        self.station.hand(effect.judge, path, body, order.terms.function_hash, by)

    # --- chain ---------------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, at confirmed depth."""
        self._rounds.look()

    def _hear(self, events: Sequence[ChainEvent]) -> None:
        self.station.settlement.note(events, self.agenda.cursor)

    def _views_of(self, jobs: Sequence[DeviceJob], block: int) -> list[Seen]:
        wanted = [(s.known.job, range(1, len(s.known.nodes) + 1)) for s in jobs]
        return self.station.see(wanted, block)


def _observe(state: DeviceJob, seen: Seen) -> Sequence[object]:
    return observe_as_device(state, seen.job, seen.indices, lock_over=seen.lock_over)


def _most_of(order: on.Order) -> int:
    """Length of an answer's message at most."""
    return compute_output_bytes(order.terms.batch, order.terms.outputs) + HEAD_BYTES


def _job_key(order: on.Order) -> SecretKey:
    return SecretKey(order.job_secret)
