"""One stage, eleven jobs at once: every way an index can end but the lapse, to the token.

| job        | who misbehaves                                            | ends                       |
|------------|-----------------------------------------------------------|----------------------------|
| honest     | nobody                                                    | all paid                   |
| late       | node 1 answers the judges only                            | 1 answered                 |
| absent     | node 5 accepts, then does nothing                         | 5 convicted                |
| framed     | the device charges honest node 2 as wrong                 | 2 refuted                  |
| unserved   | the device charges honest node 3 and gives no evidence    | 3 void                     |
| kept       | the device never sends node 4 its task                    | 4 answered                 |
| unstarted  | a named node never runs                                   | all released               |
| left       | the device leaves, node 6 does nothing; it comes back     | 6 equal harm               |
| two liars  | nodes 1 and 2 lie: more than e                            | one charged at random      |
| lenient    | node 3 lies, judge 1 signs `right`                        | 3 convicted                |
| harsh      | the device frames node 4, judge 2 signs `wrong`           | 4 refuted                  |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from edgemark.identifiers import JobId, ShareIndex
from edgemark.ledger.events import NodeConvicted
from edgemark.ledger.records import Role
from edgemark.systems.outsourcing.amounts import IndexPhase
from edgemark.systems.outsourcing.demo.dishonest import Deed, write_plan
from edgemark.systems.outsourcing.demo.ledger_check import Holdings, compute_changes
from edgemark.systems.outsourcing.parties.device import DeviceJob
from edgemark.systems.outsourcing.phases import DevicePhase
from edgemark.systems.outsourcing.station import Station
from tests.end_to_end.job_ledger import JobLedger
from tests.end_to_end.planned_judge import plan_false_verdicts
from tests.end_to_end.scripted_device import Script, ScriptedDevice
from tests.end_to_end.small_job import FUNCTION, WISH, draw_batch, evaluate_plainly
from tests.end_to_end.theatre import Theatre, close_job, ends, open_theatre, wait_for

pytestmark = pytest.mark.processes

JOB_LIMIT_S = 150.0
DEEDS = {
    "late": {1: Deed.LATE},
    "absent": {5: Deed.ABSENT},
    "left": {6: Deed.ABSENT},
    "two liars": {1: Deed.LIE, 2: Deed.LIE},
    "lenient": {3: Deed.LIE},
}
SCRIPTS = {
    "framed": Script(frames=ShareIndex(2)),
    "unserved": Script(frames=ShareIndex(3), keeps_evidence=True),
    "kept": Script(keeps_task=ShareIndex(4)),
    "harsh": Script(frames=ShareIndex(4)),
}
FALSE_JUDGES = {"lenient": 1, "harsh": 2}
EXPECTED = {
    "honest": ends(),
    "late": ends(i1=IndexPhase.ANSWERED),
    "absent": ends(i5=IndexPhase.CONVICTED),
    "framed": ends(i2=IndexPhase.REFUTED),
    "unserved": ends(i3=IndexPhase.VOID),
    "kept": ends(i4=IndexPhase.ANSWERED),
    "unstarted": (IndexPhase.RELEASED,) * 6,
    "left": ends(i6=IndexPhase.EQUAL_HARM),
    "lenient": ends(i3=IndexPhase.CONVICTED),
    "harsh": ends(i4=IndexPhase.REFUTED),
}
JOBS = (*EXPECTED, "two liars")


@dataclass
class Played:
    """What came of all the jobs."""

    theatre: Theatre
    device: ScriptedDevice
    jobs: dict[str, JobId]
    batches: dict[str, bytes]
    states: dict[str, DeviceJob]
    ledger: JobLedger
    after: Holdings

    def payer(self, name: str) -> str:
        """Account of the device of a job."""
        return self.ledger.of_job(self.jobs[name])[0].payer  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with open_theatre(tmp_path_factory.mktemp("jobs")) as theatre:
        device = theatre.enlist_device()
        leaver = theatre.enlist_device("leaver")
        absentee = theatre.enlist_absentee("absentee", Role.COMPUTE_NODE)
        before = theatre.holdings()
        theatre.before = before
        batches = {name: draw_batch() for name in JOBS}
        jobs = {
            name: submit(theatre, leaver if name == "left" else device, name, batches[name], absentee)
            for name in JOBS
        }
        plan(theatre, device, jobs)
        leave_after_delivery(leaver, jobs["left"])
        states = {n: close_job(device, j, JOB_LIMIT_S) for n, j in jobs.items() if n != "left"}
        states["left"] = come_back(theatre, jobs["left"])
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        yield Played(theatre, device, jobs, batches, states, ledger, theatre.holdings())


def submit(
    theatre: Theatre, device: ScriptedDevice, name: str, batch: bytes, absentee: Station
) -> JobId:
    nodes = theatre.node_accounts
    if name == "unstarted":
        nodes[5] = absentee.address
    return device.submit(FUNCTION, batch, nodes, WISH)


def plan(theatre: Theatre, device: ScriptedDevice, jobs: dict[str, JobId]) -> None:
    """Tell everybody what to do wrong; nothing of it begins before the jobs are accepted."""
    device.scripts.by_job.update({jobs[name]: script for name, script in SCRIPTS.items()})
    for number, node in enumerate(theatre.stage.nodes, start=1):
        deeds = {jobs[name]: deed[number] for name, deed in DEEDS.items() if number in deed}
        write_plan(node.home, deeds)
    for name, number in FALSE_JUDGES.items():
        plan_false_verdicts(theatre.stage.judges[number - 1].home, [jobs[name]])


def leave_after_delivery(device: ScriptedDevice, job: JobId) -> None:
    wait_for("delivery", lambda: len(device.job(job).delivered) == 6, 60)
    device.stop()
    device.station.lane.close()


def come_back(theatre: Theatre, job: JobId) -> DeviceJob:
    """Everything is collected by others; then the device comes back from its journal."""
    outsider = theatre.open_station("outsider")
    settlement = outsider.settlement

    def phases() -> list[IndexPhase]:
        return [view.phase for view in settlement.indices(job, 6, block="latest")]

    wait_for("collecting by the nodes", lambda: phases()[:5] == [IndexPhase.PAID] * 5, 90)
    outsider.lane.send(settlement.collect(job, [ShareIndex(6)]))
    device = theatre.start_device(theatre.open_home("leaver"))
    return close_job(device, job, 60)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__ends_index_by_index_as_planned(played: Played, name: str) -> None:
    state = played.states[name]
    assert [phase.name for phase in state.indices] == [phase.name for phase in EXPECTED[name]]
    assert state.is_finished


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job__pays_what_the_table_of_amounts_says(played: Played, name: str) -> None:
    order, payer, pool = played.states[name].known, played.payer(name), played.theatre.stage.pool
    expected = compute_changes([(order, EXPECTED[name])], payer, pool)
    changes = played.ledger.changes(played.jobs[name])
    assert changes == {account: amount for account, amount in expected.items() if amount}


@pytest.mark.parametrize("name", JOBS)
def test_a_job__makes_no_token_and_loses_none(played: Played, name: str) -> None:
    assert sum(played.ledger.changes(played.jobs[name]).values()) == 0


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"unstarted"}))
def test_a_started_job__gives_the_right_result(played: Played, name: str) -> None:
    assert played.states[name].result == evaluate_plainly(played.batches[name])


def test_a_job_that_never_starts__is_cancelled_and_gives_everything_back(played: Played) -> None:
    assert played.states["unstarted"].phase is DevicePhase.CANCELLED
    assert played.ledger.changes(played.jobs["unstarted"]) == {}


def test_two_liars__leave_the_job_undecided_and_the_charged_one_gets_its_due(
    played: Played,
) -> None:
    state = played.states["two liars"]
    assert state.undecided_because
    assert state.result is None
    (charged,) = state.wrong
    end = IndexPhase.CONVICTED if charged in (1, 2) else IndexPhase.REFUTED
    expected = ends(**{f"i{charged}": end})
    assert state.indices == expected
    changes = compute_changes(
        [(state.known, expected)], played.payer("two liars"), played.theatre.stage.pool
    )
    assert played.ledger.changes(played.jobs["two liars"]) == {
        account: amount for account, amount in changes.items() if amount
    }


def test_nobody_but_the_planted__is_convicted(played: Played) -> None:
    convicted = {
        (event.job, event.index)
        for event in played.ledger.events
        if isinstance(event, NodeConvicted) and event.job != played.jobs["two liars"]
    }
    assert convicted == {(played.jobs["absent"], 5), (played.jobs["lenient"], 3)}


def test_all_jobs_together__change_every_balance_by_the_sum(played: Played) -> None:
    total: dict[str, int] = {}
    for job in played.jobs.values():
        for account, amount in played.ledger.changes(job).items():
            total[account] = total.get(account, 0) + amount
    before, after = played.theatre.before.parties, played.after.parties
    changed = {a: after[a] - before[a] for a in before if after[a] != before[a]}
    assert changed == {account: amount for account, amount in total.items() if amount}


def test_after_all_jobs__nothing_is_locked_and_the_supply_is_accounted_for(
    played: Played,
) -> None:
    assert played.after.locked == 0
    assert played.after.accounted == played.after.supply == played.theatre.before.accounted
    assert played.after.anchored == played.after.free
