"""Compute nodes that misbehave on purpose, for the demonstration and the end-to-end tests.

They are real nodes but for one thing each, and only in the jobs that the script in their home
folder names (`demo.script`):

| deed       | what the node does                                          | ends as             |
|------------|-------------------------------------------------------------|---------------------|
| lie        | c_j + 1 in every component, with b_j = c_j w(j) to match     | charged as wrong    |
| mute       | commits, then gives nobody its answer                       | charged as silent   |
| other_task | signs its outputs for another task                          | refused, as silent  |
| absent     | accepts, then does nothing at all                           | charged as silent   |
| late       | gives the device nothing, but the judges the right answer   | answered            |
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from edgemark.crypto.field.field import FIELD, count_elements
from edgemark.crypto.sharing.verification import multiply_checks
from edgemark.demo.script import find_deed
from edgemark.logs import LogSettings, configure_logs
from edgemark.loop.machine import TryAgain
from edgemark.party.evm.opening import open_station
from edgemark.party.running import serve
from edgemark.settings.loading import load_settings
from edgemark.systems.outsourcing.contract.hashes import split_share
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.node.node import ComputeNode
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol import effects as do
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.messages import Answer, ReadRequest, Task
from edgemark.systems.outsourcing.station.contracts import COMPUTE_NODE
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.transport.faults import NotFound
from edgemark.transport.serving.server import Request, Response


class Deed(StrEnum):
    """What a dishonest node does in a job."""

    NONE = "none"
    LIE = "lie"
    MUTE = "mute"
    OTHER_TASK = "other_task"
    ABSENT = "absent"
    LATE = "late"


DEEDS = {
    Deed.NONE: "is honest too",
    Deed.LIE: "lies",
    Deed.MUTE: "commits and serves nothing",
    Deed.OTHER_TASK: "signs for another task",
    Deed.ABSENT: "does nothing at all",
    Deed.LATE: "answers the judges only",
}


class DishonestNode(ComputeNode):
    """A compute node with a script."""

    def _deed(self, job: JobId) -> Deed:
        return Deed(find_deed(self.station.home, job) or Deed.NONE)

    def perform(self, state: NodeTask, effect: do.NodeEffect) -> Sequence[on.NodeEvent]:
        """As an honest node, but for the deed."""
        if state.offer is not None:
            deed = self._deed(state.offer.job)
            withholds = isinstance(effect, do.SendAnswer) and deed is Deed.MUTE
            idles = deed is Deed.ABSENT and not isinstance(effect, do.SubmitAcceptance)
            if withholds or idles:
                raise TryAgain("not done on purpose", who=deed.value)
        return super().perform(state, effect)

    def compute(self, state: NodeTask) -> Answer:
        """Lies when the script says so."""
        honest = super().compute(state)
        task = state.task
        if task is None or self._deed(task.job) is not Deed.LIE:
            return honest
        half = len(honest.outputs) // 2
        values, _ = honest.outputs[:half], honest.outputs[half:]
        false = FIELD.add(values, FIELD.pack([1] * count_elements(values)))
        terms = state.known.terms
        _, weight = split_share(task.share, terms.inputs, terms.batch)
        return super().sign(task, false + multiply_checks(false, weight), state.salt)

    def sign(self, task: Task, outputs: bytes, salt: bytes) -> Answer:
        """Signs for another task when the script says so."""
        if self._deed(task.job) is not Deed.OTHER_TASK:
            return super().sign(task, outputs, salt)
        other = replace(task, job=JobId(bytes(reversed(task.job))))
        return replace(super().sign(other, outputs, salt), job=task.job)

    def _give_answer(self, request: Request) -> Response:
        job = ReadRequest.from_wire(request.body).job
        if self._deed(job) in (Deed.MUTE, Deed.LATE):
            raise NotFound("answer is not ready", who="node")
        return super()._give_answer(request)


def main() -> None:
    """Run a dishonest node: `python -m edgemark.systems.outsourcing.demo.dishonest HOME`."""
    settings = load_settings(
        file=None,
        environ={},
        overrides={"home": Path(sys.argv[1])},
        sections=OutsourcingStation.SECTIONS,
    )
    configure_logs(settings.of(LogSettings).level)
    serve(open_station(OutsourcingStation, settings, COMPUTE_NODE), DishonestNode)


if __name__ == "__main__":
    main()
