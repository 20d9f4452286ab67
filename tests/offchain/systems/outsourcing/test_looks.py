"""What strangers' requests make a server ask its chain is counted: its own watch needs the node."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import Overloaded, RefusedInput
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing import server as server_module
from edgemark.systems.outsourcing.judge import Judge
from edgemark.systems.outsourcing.server import Looks
from edgemark.systems.outsourcing.worker import ComputeNode
from edgemark.transport.faults import NotFound
from edgemark.transport.server import Head, Request, Response

STRANGERS = 4  # addresses
REQUESTS = 400  # of each


class PlantedLooks(Looks):
    """As it was: whoever asks makes the server look."""

    def take(self, asker: Head | Request) -> float:  # noqa: ARG002 - as it was
        return 0.0


class Clock:
    """Seconds that a test lets pass."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def head(peer: str, account: str | None = None) -> Head:
    params = {"job": cast.small_order().job.hex(), "index": "1"}
    return Head("POST", "/v1/evidence", params, peer, account, 0)


def make_judge(looks: Looks) -> tuple[Any, list[int]]:
    """A judge whose chain shows no charge, and how often it was asked."""
    asked: list[int] = []
    judge: Any = Judge.__new__(Judge)
    judge.looks = looks
    judge.runtime = SimpleNamespace(state=lambda _: None)
    judge._open_case = lambda *_: asked.append(1)
    return judge, asked


def flood(judge: Any) -> None:
    for number in range(STRANGERS * REQUESTS):
        with pytest.raises((NotFound, Overloaded)):
            judge._admit_evidence(head(f"10.0.0.{number % STRANGERS}"))


def test_strangers_without_bodies__make_a_judge_look_a_few_times() -> None:
    clock = Clock()
    judge, asked = make_judge(Looks(clock))
    flood(judge)
    most = server_module.LOOKS_PER_S * server_module.LOOKS_BURST_S
    assert len(asked) == most
    clock.now += 1.0
    flood(judge)
    assert len(asked) == most + server_module.LOOKS_PER_S


def test_the_planted_judge__looks_for_each_request() -> None:
    judge, asked = make_judge(PlantedLooks())
    flood(judge)
    assert len(asked) == STRANGERS * REQUESTS


@pytest.mark.parametrize("changed", [{"task": object()}, {"is_finished": True}])
def test_evidence_that_a_judge_holds__is_answered_by_its_head(changed: dict[str, Any]) -> None:
    judge, _ = make_judge(Looks(Clock()))
    case = SimpleNamespace(**{"task": None, "is_finished": False, "terms": None, **changed})
    judge.runtime = SimpleNamespace(state=lambda _: case)
    assert judge._admit_evidence(head("10.0.0.1")) == Response(body=TAKEN)
    with pytest.raises(RefusedInput, match="no answer is awaited"):
        judge._admit_answer(head("10.0.0.1"))


def test_known_parties__have_looks_of_their_own() -> None:
    judge, asked = make_judge(Looks(Clock()))
    flood(judge)
    had = len(asked)
    with pytest.raises(NotFound):
        judge._admit_evidence(head("10.0.0.1", "judge"))
    assert len(asked) == had + 1


def test_one_stranger__leaves_looks_for_others() -> None:
    looks = Looks(Clock())
    while not looks.take(head("10.0.0.1")):
        pass
    assert not looks.take(head("10.0.0.2"))


def test_a_known_party__is_told_when_to_ask_again() -> None:
    looks = Looks(Clock())
    while not looks.take(head("10.0.0.1", "payer")):
        pass
    with pytest.raises(Overloaded) as caught:
        looks.check(head("10.0.0.1", "payer"))
    assert caught.value.retry_after_s == 1


def test_a_node__without_looks_left__answers_as_it_last_saw_it() -> None:
    node: Any = ComputeNode.__new__(ComputeNode)
    node.looks = Looks(Clock())
    state, looked = SimpleNamespace(phase="offered"), list[int]()
    node.runtime = SimpleNamespace(state=lambda _: state)
    node.station = SimpleNamespace(chain=SimpleNamespace(confirmed=lambda: 1))
    node._look_at = lambda *_: looked.append(1)
    order = cast.small_order()
    for _ in range(REQUESTS):
        assert node._state(head("10.0.0.1"), order.job, 1, behind="offered") is state
    assert 0 < len(looked) <= server_module.LOOKS_PER_S * server_module.LOOKS_BURST_S


def test_looks__are_counted_by_many_threads_at_once() -> None:
    looks, taken = Looks(Clock()), list[float]()

    def ask() -> None:
        taken.extend(looks.take(head("::1")) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = server_module.LOOKS_PER_S_OF_STRANGER * server_module.LOOKS_BURST_S
    assert taken.count(0.0) == most
