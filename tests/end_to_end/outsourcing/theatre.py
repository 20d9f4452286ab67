"""A stage with people: nodes and judges as processes, devices in the test's own process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.outsourcing.scripted_device import ScriptedDevice
from tests.stage import playhouse
from tests.stage.idling import Idling
from tests.stage.metronome import SLOWEST, waiting
from tests.stage.playhouse import DEPOSIT, START_LIMIT_S

from edgemark.demo.actor import Actor
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.script import read_script, write_script
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address
from edgemark.party.evm.joining import join_as_device, provide_balance
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.device import Device, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.station.station import OutsourcingStation

DISHONEST_NODE = "edgemark.systems.outsourcing.demo.dishonest"
SCRIPTED_JUDGE = "tests.end_to_end.outsourcing.scripted_judge"
_WRITING = threading.Lock()


class Theatre(playhouse.Theatre[OutsourcingStage, OutsourcingStation]):
    """A stage of this system, and the devices on it."""

    def enlist_device(self, name: str = "device") -> ScriptedDevice:
        """A device with a home of its own, registered and rich, whose loop runs."""
        return self.start_device(self.open_station(name))

    def start_device(self, station: OutsourcingStation) -> ScriptedDevice:
        """The loop of a device; stopped when the curtain falls, if it is not before."""
        join_as_device(station)
        provide_balance(station, DEPOSIT)
        device = ScriptedDevice(station)
        self.metronome.parties[str(station.address)] = Idling(device, lambda _: None).report
        device.start()
        self.closing.callback(stop_quietly, device)
        return device

    def enlist_node(self, name: str, endpoint: str) -> OutsourcingStation:
        """A node that registers an endpoint as it stands, with its own key, and never runs."""
        return self.enlist_silent(name, COMPUTE_NODE, endpoint)

    @property
    def node_accounts(self) -> list[Address]:
        """The nodes in order."""
        return [actor.account for actor in self.stage.nodes]


@contextmanager
def open_theatre(
    folder: Path,
    *,
    settings: Mapping[str, object] | None = None,
    not_running: Sequence[str] = (),
    start: Callable[[EvmActor], None] | None = None,
    **options: object,
) -> Iterator[Theatre]:
    """Set a stage, start its servers, let everybody register.

    Args:
        folder: keys, journals, logs.
        settings: of every party, instead of the usual ones.
        not_running: actors ("judge 4") that register and then never run.
        start: starts one server; the usual way when None.
        options: of the stage.
    """
    merged = {"party.poll_s": 1.0, **(settings or {})}
    stage = OutsourcingStage(folder, settings=merged, start_limit_s=START_LIMIT_S, **options)  # type: ignore[arg-type]
    stage.dishonest = frozenset(range(1, stage.node_count + 1))
    with playhouse.open_theatre(
        stage,
        Theatre,
        OutsourcingStation,
        log_level=str(merged.get("logs.level", "info")),
        not_running=not_running,
        start=start,
        direct=direct_judges,
    ) as opened:
        yield opened


def direct_judges(stage: OutsourcingStage) -> None:
    """Let every judge look for a script of what to do wrong."""
    for judge in stage.judges:
        judge.module, judge.words = SCRIPTED_JUDGE, [str(judge.home)]


def stop_quietly(device: Device) -> None:
    """Stop a device that a test may have stopped already."""
    if device.runtime.failure is None:
        device.close()


def instruct(actor: Actor, job: JobId, deed: Deed) -> None:
    """Add a misdeed to the script of a node; what it does in other jobs stays."""
    with _WRITING:
        write_script(actor.home, {**read_script(actor.home), job: deed})


def close_job(device: Device, job: JobId, timeout_s: float) -> DeviceJob:
    """The job when every token of it is paid out, or as it is when that takes too long.

    `timeout_s` is meant for an idle machine.
    """
    try:
        with waiting():
            return device.wait(job, timeout_s * SLOWEST, Until.SETTLED)
    except LedgerUnavailable:
        return device.job(job)


def ends(**exceptions: IndexPhase) -> tuple[IndexPhase, ...]:
    """Ends of six indices: paid, but for exceptions like `i3=IndexPhase.CONVICTED`."""
    return tuple(exceptions.get(f"i{j}", IndexPhase.PAID) for j in range(1, 7))
