"""F2: what is late to somebody's cost does not wait behind what strangers make a party owe.

The planted rule is the one that was: one lane for all that is submitted, first come first served.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import PACE, Play

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.loop.errands import Desk, Errand
from edgemark.loop.moves import TimeOver
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import JobTime
from edgemark.systems.outsourcing.station.server import OutsourcingServer

CONFIRMED_S = 36.0  # three blocks of 12 s, for which a thread is held
STRANGERS_JOBS = 240
ORDER = cast.small_order()
OFFER = replace(cast.offer_to(ORDER, 1), waits_until=Timestamp(5000))


def one_lane(effect: object) -> Errand | None:
    errand = errand_of(effect)
    return errand and Errand("chain")


def begun_s(errand: Callable[[Any], Errand | None]) -> float:
    """When a commitment is sent that is owed just after acceptances nobody paid for."""

    def answers(_: bytes, effect: Any) -> tuple[str | None, list[object]]:
        match effect:
            case do.ComputeAnswer():
                return None, [on.FoundAnswer(cast.right_answer(ORDER, 1))]
            case do.SubmitAcceptance():
                return "chain", [on.SawAccepted()]
            case _:
                assert effect == do.SubmitCommitment()
                return "chain", [on.SawCommitted()]

    machine = PartyMachine(NodeTask)
    play = Play(machine, answers, errand, {"chain": lambda _: (CONFIRMED_S, True)})
    mine = key_of(ORDER.job, 1)
    for event in (OFFER, on.SawAccepted(), on.SawStarted(Timestamp(1))):
        play.hear(mine, event)
    jobs = [JobId(number.to_bytes(32, "big")) for number in range(STRANGERS_JOBS)]
    for job in jobs:
        play.hear(key_of(job, 1), replace(OFFER, job=job))
    for job in jobs:
        play.hear(key_of(job, 1), TimeOver(JobTime.BRINGING))
    play.hear(mine, on.HeardTask(ORDER.tasks[0], bytes(32)))
    play.play(10_000)
    return play.done[mine, do.SubmitCommitment()] - CONFIRMED_S


def test_a_commitment__beside_acceptances_that_a_stranger_kept_back__is_sent_at_once() -> None:
    assert begun_s(errand_of) == 0


def test_a_commitment__by_the_planted_rule__waits_for_all_of_them() -> None:
    assert begun_s(one_lane) == STRANGERS_JOBS // PACE.of_lane * CONFIRMED_S


def test_what_waits_in_a_lane__goes_by_its_deadline() -> None:
    desk: Desk[float] = Desk(PACE)
    for by in (math.inf, 30.0, 10.0, 20.0):
        desk.put(Errand("chain", by=by), by)
    assert [what for _, what in desk.take(0.0)] == [10.0, 20.0, 30.0, math.inf]


def test_deadlines__are_those_until_which_the_chain_takes_an_act() -> None:
    terms, me = ORDER.terms, cast.JUDGE_ADDRESSES[0]
    task, job = NodeTask(offer=OFFER), DeviceJob(order=ORDER)
    case = JudgeCase(me=me, case=cast.case_of(ORDER, ShareIndex(1), ChargeKind.SILENT))
    ruled = replace(case, verdict_by=Timestamp(9000))
    assert task.deadline(do.SubmitAcceptance()) == terms.accept_by
    assert task.deadline(do.SubmitCommitment()) == terms.compute_by
    assert job.deadline(do.SubmitPosting()) == terms.accept_by
    assert job.deadline(do.SubmitAcceptances()) == terms.accept_by
    assert job.deadline(do.SubmitCharge(ORDER.job, (), ())) == terms.collect_by
    assert job.deadline(do.FetchAnswer(ShareIndex(1))) == ORDER.gather_until
    assert job.deadline(do.Decode((), ())) == ORDER.last_charges_at
    assert case.deadline(do.SubmitServed()) == cast.SERVED_BY
    assert ruled.deadline(do.SubmitVerdict(1)) == 9000
    assert task.deadline(do.SubmitCollect(ORDER.job, (ShareIndex(1),))) == math.inf
    server: Any = SimpleNamespace()
    errand = OutsourcingServer.errand(server, task, do.SubmitCommitment())
    assert errand == Errand("chain", by=terms.compute_by)
