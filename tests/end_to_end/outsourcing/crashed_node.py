"""A node is killed right after its commitment, and comes back when the device has left.

The device is `edgemark outsourcing submit`, as a user types it. Five answers decide the result, so
it is told then; the command stays, says of whom it waits for what, charges the node as silent and
leaves. The node is started again, finds the charge, and answers to the judges from its journal.
Whoever asks later for the reason gets it from each home, as far as it can say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.outsourcing.small_job import draw_batch, write_function, write_inputs
from tests.end_to_end.outsourcing.theatre import Theatre
from tests.stage.command_line import Finished, edgemark, write_settings
from tests.stage.metronome import waiting
from tests.stage.playhouse import IDLING_FILE, start_usually, wait_for

from edgemark.identifiers import ShareIndex
from edgemark.seam import CRASH_AFTER
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId, parse_job_id
from edgemark.systems.outsourcing.order.looking import look_at_job

CRASHED = ShareIndex(4)
WINDOWS = ("--accept", "60", "--compute", "20", "--collect", "20")  # to answer in: as to compute
JOB = re.compile(r"^job +([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Crash:
    """What came of it.

    Attributes:
        submitted: what the user was told.
        left: the job as the device left it.
        died: exit status of the node.
        end: of its index.
        replayed: what `replay` says of the evidence of each home, by its name.
    """

    batch: bytes
    job: JobId
    submitted: Finished
    left: DeviceJob
    died: int | None
    end: IndexPhase
    replayed: Mapping[str, Finished]


def play_crash(theatre: Theatre) -> Crash:
    """One job of a device with a home of its own; its nodes are free."""
    stage, actor = theatre.stage, theatre.stage.nodes[CRASHED - 1]
    actor.ask_to_leave()
    actor.end()
    start_usually(actor, {CRASH_AFTER: "SawCommitted"})
    stage.wait_ready([actor])
    with theatre.open_station("impatient") as station:
        home, settlement = write_settings(station.settings), station.settlement
    batch = draw_batch()
    report = theatre.metronome.parties.pop(actor.name)  # nobody waits for the dead
    with waiting():
        submitted = edgemark(*ask(theatre, home, batch), idling=home / IDLING_FILE)
    died = None if actor.process is None else actor.process.poll()
    start_usually(actor)
    theatre.metronome.parties[actor.name] = report
    found = JOB.search(submitted.out)
    assert found is not None, submitted
    job, left = parse_job_id(found[1]), look_at_job(home, parse_job_id(found[1]))

    def phase() -> IndexPhase:
        return settlement.index(job, CRASHED).phase  # deep enough for everybody

    wait_for("the end of the charge", lambda: phase().is_end, 120)
    names = (home.name, actor.home.name, stage.judges[0].home.name)
    replayed = {name: explain(stage.folder / name, home, job) for name in names}
    return Crash(batch, job, submitted, left, died, phase(), replayed)


def ask(theatre: Theatre, home: Path, batch: bytes) -> list[str | Path]:
    """What the user types."""
    named = [word for node in theatre.node_accounts for word in ("--node", node)]
    files = ("--function", write_function(home), "--input", write_inputs(home, batch))
    return ["outsourcing", "submit", "--home", home, *files, *WINDOWS, *named]


def explain(home: Path, reader: Path, job: JobId) -> Finished:
    """Export the evidence of a home, which may be in use, and let somebody else replay it."""
    bundle = home / "evidence.json"
    written = edgemark("outsourcing", "evidence", job.hex(), "-o", bundle, "--home", home)
    assert written.status == 0, written
    return edgemark("outsourcing", "replay", bundle, "--json", "--home", reader)
