"""A device that is `edgemark outsourcing ...`, killed at one journal record after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.stage.command_line import KILLED, Finished, do_nothing, edgemark
from tests.stage.forks import Forked
from tests.stage.idling import GONE, Report, read_report
from tests.stage.killing.reaper import Kill
from tests.stage.playhouse import IDLING_FILE

from edgemark.identifiers import Address
from edgemark.journal.journal import Journal
from edgemark.loop.replay import replay
from edgemark.seam import CRASH_AFTER
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId, parse_job_id
from edgemark.systems.outsourcing.protocol.machine import PartyMachine

LIMIT_S = "600"


@dataclass
class KilledDevice:
    """One job of one home, ordered and followed on the command line.

    Attributes:
        home: with its `edgemark.toml`.
        batch: packed inputs.
        submission: words after `outsourcing submit`.
        nodes: accounts to name.
        places: where to die, in the order of life.
        on_job: told the job as soon as it is known.
        until: how long the last `result` stays.
        before: done in each of its processes before it begins.
    """

    name: str
    home: Path
    batch: bytes = field(repr=False)
    submission: Sequence[str | Path]
    nodes: Sequence[Address]
    places: Sequence[str]
    on_job: Callable[[JobId], None]
    until: str = "settled"
    before: Callable[[], None] = do_nothing
    kills: list[Kill] = field(default_factory=list)
    job: JobId | None = None
    last: Finished | None = None
    running: Forked | None = None
    is_over: bool = False

    def how_is(self) -> Report | None:
        """What the command that runs says; None between two commands."""
        return GONE if self.is_over else read_report(self.running, self.home / IDLING_FILE)

    def live(self) -> None:
        """Submit, die, come back, die, come back ... until the job is settled."""
        try:
            self._live()
        finally:
            self.is_over = True

    def _live(self) -> None:
        places: list[str | None] = [*self.places, None]
        while self.job is None:
            submitted = self._submit(places[0])
            if submitted.status == KILLED:
                places.pop(0)
            self.job = self._find_job(submitted)
            if self.job is None and submitted.status != KILLED:
                raise AssertionError(submitted.error)  # it would be the same again, for ever
        self.on_job(self.job)
        for place in places:
            stay = ("--until", self.until, "--timeout", LIMIT_S)
            self.last = self._run(
                place, "result", self.job.hex(), "--home", self.home, *stay, "--json"
            )

    def read_journal(self) -> DeviceJob:
        """What the device remembers of its job."""
        with Journal.open(self.home / "device.journal") as journal:
            states = replay(PartyMachine(DeviceJob), journal)
        assert self.job is not None
        return states[self.job]

    def _note(self, running: Forked) -> None:
        self.running = running

    def _submit(self, place: str | None) -> Finished:
        named = [word for node in self.nodes for word in ("--node", node)]
        return self._run(
            place, "submit", "--home", self.home, *self.submission, *named, "--no-wait", "--json"
        )

    def _find_job(self, submitted: Finished) -> JobId | None:
        """The job; none when the device died before it wrote anything down."""
        if submitted.status == 0:
            return parse_job_id(submitted.value["job"])
        listed = self._run(None, "status", "--home", self.home, "--json").value
        return None if listed == {"jobs": 0} else parse_job_id(next(iter(listed)))

    def _run(self, place: str | None, *words: str | Path) -> Finished:
        environ = {} if place is None else {CRASH_AFTER: place}
        done = edgemark(
            "outsourcing",
            *words,
            environ=environ,
            tell=self._note,
            idling=self.home / IDLING_FILE,
            before=self.before,
        )
        if place is not None and done.status == KILLED:
            self.kills.append(Kill(self.name, place))
        return done
