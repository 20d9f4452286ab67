"""The lines of the transcripts of this folder, beside those of `tests/stage/memory/transcripts.py`.

The parties are the real machines of outsourcing's `protocol.life`, the chain is the model of the
contract, and the job is the small one: six nodes, t = 1, d = 2, e = 1, f = 1003, g = 263,
S = 6018, W = 20 s. Nothing happens that is not written. PARTY is device, node-J or judge-K; its
events stand in `Cast.event`.

    at TIME                      chain time; deadlines before it pass for all. TIME is a number, or
                                 accept_by, compute_by, collect_by, gather_until, and of the
                                 charge served_by, answer_by, verdict_by; `+ N` seconds may follow
    chain ACT                    post | accept J.. | commit J.. | commit-wrong J.. | approve J.. |
                                 charge wrong J | charge silent J | served J by K.. | collect J.. |
                                 verdict J FINDING by K.. | void J | lapse J | cancel
    chain ACT: ERROR             the contract refuses it with this error
    answer WORD of J is refused: ERROR       by the device. WORD is right, wrong or for-another-task
    answer WORD of J is found FINDING        by a judge, of a charge as silent
    index J is PHASE             its phase on chain
    ROLE gains N | ROLE loses N  since the start; ROLE is payer, pool, node-J or judge-K
    all is paid out              nothing is held, every index ended, no token came or went
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.model_rules import ModelRefused
from tests.stage.memory.transcripts import Mismatch, Scene, require

from edgemark.errors import EdgemarkError
from edgemark.identifiers import Address, ShareIndex, Timestamp
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding, IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.observing import observe_as_device
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.observing import observe_as_judge
from edgemark.systems.outsourcing.node.observing import observe_as_node
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import reach_time, step
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.steps.decode import (
    check_opens,
    check_outputs,
    check_signed_answer,
)

FUNCTION = cast.dense_function()


def index_of(word: str) -> ShareIndex:
    """`3`, or the number in `node-3`."""
    return ShareIndex(int(word.rpartition("-")[2]))


def account_of(role: str) -> Address:
    """The account of a role."""
    kind, _, number = role.partition("-")
    accounts: dict[str, Callable[[], Address]] = {
        "payer": lambda: cast.PAYER.address,
        "pool": lambda: cast.POOL,
        "node": lambda: cast.NODE_ADDRESSES[int(number) - 1],
        "judge": lambda: cast.JUDGE_ADDRESSES[int(number) - 1],
    }
    return accounts[kind]()


class Cast(Scene):
    """Everybody in a transcript, and the chain."""

    def __init__(self) -> None:
        self.order = cast.small_order()
        self.now = int(cast.START)
        accounts = [cast.PAYER.address, *cast.NODE_ADDRESSES, *cast.JUDGE_ADDRESSES]
        self.start = {account: cast.WEALTH for account in accounts} | {cast.POOL: 0}
        self.chain = SettlementModel(
            limits=cast.LIMITS,
            judges=cast.JUDGE_ADDRESSES,
            pool=cast.POOL,
            free=dict(self.start),
            providers=cast.PROVIDERS,
            judge_providers=cast.JUDGE_PROVIDERS,
        )
        self.parties: dict[str, Any] = {"device": DeviceJob()}
        self.parties |= {f"node-{j}": NodeTask() for j in range(1, 7)}
        self.parties |= {
            f"judge-{k}": JudgeCase(me=me) for k, me in enumerate(cast.JUDGE_ADDRESSES, start=1)
        }

    # --- materials -----------------------------------------------------------------------------

    def answer(self, word: str, index: str) -> Answer:
        """An answer of a node, signed by it."""
        j = index_of(index)
        if word == "right":
            return cast.right_answer(self.order, j)
        if word == "wrong":
            return cast.wrong_answer(self.order, j)
        if word != "for-another-task":
            raise Mismatch(f"no answer is called {word}")
        task = self.order.tasks[j - 1]
        other = replace(task, job=JobId(bytes(reversed(task.job))))
        outputs = cast.right_outputs(FUNCTION, self.order, j)
        signed = cast.sign_answer(other, outputs, cast.NODES[j - 1])
        return replace(signed, job=task.job, task_id=task.task_id)

    def event(self, party: str, name: str, words: list[str]) -> object:
        """An event from its arguments."""
        builders: dict[str, Callable[..., object]] = {
            "AskedSubmit": lambda: on.AskedSubmit(self.order),
            "HeardOffer": lambda: cast.offer_to(self.order, index_of(party), self.now),
            "HeardTask": lambda: self._heard_task(index_of(party)),
            "FoundAnswer": lambda word: on.FoundAnswer(self.answer(word, party)),
            "HeardAnswer": lambda word, j: on.HeardAnswer(self.answer(word, j)),
            "HeardAnswerTaken": lambda judge: on.HeardAnswerTaken(account_of(judge)),
            "HeardAcceptance": lambda j: on.HeardAcceptance(cast.acceptance_of(self.order, int(j))),
            "FoundAcceptancesRefused": lambda *reason: on.FoundAcceptancesRefused(" ".join(reason)),
            "HeardTaskTaken": lambda j: on.HeardTaskTaken(index_of(j)),
            "HeardEvidenceTaken": lambda j, k: on.HeardEvidenceTaken(index_of(j), account_of(k)),
            "FoundResultValid": self._found_valid,
            "FoundResultEarly": lambda *w: on.FoundResultEarly(b"F(x)", _named(w, "right")),
            "FoundResultUndecided": self._found_undecided,
            "FoundPostingRefused": lambda *reason: on.FoundPostingRefused(" ".join(reason)),
            "SawCase": self._saw_case,
            "HeardEvidence": self._heard_evidence,
            "FoundVerdict": lambda finding: on.FoundVerdict(Finding[finding]),
            "HeardOpinion": self._heard_opinion,
            "HeardPassedOn": lambda k, *what: on.HeardPassedOn(account_of(k), " ".join(what)),
        }
        return builders[name](*words)

    def _found_valid(self, *words: str) -> object:
        named = _named(words, "liars"), _named(words, "silent")
        result, device = FUNCTION.evaluate(cast.small_batch()), self.parties["device"]
        return on.FoundResultValid(result, *named, device.answered, device.chosen)

    def _found_undecided(self, *words: str) -> object:
        named = _named(words, "suspects"), _named(words, "silent")
        reason, device = "too many are silent or false", self.parties["device"]
        return on.FoundResultUndecided(reason, *named, device.answered, device.chosen)

    def _saw_case(self, word: str) -> object:
        seat = self.chain.index_views(self.order.job)[index_of(word) - 1]
        return cast.case_of(
            self.order,
            index_of(word),
            seat.kind,
            commitment=self.chain.commitment(self.order.job, index_of(word)),
            served_by=seat.served_by,
        )

    def _heard_task(self, index: int) -> object:
        task = self.order.tasks[index - 1]
        return on.HeardTask(task, cast.salt_of(task, cast.NODES[index - 1]))

    def _heard_evidence(self, index: str, word: str | None = None) -> object:
        answer = None if word is None else self.answer(word, index)
        return on.HeardEvidence(self.order.terms, self.order.tasks[index_of(index) - 1], answer)

    def _heard_opinion(self, judge: str, index: str, finding: str) -> object:
        key = cast.JUDGES[index_of(judge) - 1]
        kind = self.chain.index_views(self.order.job)[index_of(index) - 1].kind
        case = cast.case_of(self.order, index_of(index), kind)
        opinion = cast.sign_opinion(key, case, Finding[finding])
        return on.HeardOpinion(key.address, opinion)

    # --- lines ---------------------------------------------------------------------------------

    def play(self, line: str) -> None:
        """Let one line happen, or check it."""
        words = line.split()
        match words:
            case ["at", *time]:
                self._at(time)
            case ["chain", *_]:
                self._act(line.removeprefix("chain "))
            case ["answer", word, "of", index, "is", "refused:", error]:
                self._check_refused(self.answer(word, index), error)
            case ["answer", word, "of", index, "is", "found", finding]:
                answer = self.answer(word, index)
                found = self._judged(answer)
                require(found.name == finding, found.name)
            case ["index", index, "is", phase]:
                seat = self.chain.index_views(self.order.job)[index_of(index) - 1]
                require(seat.phase.name == phase, seat.phase.name)
            case [role, ("gains" | "loses") as way, amount]:
                gain = self.chain.free[account_of(role)] - self.start[account_of(role)]
                require(gain == (int(amount) if way == "gains" else -int(amount)), gain)
            case ["all", "is", "paid", "out"]:
                self._check_paid_out()
            case [party, *_] if party in self.parties:
                self.play_party(line)
            case _:
                raise Mismatch("is no line of a transcript")

    def step(self, state: Any, event: object) -> Any:
        """The state after an event."""
        return step(state, event)[0]

    def render(self, effect: Any) -> str:
        """An effect, its job left out: there is but one."""
        words = [type(effect).__name__]
        for item in (item for item in fields(effect) if item.name != "job"):
            value = getattr(effect, item.name)
            if isinstance(value, tuple):
                words.append("+".join(map(str, value)) or "-")
            elif isinstance(value, str):
                words.append(f"judge-{cast.JUDGE_ADDRESSES.index(Address(value)) + 1}")
            elif item.name == "finding":
                words.append(Finding(value).name)
            else:
                words.append(str(value))
        return " ".join(words)

    def observe(self, party: str) -> Sequence[object]:
        """What the chain shows that it has not heard yet."""
        job = self.chain.job_view(self.order.job)
        if job is None:
            return []
        seats, state = self.chain.index_views(self.order.job), self.parties[party]
        if party == "device":
            return observe_as_device(state, job, seats)
        if party.startswith("node"):
            return observe_as_node(state, job, seats[index_of(party) - 1], Timestamp(self.now))
        return observe_as_judge(state, seats[state.known.index - 1])

    def _at(self, words: list[str]) -> None:
        name, more = words[0], int(words[2]) if len(words) == 3 else 0
        if name.isdigit():
            time = int(name)
        elif name in ("served_by", "answer_by", "verdict_by"):
            seats = self.chain.index_views(self.order.job)
            time = max(getattr(seat, name) for seat in seats)
        else:
            time = getattr(self.order if name == "gather_until" else self.order.terms, name)
        require(time + more >= self.now, f"it is {self.now} already")
        self.now = time + more
        for party, state in self.parties.items():
            self.parties[party] = reach_time(state, Timestamp(self.now))

    def _act(self, line: str) -> None:
        act, _, error = line.partition(": ")
        try:
            self._send(act.split())
        except ModelRefused as refused:
            require(refused.error == error, refused.error)
            return
        require(not error, "it was taken")

    def _send(self, words: list[str]) -> None:  # noqa: C901, PLR0912 - one line an act
        chain, now, order = self.chain, self.now, self.order
        job, payer = order.job, cast.PAYER.address
        match words:
            case ["post"]:
                chain.post(
                    now, job, payer=payer, root=order.root, terms=order.terms, nodes=order.nodes
                )
            case ["accept", *indices]:
                chain.accept(now, job, {j: order.nodes[j - 1] for j in map(index_of, indices)})
            case [("commit" | "commit-wrong") as act, *indices]:
                word = "right" if act == "commit" else "wrong"
                for j in map(index_of, indices):
                    key = cast.NODES[j - 1]
                    commitment = cast.commitment_to(self.answer(word, str(j)), key)
                    chain.commit(now, job, j, commitment, caller=key.address)
            case ["approve", *indices]:
                chain.approve(now, job, [*map(index_of, indices)], caller=payer)
            case ["charge", "wrong", *indices]:
                chain.charge(now, job, [*map(index_of, indices)], [], caller=payer)
            case ["charge", "silent", *indices]:
                chain.charge(now, job, [], [*map(index_of, indices)], caller=payer)
            case ["served", index, "by", *judges]:
                chain.record_served(now, job, index_of(index), _signers(judges))
            case ["verdict", index, finding, "by", *judges]:
                chain.record_verdict(now, job, index_of(index), Finding[finding], _signers(judges))
            case ["collect", *indices]:
                chain.collect(now, job, [*map(index_of, indices)])
            case ["void", index]:
                chain.void_charge(now, job, index_of(index))
            case ["lapse", index]:
                chain.lapse_charge(now, job, index_of(index))
            case ["cancel"]:
                chain.cancel_unstarted(now, job)
            case _:
                raise Mismatch("is no act")

    # --- checks --------------------------------------------------------------------------------

    def _check_refused(self, answer: Answer, error: str) -> None:
        order, j = self.order, answer.index
        node = order.nodes[j - 1]
        commitment = self.chain.commitment(order.job, j)
        try:
            check_signed_answer(answer, order.tasks[j - 1], node, cast.DOMAIN)
            check_outputs(answer, order.terms)
            check_opens(answer, node, commitment, cast.DOMAIN)
        except EdgemarkError as fault:
            require(type(fault).__name__ == error, type(fault).__name__)
            return
        raise Mismatch("it was taken")

    def _judged(self, answer: Answer) -> Finding:
        had = {"commitment": self.chain.commitment(self.order.job, answer.index)}
        return cast.judged(self.order, answer, FUNCTION, kind=ChargeKind.SILENT, **had)

    def _check_paid_out(self) -> None:
        phases: list[IndexPhase] = [s.phase for s in self.chain.index_views(self.order.job)]
        require(all(phase.is_end for phase in phases), phases)
        require(self.chain.held == 0, self.chain.held)
        require(self.chain.total == sum(self.start.values()), self.chain.total)


def _named(words: tuple[str, ...], name: str) -> tuple[ShareIndex, ...]:
    """Numbers after `name` and before the next word."""
    found, taking = list[ShareIndex](), False
    for word in words:
        if word.isdigit():
            found += [ShareIndex(int(word))] if taking else []
        else:
            taking = word == name
    return tuple(found)


def _signers(judges: list[str]) -> list[Address]:
    return [cast.JUDGE_ADDRESSES[index_of(judge) - 1] for judge in judges]
