"""F8: what is urgent is sent in a row: cheap jobs with earlier deadlines hold no thread before it.

The planted rule is the one that was: a thread is held until its transaction is final.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import PACE, Play

from edgemark.identifiers import ShareIndex, Timestamp
from edgemark.loop.machine import UnderWay
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Opinion

ORDER, ME = cast.small_order(), cast.JUDGE_ADDRESSES[0]
BLOCK_S = 12.0
FINAL_S = 3 * BLOCK_S  # two confirmations
SENT_S = 0.1  # a few questions to a node
LEFT_S = 48.0  # of W = 72 s, when a charge is seen
CHEAP = 96


class Chain:
    """What a party submits is final at once for who held a thread so long, or some time later.

    Args:
        machine: the party's.
        holds: the planted rule.
    """

    def __init__(self, machine: PartyMachine[Any], *, holds: bool) -> None:
        self.sent: dict[tuple[bytes, object], float] = {}
        self._holds = holds
        held_s = FINAL_S if holds else SENT_S
        peers = {"chain": lambda _: (held_s, True)}
        self.play = Play(machine, self._answers, lambda _: None, peers)
        states = self.play.states
        self.play._pool.errand = lambda key, what: errand_of(what, by=states[key].deadline(what))

    def _answers(self, key: bytes, effect: Any) -> tuple[str | None, Any]:
        peer = None if (key, effect) in self.sent and not self._holds else "chain"
        if isinstance(effect, do.SubmitServed):
            return peer, self._submit(key, effect, on.SawEnded())
        if isinstance(effect, do.SubmitCommitment):
            return peer, self._submit(key, effect, on.SawCommitted())
        return None, found_alone(key, effect)

    def _submit(self, key: bytes, effect: object, seen: object) -> Iterator[object]:
        now = self.play._clock.now
        held_s = FINAL_S if self._holds else SENT_S
        began = self.sent.setdefault((key, effect), now - held_s)
        if now < began + FINAL_S:
            raise UnderWay("is sent, and not final yet")
        yield seen


def found_alone(key: bytes, effect: Any) -> list[object]:
    match effect:
        case do.ComputeAnswer():
            return [on.FoundAnswer(cast.right_answer(ORDER, 1))]
        case do.SignServed():
            return [opinion(key, ME)]
        case do.PassEvidence(judge):
            return [on.HeardPassedOn(judge, "evidence")]
        case do.PassOpinion(judge, _):
            return [on.HeardPassedOn(judge, "none")]
        case _:
            return []


def opinion(key: bytes, judge: Any) -> on.HeardOpinion:
    said = Opinion(JobId(key[:32]), ShareIndex(1), Finding.NONE, bytes(65))
    return on.HeardOpinion(judge, said)


def keys_of(cheap: int) -> list[bytes]:
    """Of cheap jobs, then of the one that matters."""
    return [*(key_of(n.to_bytes(32, "big"), 1) for n in range(cheap)), key_of(ORDER.job, 1)]


def served_after_s(cheap: int, *, holds: bool) -> float:
    """When a judge serves a charge that was filed a block after so many others."""
    chain = Chain(PartyMachine(lambda: JudgeCase(me=ME)), holds=holds)
    *others, mine = keys_of(cheap)
    case = cast.case_of(ORDER, 1, ChargeKind.SILENT)
    for key in (*others, mine):
        by = Timestamp(2000 + (key == mine) * int(BLOCK_S))
        chain.play.hear(key, replace(case, job=JobId(key[:32]), served_by=by))
        chain.play.hear(key, on.HeardEvidence(ORDER.terms, ORDER.tasks[0], None))
    for key in (*others, mine):
        for judge in cast.JUDGE_ADDRESSES[1:]:
            chain.play.hear(key, opinion(key, judge))
    chain.play.play(10_000)
    return chain.sent[mine, do.SubmitServed()]


def committed_after_s(cheap: int, *, holds: bool) -> float:
    """When a node commits behind so many started jobs that have to be computed a second earlier."""
    chain = Chain(PartyMachine(NodeTask), holds=holds)
    *others, mine = keys_of(cheap)
    offer = cast.offer_to(ORDER, 1)
    for key in (*others, mine):
        by = Timestamp(ORDER.terms.compute_by - (key != mine))
        terms = replace(ORDER.terms, compute_by=by)
        for event in (
            replace(offer, job=JobId(key[:32]), terms=terms, waits_until=Timestamp(5000)),
            on.SawAccepted(),
            on.SawStarted(Timestamp(1)),
            on.HeardTask(ORDER.tasks[0], bytes(32)),
        ):
            chain.play.hear(key, event)
    chain.play.play(10_000)
    return chain.sent[mine, do.SubmitCommitment()]


@pytest.mark.parametrize("after_s", [served_after_s, committed_after_s])
def test_what_is_urgent__behind_many_cheap_jobs__is_sent_in_a_row_with_them(after_s: Any) -> None:
    rows = CHEAP // PACE.of_lane
    assert after_s(0, holds=False) == pytest.approx(0)
    assert after_s(CHEAP, holds=False) <= (rows + 1) * SENT_S
    assert after_s(CHEAP, holds=False) + BLOCK_S < LEFT_S


@pytest.mark.parametrize("after_s", [served_after_s, committed_after_s])
def test_by_the_planted_rule__it_waits_for_their_blocks_and_is_too_late(after_s: Any) -> None:
    rows = CHEAP // PACE.of_lane
    assert after_s(CHEAP, holds=True) == pytest.approx(rows * FINAL_S)
    assert after_s(2 * PACE.of_lane, holds=True) + BLOCK_S > LEFT_S
