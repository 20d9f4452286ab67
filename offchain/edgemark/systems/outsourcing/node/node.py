"""The compute node (CSN): accepts offers, computes its share, commits, serves, defends itself.

| step            | face or effect                                             |
|-----------------|------------------------------------------------------------|
| before          | POST /v1/inquiries -> what it takes, and whether it would  |
| 2 accept        | POST /v1/offers -> acceptance, or `SubmitAcceptance`       |
| 3 compute       | POST /v1/tasks/JOB/INDEX -> `ComputeAnswer`                |
|                 | -> `SubmitCommitment`                                      |
|                 | POST /v1/answers (signed by the job key) -> R_j            |
| 5 charge        | `FetchTask`, `SendAnswer`, `SubmitVoid`, `SubmitLapse`     |
| 6 collect       | `SubmitCollect`, `SubmitCancel`                            |
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from edgemark.crypto.ethereum.secp256k1 import address_of
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.sending.intent import Call
from edgemark.loop.machine import TryAgain
from edgemark.party.agenda import Agenda
from edgemark.party.inquiry import ask_until_one
from edgemark.party.rounds import Rounds
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.records import ChargeKind, JobPhase, JobView
from edgemark.systems.outsourcing.contract.terms import check_terms
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import HEAD_BYTES, MAX_SMALL_BYTES, MAX_TASK_BYTES
from edgemark.systems.outsourcing.node.accepting import Accepting
from edgemark.systems.outsourcing.node.observing import observe_as_node
from edgemark.systems.outsourcing.node.speed import SpeedMeter
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.node.turns import TurnBook
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of, subject_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import (
    SALT_BYTES,
    Answer,
    Offer,
    ReadRequest,
    Task,
)
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import NodeSettings
from edgemark.systems.outsourcing.station.calls import call_of
from edgemark.systems.outsourcing.station.functions import Needed
from edgemark.systems.outsourcing.station.read_requests import check_read, sign_read
from edgemark.systems.outsourcing.station.server import (
    OutsourcingServer,
    check_place,
    handed_in,
    parse_place,
)
from edgemark.systems.outsourcing.station.station import (
    FUNCTION_NEEDED,
    OutsourcingStation,
    Seen,
    path_of,
)
from edgemark.systems.outsourcing.steps.compute import check_task, compute_outputs
from edgemark.systems.outsourcing.steps.inquire import Inquiry
from edgemark.transport.faults import NotFound, from_peer
from edgemark.transport.serving.server import Head, Request, Response, Route

_SERVING = (NodePhase.SERVING, NodePhase.ANSWERING, NodePhase.ENDED)


class ComputeNode(OutsourcingServer):
    """One compute node.

    Args:
        station: keys, chain, peers.
        randomness: salts.
    """

    def __init__(self, station: OutsourcingStation, randomness: Randomness | None = None) -> None:
        self._randomness = randomness or Randomness()
        self._compute_seconds = 0.0
        self._speed = SpeedMeter()
        self._admitting = threading.Lock()
        self._turns = TurnBook()
        self._accepting = Accepting(
            station, self._tasks, self._speed, self._turns, self._read_until
        )
        super().__init__(station, PartyMachine(NodeTask), "node")
        self.agenda = Agenda(station.follow(), subject_of)
        self.rounds = Rounds(self, views_of=self._views_of, observe=self._observe, hear=self._hear)
        free_more = self.archive.make_free
        station.functions.keep(self._needed_functions, self.promised_bytes, free_more)

    def routes(self) -> Sequence[Route]:
        """Functions, offers, tasks and answers."""
        return [
            *super().routes(),
            Route("POST", "/v1/inquiries", self._answer_inquiry, MAX_SMALL_BYTES),
            Route("POST", "/v1/offers", self._take_offer, MAX_SMALL_BYTES),
            handed_in("tasks", self._take_task, MAX_TASK_BYTES, self._admit_task, is_promised=True),
            Route("POST", "/v1/answers", self._give_answer, MAX_SMALL_BYTES),
        ]

    def status(self) -> dict[str, object]:
        """Role, tasks by phase and seconds of computing."""
        phases = [state.phase.value for state in self.runtime.states().values()]
        return {
            "role": "node",
            "compute_seconds": self._compute_seconds,
            "tasks": {phase: phases.count(phase) for phase in sorted(set(phases))},
        }

    def locked_tokens(self) -> int:
        """Stakes of the tasks that were accepted and have not ended."""
        return sum(
            state.known.terms.stake
            for state in self.runtime.states().values()
            if state.phase not in (NodePhase.UNKNOWN, NodePhase.OFFERED, NodePhase.ENDED)
        )

    def _read_until(self) -> int:
        """The highest block that any task was looked at by, in a round or for a request."""
        return max(self.agenda.block, self.rounds.read_until)

    def start(self) -> None:
        """As any server; what it took up then is computed by what is left of its time."""
        super().start()
        self._turns.note_started()

    def _needed_functions(self) -> Needed:
        states = self.runtime.states().values()
        tasks = [(s.known.job, s.known.terms) for s in states if s.offer and not s.is_finished]
        return self.payers.name_needs(tasks)

    def promised_bytes(self) -> int:
        """What the tasks that are taken, and those that ended lately, have yet to write."""
        return self._accepting.count_coming()

    def _tasks(self) -> Collection[NodeTask]:
        return self.runtime.states().values()

    # --- before a job --------------------------------------------------------------------------

    def _answer_inquiry(self, request: Request) -> Response:
        """Whether it would accept these terms, by the rules for an offer; nothing is kept of it."""
        terms, has_function = Inquiry.from_wire(request.body).terms, False
        if terms is not None:
            has_function = self.station.functions.holds(terms.function_hash)
            now = self.chain_time.read()
            self._accepting.look_into(terms, now, has_function=has_function)
        return Response(body=self._accepting.describe(has_function=has_function).to_wire())

    # --- 2 accept ------------------------------------------------------------------------------

    def _take_offer(self, request: Request) -> Response:
        offer, accepting = Offer.from_wire(request.body), self._accepting
        known = self.state_for(request, offer.job, offer.index)
        if known is not None:
            return self._say_taken(known)
        check_terms(offer.terms)
        accepting.check_alone(offer.terms)
        self.looks.check(request)
        job = accepting.check_posted(offer)
        self.expect_payer(offer.job, job.payer)
        with self.function_of(offer.terms, job.payer) as is_here:
            if not is_here:
                return Response(body=FUNCTION_NEEDED)
            return self._say_taken(self._promise(offer, job))

    def _promise(self, offer: Offer, job: JobView) -> NodeTask:
        speed = self._speed.time(offer.terms.function_hash, self.station.functions.find)
        judges = self.station.settlement.judges
        with self._admitting:
            heard = self._accepting.take(offer, job, judges, speed)
            task: NodeTask = self.runtime.ask(key_of(offer.job, offer.index), heard)
        self.looks.note_taken(job.payer)
        return task

    def _say_taken(self, task: NodeTask) -> Response:
        """With the acceptance, whenever the device asks, as long as it is left to it."""
        if not task.leaves_bringing:
            return Response(body=TAKEN)
        return Response(body=self._accepting.sign(task.known).to_wire())

    # --- 3 compute -----------------------------------------------------------------------------

    def _admit_task(self, head: Head) -> int:
        state = self._state(head, *parse_place(head.params), behind=NodePhase.OFFERED)
        return self.on_disk(state.known.terms.share_bytes + HEAD_BYTES)

    def _take_task(self, request: Request) -> Response:
        task = Task.from_wire(request.body)
        check_place(request, task.job, task.index)
        state = self._state(request, task.job, task.index, behind=NodePhase.OFFERED)
        if state.task is not None:
            if state.task.task_id == task.task_id:
                return Response(body=TAKEN)
            raise RefusedInput("another task is held already", who=f"index {task.index}")
        check_task(task, state.known.terms, state.known.root)
        self.runtime.ask(key_of(task.job, task.index), self._heard(task))
        return Response(body=TAKEN)

    def _heard(self, task: Task) -> on.HeardTask:
        """With the salt of its answer: in the journal before anything is signed."""
        return on.HeardTask(task, self._randomness.octets(SALT_BYTES))

    def _give_answer(self, request: Request) -> Response:
        read = ReadRequest.from_wire(request.body)
        state = self._state(request, read.job, read.index, behind=NodePhase.COMPUTED)
        reader = address_of(state.known.terms.job_key)
        check_read(self.station, read, reader, self.chain_time.read)
        if state.answer is None or state.phase not in _SERVING:
            raise NotFound("answer is not ready", who=f"index {read.index}", had=state.phase.value)
        return Response(body=state.answer.to_wire())

    def _state(
        self, asker: Head | Request, job: JobId, index: int, *, behind: NodePhase
    ) -> NodeTask:
        """The task's state; when it is still `behind`, as of a fresh look at the chain.

        The device may have seen a block that this node's next round has yet to see; without the
        look it would have to send its whole share again. Whoever asks too often gets no look.
        """
        state: NodeTask | None = self.state_for(asker, job, index)
        if state is None:
            raise NotFound("no such task here", who=f"job {job.hex()}, index {index}")
        key = key_of(job, index)
        if state.phase is behind and not self.looks.take(asker):
            self.rounds.look_at({key: state}, self.station.chain.confirmed())
            state = self.runtime.state(key) or state
        return state

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: NodeTask, effect: do.NodeEffect) -> Sequence[on.NodeEvent]:  # noqa: PLR0911
        """Carry out one effect; what it found out."""
        match effect:
            case do.ComputeAnswer():
                with self._turns.running(state):
                    return [on.FoundAnswer(self.compute(state))]
            case do.FetchTask():
                return [self._heard(self._fetch_task(state))]
            case do.SendAnswer(judge):
                answer = _answer_of(state)
                path = path_of("answers", answer.job, answer.index)
                by = state.deadline(effect)
                self.station.ask(judge, path, answer.to_wire(), most=MAX_SMALL_BYTES, by=by)
                return [on.HeardAnswerTaken(judge)]
            case do.SubmitAcceptance():
                self._accepting.bring(state.known)
                return []
            case do.SubmitCommitment():
                self.station.submit(self._commitment(_answer_of(state)))
                return []
            case do.SubmitExpiry(job, place):
                self.station.return_place(job, place)
                return [on.SawEnded()]
            case _:
                self.station.submit(call_of(self.station.settlement, effect))
                return []

    def due(self, state: NodeTask, effect: do.NodeEffect) -> float | None:
        """Tasks wait for their turn; the rest does not."""
        return self._turns.due(state) if isinstance(effect, do.ComputeAnswer) else None

    def compute(self, state: NodeTask) -> Answer:
        """c_j, b_j and the signature for this very task and its salt (eqs 7-8)."""
        task = state.task
        if task is None:
            raise LookupError("nothing to compute without a task")
        offer = state.known
        function = self.station.functions.find(offer.terms.function_hash)
        if function is None:
            raise TryAgain("function is not here", who=offer.terms.function_hash.hex())
        began = time.perf_counter()
        outputs = compute_outputs(function, task, offer.terms)
        took = time.perf_counter() - began
        self._compute_seconds += took
        self.instruments.note_computing(took)
        self._speed.note(offer.terms.function_hash, offer.terms.products, took)
        return self.sign(task, outputs, state.salt)

    def sign(self, task: Task, outputs: bytes, salt: bytes) -> Answer:
        """R_j for these outputs of this task."""
        blank = Answer(task.job, task.index, task.task_id, task.share_hash, outputs, salt, b"")
        digest = blank.digest(self.station.settlement.domain, self.station.address)
        return replace(blank, signature=self.station.keys.account.sign(digest))

    def _fetch_task(self, state: NodeTask) -> Task:
        offer, most = state.known, state.known.terms.share_bytes + HEAD_BYTES
        by = state.deadline(do.FetchTask())

        def ask(judge: Address) -> Task:
            account = self.station.keys.account
            request = sign_read(self.station, offer.job, offer.index, judge, account)
            raw = self.station.ask(judge, "/v1/tasks/read", request, most=most, by=by)
            with from_peer(judge):
                task = Task.from_wire(raw)
                check_task(task, offer.terms, offer.root)
            return task

        what, who = "no judge gave the task", f"index {offer.index}"
        standing = self.station.standing
        return ask_until_one(offer.judges, ask, what=what, who=who, standing=standing)

    def _commitment(self, answer: Answer) -> Call:
        settlement = self.station.settlement
        commitment = answer.commitment(settlement.domain, self.station.address)
        return settlement.commit(answer.job, answer.index, commitment)

    # --- chain ---------------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, at confirmed depth."""
        self.rounds.look()

    def _hear(self, events: Sequence[ChainEvent]) -> None:
        wanted = self.station.settings.of(NodeSettings)
        self.expect_payers(events, wanted.min_fee, wanted.max_accept_s)

    def _views_of(self, tasks: Sequence[NodeTask], block: int) -> list[Seen]:
        return self.station.see([(s.known.job, [s.known.index]) for s in tasks], block)

    def _observe(self, state: NodeTask, seen: Seen) -> Sequence[object]:
        self._expect_parties(state, seen.job)
        (view,) = seen.indices
        found = observe_as_node(state, seen.job, view, seen.now, lock_over=seen.lock_over)
        return self.telling_end(state.known, view, found)

    def _expect_parties(self, task: NodeTask, job: JobView) -> None:
        """Until a job has started its payer may cancel it, and has paid nothing for a part."""
        if job.started_at:
            self.expect(task.known.job, job.payer, *task.known.judges)
        elif job.phase is JobPhase.POSTED:
            self.expect_payer(task.known.job, job.payer)

    def parties_of(self, state: NodeTask) -> Collection[Address | None]:
        """The payer of a task whose job has started."""
        has_started = state.started or state.charge is not ChargeKind.NONE
        return (self.payers.find(state.known.job), *state.known.judges) if has_started else ()


def _answer_of(state: NodeTask) -> Answer:
    if state.answer is None:
        raise LookupError("no answer was computed")
    return state.answer
