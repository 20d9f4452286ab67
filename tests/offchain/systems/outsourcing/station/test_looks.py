"""What requests make a server ask its chain is counted: its own watch needs the node."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast, doors
from tests.offchain.systems.outsourcing.doors import Memory, make_node

from edgemark.errors import LedgerUnavailable, Overloaded, RefusedInput
from edgemark.identity.visiting import EXPECTED_S
from edgemark.party.settings import PartySettings
from edgemark.party.station import TAKEN
from edgemark.systems.outsourcing.contract.events import JobCancelled, JobPosted, JobStarted
from edgemark.systems.outsourcing.contract.records import ChargeKind, JobPhase
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.protocol.messages import Evidence
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.settings import OutsourcingSettings
from edgemark.systems.outsourcing.station import looks as looks_module
from edgemark.systems.outsourcing.station.looks import Looks
from edgemark.systems.outsourcing.station.server import Payers
from edgemark.systems.outsourcing.station.shared_answers import MOST_OLD_S, SHARED_S, SharedTime
from edgemark.transport.faults import NotFound
from edgemark.transport.rates import RateLimit
from edgemark.transport.serving.server import Head, Request, Response

OPERATING = Path(__file__).resolve().parents[5] / "docs" / "operating.md"
CALLS_OF_A_JOB = 2  # that the watch reads
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


def remembering(state: object) -> Any:
    """A runtime that has every job in this state, and none that is over."""
    return SimpleNamespace(
        state=lambda _: state, state_at_hand=lambda _: state, is_archived=lambda _: False
    )


def make_judge(looks: Looks) -> tuple[Any, list[int]]:
    """A judge whose chain shows no charge, and how often it was asked."""
    asked: list[int] = []
    judge: Any = Judge.__new__(Judge)
    judge.looks = looks
    judge.runtime = remembering(None)
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
    judge.runtime = remembering(case)
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
    assert 0 < caught.value.retry_after_s <= looks_module.PARTIES_LONGEST_WAIT_S


def test_a_node__without_looks_left__answers_as_it_last_saw_it() -> None:
    node: Any = ComputeNode.__new__(ComputeNode)
    node.looks = Looks(has_part, Clock())
    state, looked = SimpleNamespace(phase="offered"), list[int]()
    node.runtime = remembering(state)
    node.station = SimpleNamespace(chain=SimpleNamespace(confirmed=lambda: 1))
    node.rounds = SimpleNamespace(look_at=lambda *_: looked.append(1))
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
    looks = Looks(has_part, Clock())
    assert ask_all(looks, ["offers"], 9) == looks_module.PAYERS_AT_ONCE
    looks.note_taken("offers")
    assert not looks.take(head("::1", "offers"))


def test_f4_a_payer__has_a_part_once_its_job_has_started() -> None:
    """Before, whoever had an offer taken was a party, though its job never starts."""
    node = make_node(cast.small_order(), 1)
    (state,) = node.runtime.states().values()
    node.payers = Payers()
    node.payers.note(state.known.job, cast.PAYER.address)
    assert not node.has_part(cast.PAYER.address)
    for started in ({"started": True}, {"charge": ChargeKind.SILENT}):
        node.runtime = Memory({b"": replace(state, **started)})
        assert node.has_part(cast.PAYER.address)
        node.runtime = Memory({b"": replace(state, phase=NodePhase.ENDED, **started)})
        assert not node.has_part(cast.PAYER.address)


@pytest.mark.parametrize(
    ("phase", "started_at", "known"),
    [(JobPhase.POSTED, 0, "invited"), (JobPhase.STARTED, 5, "party"), (JobPhase.CANCELLED, 0, "")],
)
def test_f4_the_payer_of_a_task__is_a_party_when_it_runs_and_nobody_when_cancelled(
    phase: JobPhase, started_at: int, known: str
) -> None:
    node, seen = make_node(cast.small_order(), 1), set[str]()
    (state,) = node.runtime.states().values()
    node.payers, node.postings = Payers(), Payers()
    node.door = SimpleNamespace(
        invite=lambda _: seen.add("invited"), expect=lambda *_: seen.add("party")
    )
    job = SimpleNamespace(payer=cast.PAYER.address, phase=phase, started_at=started_at)
    node._expect_parties(state, job)
    assert "".join(seen) == known


def test_f4_whoever_cancels_all_its_postings__is_a_stranger_again() -> None:
    """Before, an invitation stayed until `accept_by`."""
    node: Any = ComputeNode.__new__(ComputeNode)
    node.postings, invited = Payers(), set[str]()
    node.door = SimpleNamespace(
        invite=lambda account, **_: invited.add(account), uninvite=invited.discard
    )
    node.station = SimpleNamespace(address="me", clock=lambda: 0)
    terms = tuple(vars(cast.small_order().terms).values())

    def see(kind: type, number: int) -> set[str]:
        event = kind.__new__(kind)
        facts = {"job": number, "payer": "payer", "terms": terms, "nodes": ("me",)}
        vars(event).update(facts)
        node.expect_payers([event], 0, 10**12)
        return invited

    assert see(JobPosted, 1) == see(JobPosted, 2) == {"payer"}
    assert see(JobCancelled, 1) == {"payer"}
    assert see(JobCancelled, 2) == set()
    assert see(JobPosted, 3) == see(JobStarted, 3) == {"payer"}


def test_f4_any_number_of_parties__takes_no_look_that_is_anothers_own() -> None:
    """Before, what all had of their own came from one pot of 32 a second: 33 parties emptied it."""
    looks, planted = Looks(has_part, Clock()), RateLimit(32.0, 1.0, looks_module.BURST_S)
    own = looks_module.PARTIES_OWN_AT_ONCE
    for name in [f"judge {number}" for number in range(40)] * 40:
        planted.take(name, 100.0)
        looks.take(head("::1", name))
    assert planted.take("payer", 100.0) > 0
    assert ask_all(looks, ["payer"], 100) == own


def test_f4_a_party__has_never_had_fewer_looks_than_a_payer() -> None:
    clock = Clock()
    looks = Looks(has_part, clock)
    looks._more.take = lambda *_: 1.0  # type: ignore[method-assign] # others have all of these
    had = {"payer": 0, "offers": 0}
    while clock.now < 1000:
        for name in had:
            had[name] += not looks.take(head("::1", name))
        assert had["payer"] >= had["offers"]
        clock.now += 1.0


def test_f4_evidence_of_an_open_case__waits_for_no_look() -> None:
    """Before, each copy cost one, and whoever emptied the pot made the charge void."""
    order = cast.small_order()
    answer = cast.wrong_answer(order, 1)
    case = cast.case_of(order, 1, commitment=cast.commitment_to(answer, cast.NODES[0]))
    judge: Any = doors.make_judge(case, order)
    evidence = Evidence(order.terms, order.tasks[0], answer)
    asked = list[object]()
    judge.looks = SimpleNamespace(check=asked.append)
    assert doors.knock(judge._take_evidence, evidence) == TAKEN
    assert len(asked) == 1  # as it was: after a start, until the first round
    judge._jobs = {order.job: judge.station.settlement.job(order.job)}
    judge.station.settlement.job = None
    assert doors.knock(judge._take_evidence, evidence) == TAKEN
    assert (len(asked), judge.runtime.heard) == (1, 2)


# --- time ----------------------------------------------------------------------------------------


def test_f4_a_read_request__repeated_by_strangers__asks_the_chain_four_times_a_second() -> None:
    """Before, each one did: 480 times a second, and no look was counted."""
    clock, asked = Clock(), list[int]()

    def ask() -> int:
        asked.append(1)
        return int(clock.now)

    shared = SharedTime(ask, clock)
    for _ in range(480):
        assert clock.now - 1 - SHARED_S < shared.read() <= clock.now
        clock.now += 1 / 480
    assert len(asked) <= 1 / SHARED_S


def test_chain_time__that_is_not_said__is_asked_no_more_often() -> None:
    asked = list[int]()

    def ask() -> int:
        asked.append(1)
        raise LedgerUnavailable("no chain answers", who="chain")

    shared = SharedTime(ask, Clock())
    with pytest.raises(LedgerUnavailable):
        shared.read()
    for _ in range(9):
        with pytest.raises(Overloaded):
            shared.read()
    assert len(asked) == 1


def test_chain_time__that_was_said_long_ago__is_not_given_out_again() -> None:
    """Before, the second of two requests after a quiet hour got the time of an hour ago."""
    clock, shared = Clock(), list[SharedTime]()

    def ask() -> int:
        if clock.now > MOST_OLD_S + 1:  # another request comes while the chain is asked
            with pytest.raises(Overloaded):
                shared[0].read()
        return int(clock.now)

    shared.append(SharedTime(ask, clock))
    first = shared[0].read()
    clock.now += 3600
    assert shared[0].read() == first + 3600
    clock.now += SHARED_S / 2
    assert shared[0].read() == first + 3600


# --- sums ----------------------------------------------------------------------------------------


def test_one_party__has_what_the_others_leave_beside_its_own() -> None:
    more = looks_module.PARTIES_MORE_PER_S_OF_PARTY * looks_module.BURST_S
    had = ask_all(Looks(has_part, Clock()), ["payer"], 200)
    assert had == looks_module.PARTIES_OWN_AT_ONCE + more


def test_f4_calls_of_all_looks__are_no_more_than_a_full_servers_watch_makes() -> None:
    others = (
        looks_module.PARTIES_MORE_PER_S + looks_module.PAYERS_PER_S + looks_module.STRANGERS_PER_S
    )
    watch = OutsourcingSettings.max_open_jobs * CALLS_OF_A_JOB / PartySettings.poll_s
    for parties, calls in (
        (OutsourcingSettings.max_open_jobs, looks_module.CALLS_OF_OFFER),
        (2 * OutsourcingSettings.max_open_jobs, looks_module.CALLS_OF_CASE),
    ):
        assert (parties / looks_module.PARTIES_OWN_EVERY_S + others) * calls <= watch


def test_looks__as_operators_read_them() -> None:
    page = OPERATING.read_text()
    for figure in (
        f"| {looks_module.PARTIES_MORE_PER_S:.0f}, and what is each one's own | "
        f"{looks_module.PARTIES_OWN_AT_ONCE} of its own at once, then one in "
        f"{looks_module.PARTIES_OWN_EVERY_S:.0f} s, and up to "
        f"{looks_module.PARTIES_MORE_PER_S_OF_PARTY:.0f} of those left |",
        f"| {looks_module.PAYERS_PER_S:.0f} | {looks_module.PAYERS_AT_ONCE} at once, then",
        f"{looks_module.PAYERS_LONGEST_PAUSE_S:.0f} s |",
        f"| {looks_module.STRANGERS_PER_S:.0f} | "
        f"{looks_module.STRANGERS_PER_S_OF_ADDRESS:.0f} of an address |",
        f"up to {looks_module.CALLS_OF_OFFER} calls at a node",
        f"{looks_module.CALLS_OF_CASE} at a judge",
    ):
        assert figure in page, figure
