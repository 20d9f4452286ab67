"""F2: whatever a node takes, and whenever it is charged, all answers reach the judges in time.

The real admission, tasks, lanes and pool, in virtual time. A fetch asks judges one after the other,
as `ask_until_one` does, a mute one first; one that just is in time serves all. A request takes
`REQUEST_S`, a body as long as a full line needs for it, behind those that are on it. The planted
rule is the one that was: bytes alone are counted, and all but half of J is promised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import MUTE_S, Peer, Play, mute

from edgemark.identifiers import Address, ShareIndex, Timestamp, parse_address
from edgemark.party.inquiry import PAUSE_S
from edgemark.party.standing import Standing
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.contract.terms import (
    Terms,
    compute_output_bytes,
    compute_share_bytes,
)
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import HEAD_BYTES
from edgemark.systems.outsourcing.node.admission import NodeBusy, TaskTooLarge, find_broken
from edgemark.systems.outsourcing.node.handing import (
    REQUEST_S,
    Judging,
    check_handing,
    promise_defence,
)
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.transport.asking.turns import FULL_BYTES_PER_S, IDLE_S, LONG_BYTES

Answers = Callable[[bytes, Any], tuple[str | None, list[object]]]
ORDER, INDEX, SPEED = cast.small_order(), ShareIndex(1), 1e-9
NOW, FETCH = 10_000, do.FetchTask()


@dataclass(frozen=True)
class Offered:
    """An answer of so many outputs for each of 4096 inputs, its window, and when it is served.

    With 0 outputs it is a small one.
    """

    outputs: int
    window: int
    served_at: int = 0

    @property
    def terms(self) -> Terms:
        by = Timestamp(ORDER.terms.accept_by + self.window)
        if not self.outputs:
            return replace(ORDER.terms, compute_by=by)
        share = compute_share_bytes(4096, 1)
        return replace(
            ORDER.terms,
            batch=4096,
            inputs=1,
            outputs=self.outputs,
            share_bytes=share,
            compute_by=by,
        )

    @property
    def task(self) -> NodeTask:
        offer = replace(cast.offer_to(ORDER, 1), terms=self.terms)
        return NodeTask(phase=NodePhase.OFFERED, offer=offer)

    @property
    def answer_bytes(self) -> int:
        return compute_output_bytes(self.terms.batch, self.terms.outputs) + HEAD_BYTES


@dataclass
class Court:
    """Judges, n - k of them mute, and the line to them."""

    judging: Judging
    standing: Standing = field(default_factory=Standing)
    free_at: float = 0.0  # of the line
    length: int = 0  # of the body that is asked for, or sent, next
    coming: list[tuple[float, Address]] = field(default_factory=list)

    @property
    def accounts(self) -> list[Address]:
        count = range(1, self.judging.judges + 1)
        return [parse_address("0x" + f"{number:02x}" * 20) for number in count]

    @property
    def peers(self) -> dict[str, Peer]:
        bad = self.accounts[: self.judging.bad]
        known: dict[str, Peer] = dict.fromkeys(bad, self.hold)
        known |= dict.fromkeys(self.accounts[self.judging.bad :], self.take)
        return known | {"fetch": self.fetch}

    def take(self, now: float) -> tuple[float, bool]:
        self.free_at = max(self.free_at, now) + self.length / FULL_BYTES_PER_S
        return max(self.free_at - now, 0) + REQUEST_S, True

    def hold(self, now: float) -> tuple[float, bool]:
        if self.length > LONG_BYTES:
            self.free_at = max(self.free_at, now) + IDLE_S
        return mute(now)

    def fetch(self, now: float) -> tuple[float, bool]:
        for _, judge in sorted(one for one in self.coming if one[0] <= now):
            self.standing.note_failed(judge)
        self.coming = [one for one in self.coming if one[0] > now]
        waited = 0.0
        bad = self.accounts[: self.judging.bad]
        for judge in sorted(self.accounts, key=self.standing.place_of):
            if judge not in bad:
                break
            waited += PAUSE_S
            self.coming.append((now + waited, judge))
        took, _ = self.take(now + waited)
        return waited + max(took, PAUSE_S - 0.01), True


def answers_of(court: Court, by_key: dict[bytes, Offered]) -> Answers:
    """What each effect finds out; the court is told how long the body is that goes next."""

    def answers(key: bytes, effect: Any) -> tuple[str | None, list[object]]:
        one = by_key[key]
        match effect:
            case do.FetchTask():
                court.length = one.terms.share_bytes + HEAD_BYTES
                return "fetch", [on.HeardTask(ORDER.tasks[0], bytes(32))]
            case do.ComputeAnswer():
                return None, [on.FoundAnswer(cast.right_answer(ORDER, 1))]
            case do.SendAnswer(judge):
                court.length = one.answer_bytes
                return judge, [on.HeardAnswerTaken(judge)]
            case _:
                return "chain", []

    return answers


def defend(offers: Sequence[Offered], judging: Judging) -> list[tuple[float, float]]:
    """Seconds from when each is seen served until k judges have its answer; and those left."""
    court, by_key = Court(judging), dict[bytes, Offered]()
    play = Play(PartyMachine(NodeTask), answers_of(court, by_key), errand_of, court.peers)
    play._pool.errand = lambda key, effect: errand_of(effect, by=play.states[key].deadline(effect))
    seen: dict[bytes, tuple[float, float]] = {}
    for number, one in enumerate(sorted(offers, key=lambda each: each.served_at), start=1):
        job = JobId(number.to_bytes(32, "big"))
        key = key_of(job, INDEX)
        by_key[key] = one
        play.play(one.served_at)
        now = play._clock.now = max(play._clock.now, float(one.served_at))
        offer = replace(one.task.known, job=job, judges=tuple(court.accounts))
        charged = on.SawCharged(ChargeKind.SILENT, Timestamp(10))
        left = max(judging.window_s, one.window) - judging.seen_s
        by = int(NOW + now + left)
        served = on.SawServed(Timestamp(by), Timestamp(by + 100))
        for event in (offer, on.SawAccepted(), on.SawStarted(Timestamp(1)), charged, served):
            play.hear(key, event)
        seen[key] = now, left
    play.play(max((at + left for at, left in seen.values()), default=0.0))
    good = [do.SendAnswer(judge) for judge in court.accounts[judging.bad :]]
    return [
        (max(play.done.get((key, effect), math.inf) for effect in good) - now, left)
        for key, (now, left) in seen.items()
    ]


def take(offers: Sequence[Offered], judging: Judging) -> list[Offered]:
    """Those that the node takes, of these, one after the other."""
    taken: list[Offered] = []
    for one in offers:
        with suppress(NodeBusy, TaskTooLarge):
            tasks = [each.task for each in taken]
            check_handing(one.terms, tasks, judging, SPEED, lambda _: SPEED, who="0x77")
            taken.append(one)
    return taken


def take_by_bytes(offers: Sequence[Offered], judging: Judging) -> list[Offered]:
    """As it was."""
    taken: list[Offered] = []
    for one in offers:
        copies = (judging.judges + 1) * one.answer_bytes + one.terms.share_bytes
        promised = replace(
            promise_defence(one.terms, judging, 0.0),
            seconds=copies / judging.bytes_per_s,
            within_s=max(judging.window_s, one.window) / 2,
        )
        if find_broken(promised, [promised] * len(taken), 0.0) is None:
            taken.append(one)
    return taken


@pytest.mark.parametrize(("judges", "seen_s"), [(4, 37.0), (16, 3.0)])
@pytest.mark.parametrize("is_planted", [False, True])
def test_small_tasks_that_are_all_charged_at_once__are_all_in_time(
    judges: int, seen_s: float, *, is_planted: bool
) -> None:
    judging = Judging(judges, 60, FULL_BYTES_PER_S, PAUSE_S, seen_s)
    rule = take_by_bytes if is_planted else take
    taken = rule([Offered(0, 60)] * 256, judging)
    late = [took for took, left in defend(taken, judging) if took > left]
    assert bool(late) == is_planted
    assert len(taken) == 256 if is_planted else len(taken) >= 25


@settings(max_examples=25, deadline=None)
@given(
    offers=st.lists(
        st.builds(
            Offered,
            outputs=st.sampled_from([0, 0, 1, 6, 20, 40]),
            window=st.sampled_from([10, 60, 90, 300, 3600]),
            served_at=st.integers(0, 200),
        ),
        max_size=20,
    ),
    judges=st.sampled_from([4, 7, 16]),
    seen_s=st.sampled_from([2.4, 37.0]),
)
def test_all_that_is_taken__is_there_in_time_whenever_it_is_charged(
    offers: list[Offered], judges: int, seen_s: float
) -> None:
    judging = Judging(judges, 60, FULL_BYTES_PER_S, PAUSE_S, seen_s)
    for took, left in defend(take(offers, judging), judging):
        assert took <= left


def test_a_mute_judge__is_waited_for_longer_than_a_pause() -> None:
    assert MUTE_S > PAUSE_S > REQUEST_S
