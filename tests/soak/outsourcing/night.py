"""One soak run: a stage with many servers, devices as processes, deaths, and the reckoning after.

Everything is real but two things: the nodes that misbehave do so where the programme says, and the
blocks come more slowly when the machine is busy (`metronome.py`), so that no deadline passes only
because somebody else uses the processors.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.small_job import FUNCTION, draw_batch
from tests.end_to_end.outsourcing.theatre import Theatre, open_theatre
from tests.soak.outsourcing.findings import PlayedJob, Violation, find_unfailed, find_violations
from tests.soak.outsourcing.programme import NODES_OF_A_JOB, PlannedJob, draw_programme
from tests.soak.outsourcing.soak_device import NO_MORE, OUTCOMES, Orders
from tests.stage.command_line import write_settings
from tests.stage.forks import ENVIRONMENT, Forked
from tests.stage.killing.deaths import Deaths, Mortal
from tests.stage.playhouse import DEPOSIT, start_usually

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.actor import Actor
from edgemark.demo.script import write_script
from edgemark.identifiers import TOKEN_UNIT, Address, Timestamp, Tokens
from edgemark.ledger.evm.reading.follower import LogFollower
from edgemark.party.evm.joining import join_as_device, provide_balance
from edgemark.systems.outsourcing.contract.events import (
    ChargeAnswered,
    ChargeLapsed,
    ChargeRefuted,
    ChargeVoided,
    FeeUnearned,
    JobCancelled,
    JobPosted,
    NodeConvicted,
    NodePaid,
)
from edgemark.systems.outsourcing.contract.hashes import compute_job_id
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.contract.terms import Terms
from edgemark.systems.outsourcing.demo.cast import LIMITS
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.offline.drafting import Wish, draft_terms
from edgemark.systems.outsourcing.station.contracts import OutsourcingContracts

ENDS = (
    NodePaid,
    FeeUnearned,
    NodeConvicted,
    ChargeRefuted,
    ChargeAnswered,
    ChargeVoided,
    ChargeLapsed,
)
LOOK_S = 1.0
SETTLE_LIMIT_S = 600.0  # after the last device left: what its nodes still have to collect


@dataclass(frozen=True)
class Windows:
    """How long everything may take, seconds of chain time.

    A killed process is back within `absence_s` plus the time it takes to start: the windows leave
    room for several deaths in a row, so that nobody honest is late.
    """

    accept_s: int = 45
    compute_s: int = 45
    collect_s: int = 60
    judge_s: int = 40
    absence_s: float = 4.0

    @property
    def wish(self) -> Wish:
        """What every device asks for."""
        return Wish(
            threshold=1,
            errors=1,
            fee=Tokens(10 * TOKEN_UNIT + 7),  # odd, so that every rounding shows
            judge_fee=Tokens(3 * TOKEN_UNIT + 1),
            accept_s=self.accept_s,
            compute_s=self.compute_s,
            collect_s=self.collect_s,
        )

    @property
    def limits(self) -> Limits:
        """What the settlement is deployed with."""
        return Limits(**{**LIMITS.__dict__, "judge_window": self.judge_s})


@dataclass(frozen=True)
class Wanted:
    """What to run.

    Attributes:
        limit_s: no job is ordered after as many seconds.
        pause_s: seconds between two deaths on average; 0 for none.
        at_once: open jobs of each device at most.
    """

    seed: int
    jobs: int
    limit_s: float
    pause_s: float
    nodes: int = 12
    judges: int = 4
    devices: int = 10
    at_once: int = 8
    windows: Windows = field(default_factory=Windows)


@dataclass
class Reckoning:
    """What came of it.

    Attributes:
        jobs: those that came to the chain.
        unposted: numbers of those that were ordered and never came there: a device that was dead
            for too long finds its posting refused, and no token moved.
        seconds: from the first order to the last token paid out.
        blocks: as many seconds of chain time.
    """

    wanted: Wanted
    jobs: list[PlayedJob]
    unposted: list[int]
    kills: Counter[str]
    violations: list[Violation]
    seconds: float
    blocks: int
    moved: int

    @property
    def is_complete(self) -> bool:
        """Every job that was wanted was ordered and is over."""
        return len(self.jobs) + len(self.unposted) == self.wanted.jobs


def play(folder: Path, wanted: Wanted, tell: Callable[[int, int, int], None]) -> Reckoning:
    """Run it all.

    Args:
        folder: empty; holds keys, journals and logs afterwards.
        wanted: what to run.
        tell: told (jobs ended, jobs wanted, kills) about once a second.
    """
    with open_theatre(
        folder,
        limits=wanted.windows.limits,
        node_count=wanted.nodes,
        judge_count=wanted.judges,
    ) as theatre:
        return Night(theatre, wanted, tell).run()


def running(actor: Actor) -> Forked:
    """The process of a server that was started."""
    assert isinstance(actor.process, Forked)
    return actor.process


class EndedJobs:
    """Counts jobs that hold no token any more, from the events of the settlement."""

    def __init__(self, theatre: Theatre, settlement: SettlementContract) -> None:
        start = theatre.stage.deployment.block
        self._follower = LogFollower(theatre.chain, [settlement.contract], start)
        self._ended: Counter[JobId] = Counter()
        self._cancelled: set[JobId] = set()

    def count(self) -> int:
        """Jobs that ended until now."""
        for event in self._follower.poll():
            if isinstance(event, ENDS):
                self._ended[event.job] += 1
            elif isinstance(event, JobCancelled):
                self._cancelled.add(event.job)
        whole = sum(ends == NODES_OF_A_JOB for ends in self._ended.values())
        return whole + len(self._cancelled)


class Night:
    """A run on a stage that is set; see `play`."""

    def __init__(
        self, theatre: Theatre, wanted: Wanted, tell: Callable[[int, int, int], None]
    ) -> None:
        self._theatre = theatre
        self._wanted = wanted
        self._tell = tell
        self._settlement = SettlementContract(
            theatre.chain,
            theatre.stage.deployment,
            theatre.stage.deployment.group(OutsourcingContracts).judges,
        )
        self._plan = draw_programme(
            wanted.seed, jobs=wanted.jobs, nodes=wanted.nodes, devices=wanted.devices
        )
        self._homes: list[Path] = []
        self._payers: list[Address] = []

    def run(self) -> Reckoning:
        """Enlist, play, reckon."""
        self._enlist_devices()
        self._write_scripts()
        before = self._theatre.begin()
        began, first = time.monotonic(), self._theatre.chain.head()
        deaths = Deaths(
            self._mortals(),
            pause_s=self._wanted.pause_s,
            longest_absence_s=self._wanted.windows.absence_s,
            seed=self._wanted.seed,
        )
        deaths.start()
        try:
            self._wait(deaths, began)
        finally:
            deaths.stop()
        self._wait_unlocked()
        seconds, last = time.monotonic() - began, self._theatre.chain.head()
        outcomes = self._read_outcomes()
        jobs = self._read_jobs(outcomes)
        unposted = sorted(set(outcomes) - {job.plan.number for job in jobs})
        pool = self._theatre.stage.pool
        violations = find_violations(jobs, pool, before, self._theatre.holdings())
        violations += find_unfailed({number: outcomes[number] for number in unposted})
        violations += [Violation("accident", text) for text in deaths.accidents]
        moved = sum(amount for job in jobs for amount in job.changes.values() if amount > 0)
        kills, blocks = deaths.kills, last - first
        return Reckoning(self._wanted, jobs, unposted, kills, violations, seconds, blocks, moved)

    # --- before --------------------------------------------------------------------------------

    def _enlist_devices(self) -> None:
        for number in range(1, self._wanted.devices + 1):
            with self._theatre.open_station(f"device-{number}") as station:
                join_as_device(station)
                provide_balance(station, DEPOSIT)
                self._homes.append(write_settings(station.settings))
                self._payers.append(station.address)

    def _write_scripts(self) -> None:
        nodes = self._theatre.node_accounts
        deeds: defaultdict[int, dict[JobId, Deed]] = defaultdict(dict)
        for job in self._plan:
            for index, deed in job.deeds.items():
                deeds[job.nodes[index - 1]][self._id_of(job)] = deed
        for position, actor in enumerate(self._theatre.stage.nodes):
            write_script(actor.home, deeds[position])
        for device, home in enumerate(self._homes):
            Orders(
                self._wanted.seed,
                self._wanted.at_once,
                self._wanted.windows.wish,
                [(j.number, [nodes[n] for n in j.nodes]) for j in self._plan if j.device == device],
            ).write(home)

    def _id_of(self, job: PlannedJob) -> JobId:
        deployment = self._theatre.stage.deployment
        payer = self._payers[job.device]
        return compute_job_id(deployment.chain_id, self._settlement.address, payer, job.number)

    def _mortals(self) -> list[Mortal]:
        stage = self._theatre.stage
        servers = [
            Mortal(actor.name, partial(self._start_server, actor), process=running(actor))
            for actor in (*stage.nodes, *stage.judges)
        ]
        devices = [
            Mortal(f"device {number}", partial(self._start_device, home), ends_itself=True)
            for number, home in enumerate(self._homes, start=1)
        ]
        return [*servers, *devices]

    def _start_server(self, actor: Actor) -> Forked:
        start_usually(actor)
        return running(actor)

    def _start_device(self, home: Path) -> Forked:
        environ, log = {**os.environ, **ENVIRONMENT}, home / "log.jsonl"
        module = "tests.soak.outsourcing.soak_device"
        return Forked(module, [str(home)], environ=environ, out=log, error=log)

    # --- meanwhile -----------------------------------------------------------------------------

    def _wait(self, deaths: Deaths, began: float) -> None:
        """Until every device is done; from the time limit on, none orders another job."""
        ended = EndedJobs(self._theatre, self._settlement)
        devices = [mortal for mortal in deaths.mortals if mortal.ends_itself]
        while not all(device.is_done for device in devices) and not deaths.accidents:
            if time.monotonic() - began > self._wanted.limit_s:
                for home in self._homes:
                    (home / NO_MORE).touch()
            self._tell(ended.count(), self._wanted.jobs, sum(deaths.kills.values()))
            time.sleep(LOOK_S)

    def _wait_unlocked(self) -> None:
        """The devices are gone; nodes and judges end what is left."""
        deadline = time.monotonic() + SETTLE_LIMIT_S
        while self._theatre.holdings().locked and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    # --- after ---------------------------------------------------------------------------------

    def _read_jobs(self, outcomes: Mapping[int, str]) -> list[PlayedJob]:
        ledger = JobLedger(self._theatre.chain, self._theatre.stage.deployment)
        terms = self._amounts()
        accounts, judges = self._theatre.node_accounts, self._settlement.judges
        posted = {event.job for event in ledger.events if isinstance(event, JobPosted)}
        played = []
        for plan in self._plan:
            job = self._id_of(plan)
            if job not in posted:
                continue  # the time was over, or its posting was refused: no token moved
            views = self._settlement.indices(job, NODES_OF_A_JOB, block="latest")
            played.append(
                PlayedJob(
                    plan=plan,
                    terms=terms,
                    payer=self._payers[plan.device],
                    nodes=[accounts[n] for n in plan.nodes],
                    judges=judges,
                    ends=tuple(view.phase for view in views),
                    changes=ledger.changes(job),
                    outcome=outcomes.get(plan.number, "device did not say"),
                    signers=ledger.signers(job),
                )
            )
        return played

    def _amounts(self) -> Terms:
        """The amounts of every job: all ask for the same."""
        key = SecretKey.generate(Randomness()).public_key
        wish, now = self._wanted.windows.wish, Timestamp(self._theatre.chain.now())
        return draft_terms(FUNCTION, draw_batch(), key, wish, now)

    def _read_outcomes(self) -> dict[int, str]:
        """What the devices say of each job that they ordered."""
        outcomes: dict[int, str] = {}
        for home in self._homes:
            path = home / OUTCOMES
            told = json.loads(path.read_text()) if path.exists() else {}
            outcomes |= {int(number): outcome for number, outcome in told.items()}
        return outcomes
