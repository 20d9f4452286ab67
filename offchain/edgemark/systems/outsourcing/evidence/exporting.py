"""Puts an evidence bundle together from this party's own journal and the chain.

A device, a charged node and a judge each hold what it takes. Tasks that are not charged never
leave: more than t of them are the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, ShareIndex
from edgemark.loop.replay import look_at_open, look_up
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.evidence.bundle import Bundle, Case
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.judge.case import JudgeCase
from edgemark.systems.outsourcing.node.task import NodeTask
from edgemark.systems.outsourcing.protocol.keys import key_of
from edgemark.systems.outsourcing.protocol.machine import PartyMachine
from edgemark.systems.outsourcing.protocol.messages import Answer, Task
from edgemark.systems.outsourcing.protocol.phases import NodePhase
from edgemark.systems.outsourcing.station.functions import FunctionStore
from edgemark.systems.outsourcing.story.story import JobStory
from edgemark.words import in_words

Holding = tuple[Task, tuple[Answer, ...]]


class NotCharged(RefusedInput):
    """Evidence about an index that nobody accused: its task stays secret."""


class NothingHeld(RefusedInput):
    """This home holds no task of the charged index."""


def export_bundle(
    home: Path,
    story: JobStory,
    indices: Sequence[int] = (),
    *,
    with_function: bool = True,
) -> Bundle:
    """Evidence of these charged indices, or of all of them that this home holds.

    Args:
        home: of a device, node or judge; its process may run.
        story: the job as the chain tells it.
        indices: 1..m; none for all.
        with_function: put the bytes of F in, not only their hash.

    Raises:
        NotCharged: an index that is not charged, or none is.
        NothingHeld: no journal here holds its task.
        RefusedInput: the charge has not ended; the function is not here.
    """
    wanted = _choose_indices(story, indices)
    cases = [
        make_case(story, index, *holding)
        for index in wanted
        if (holding := _find_holding(home, story.job, index)) is not None
    ]
    held = [int(case.index) for case in cases]
    if not cases or (indices and held != wanted):
        raise NothingHeld(
            "holds no task of these charged indices",
            who=f"home {home}",
            had=f"indices {held}",
            needed=f"indices {wanted}",
            remedy="Use the home of the device, of the charged node, or of a judge.",
        )
    return Bundle(
        chain_id=story.chain_id,
        settlement=story.settlement,
        job=story.job,
        root=story.root,
        terms=story.terms,
        judges=story.judges,
        threshold=story.threshold,
        function=_function_bytes(home, story) if with_function else b"",
        cases=tuple(cases),
    )


def _choose_indices(story: JobStory, indices: Sequence[int]) -> list[int]:
    charged = [int(place.index) for place in story.indices if place.charge is not None]
    wanted = sorted(set(indices)) or charged
    if not wanted:
        raise NotCharged(
            "nothing is charged in this job",
            who=f"job {story.job.hex()}",
            remedy="There is nothing to prove, and tasks that are not charged stay secret.",
        )
    for index in wanted:
        _check_exportable(story, index, charged)
    return wanted


def _check_exportable(story: JobStory, index: int, charged: Sequence[int]) -> None:
    if index not in charged:
        raise NotCharged(
            "index is not charged",
            who=f"index {index}",
            needed=f"one of {in_words(charged)}" if charged else "a charge; this job has none",
            remedy="Tasks that are not charged stay secret: more than t of them are the input.",
        )
    if story.at(index).ended is None:
        raise RefusedInput(
            "charge has not ended yet",
            who=f"index {index}",
            had=story.at(index).phase,
            remedy="`edgemark outsourcing explain` says what comes next.",
        )


def _function_bytes(home: Path, story: JobStory) -> bytes:
    function = FunctionStore(home / "functions").find(story.terms.function_hash)
    if function is None:
        raise RefusedInput(
            "function is not here",
            who=f"home {home}",
            had=story.terms.function_hash.hex(),
            remedy="Give the bundle without it: --hash-only.",
        )
    return function.to_bytes()


def make_case(story: JobStory, index: int, task: Task, answers: tuple[Answer, ...]) -> Case:
    """One case: what a party holds, and what the chain says.

    Raises:
        NotCharged: the index is not charged.
    """
    place = story.at(index)
    charge = place.charge
    if charge is None:
        raise NotCharged("index is not charged", who=f"index {index}")
    return Case(
        index=place.index,
        node=place.node,
        kind=charge.kind,
        task=task,
        answers=answers,
        commitment=place.commitment,
        acceptance=place.acceptance,
        valid_until=place.valid_until,
        end=place.phase,
        finding=charge.finding,
        served=charge.served_signatures,
        verdict=charge.verdict_signatures,
    )


def read_jobs(home: Path) -> list[DeviceJob]:
    """What the device of this home remembers of the jobs in its journal; none without one."""
    return list(look_at_open(home, "device", PartyMachine(DeviceJob)).values())


def read_offered_stakes(home: Path) -> int:
    """Stakes that acceptances of the tasks which this home's node took may yet lock."""
    tasks = look_at_open(home, "node", PartyMachine(NodeTask)).values()
    return sum(task.known.terms.stake for task in tasks if task.phase is NodePhase.OFFERED)


def _find_holding(home: Path, job: JobId, index: int) -> Holding | None:
    return next(_holdings(home, job, index), None)


def _holdings(home: Path, job: JobId, index: int) -> Iterator[Holding]:
    ordered: DeviceJob | None = look_up(home, "device", PartyMachine(DeviceJob), job)
    if ordered is not None and ordered.order is not None:
        answer = ordered.answer_of(ShareIndex(index))
        yield ordered.order.tasks[index - 1], () if answer is None else (answer,)
    key = key_of(job, index)
    computed: NodeTask | None = look_up(home, "node", PartyMachine(NodeTask), key)
    if computed is not None and computed.task is not None:
        yield computed.task, () if computed.answer is None else (computed.answer,)
    # whose case it is decides what is owed, not what is held
    machine = PartyMachine(lambda: JudgeCase(me=NOBODY))
    judged: JudgeCase | None = look_up(home, "judge", machine, key)
    if judged is not None and judged.task is not None:
        yield judged.task, judged.exhibits
