"""F2: a node charged as silent in many jobs fetches the most urgent task first, past mute judges.

The real tasks, lanes and pool, in virtual time; a fetch asks judges one after the other, as
`ask_until_one` does. The planted rules are those that were: no fetch has a deadline, and every one
waits for every mute judge that stands before the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import HONEST_S, Play

from edgemark.identifiers import Address, ShareIndex, Timestamp, parse_address
from edgemark.loop.errands import Errand
from edgemark.party.inquiry import PAUSE_S
from edgemark.party.standing import Standing
from edgemark.systems.outsourcing.contract.records import ChargeKind
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

ORDER, INDEX, FETCH = cast.small_order(), ShareIndex(1), do.FetchTask()
NOW, DECOYS = 10_000, 255  # with the target, `max_open_jobs`


@dataclass
class Inquiries:
    """How long a fetch takes: mute judges stand first, until they are known as such."""

    judges: Sequence[Address]
    mute: int
    remembers: bool = True
    standing: Standing = field(default_factory=Standing)
    coming: list[tuple[float, Address]] = field(default_factory=list)

    def fetch(self, now: float) -> tuple[float, bool]:
        for _, judge in sorted(one for one in self.coming if one[0] <= now):
            self.standing.note_failed(judge)
        self.coming = [one for one in self.coming if one[0] > now]
        took = 0.0
        for judge in sorted(self.judges, key=self.standing.place_of):
            if self.judges.index(judge) >= self.mute:
                break
            took += PAUSE_S
            if self.remembers:
                self.coming.append((now + took, judge))
        return took + HONEST_S, True


def answers(_: bytes, effect: Any) -> tuple[str | None, list[object]]:
    match effect:
        case do.FetchTask():
            return "judges", [on.HeardTask(ORDER.tasks[0], bytes(32))]
        case do.ComputeAnswer():
            return None, [on.FoundAnswer(cast.right_answer(ORDER, 1))]
        case do.SendAnswer(judge):
            return judge, [on.HeardAnswerTaken(judge)]
        case _:
            return "chain", []


def play_charges(inquiries: Inquiries, times: Sequence[int], *, has_times: bool) -> list[float]:
    """When each task is there; all are charged, and have so many seconds from then on."""
    play = Play(PartyMachine(NodeTask), answers, errand_of, {"judges": inquiries.fetch})

    def errand(key: bytes, effect: Any) -> Errand | None:
        by = play.states[key].deadline(effect)
        return errand_of(effect) if effect == FETCH and not has_times else errand_of(effect, by=by)

    play._pool.errand = errand
    keys = [key_of(JobId(n.to_bytes(32, "big")), INDEX) for n in range(1, len(times) + 1)]
    for number, key in enumerate(keys, start=1):
        offer = replace(cast.offer_to(ORDER, 1), job=JobId(number.to_bytes(32, "big")))
        charged = on.SawCharged(ChargeKind.SILENT, Timestamp(10))
        for event in (offer, on.SawAccepted(), on.SawStarted(Timestamp(1)), charged):
            play.hear(key, event)
    for key, seconds in zip(keys, times, strict=True):
        play.hear(key, on.SawServed(Timestamp(NOW + seconds), Timestamp(NOW + 2 * seconds)))
    play.play(1_000)
    return [play.done[key, FETCH] for key in keys]


@pytest.mark.parametrize(("judges", "mute"), [(4, 1), (7, 2), (16, 5)])
@pytest.mark.parametrize("is_planted", [False, True])
def test_mute_judges_and_many_charges__keep_no_task_from_its_node(
    judges: int, mute: int, *, is_planted: bool
) -> None:
    asked = [parse_address("0x" + f"{number:02x}" * 20) for number in range(1, judges + 1)]
    inquiries = Inquiries(asked, mute, remembers=not is_planted)
    *_, target = play_charges(inquiries, [3_600] * DECOYS + [60], has_times=not is_planted)
    least = mute * PAUSE_S
    if is_planted:
        assert target >= 16 * least  # behind all decoys, 16 at a time
    else:
        assert target <= least + 1


def test_many_charges_with_one_deadline__wait_for_each_mute_judge_once() -> None:
    asked = [parse_address("0x" + f"{number:02x}" * 20) for number in range(1, 17)]
    fetched = play_charges(Inquiries(asked, 5), [60] * (DECOYS + 1), has_times=True)
    rounds = (DECOYS + 1) / 16
    assert max(fetched) <= 5 * PAUSE_S + rounds * HONEST_S + 1
    worse = play_charges(Inquiries(asked, 5, remembers=False), [60] * (DECOYS + 1), has_times=True)
    assert max(worse) > rounds * 5 * PAUSE_S
