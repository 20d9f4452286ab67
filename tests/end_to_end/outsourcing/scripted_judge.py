"""A judge that does not do its part in the jobs that the script in its home folder names.

| deed  | what the judge does                                                                   |
|-------|---------------------------------------------------------------------------------------|
| false | serves the case like the others, then signs the opposite of what it found             |
| deaf  | refuses the first answer that anybody hands in, as one that knows of no charge yet    |
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgemark.demo.script import find_deed
from edgemark.logs import LogSettings, configure_logs
from edgemark.party.evm.opening import open_station
from edgemark.party.running import serve
from edgemark.settings.loading import load_settings
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.bench import Bench
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.judge.judge import Judge
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Answer
from edgemark.systems.outsourcing.station.contracts import ENCLAVE
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.server import Request, Response

OPPOSITE = {
    Finding.RIGHT: Finding.WRONG,
    Finding.WRONG: Finding.RIGHT,
    Finding.MISSING: Finding.RIGHT,
}


def is_to_be(what: str, station: OutsourcingStation, job: JobId) -> bool:
    """Whether the script says so of a job."""
    return find_deed(station.home, job) == what


class ScriptedBench(Bench):
    """What a judge with a script finds and signs."""

    def reexecute(self, state: JudgeCase) -> Finding:
        """The opposite of what there is to find."""
        found = super().reexecute(state)
        return OPPOSITE[found] if is_to_be("false", self._station, state.known.job) else found

    def sign(self, state: JudgeCase, finding: Finding) -> on.HeardOpinion:
        """What was found; of a node that answered nothing, that it was right."""
        if finding is Finding.MISSING and is_to_be("false", self._station, state.known.job):
            return super().sign(state, OPPOSITE[finding])
        return super().sign(state, finding)


class ScriptedJudge(Judge):
    """A judge with a script."""

    BENCH = ScriptedBench

    def __init__(self, station: OutsourcingStation) -> None:
        self._ignored: set[JobId] = set()
        super().__init__(station)

    def _take_answer(self, request: Request) -> Response:
        job = Answer.from_wire(request.body).job
        if is_to_be("deaf", self.station, job) and job not in self._ignored:
            self._ignored.add(job)
            raise NotFound("index is not charged", who=f"job {job.hex()}")
        return super()._take_answer(request)


def main() -> None:
    """Run it: `python -m tests.end_to_end.outsourcing.scripted_judge HOME`."""
    settings = load_settings(
        file=None,
        environ={},
        overrides={"home": Path(sys.argv[1])},
        sections=OutsourcingStation.SECTIONS,
    )
    configure_logs(settings.of(LogSettings).level)
    serve(open_station(OutsourcingStation, settings, ENCLAVE), ScriptedJudge)


if __name__ == "__main__":
    main()
