"""What requests make a server ask its chain is counted: its own watch needs the node."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.errors import Overloaded, RefusedInput
from edgemark.identity.statements import RegistryDomain
from edgemark.identity.visiting import EXPECTED_S, Doorkeeper
from edgemark.party.station import TAKEN
from edgemark.settings import Settings
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.station import looks as looks_module
from edgemark.systems.outsourcing.station.looks import Looks
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.transport.faults import NotFound
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.server import Head, Request, Response

OPERATING = Path(__file__).resolve().parents[4] / "docs" / "operating.md"
CALLS_OF_A_LOOK, CALLS_OF_A_JOB = 5, 2
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


def has_part(account: str) -> bool:
    """Of accounts here: whoever is not called a payer of mere offers."""
    return not account.startswith("offers")


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
    judge, asked = make_judge(Looks(has_part, clock))
    flood(judge)
    most = looks_module.STRANGERS_PER_S * looks_module.BURST_S
    assert len(asked) == most
    clock.now += 1.0
    flood(judge)
    assert len(asked) == most + looks_module.STRANGERS_PER_S


def test_the_planted_judge__looks_for_each_request() -> None:
    judge, asked = make_judge(PlantedLooks(has_part))
    flood(judge)
    assert len(asked) == STRANGERS * REQUESTS


@pytest.mark.parametrize("changed", [{"task": object()}, {"is_finished": True}])
def test_evidence_that_a_judge_holds__is_answered_by_its_head(changed: dict[str, Any]) -> None:
    judge, _ = make_judge(Looks(has_part, Clock()))
    case = SimpleNamespace(**{"task": None, "is_finished": False, "terms": None, **changed})
    judge.runtime = SimpleNamespace(state=lambda _: case)
    assert judge._admit_evidence(head("10.0.0.1")) == Response(body=TAKEN)
    with pytest.raises(RefusedInput, match="no answer is awaited"):
        judge._admit_answer(head("10.0.0.1"))


def test_known_parties__have_looks_of_their_own() -> None:
    judge, asked = make_judge(Looks(has_part, Clock()))
    flood(judge)
    had = len(asked)
    with pytest.raises(NotFound):
        judge._admit_evidence(head("10.0.0.1", "judge"))
    assert len(asked) == had + 1


def test_one_stranger__leaves_looks_for_others() -> None:
    looks = Looks(has_part, Clock())
    while not looks.take(head("10.0.0.1")):
        pass
    assert not looks.take(head("10.0.0.2"))


def test_a_known_party__is_told_when_to_ask_again() -> None:
    looks = Looks(has_part, Clock())
    while not looks.take(head("10.0.0.1", "payer")):
        pass
    with pytest.raises(Overloaded) as caught:
        looks.check(head("10.0.0.1", "payer"))
    assert caught.value.retry_after_s == 1


def test_a_node__without_looks_left__answers_as_it_last_saw_it() -> None:
    node: Any = ComputeNode.__new__(ComputeNode)
    node.looks = Looks(has_part, Clock())
    state, looked = SimpleNamespace(phase="offered"), list[int]()
    node.runtime = SimpleNamespace(state=lambda _: state)
    node.station = SimpleNamespace(chain=SimpleNamespace(confirmed=lambda: 1))
    node._look_at = lambda *_: looked.append(1)
    order = cast.small_order()
    for _ in range(REQUESTS):
        assert node._state(head("10.0.0.1"), order.job, 1, behind="offered") is state
    assert 0 < len(looked) <= looks_module.STRANGERS_PER_S * looks_module.BURST_S


def test_looks__are_counted_by_many_threads_at_once() -> None:
    looks, taken = Looks(has_part, Clock()), list[float]()

    def ask() -> None:
        taken.extend(looks.take(head("::1")) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = looks_module.STRANGERS_PER_S_OF_ADDRESS * looks_module.BURST_S
    assert taken.count(0.0) == most


# --- known parties -------------------------------------------------------------------------------


def ask_all(looks: Looks, accounts: list[str], often: int) -> int:
    """How many looks these get that all ask so often."""
    return sum(not looks.take(head("::1", account)) for account in accounts * often)


def test_f4_a_thousand_payers_of_offers__get_a_few_looks_and_take_none_of_the_others() -> None:
    """In the planted copy every known account had ten a second, and a hundred at once."""
    clock = Clock()
    looks = Looks(has_part, clock)
    planted = RateLimit(10.0, 10.0, looks_module.BURST_S)
    payers = [f"offers {number}" for number in range(1000)]
    assert sum(not planted.take(name, 0.0, is_known=True) for name in payers * 9) == 9000
    most = looks_module.PAYERS_PER_S * looks_module.BURST_S
    assert ask_all(looks, payers, 9) == most
    clock.now += 1.0
    assert ask_all(looks, payers, 9) == looks_module.PAYERS_PER_S
    assert not looks.take(head("::1", "judge"))
    assert not looks.take(head("::1"))


def test_f4_a_payer_whose_offers_are_not_taken__waits_ever_longer() -> None:
    clock = Clock()
    looks = Looks(has_part, clock)
    asked_at: list[float] = []
    while clock.now < 400:
        if not looks.take(head("::1", "offers")):
            asked_at.append(clock.now - 100)
        clock.now += 1.0
    assert asked_at == [0, 1, 2, 3, 4, 6, 10, 18, 34, 66, 130, 194, 258]
    clock.now += looks_module.PAYERS_LONGEST_PAUSE_S + EXPECTED_S + 1
    assert ask_all(looks, ["offers"], 9) == looks_module.PAYERS_AT_ONCE


def test_f4_a_payer_whose_offer_is_taken__waits_no_longer() -> None:
    taken: set[str] = set()
    looks = Looks(lambda account: account in taken, Clock())
    assert ask_all(looks, ["offers"], 9) == looks_module.PAYERS_AT_ONCE
    taken.add("offers")
    assert not looks.take(head("::1", "offers"))


def test_f4_a_payer__has_a_part_once_its_offer_is_taken() -> None:
    order = cast.small_order()
    node: Any = ComputeNode.__new__(ComputeNode)
    registry = RegistryDomain(cast.CHAIN_ID, cast.SETTLEMENT)
    node.payers, node.door = Payers(), Doorkeeper(cast.NODES[0].address, registry)
    job: Any = SimpleNamespace(payer=cast.PAYER.address)
    node.expect_payer(order.job, job.payer)
    assert not node.door.has_part(job.payer)
    node._speed, node._admitting = SimpleNamespace(time=lambda _: 1e-9), threading.Lock()
    node.station = SimpleNamespace(settlement=SimpleNamespace(judges=tuple))
    node._accepting = SimpleNamespace(take=lambda *_: None)
    node.runtime = SimpleNamespace(ask=lambda *_: None)
    node._promise(cast.offer_to(order, 1), job, cast.dense_function())
    assert node.door.has_part(job.payer)


def test_f4_parties_that_ask_too_often__leave_each_other_one_its_own() -> None:
    """In the planted copy one bucket was for all of them: who came last had none."""
    looks, planted = Looks(has_part, Clock()), RateLimit(52.0, 10.0, looks_module.BURST_S)
    crooked = [f"judge {number}" for number in range(16)]
    for name in crooked * 100:
        planted.take(name, 0.0)
        looks.take(head("::1", name))
    assert planted.take("payer", 0.0) > 0
    assert ask_all(looks, ["payer"], 100) == looks_module.BURST_S


def test_one_party__has_what_the_others_leave_beside_its_own() -> None:
    per_s = looks_module.PARTIES_OWN_PER_S_OF_PARTY + looks_module.PARTIES_MORE_PER_S_OF_PARTY
    assert ask_all(Looks(has_part, Clock()), ["payer"], 200) == per_s * looks_module.BURST_S


def test_f4_looks_of_all__are_no_more_than_a_full_nodes_watch_takes_and_operators_read_them() -> (
    None
):
    parties = looks_module.PARTIES_OWN_PER_S + looks_module.PARTIES_MORE_PER_S
    each = looks_module.PARTIES_OWN_PER_S_OF_PARTY, looks_module.PARTIES_MORE_PER_S_OF_PARTY
    per_s = parties + looks_module.PAYERS_PER_S + looks_module.STRANGERS_PER_S
    assert per_s * CALLS_OF_A_LOOK <= Settings.max_open_jobs * CALLS_OF_A_JOB / Settings.poll_s
    page = OPERATING.read_text()
    for figure in (
        f"| {parties:.0f} | {each[0]:.0f} of its own, and up to {each[1]:.0f} of those left |",
        f"| {looks_module.PAYERS_PER_S:.0f} | {looks_module.PAYERS_AT_ONCE} at once, then",
        f"{looks_module.PAYERS_LONGEST_PAUSE_S:.0f} s |",
        f"| {looks_module.STRANGERS_PER_S:.0f} | "
        f"{looks_module.STRANGERS_PER_S_OF_ADDRESS:.0f} of an address |",
    ):
        assert figure in page, figure
