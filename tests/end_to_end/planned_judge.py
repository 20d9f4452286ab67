"""A judge that signs falsely in the jobs that the plan in its home folder names.

It serves every case like the others, then signs the opposite of what it found: `wrong` for a right
result, `right` for a wrong one or for none at all. `plan.json`: list of job ids in hex.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from edgemark.identifiers import JobId
from edgemark.ledger.records import Role
from edgemark.logs import configure_logs
from edgemark.settings import load_settings
from edgemark.systems.outsourcing import events as on
from edgemark.systems.outsourcing.judge import Judge
from edgemark.systems.outsourcing.messages import Finding
from edgemark.systems.outsourcing.parties.judge import JudgeCase
from edgemark.systems.outsourcing.running import open_station, serve

PLAN_FILE = "plan.json"
OPPOSITE = {
    Finding.RIGHT: Finding.WRONG,
    Finding.WRONG: Finding.RIGHT,
    Finding.MISSING: Finding.RIGHT,
}


def plan_false_verdicts(home: Path, jobs: Iterable[JobId]) -> None:
    """Tell the judge of this home folder in which jobs to sign falsely."""
    temporary = home / f"{PLAN_FILE}.new"
    temporary.write_text(json.dumps([job.hex() for job in jobs]))
    temporary.replace(home / PLAN_FILE)


class PlannedJudge(Judge):
    """A judge with a plan."""

    def _is_false_in(self, job: JobId) -> bool:
        path = Path(self.station.settings.home) / PLAN_FILE
        return path.exists() and job.hex() in json.loads(path.read_text())

    def _reexecute(self, state: JudgeCase) -> Finding:
        found = super()._reexecute(state)
        return OPPOSITE[found] if self._is_false_in(state.known.job) else found

    def _sign(self, state: JudgeCase, finding: Finding) -> on.HeardOpinion:
        if finding is Finding.MISSING and self._is_false_in(state.known.job):
            return super()._sign(state, OPPOSITE[finding])
        return super()._sign(state, finding)


def main() -> None:
    """Run it: `python -m tests.end_to_end.planned_judge HOME`."""
    settings = load_settings(file=None, environ={}, overrides={"home": Path(sys.argv[1])})
    configure_logs(settings.log_level)
    serve(open_station(settings, Role.ENCLAVE), PlannedJudge)


if __name__ == "__main__":
    main()
