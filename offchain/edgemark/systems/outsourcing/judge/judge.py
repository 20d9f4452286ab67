"""The judge: an enclave that sees one charged task, computes it again, and signs what it found.

| step 5 charge            | face or effect                                       |
|--------------------------|------------------------------------------------------|
| device gives T_j (R_j)   | POST /v1/evidence/JOB/INDEX                          |
| judges pass it on        | `PassEvidence`, `PassAnswer`, `PassOpinion`          |
| k sign `served`          | `SignServed` -> POST /v1/opinions -> `SubmitServed`  |
| node asks for its task   | POST /v1/tasks/read                                  |
| node hands R_j in        | POST /v1/answers/JOB/INDEX                           |
| re-execute, sign         | `Reexecute`, `FindMissing` -> `SubmitVerdict`        |
| device fetches R_j       | POST /v1/answers/read                                |
| not served, no verdict   | `SubmitVoid`, `SubmitLapse`                          |

This process attests in software only: what it sees, its operator can see.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence

from edgemark.crypto.ethereum.secp256k1 import address_of, recover
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address, ShareIndex
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.loop.machine import IllegalMove
from edgemark.party.agenda import Agenda
from edgemark.party.evm.cursor import Cursor
from edgemark.party.patience import Patience
from edgemark.party.rounds import Rounds
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.committed import Allowance
from edgemark.systems.outsourcing.contract.events import NodeCharged
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, JobView
from edgemark.systems.outsourcing.contract.settlement import NotCommitted
from edgemark.systems.outsourcing.contract.terms import compute_output_bytes
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.bench import Bench
from edgemark.systems.outsourcing.judge.calls import SIGNING_S, call_of
from edgemark.systems.outsourcing.judge.case import ANSWER, EVIDENCE, JudgeCase, held
from edgemark.systems.outsourcing.judge.holding import CaseRoom, compute_room
from edgemark.systems.outsourcing.judge.observing import observe_as_judge
from edgemark.systems.outsourcing.judge.opening import Charge, ChargeView, case_of, read_charges
from edgemark.systems.outsourcing.judge.waiting import WaitingCharges
from edgemark.systems.outsourcing.limits import (
    HEAD_BYTES,
    MAX_ANSWER_BYTES,
    MAX_EVIDENCE_BYTES,
    MAX_SMALL_BYTES,
)
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.keys import key_of, subject_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import (
    Answer,
    Evidence,
    Opinion,
    ReadRequest,
)
from edgemark.systems.outsourcing.station.functions import Needed
from edgemark.systems.outsourcing.station.read_requests import check_read
from edgemark.systems.outsourcing.station.server import (
    OutsourcingServer,
    check_place,
    check_posted,
    handed_in,
    parse_place,
)
from edgemark.systems.outsourcing.station.station import (
    FUNCTION_NEEDED,
    OutsourcingStation,
    Seen,
    path_of,
)
from edgemark.systems.outsourcing.steps.accuse import (
    check_evidence,
    hear_answer,
)
from edgemark.systems.outsourcing.steps.decode import check_outputs
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.server import Head, Request, Response, Route

MOST_COMPUTERS = 4  # each has a function in memory, perhaps one of the longest
READ_S = 1.0  # in which one round, or one request, begins to read pieces of old jobs


class Judge(OutsourcingServer):
    """One judge.

    Args:
        station: keys, chain, peers.
    """

    BENCH: type[Bench] = Bench
    COMPUTERS = max(1, min(MOST_COMPUTERS, (os.cpu_count() or 1) - 1))

    def __init__(self, station: OutsourcingStation) -> None:
        self._patience = Patience(time.monotonic, SIGNING_S)
        self._cursor = Cursor(station.home / "judge.cursor", station.settlement.address)
        super().__init__(station, PartyMachine(lambda: JudgeCase(me=station.address)), "judge")
        self._bench = self.BENCH(station, self.instruments.note_computing)
        most, first = station.bounds.max_held_mib, self._cursor.read(station.deployment.block)
        self._room = CaseRoom(self._cases, self.payers, most, self.on_disk)
        station.functions.keep(self._needed_functions, self.promised_bytes, self.archive.make_free)
        self.agenda = Agenda(station.follow(first), subject_of)
        self._rounds = Rounds(self, views_of=self._views_of, observe=self._observe, hear=self._hear)
        self._waiting = WaitingCharges(self.log)
        self._jobs: dict[JobId, JobView] = {}  # of open cases, once these are told

    def routes(self) -> Sequence[Route]:
        """Functions, evidence, opinions, answers and who may read them."""
        return [
            *super().routes(),
            handed_in("evidence", self._take_evidence, MAX_EVIDENCE_BYTES, self._admit_evidence),
            Route("POST", "/v1/opinions", self._take_opinion, MAX_SMALL_BYTES),
            handed_in(
                "answers", self._take_answer, MAX_ANSWER_BYTES, self._admit_answer, is_promised=True
            ),
            Route("POST", "/v1/tasks/read", self._give_task, MAX_SMALL_BYTES),
            Route("POST", "/v1/answers/read", self._give_answer, MAX_SMALL_BYTES),
        ]

    def status(self) -> dict[str, object]:
        """Role, cases, and which tasks were ever seen: (job, index) pairs, public on chain."""
        tasks = [state.task for state in self._cases() if state.task is not None]
        seen = sorted([task.job.hex(), int(task.index)] for task in tasks)
        computed_s, cases = self._bench.seconds, len(self._cases())
        facts = {"role": "judge", "compute_seconds": computed_s}
        return {**facts, "cases": cases, "tasks_seen": seen}

    def _needed_functions(self) -> Needed:
        return self.payers.name_needs(
            (s.known.job, s.terms) for s in self._cases() if not s.is_finished and s.terms
        )

    def promised_bytes(self) -> int:
        """What the cases that are open, and those that ended lately, have yet to write."""
        return self._room.count_promised()

    def _cases(self) -> Collection[JudgeCase]:
        return self.runtime.states().values()

    # --- faces ---------------------------------------------------------------------------------

    def _admit_evidence(self, head: Head) -> int | Response:
        """Evidence of a charge that stands on chain; who has a part in it is known from then on."""
        state = self._case(head, *parse_place(head.params))
        if state.task is not None or state.is_finished:
            return Response(body=TAKEN)
        self._room.check(max(0, head.length - 3 * HEAD_BYTES), state.known.job)
        return self.on_disk(MAX_EVIDENCE_BYTES, self.promised_bytes())

    def _admit_answer(self, head: Head) -> int:
        terms = self._case(head, *parse_place(head.params)).terms
        if terms is None:
            raise RefusedInput("no answer is awaited", who=head.path)  # before its task is here
        return self.on_disk(compute_output_bytes(terms.batch, terms.outputs) + HEAD_BYTES)

    def _take_evidence(self, request: Request) -> Response:
        evidence = Evidence.from_wire(request.body)
        job, index = evidence.task.job, evidence.task.index
        check_place(request, job, index)
        state = self._case(request, job, index)
        if state.task is not None or state.is_finished:
            return Response(body=TAKEN)
        stored = self._posted(request, job)
        check_posted(job, stored.terms_hash, evidence.terms)
        heard = self._hear_evidence(state.known, evidence)
        self._room.check(compute_room(state.known.kind, evidence.terms), job)
        with self.function_of(evidence.terms, stored.payer) as is_here:
            if not is_here:
                return Response(body=FUNCTION_NEEDED)
            self._keep_evidence(request, state.known.kind, heard)
        return Response(body=TAKEN)

    def _posted(self, asker: Request, job: JobId) -> JobView:
        """What was charged is known from its case: its evidence waits for no look of anybody."""
        posted = self._jobs.get(job)
        if posted is None:  # after a start, until the first round
            self.looks.check(asker)
            posted = self.station.settlement.job(job)
        return posted

    def _hear_evidence(self, case: on.SawCase, evidence: Evidence) -> on.HeardEvidence:
        task, answer, terms = evidence.task, evidence.answer, evidence.terms
        domain = self.station.settlement.domain
        check_evidence(case, task, answer, terms=terms, domain=domain)
        return on.HeardEvidence(terms, task, answer if case.kind is ChargeKind.WRONG else None)

    def _keep_evidence(self, request: Request, kind: ChargeKind, heard: on.HeardEvidence) -> None:
        place = (heard.task.job, heard.task.index)
        with self._room.taking(kind, heard.terms, heard.task.job):
            try:
                self.runtime.ask(key_of(*place), heard)
            except IllegalMove:  # another judge's copy came while this one was checked
                if self._case(request, *place).task is None:
                    raise

    def _take_opinion(self, request: Request) -> Response:
        opinion = Opinion.from_wire(request.body)
        state = self._case(request, opinion.job, opinion.index)
        if state.is_finished:
            return Response(body=TAKEN)
        signer = recover(self._bench.digest(state, opinion.finding), opinion.signature)
        if signer not in state.known.judges:
            raise RefusedInput("signer is no judge", who="opinion", had=signer)
        self.runtime.ask(key_of(opinion.job, opinion.index), on.HeardOpinion(signer, opinion))
        return Response(body=TAKEN)

    def _take_answer(self, request: Request) -> Response:
        """Until `answer_by` and the margin for passing on; a contradiction until the verdict.

        The machine knows whether it is late. Who brings an answer does not matter, its signature
        does, and nothing that decides stays outside it. One that contradicts an answer already held
        is proof of a lie and never late: else a node could split the judges.
        """
        answer = Answer.from_wire(request.body)
        check_place(request, answer.job, answer.index)
        state = self._case(request, answer.job, answer.index)
        if state.is_finished or not state.lacks(answer):
            return Response(body=TAKEN)
        if state.known.kind is not ChargeKind.SILENT or state.task is None:
            raise RefusedInput("no answer is awaited", who=f"index {answer.index}")
        domain = self.station.settlement.domain
        heard = hear_answer(answer, state.task, state.known, domain)
        check_outputs(answer, held(state.terms))  # what no job has room for is no answer
        self.runtime.ask(key_of(answer.job, answer.index), heard)
        return Response(body=TAKEN)

    def _give_task(self, request: Request) -> Response:
        """The charged node reads its own task, which the device may never have sent it."""
        read = ReadRequest.from_wire(request.body)
        state = self._case(request, read.job, read.index)
        check_read(self.station, read, state.known.node, self.chain_time.read)
        if state.task is None:
            raise NotFound("task is not here yet", who=f"index {read.index}")
        return Response(body=state.task.to_wire())

    def _give_answer(self, request: Request) -> Response:
        """The device reads the answer that the charged node handed in."""
        read = ReadRequest.from_wire(request.body)
        state = self._case(request, read.job, read.index)
        if state.terms is None:
            raise NotFound("task is not here yet", who=f"index {read.index}")
        check_read(self.station, read, address_of(state.terms.job_key), self.chain_time.read)
        if state.answer is None:
            raise NotFound("no answer was handed in", who=f"index {read.index}")
        return Response(body=state.answer.to_wire())

    def _case(self, asker: Head | Request, job: JobId, index: ShareIndex) -> JudgeCase:
        """The case of a charged index; taken up now when the chain shows the charge."""
        state: JudgeCase | None = self.state_for(asker, job, index)
        if state is None:
            self.looks.check(asker)
            try:
                state = self._open_case(job, index)
            except NotCommitted as error:
                raise Overloaded(
                    "commitment is not read yet", who=f"job {job.hex()}", retry_after_s=READ_S
                ) from error
        if state is None:
            raise NotFound(
                "index is not charged",
                who=f"job {job.hex()}, index {index}",
                remedy="The charge may not be deep enough yet.",
            )
        return state

    def _open_case(self, job: JobId, index: ShareIndex) -> JudgeCase | None:
        charge, block = (job, index), self.station.chain.confirmed()
        (seen,) = read_charges(self.station.settlement, [charge], block)
        self._open(charge, seen, Allowance(READ_S))
        return self.runtime.state_at_hand(key_of(job, index))

    def _open(self, charge: Charge, seen: ChargeView, allowance: Allowance) -> None:
        key, (stored, _) = key_of(*charge), seen
        if self.runtime.state_at_hand(key) is not None or self.runtime.is_archived(key):
            return
        case = case_of(self.station.settlement, charge, seen, allowance)
        if case is not None:
            self.expect(case.job, stored.payer, case.node, *case.judges)
            self.tell(key, [case])
            self._jobs[case.job] = stored

    def parties_of(self, state: JudgeCase) -> Collection[Address | None]:
        """Payer, node and judges of a charge."""
        case = state.known
        return self.payers.find(case.job), case.node, *case.judges

    # --- effects -------------------------------------------------------------------------------

    def perform(self, state: JudgeCase, effect: do.JudgeEffect) -> Sequence[on.JudgeEvent]:  # noqa: PLR0911 - one each
        """Carry out one effect; what it found out."""
        match effect:
            case do.SignServed():
                return [self._bench.sign(state, Finding.NONE)]
            case do.Reexecute():
                finding = self._bench.reexecute(state)
                return [on.FoundVerdict(finding), self._bench.sign(state, finding)]
            case do.FindMissing():
                return [on.FoundVerdict(Finding.MISSING), self._bench.sign(state, Finding.MISSING)]
            case do.PassEvidence(judge):
                self._pass_evidence(state, judge, state.deadline(effect))
                return [on.HeardPassedOn(judge, EVIDENCE)]
            case do.PassAnswer(judge, number):
                body = state.answers[number].to_wire()
                path = path_of("answers", state.known.job, state.known.index)
                by = state.deadline(effect)
                self.station.ask(judge, path, body, most=MAX_SMALL_BYTES, by=by)
                return [on.HeardPassedOn(judge, f"{ANSWER} {number}")]
            case do.PassOpinion(judge, finding):
                opinion = self._bench.opinion(state, Finding(finding))
                self.station.ask(judge, "/v1/opinions", opinion.to_wire(), most=MAX_SMALL_BYTES)
                return [on.HeardPassedOn(judge, Finding(finding).name.lower())]
            case _:
                self.station.submit(call_of(self.station.settlement, state, effect, self._patience))
                return []

    def _pass_evidence(self, state: JudgeCase, judge: Address, by: float) -> None:
        terms, task = held(state.terms), held(state.task)
        answer = state.answer if state.known.kind is ChargeKind.WRONG else None
        body = Evidence(terms, task, answer).to_wire()
        path = path_of("evidence", task.job, task.index)
        self.station.hand(judge, path, body, terms.function_hash, by)

    # --- chain ---------------------------------------------------------------------------------

    def look(self) -> None:
        """One round over the chain, at confirmed depth; a case that is seen to end makes room."""
        self._rounds.look()
        allowance, block = Allowance(READ_S), self.agenda.block
        self._waiting.open(
            lambda charges: read_charges(self.station.settlement, charges, block),
            lambda charge, seen: self._open(charge, seen, allowance),
        )
        if not self._waiting:
            self._cursor.note(self.agenda.cursor)

    def _hear(self, events: Sequence[ChainEvent]) -> None:
        self.station.settlement.note(events, self.agenda.cursor)
        for event in events:
            if isinstance(event, NodeCharged):
                self._waiting.note(JobId(event.job), ShareIndex(event.index))
        held = {*self._jobs}  # before the states, which are told first
        for job in held - {s.known.job for s in self._cases() if not s.is_finished}:
            del self._jobs[job]

    def _views_of(self, cases: Sequence[JudgeCase], block: int) -> list[Seen]:
        return self.station.see([(s.known.job, [s.known.index]) for s in cases], block)

    def _observe(self, state: JudgeCase, seen: Seen) -> Sequence[object]:
        case, (view,), over = state.known, seen.indices, seen.lock_over
        self.expect(case.job, seen.job.payer, case.node, *case.judges)
        self._jobs[case.job] = seen.job
        return self.telling_end(case, view, observe_as_judge(state, view, lock_over=over))
