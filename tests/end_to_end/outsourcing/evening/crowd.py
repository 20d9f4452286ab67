"""Thirteen jobs at once on one stage: every way an index can end but the lapse.

| job       | who misbehaves                                        | ends                  |
|-----------|-------------------------------------------------------|-----------------------|
| honest    | nobody                                                | all paid              |
| imported  | nobody; the shares were made elsewhere                | all paid              |
| late      | node 1 answers the judges only; they refuse it once   | 1 answered            |
| absent    | node 5 accepts, then does nothing                     | 5 convicted           |
| framed    | the device charges honest node 2 as wrong             | 2 refuted             |
| unserved  | the device charges honest node 3, gives no evidence   | 3 void                |
| kept      | the device never sends node 4 its task                | 4 answered            |
| unstarted | two named nodes registered what nobody can talk to    | all released          |
| left      | the device leaves, node 6 does nothing; it comes back | 6 unearned            |
| returned  | the device leaves, node 4 lies; it is back in time    | 4 convicted           |
| two liars | nodes 1 and 2 lie: more than e                        | one charged at random |
| lenient   | node 3 lies, judge 1 signs `right`                    | 3 convicted           |
| harsh     | the device frames node 4, judge 2 signs `wrong`       | 4 refuted             |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.scripted_device import Script, ScriptedDevice
from tests.end_to_end.outsourcing.small_job import FUNCTION, WISH, draw_batch
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, open_theatre
from tests.siege import HALF_BODY, besieged
from tests.stage.playhouse import wait_for

from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.evm.holdings import Holdings
from edgemark.demo.script import write_script
from edgemark.identifiers import Address, ShareIndex
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.sharing import make_sharing
from edgemark.systems.outsourcing.offline.sharing_files import read_sharing, write_sharing
from edgemark.systems.outsourcing.order.ordering import draft_shared
from edgemark.systems.outsourcing.station.station import OutsourcingStation

JOB_LIMIT_S = 150.0
BESIEGERS = 80  # for each judge; as it was, 64 kept everybody out
DEEDS = {
    "late": {1: Deed.LATE},
    "absent": {5: Deed.ABSENT},
    "left": {6: Deed.ABSENT},
    "returned": {4: Deed.LIE},
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
    "imported": ends(),
    "late": ends(i1=IndexPhase.ANSWERED),
    "absent": ends(i5=IndexPhase.CONVICTED),
    "framed": ends(i2=IndexPhase.REFUTED),
    "unserved": ends(i3=IndexPhase.VOID),
    "kept": ends(i4=IndexPhase.ANSWERED),
    "unstarted": (IndexPhase.RELEASED,) * 6,
    "left": ends(i6=IndexPhase.UNEARNED),
    "returned": ends(i4=IndexPhase.CONVICTED),
    "lenient": ends(i3=IndexPhase.CONVICTED),
    "harsh": ends(i4=IndexPhase.REFUTED),
}
JOBS = (*EXPECTED, "two liars")
LEAVERS = {
    "left": "leaver",
    "returned": "returner",
}  # jobs of devices that go away, and their homes


@dataclass
class Played:
    """What came of all the jobs; the stage still stands.

    Attributes:
        device: the payer of all jobs but those of `LEAVERS`.
        outsider: an account that takes no part.
        siege: connections that held the judges' places from first to last, sending nothing (F4).
        before, after: all tokens before the first job and after the last.
    """

    theatre: Theatre
    device: ScriptedDevice
    outsider: OutsourcingStation
    siege: int
    jobs: dict[str, JobId]
    batches: dict[str, bytes]
    states: dict[str, DeviceJob]
    ledger: JobLedger
    before: Holdings
    after: Holdings

    def payer(self, name: str) -> Address:
        """Account of the device of a job."""
        payer: Address = self.ledger.posting(self.jobs[name]).payer
        return payer


@contextmanager
def play_everything(folder: Path) -> Iterator[Played]:
    """Play all the jobs, the judges besieged; every log is as talkative as it can be."""
    with open_theatre(folder, settings={"logs.level": "debug"}) as theatre, ExitStack() as siege:
        device = theatre.enlist_device()
        leavers = {name: theatre.enlist_device(home) for name, home in LEAVERS.items()}
        outsider = theatre.open_station("outsider")
        unreachable = enlist_unreachable(theatre)
        ports = [judge.port for judge in theatre.stage.judges]
        held = siege.enter_context(besieged(ports, each=BESIEGERS, said=[HALF_BODY]))
        before = theatre.begin()
        batches = {name: draw_batch() for name in JOBS}
        jobs: dict[str, JobId] = {}
        for name in JOBS:
            nodes = name_nodes(theatre, name, unreachable)
            if name == "imported":
                jobs[name] = submit_elsewhere(device, folder, batches[name], nodes)
            else:
                jobs[name] = leavers.get(name, device).submit(FUNCTION, batches[name], nodes, WISH)
        plan(theatre, device, jobs)
        for name, leaver in leavers.items():
            leave_after_delivery(leaver, jobs[name])
        returner = come_back_in_time(theatre, jobs["returned"])
        states = {"left": come_back_too_late(theatre, outsider, jobs["left"])}
        states["returned"] = close_job(returner, jobs["returned"], JOB_LIMIT_S)
        states |= {n: close_job(device, j, JOB_LIMIT_S) for n, j in jobs.items() if n not in states}
        siege.close()
        ledger = JobLedger(theatre.chain, theatre.stage.deployment)
        yield Played(
            theatre=theatre,
            device=device,
            outsider=outsider,
            siege=held[0],
            jobs=jobs,
            batches=batches,
            states=states,
            ledger=ledger,
            before=before,
            after=theatre.holdings(),
        )


def submit_elsewhere(
    device: ScriptedDevice, folder: Path, batch: bytes, nodes: list[Address]
) -> JobId:
    """A sensor shares into a folder; the device takes the job from there."""
    made = make_sharing(
        FUNCTION,
        batch,
        threshold=WISH.threshold,
        errors=WISH.errors,
        randomness=Randomness(),
    )
    write_sharing(folder / "sharing", made)
    shared = read_sharing(folder / "sharing")
    return device.begin(FUNCTION, draft_shared(device, FUNCTION, shared, nodes, WISH))


def enlist_unreachable(theatre: Theatre) -> list[Address]:
    """Two nodes with entries that nobody can use: another's endpoint, and no endpoint at all."""
    others = f"https://127.0.0.1:{theatre.stage.nodes[0].port}"
    return [
        theatre.enlist_node("impostor", others).address,
        theatre.enlist_node("riddle", "ftp://nowhere/at/all").address,
    ]


def name_nodes(theatre: Theatre, job: str, unreachable: list[Address]) -> list[Address]:
    """The six nodes, or four of them and the two that nobody can talk to."""
    nodes = theatre.node_accounts
    return [*nodes[:4], *unreachable] if job == "unstarted" else nodes


def plan(theatre: Theatre, device: ScriptedDevice, jobs: dict[str, JobId]) -> None:
    """Tell everybody what to do wrong; nothing of it begins before the jobs are accepted."""
    device.scripts.by_job.update({jobs[name]: script for name, script in SCRIPTS.items()})
    for number, node in enumerate(theatre.stage.nodes, start=1):
        deeds = {jobs[name]: deed[number] for name, deed in DEEDS.items() if number in deed}
        write_script(node.home, deeds)
    for number, judge in enumerate(theatre.stage.judges, start=1):
        false = [jobs[name] for name, who in FALSE_JUDGES.items() if who == number]
        write_script(judge.home, {**dict.fromkeys(false, "false"), jobs["late"]: "deaf"})


def leave_after_delivery(device: ScriptedDevice, job: JobId) -> None:
    """The device hands out its tasks and is gone."""
    wait_for("delivery", lambda: len(device.job(job).delivered) == 6, 60)
    device.close()
    device.station.lane.close()


def come_back_in_time(theatre: Theatre, job: JobId) -> ScriptedDevice:
    """The nodes had their time without the device; it is back before their answers are due."""
    station = theatre.open_home(LEAVERS["returned"])
    compute_by = station.settlement.job(job, block="latest").compute_by
    wait_for("the end of computing", lambda: station.chain.now() > compute_by, 60)
    return theatre.start_device(station)


def come_back_too_late(theatre: Theatre, outsider: OutsourcingStation, job: JobId) -> DeviceJob:
    """Everything is collected by others; then the device comes back from its journal."""
    settlement = outsider.settlement

    def phases() -> list[IndexPhase]:
        return [view.phase for view in settlement.indices(job, 6, block="latest")]

    wait_for("collecting by the nodes", lambda: phases()[:5] == [IndexPhase.PAID] * 5, 90)
    outsider.lane.send(settlement.collect(job, [ShareIndex(6)]))
    device = theatre.start_device(theatre.open_home("leaver"))
    return close_job(device, job, 60)
