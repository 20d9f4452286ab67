"""What happens in a soak run, drawn from one number: jobs, nodes, misdeeds, inputs.

Nothing here looks at a clock or at a chain: the same seed gives the same programme. When a process
is killed in the life of a job is another matter, and no two runs are alike in that.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.end_to_end.outsourcing.small_job import BATCH, INPUTS

from edgemark.crypto.field.randomness import SeededRandomness
from edgemark.systems.outsourcing.demo.dishonest import Deed

NODES_OF_A_JOB = 6
SURVIVED = 1  # e
MISDEEDS = (Deed.LIE, Deed.MUTE, Deed.OTHER_TASK, Deed.ABSENT, Deed.LATE)
ONE_MISDEED = 0.36  # part of the jobs in which one node misbehaves
TWO_LIARS = 0.02  # part in which two nodes lie, which is one more than e


@dataclass(frozen=True)
class PlannedJob:
    """One job of the programme.

    Attributes:
        number: from 0; also the nonce of the posting.
        device: position of the device that orders it.
        nodes: positions of its nodes, ascending; that of index j at j - 1.
        deeds: misdeed by index.
    """

    number: int
    device: int
    nodes: tuple[int, ...]
    deeds: Mapping[int, Deed] = field(default_factory=dict)

    @property
    def is_within_errors(self) -> bool:
        """Whether no more nodes misbehave than the job survives."""
        return len(self.deeds) <= SURVIVED


def draw_programme(seed: int, *, jobs: int, nodes: int, devices: int) -> list[PlannedJob]:
    """Draw a whole run.

    Args:
        seed: any whole number.
        jobs: how many, >= 1.
        nodes: to choose from, >= 6.
        devices: that order in turn, >= 1.
    """
    source = random.Random(seed)
    return [
        PlannedJob(
            number=number,
            device=number % devices,
            nodes=tuple(sorted(source.sample(range(nodes), NODES_OF_A_JOB))),  # as a posting does
            deeds=_draw_deeds(source),
        )
        for number in range(jobs)
    ]


def _draw_deeds(source: random.Random) -> dict[int, Deed]:
    kind = source.random()
    if kind < TWO_LIARS:
        return dict.fromkeys(source.sample(range(1, NODES_OF_A_JOB + 1), 2), Deed.LIE)
    if kind < TWO_LIARS + ONE_MISDEED:
        return {source.randint(1, NODES_OF_A_JOB): source.choice(MISDEEDS)}
    return {}


def draw_inputs(seed: int, number: int) -> bytes:
    """Packed inputs of a job; the device that was killed draws the same again."""
    source = SeededRandomness(f"soak {seed} {number}".encode(), for_tests_only=True)
    return source.elements(BATCH * INPUTS)
