"""A device that does not keep to the protocol in the jobs that its script names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgemark.identifiers import ShareIndex
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.device.device import Device
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.station.station import OutsourcingStation


@dataclass(frozen=True)
class Script:
    """What the device does wrong in one job.

    Attributes:
        frames: honest index that it charges as wrong.
        keeps_task: index whose node never gets its task.
        keeps_evidence: the judges get nothing about the charge.
    """

    frames: ShareIndex | None = None
    keeps_task: ShareIndex | None = None
    keeps_evidence: bool = False


HONEST = Script()


@dataclass
class Scripts:
    """Script of each job; jobs without one are played honestly."""

    by_job: dict[JobId, Script] = field(default_factory=dict)

    def of(self, job: JobId) -> Script:
        """The script of a job."""
        return self.by_job.get(job, HONEST)


class ScriptedDevice(Device):
    """A device with scripts; honest without."""

    def __init__(self, station: OutsourcingStation) -> None:
        self.scripts = Scripts()
        super().__init__(station)

    def perform(self, state: DeviceJob, effect: Any) -> Sequence[object]:
        script = self.scripts.of(state.known.job)
        if isinstance(effect, do.SendTask) and effect.index == script.keeps_task:
            raise TryAgain("task is kept on purpose", who="device")
        if isinstance(effect, do.SendEvidence) and script.keeps_evidence:
            raise TryAgain("evidence is kept on purpose", who="device")
        events = super().perform(state, effect)
        if isinstance(effect, do.Decode) and script.frames is not None:
            return [self._frame(event, script.frames) for event in events]
        return events

    def _frame(self, event: object, index: ShareIndex) -> object:
        """The same finding, with an honest node among the liars."""
        if isinstance(event, on.FoundResultValid):
            return replace(event, liars=(index,))
        return event
