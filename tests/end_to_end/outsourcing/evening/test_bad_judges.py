"""Judges that do not do their part: k = 3 of 4 bear one of them; two can only make charges lapse.

Judge 4 is registered and never runs. In two of the jobs judge 1 signs falsely as well.

| job            | node 3                           | bad judges | ends      |
|----------------|----------------------------------|------------|-----------|
| one, lie       | lies                             | 4          | convicted |
| one, silence   | commits and serves nothing       | 4          | convicted |
| one, framed    | honest, charged as wrong         | 4          | refuted   |
| two, lie       | lies                             | 1 and 4    | lapsed    |
| two, silence   | commits and serves nothing       | 1 and 4    | lapsed    |
| two, framed    | honest, charged as wrong         | 1 and 4    | lapsed    |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.scripted_device import Script, ScriptedDevice
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, open_theatre
from tests.stage.playhouse import wait_for, whole_stage

from edgemark.demo.evm.holdings import Holdings
from edgemark.demo.script import write_script
from edgemark.identifiers import ShareIndex
from edgemark.identity.keys import KeyStore
from edgemark.systems.outsourcing.contract.events import ChargeLapsed, ChargeServed, NodeConvicted
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.cast import LIMITS
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.limits import MAX_SMALL_BYTES
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.station.station import path_of
from edgemark.systems.outsourcing.steps.compute import compute_outputs
from edgemark.transport.faults import PeerRefused

pytestmark = whole_stage(91)

JOB_LIMIT_S = 150.0
JUDGE_WINDOW_S = 12  # the book closes a quarter of it after the answer time
CHARGED = ShareIndex(3)
DEEDS = {
    "one, lie": Deed.LIE,
    "one, silence": Deed.MUTE,
    "two, lie": Deed.LIE,
    "two, silence": Deed.MUTE,
}
FRAMED = ("one, framed", "two, framed")
EXPECTED = {
    "one, lie": IndexPhase.CONVICTED,
    "one, silence": IndexPhase.CONVICTED,
    "one, framed": IndexPhase.REFUTED,
    "two, lie": IndexPhase.LAPSED,
    "two, silence": IndexPhase.LAPSED,
    "two, framed": IndexPhase.LAPSED,
}


@dataclass
class Judged:
    """What came of the jobs.

    Attributes:
        late: what a judge said to an answer handed in after the answer time.
    """

    theatre: Theatre
    states: dict[str, DeviceJob]
    ledger: JobLedger
    late: PeerRefused
    before: Holdings


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    folder = tmp_path_factory.mktemp("judges")
    limits = replace(LIMITS, judge_window=JUDGE_WINDOW_S)
    with open_theatre(folder, not_running=["judge 4"], limits=limits) as theatre:
        device = theatre.enlist_device()
        before = theatre.begin()
        jobs = {
            name: device.submit(FUNCTION, draw_batch(), theatre.node_accounts, WISH)
            for name in EXPECTED
        }
        write_script(
            theatre.stage.nodes[CHARGED - 1].home,
            {jobs[name]: deed for name, deed in DEEDS.items()},
        )
        write_script(
            theatre.stage.judges[0].home,
            {job: "false" for name, job in jobs.items() if "two" in name},
        )
        device.scripts.by_job.update({jobs[name]: Script(frames=CHARGED) for name in FRAMED})
        late = hand_in_late(theatre, device, jobs["two, silence"])
        states = {name: close_job(device, job, JOB_LIMIT_S) for name, job in jobs.items()}
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        yield Judged(theatre, states, ledger, late, before)


def hand_in_late(theatre: Theatre, device: ScriptedDevice, job: JobId) -> PeerRefused:
    """The silent node's answer, right and signed, one moment after the judges closed the book."""
    settlement = device.station.settlement

    def served_until() -> int:
        return settlement.index(job, CHARGED, block="latest").verdict_by

    wait_for("serving", lambda: served_until() > 0, 90)
    last = served_until()
    closed = last - JUDGE_WINDOW_S // 2
    wait_for("the answer time", lambda: theatre.chain.now() >= closed, 90, until=closed)
    answer = answer_of_node(theatre, device, job)
    with pytest.raises(PeerRefused) as refused:
        device.station.ask(
            theatre.stage.judges[1].account,
            path_of("answers", job, CHARGED),
            answer.to_wire(),
            most=MAX_SMALL_BYTES,
        )
    return refused.value


def answer_of_node(theatre: Theatre, device: ScriptedDevice, job: JobId) -> Answer:
    """What the silent node would have signed in time; made with its own key."""
    order = device.job(job).known
    task = order.tasks[CHARGED - 1]
    outputs = compute_outputs(FUNCTION, task, order.terms)
    key = KeyStore.open(Path(theatre.stage.nodes[CHARGED - 1].home) / "keys").account
    blank = Answer(job, CHARGED, task.task_id, task.share_hash, outputs, bytes(32), b"")
    digest = blank.digest(device.station.settlement.domain, key.address)
    return replace(blank, signature=key.sign(digest))


@pytest.mark.parametrize("name", EXPECTED)
def test_charge__ends_as_three_honest_judges_of_four_decide(judged: Judged, name: str) -> None:
    expected = ends(i3=EXPECTED[name])
    assert [phase.name for phase in judged.states[name].indices] == [e.name for e in expected]


@pytest.mark.parametrize("name", EXPECTED)
def test_job__pays_what_the_table_of_amounts_says(judged: Judged, name: str) -> None:
    state = judged.states[name]
    expected = compute_changes(
        [(state.known, ends(i3=EXPECTED[name]))],
        judged.ledger.posting(state.known.job).payer,
        judged.theatre.stage.pool,
        [judged.ledger.signers(state.known.job)],
    )
    changes = judged.ledger.changes(state.known.job)
    assert changes == {account: amount for account, amount in expected.items() if amount}
    assert sum(changes.values()) == 0


@pytest.mark.parametrize("name", [name for name in EXPECTED if "two" in name])
def test_two_bad_judges__can_fine_nobody(judged: Judged, name: str) -> None:
    state = judged.states[name]
    events = judged.ledger.of_job(state.known.job)
    assert not [event for event in events if isinstance(event, NodeConvicted)]
    assert len([event for event in events if isinstance(event, ChargeLapsed)]) == 1
    node = state.known.nodes[CHARGED - 1]
    assert judged.ledger.changes(state.known.job).get(node, 0) == 0


@pytest.mark.parametrize("name", EXPECTED)
def test_charge__is_served_once(judged: Judged, name: str) -> None:
    events = judged.ledger.of_job(judged.states[name].known.job)
    assert len([event for event in events if isinstance(event, ChargeServed)]) == 1


def test_hand_in__after_the_answer_time__is_refused_by_the_judge(judged: Judged) -> None:
    assert judged.late.status == 400
    assert judged.late.error["what"] == "answer is late"
    assert judged.late.error["needed"]


def test_judge_that_never_ran__is_paid_nothing(judged: Judged) -> None:
    absent = judged.theatre.stage.judges[3].account
    present = judged.theatre.stage.judges[1].account
    changes = judged.ledger.changes(judged.states["one, lie"].known.job)
    assert changes.get(absent, 0) == 0 < changes[present]


def test_after_all__nothing_is_locked_and_no_token_is_missing(judged: Judged) -> None:
    after = judged.theatre.holdings()
    assert after.locked == 0
    assert after.accounted == after.supply == judged.before.accounted
