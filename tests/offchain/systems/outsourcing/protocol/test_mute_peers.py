"""Peers that take a connection and say nothing: what is owed to the others is done in time.

The planted pool is the one that was: one queue of eight threads for every effect.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast
from tests.offchain.systems.outsourcing.bad_peers import (
    MUTE_S,
    PACE,
    Peer,
    Play,
    away_until,
    flapping,
    honest,
    mute,
    slow,
)

from edgemark.identifiers import Address, ShareIndex, Timestamp, parse_address
from edgemark.loop.errands import Desk, Errand
from edgemark.systems.outsourcing.contract.records import ChargeKind, Finding
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.limits import MAX_ERRORS, MAX_JUDGES
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.errands import errand_of
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Opinion

WINDOW_S = 60.0  # W, in which a charge must be served
JUDGES = tuple(parse_address(f"0x{number:040x}") for number in range(1, MAX_JUDGES + 1))
THRESHOLD = 2 * MAX_JUDGES // 3 + 1
BAD = JUDGES[THRESHOLD:]  # as many as are tolerated
ME, *OTHERS = JUDGES
GOOD = [judge for judge in OTHERS if judge not in BAD]
NODES = tuple(parse_address(f"0x{number:040x}") for number in range(1001, 1041))
ORDER = cast.small_order()
FAR = Timestamp(10**9)
LAPSE = do.SubmitLapse(ORDER.job, ShareIndex(1))
CHAIN_LANES = [Errand("chain"), Errand("acceptances"), Errand("exits")]
BAD_WAYS: dict[str, Any] = {"mute": lambda: mute, "flapping": flapping, "slow": lambda: slow}


def judge_play(
    peers: Mapping[str, Peer],
    *,
    in_lanes: bool,
    cases: int = MAX_ERRORS,
    signers: Iterable[Address] = GOOD,
) -> Play:
    """A judge that gets the evidence of so many charges, and the signatures of others at once."""

    def answers(key: bytes, effect: Any) -> tuple[str | None, list[object]]:
        match effect:
            case do.SignServed():
                return None, [signed_by(ME, key)]
            case do.PassEvidence(judge):
                return judge, [on.HeardPassedOn(judge, "evidence")]
            case do.PassOpinion(judge, _):
                return judge, [on.HeardPassedOn(judge, "none")]
            case _:
                assert effect == do.SubmitServed()
                return None, [on.SawServed(FAR, Timestamp(2 * FAR))]

    machine = PartyMachine(lambda: JudgeCase(me=ME))
    play = Play(machine, answers, errand_of if in_lanes else lambda _: None, peers)
    charge = replace(
        cast.case_of(ORDER, ShareIndex(1), ChargeKind.SILENT),
        served_by=FAR,
        judges=JUDGES,
        threshold=THRESHOLD,
    )
    keys = [key_of(ORDER.job, index) for index in range(1, cases + 1)]
    for key in keys:
        play.hear(key, replace(charge, index=ShareIndex(key[-1])))
    for key in keys:
        play.hear(key, on.HeardEvidence(ORDER.terms, ORDER.tasks[0], None))
        for judge in signers:
            play.hear(key, signed_by(judge, key))
    return play


def signed_by(judge: Address, key: bytes) -> on.HeardOpinion:
    opinion = Opinion(JobId(key[:32]), ShareIndex(key[-1]), Finding.NONE, bytes(65))
    return on.HeardOpinion(judge, opinion)


def last(play: Play, effects: Iterable[object]) -> float:
    """When the last of these was carried out, of all jobs; infinite when one was not."""
    return max(play.done.get(at, float("inf")) for at in itertools.product(play.states, effects))


def test_mute_judges__in_the_planted_pool__make_the_charges_void() -> None:
    play = judge_play(dict.fromkeys(BAD, mute), in_lanes=False)
    play.play(400)
    first = min(when for (_, effect), when in play.done.items() if effect == do.SubmitServed())
    assert first > WINDOW_S


@pytest.mark.parametrize("way", BAD_WAYS)
def test_mute_judges__do_not_delay_a_signature_nor_its_way_to_the_chain(way: str) -> None:
    play = judge_play({judge: BAD_WAYS[way]() for judge in BAD}, in_lanes=True)
    play.play(200)
    assert last(play, [do.SubmitServed()]) == 0
    assert last(play, map(do.PassEvidence, GOOD)) < WINDOW_S / 4


@pytest.mark.parametrize("way", BAD_WAYS)
def test_mute_judges__do_not_delay_the_signatures_that_good_ones_wait_for(way: str) -> None:
    play = judge_play({judge: BAD_WAYS[way]() for judge in BAD}, in_lanes=True, signers=())
    play.play(60)
    assert last(play, [do.PassOpinion(judge, 0) for judge in GOOD]) < WINDOW_S / 4


def test_one_mute_judge__delays_nothing() -> None:
    play = judge_play({BAD[0]: mute}, in_lanes=True)
    play.play(100)
    assert last(play, [do.SubmitServed()]) == 0


# --- the others: device and node ----------------------------------------------------------------


@dataclass(frozen=True)
class Owing:
    """A state that owes a list of effects, each until it was carried out."""

    left: tuple[object, ...] = ()

    def owed(self) -> tuple[object, ...]:
        return self.left


class OwingMachine:
    """Its events are the effects that were carried out; the first one names what is owed."""

    def initial(self, _: bytes) -> Owing:
        return Owing()

    def step(self, state: Owing, event: object) -> tuple[Owing, tuple[object, ...]]:
        if isinstance(event, Owing):
            return event, event.left
        return Owing(tuple(one for one in state.left if one != event)), ()


def owing_play(owed: Mapping[bytes, Iterable[object]], peers: Mapping[str, Peer]) -> Play:
    def answers(_: bytes, effect: Any) -> tuple[str | None, list[object]]:
        errand = errand_of(effect, NODES)
        return None if errand is None else errand.peer, [effect]

    machine: Any = OwingMachine()
    play = Play(machine, answers, lambda effect: errand_of(effect, NODES), peers)
    for key, effects in owed.items():
        play.hear(key, Owing(tuple(effects)))
    return play


def evidence(judges: Iterable[Address], charges: int = MAX_ERRORS) -> list[object]:
    indices = range(1, charges + 1)
    return [do.SendEvidence(ShareIndex(i), judge) for i in indices for judge in judges]


@pytest.mark.parametrize("way", BAD_WAYS)
def test_a_device__hands_its_evidence_to_the_good_judges_in_time(way: str) -> None:
    """Beside bad judges, and forty mute nodes of another job that are offered to."""
    bad: dict[str, Peer] = {judge: BAD_WAYS[way]() for judge in BAD}
    offers = [do.SendOffer(ShareIndex(j)) for j in range(1, len(NODES) + 1)]
    owed: dict[bytes, list[object]] = {
        b"other job": [*offers],
        b"charged job": [*evidence(JUDGES), LAPSE],
    }
    play = owing_play(owed, {**bad, **dict.fromkeys(NODES, mute)})
    play.play(100)
    in_time = [play.done[b"charged job", one] for one in evidence([ME, *GOOD])]
    assert max(in_time) < WINDOW_S / 2
    assert play.done[b"charged job", LAPSE] == 0


def test_a_node__hands_its_answers_to_the_good_judges_in_time() -> None:
    owed = {bytes([job]): [do.SendAnswer(judge) for judge in JUDGES] for job in range(40)}
    play = owing_play(owed, dict.fromkeys(BAD, mute))
    play.play(100)
    assert last(play, map(do.SendAnswer, [ME, *GOOD])) < WINDOW_S / 4


def test_a_peer_that_was_away__is_served_soon_after_it_came_back() -> None:
    for back in (1.0, 30.0, 200.0, 1000.0):
        play = owing_play({b"job": evidence([ME])}, {ME: away_until(back)})
        play.play(back + 100)
        assert last(play, evidence([ME])) < back + MUTE_S + PACE.most_pause_s + 2


def test_slow_peers_without_number__are_all_served() -> None:
    tasks = [do.SendTask(ShareIndex(j)) for j in range(1, len(NODES) + 1)]
    play = owing_play({b"one": tasks, b"two": tasks}, dict.fromkeys(NODES, slow))
    play.play(500)
    assert last(play, tasks) < 100


def test_mute_nodes_without_number__leave_threads_to_those_that_answer() -> None:
    """Once they are known: half of the threads are for those that were not mute lately."""
    bad, good = NODES[:-1], NODES[-1]
    tasks = [do.SendTask(ShareIndex(j)) for j in range(1, len(NODES) + 1)]
    play = owing_play({b"one": tasks}, dict.fromkeys(bad, mute))
    play.play(100)
    play.hear(b"two", Owing((tasks[-1],)))
    play.play(101)
    assert play.done[b"two", tasks[-1]] < 101
    assert good not in bad


# --- the desk, and the errands ------------------------------------------------------------------


def test_whoever_was_mute__is_asked_one_thing_after_doubling_pauses() -> None:
    desk: Desk[int] = Desk(PACE)
    errand, now, pauses = Errand("lane", "peer"), 0.0, []
    for number in range(12):
        desk.put(errand, number)
    assert len(list(desk.take(now))) == PACE.of_peer
    desk.end(errand, now, took_s=0, failed=False, mute=False)
    for _ in range(8):
        desk.end(errand, now, took_s=MUTE_S, failed=True, mute=True)
        pauses.append(desk.seconds_to_next(now))
        assert list(desk.take(now)) == []
        now += pauses[-1]
        assert len(list(desk.take(now))) == 1
    assert [round(pause, 6) for pause in pauses] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0, 8.0]


def test_every_effect__that_talks_or_submits_has_a_lane_and_no_other() -> None:
    kinds = [kind for _, kind in inspect.getmembers(do, inspect.isclass)]
    kinds = [kind for kind in kinds if kind.__module__ == do.__name__]
    assert len(kinds) > 20
    for kind in kinds:
        fields = dict.fromkeys(inspect.signature(kind).parameters, 1)
        errand = errand_of(kind(**fields), NODES)
        if kind.__name__.startswith("Submit"):
            assert errand in CHAIN_LANES
        elif kind.__name__.startswith(("Send", "Fetch", "Pass", "Decode")):
            assert errand is not None, kind
            assert errand not in CHAIN_LANES
        else:
            assert errand is None, kind


def test_the_planted_way_to_wait__would_serve_an_honest_peer_alike() -> None:
    """Nothing is lost where nobody is bad: the same effects take no longer in lanes."""
    ends = []
    for in_lanes in (False, True):
        play = judge_play(dict.fromkeys(BAD, honest), in_lanes=in_lanes, cases=3)
        play.play(50)
        ends.append(last(play, map(do.PassEvidence, OTHERS)))
    assert ends[1] <= ends[0]
