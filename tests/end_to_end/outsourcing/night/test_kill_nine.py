"""`kill -9` right after every journal record that there is, at nodes, judges and devices.

Every party dies at the places below, is started again each time, and the jobs must end as if nobody
had died: same phases, same balances, nobody paid twice. A soak run also kills right *before* each
record, and adds a death at random.

| job           | who misbehaves                     | ends                  | device           |
|---------------|------------------------------------|-----------------------|------------------|
| late          | node 2 answers the judges only     | 2 answered            | stays alive      |
| mute          | node 3 commits and serves nothing  | 3 convicted (missing) | stays alive      |
| kept          | the device keeps node 4's task     | 4 answered            | stays alive      |
| killed: lie   | node 1 lies                        | 1 convicted           | dies eleven times|
| killed: mute  | node 5 commits and serves nothing  | 5 convicted           | dies             |
| killed: many  | nodes 1 and 2 lie                  | one charged at random | dies             |
| killed: never | a named node never runs            | all released          | dies             |
| killed: wrong | the device names a judge as a node | nothing was posted    | dies             |
| killed: gone  | node 6 lies                        | 6 convicted           | leaves for good  |
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from tests.end_to_end.outsourcing.job_ledger import JobLedger
from tests.end_to_end.outsourcing.night.killed_device import KilledDevice
from tests.end_to_end.outsourcing.scripted_device import Script
from tests.end_to_end.outsourcing.small_job import (
    FUNCTION,
    OUTPUTS,
    WISH,
    draw_batch,
    evaluate_plainly,
    write_function,
    write_inputs,
)
from tests.end_to_end.outsourcing.theatre import Theatre, close_job, ends, instruct, open_theatre
from tests.stage.command_line import do_nothing, write_settings
from tests.stage.killing.reaper import Reaper
from tests.stage.metronome import waiting
from tests.stage.playhouse import wait_for, whole_stage

from edgemark.cli.outsourcing.placing import submission
from edgemark.cli.spending.price import Price
from edgemark.crypto.field.field import FIELD
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.demo.evm.holdings import Holdings
from edgemark.identifiers import Address, ShareIndex
from edgemark.ledger.evm.sending.rehearsed_lane import Rehearsal
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.cast import LIMITS
from edgemark.systems.outsourcing.demo.checks import compute_changes
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.station import OutsourcingStation

pytestmark = whole_stage(155)

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
JOB_LIMIT_S = 220.0
JUDGE_WINDOW_S = 15
PATIENT = replace(WISH, accept_s=30, compute_s=12, collect_s=18)
SERVER_PLACES: dict[str, tuple[str, ...]] = {
    "node 1": ("HeardOffer", "FoundAnswer", "SawEnded"),
    "node 2": ("SawAccepted", "SawCharged", "HeardAnswerTaken"),
    "node 3": ("SawStarted", "SawServed"),
    "node 4": ("HeardTask", "SawServed", "FoundAnswer"),
    "node 5": ("SawCommitted", "SawEnded"),
    "node 6": ("Tick",),
    "judge 1": ("SawCase", "FoundVerdict"),
    "judge 2": ("HeardEvidence", "SawServed", "Tick"),
    "judge 3": ("HeardOpinion", "HeardAnswer"),
    "judge 4": ("HeardPassedOn", "SawEnded"),
}
DEVICE_PLACES: dict[str, tuple[str, ...]] = {
    "lie": (
        "AskedSubmit",
        "SawPosted",
        "HeardAcceptance",
        "SawStarted",
        "HeardTaskTaken",
        "SawIndexPhase",  # a commitment at the latest, which comes between task and answer
        "HeardAnswer",
        "FoundResultValid",
        "SawChargesFiled",
        "HeardEvidenceTaken",
        "SawEnded",
    ),
    "mute": ("Tick",),
    "many": ("FoundResultUndecided",),
    "never": ("SawCancelled",),
    "wrong": ("FoundPostingRefused",),
    "gone": (),
}
DEEDS = {
    "late": {2: Deed.LATE},
    "mute": {3: Deed.MUTE},
    "killed: lie": {1: Deed.LIE},
    "killed: mute": {5: Deed.MUTE},
    "killed: many": {1: Deed.LIE, 2: Deed.LIE},
    "killed: gone": {6: Deed.LIE},
}
EXPECTED = {
    "late": ends(i2=IndexPhase.ANSWERED),
    "mute": ends(i3=IndexPhase.CONVICTED),
    "kept": ends(i4=IndexPhase.ANSWERED),
    "killed: lie": ends(i1=IndexPhase.CONVICTED),
    "killed: mute": ends(i5=IndexPhase.CONVICTED),
    "killed: never": (IndexPhase.RELEASED,) * 6,
}
PLACES = [
    *((who, place) for who, places in SERVER_PLACES.items() for place in places),
    *((f"device {name}", place) for name, places in DEVICE_PLACES.items() for place in places),
]
PREFIXES = ("", "before:") if SOAK else ("",)


@dataclass
class Survived:
    """What came of the jobs.

    Attributes:
        reached: (who, place) of every death.
        states: of every job that was posted, from its device's own memory or journal.
    """

    theatre: Theatre
    reaper: Reaper
    devices: dict[str, KilledDevice]
    reached: set[tuple[str, str]]
    batches: dict[str, bytes]
    states: dict[str, DeviceJob]
    ledger: JobLedger
    before: Holdings
    after: Holdings


@pytest.fixture(scope="module", params=PREFIXES, ids=lambda prefix: prefix or "after")
def survived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Survived]:
    reaper = Reaper({who: name_places(p, request.param) for who, p in SERVER_PLACES.items()})
    limits = replace(LIMITS, judge_window=JUDGE_WINDOW_S)
    folder = tmp_path_factory.mktemp("kills")
    with open_theatre(folder, limits=limits, start=reaper.start) as theatre:
        try:
            yield play(theatre, reaper, request.param)
        finally:
            reaper.stop()


def name_places(places: Sequence[str], prefix: str) -> list[str]:
    """Where to die; in a soak run once more, anywhere."""
    named = [f"{prefix}{place}" for place in places]
    return [*named, random.SystemRandom().choice(named)] if SOAK else named


def play(theatre: Theatre, reaper: Reaper, prefix: str) -> Survived:
    """All jobs at once, everybody dying."""
    alive = theatre.enlist_device()
    absentee = theatre.enlist_node("absentee", "https://127.0.0.1:9").address
    devices = {name: enlist_killed(theatre, name, prefix, absentee) for name in DEVICE_PLACES}
    theatre.metronome.parties.update((each.name, each.how_is) for each in devices.values())
    before = theatre.begin()
    batches = {name: draw_batch() for name in ("late", "mute", "kept")}
    jobs = {
        name: alive.submit(FUNCTION, batch, theatre.node_accounts, PATIENT)
        for name, batch in batches.items()
    }
    alive.scripts.by_job[jobs["kept"]] = Script(keeps_task=ShareIndex(4))
    for name, job in jobs.items():
        plan_deeds(theatre, name, job)
    threads = [threading.Thread(target=each.live) for each in devices.values()]
    for thread in threads:
        thread.start()
    states = {name: close_job(alive, job, JOB_LIMIT_S) for name, job in jobs.items()}
    with waiting():
        for thread in threads:
            thread.join()
    wait_until_convicted(alive.station, devices["gone"])
    states |= {f"killed: {name}": device.read_journal() for name, device in devices.items()}
    batches |= {f"killed: {name}": device.batch for name, device in devices.items()}
    kills = [*reaper.kills, *(kill for device in devices.values() for kill in device.kills)]
    return Survived(
        theatre=theatre,
        reaper=reaper,
        devices=devices,
        reached={(kill.who, kill.place.removeprefix(prefix)) for kill in kills},
        batches=batches,
        states=states,
        ledger=JobLedger(theatre.chain, theatre.stage.deployment),
        before=before,
        after=theatre.holdings(),
    )


def wait_until_convicted(station: OutsourcingStation, gone: KilledDevice) -> None:
    """What the device started before it left goes on without it."""
    job = gone.job
    assert job is not None

    def phase() -> IndexPhase:
        return station.settlement.index(job, 6, block="latest").phase

    wait_for("conviction without the device", lambda: phase() is IndexPhase.CONVICTED, 60)


def enlist_killed(theatre: Theatre, name: str, prefix: str, absentee: Address) -> KilledDevice:
    """A device on the command line, with a home of its own."""
    station = theatre.open_station(f"killed-{name}")
    station.lane.close()
    home, batch = write_settings(station.settings), draw_batch()
    nodes = theatre.node_accounts
    if name == "never":
        nodes[5] = absentee
    if name == "wrong":
        nodes[5] = theatre.stage.judges[0].account
    return KilledDevice(
        name=f"device {name}",
        home=home,
        batch=batch,
        submission=[
            *("--function", write_function(home), "--input", write_inputs(home, batch)),
            *("--accept", str(PATIENT.accept_s), "--compute", str(PATIENT.compute_s)),
            *("--collect", str(PATIENT.collect_s)),
        ],
        nodes=nodes,
        places=name_places(DEVICE_PLACES[name], prefix),
        on_job=lambda job: plan_deeds(theatre, f"killed: {name}", job),
        until="cleared" if name == "gone" else "settled",
        before=price_nothing if name == "wrong" else do_nothing,
    )


def price_nothing() -> None:
    """Its price would be refused with the posting; a node may also be dismissed just after it."""
    submission.price_job = lambda *_: Price(Rehearsal(()))


def plan_deeds(theatre: Theatre, name: str, job: JobId) -> None:
    """Tell the nodes what to do wrong in a job."""
    for number, deed in DEEDS.get(name, {}).items():
        instruct(theatre.stage.nodes[number - 1], job, deed)


@pytest.mark.parametrize(("who", "place"), PLACES)
def test_kill__at_every_place_of_the_journal__happened(
    survived: Survived, who: str, place: str
) -> None:
    assert (who, place) in survived.reached
    assert survived.reaper.accidents == []


@pytest.mark.parametrize("name", EXPECTED)
def test_job__ends_as_if_nobody_had_died(survived: Survived, name: str) -> None:
    state = survived.states[name]
    assert [phase.name for phase in state.indices] == [phase.name for phase in EXPECTED[name]]
    assert state.is_finished


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"killed: never"}))
def test_job__gives_the_same_result_as_if_nobody_had_died(survived: Survived, name: str) -> None:
    assert survived.states[name].result == evaluate_plainly(survived.batches[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_job__pays_everybody_once_as_if_nobody_had_died(survived: Survived, name: str) -> None:
    check_payments(survived, name, EXPECTED[name])


def test_job_of_two_liars__ends_as_if_nobody_had_died(survived: Survived) -> None:
    state = survived.states["killed: many"]
    assert state.undecided_because
    (charged,) = state.wrong
    end = IndexPhase.CONVICTED if charged in (1, 2) else IndexPhase.REFUTED
    assert state.indices == ends(**{f"i{charged}": end})
    check_payments(survived, "killed: many", state.indices)


def check_payments(survived: Survived, name: str, expected: tuple[IndexPhase, ...]) -> None:
    """Each account's change by this job, to the token, from the table of amounts alone."""
    order = survived.states[name].known
    payer = survived.ledger.posting(order.job).payer
    pool, signers = survived.theatre.stage.pool, [survived.ledger.signers(order.job)]
    changes = compute_changes([(order, expected)], payer, pool, signers)
    assert survived.ledger.changes(order.job) == {a: n for a, n in changes.items() if n}


def test_device_that_leaves_when_it_may__has_charged_the_liar(survived: Survived) -> None:
    last = survived.devices["gone"].last
    assert last is not None
    assert (last.status, last.value["may_leave"]) == (0, True)
    assert last.value["liars"] == [6]
    check_payments(survived, "killed: gone", ends(i6=IndexPhase.CONVICTED))


def test_refused_posting__stays_refused_after_the_death(survived: Survived) -> None:
    last = survived.devices["wrong"].last
    assert last is not None
    assert last.status == 2
    assert "NotAComputeNode" in last.complaint
    assert survived.ledger.of_job(survived.states["killed: wrong"].known.job) == []


@pytest.mark.parametrize("name", ["lie", "mute"])
def test_command__after_all_deaths__prints_the_right_result(survived: Survived, name: str) -> None:
    last = survived.devices[name].last
    assert last is not None
    assert last.status == 0
    values = [to_signed(v) for v in FIELD.unpack(evaluate_plainly(survived.devices[name].batch))]
    rows = [values[i : i + OUTPUTS] for i in range(0, len(values), OUTPUTS)]
    assert last.value["result"] == rows
    assert last.value["phase"] == "settled"


def test_after_all_deaths__nothing_is_locked_and_no_token_is_missing(survived: Survived) -> None:
    assert survived.after.locked == 0
    assert survived.after.accounted == survived.after.supply == survived.before.accounted


def test_table_of_deaths__for_the_reader(survived: Survived) -> None:
    rows = sorted(survived.reached)
    for who, place in rows:
        sys.stdout.write(
            f"{who:<14} killed at {place:<20} started again, every job ended the same\n"
        )
    assert len(rows) >= len(PLACES)
