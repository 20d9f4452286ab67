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
from edgemark.logs import configure_logs
from edgemark.party.evm.opening import open_station
from edgemark.party.running import serve
from edgemark.settings import load_settings
from edgemark.systems.outsourcing.contract.records import Finding
from edgemark.systems.outsourcing.identifiers import JobId
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


class ScriptedJudge(Judge):
    """A judge with a script."""

    def __init__(self, station: OutsourcingStation) -> None:
        self._ignored: set[JobId] = set()
        super().__init__(station)

    def _is_to_be(self, what: str, job: JobId) -> bool:
        return find_deed(Path(self.station.settings.home), job) == what

    def _take_answer(self, request: Request) -> Response:
        job = Answer.from_wire(request.body).job
        if self._is_to_be("deaf", job) and job not in self._ignored:
            self._ignored.add(job)
            raise NotFound("index is not charged", who=f"job {job.hex()}")
        return super()._take_answer(request)

    def _reexecute(self, state: JudgeCase) -> Finding:
        found = super()._reexecute(state)
        return OPPOSITE[found] if self._is_to_be("false", state.known.job) else found

    def _sign(self, state: JudgeCase, finding: Finding) -> on.HeardOpinion:
        if finding is Finding.MISSING and self._is_to_be("false", state.known.job):
            return super()._sign(state, OPPOSITE[finding])
        return super()._sign(state, finding)


def main() -> None:
    """Run it: `python -m tests.end_to_end.outsourcing.scripted_judge HOME`."""
    settings = load_settings(file=None, environ={}, overrides={"home": Path(sys.argv[1])})
    configure_logs(settings.log_level)
    serve(open_station(OutsourcingStation, settings, ENCLAVE), ScriptedJudge)


if __name__ == "__main__":
    main()
