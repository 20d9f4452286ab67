"""Mixes of behaviours, walked in memory, and every call to the settlement that came of it.

A mix is what `tests/offchain/systems/outsourcing/jobs/test_mixes.py` walks: six nodes, a device and
four judges, each behaving in one way. `walk` lets the real machines of all parties act on the plain
model of the settlement and writes down who called what, and when.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count, product
from typing import Any
from unittest.mock import patch

from tests.offchain.systems.outsourcing.jobs import test_mixes as mixes
from tests.offchain.systems.outsourcing.simulation.model import SettlementModel
from tests.offchain.systems.outsourcing.simulation.simulated_device import SlanderingDevice
from tests.offchain.systems.outsourcing.simulation.simulated_judges import (
    DeadJudge,
    IdleJudge,
    JudgeSide,
)
from tests.offchain.systems.outsourcing.simulation.simulated_nodes import NodeSide

from edgemark.identifiers import NO_TIME, Timestamp
from edgemark.loop.machine import TryAgain
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol import effects as do

ACTS = (
    "post",
    "accept",
    "cancel_unstarted",
    "commit",
    "approve",
    "charge",
    "record_served",
    "record_verdict",
    "void_charge",
    "lapse_charge",
    "collect",
)
_SIGNATURES = {name: inspect.signature(getattr(SettlementModel, name)) for name in ACTS}
JUDGES: dict[str, type[JudgeSide]] = {"verdict": JudgeSide, "none": IdleJudge}


class AbsentNode(NodeSide):
    """Never accepts; in no mix: its job ends as Released."""

    def perform(self, effect: Any) -> list[object]:
        if isinstance(effect, do.SubmitAcceptance):
            raise TryAgain("does not accept")
        return list(super().perform(effect))

    def choose_waiting(self) -> Timestamp:
        return NO_TIME


JUDGE_KINDS = {**JUDGES, "dead": DeadJudge}  # in no mix: the dead end charges as Void


@dataclass(frozen=True)
class Mix:
    """Who behaves how.

    Attributes:
        number: seeds everything that is drawn.
        kinds: of the nodes at indices 1..6.
        device: honest, leaving or slandering.
        judges: verdict or none.
    """

    number: int
    kinds: tuple[str, ...]
    device: str
    judges: str

    def __str__(self) -> str:
        nodes = "".join(kind[0] for kind in self.kinds)
        return f"{self.number}-{nodes}-{self.device}-{self.judges}"


@dataclass(frozen=True)
class Act:
    """One call to the settlement, as the model takes it.

    Attributes:
        now: chain time.
        name: the model's method.
        values: its other arguments by name, but for the job.
    """

    now: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def on(self, model: SettlementModel, job: JobId) -> None:
        """Let it happen in a model; raises `ModelRefused`."""
        getattr(model, self.name)(self.now, job, **self.values)


@dataclass(frozen=True)
class Walk:
    """What came of a mix.

    Attributes:
        acts: in order.
        ends: of indices 1..6.
        slanders: whether the device charged a node that it knew to be honest.
    """

    acts: tuple[Act, ...]
    ends: tuple[IndexPhase, ...]
    slanders: bool


class Recorder:
    """A model that writes down every act, refused or not."""

    def __init__(self, model: SettlementModel) -> None:
        self._model = model
        self.acts: list[Act] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name not in ACTS:
            return found

        def act(*args: Any, **kwargs: Any) -> None:
            values = _SIGNATURES[name].bind(None, *args, **kwargs).arguments
            given = {key: values[key] for key in values if key not in ("self", "now", "job")}
            self.acts.append(Act(values["now"], name, given))
            found(*args, **kwargs)

        return act


def draw_mixes(amount: int) -> list[Mix]:
    """A seeded sample of all mixes; every mix comes once before any comes again."""

    def drawn() -> Iterator[Mix]:
        draw = random.Random("mixes of outsourcing")
        every = list(product(mixes.every_mix(), mixes.DEVICES, JUDGES))
        numbers = count(1)
        while True:
            for kinds, device, judges in draw.sample(every, len(every)):
                placed = tuple(draw.sample(kinds, len(kinds)))
                yield Mix(next(numbers), placed, device, judges)

    return [mix for mix, _ in zip(drawn(), range(amount), strict=False)]


@cache
def walk(mix: Mix) -> Walk:
    """Walk a mix to its end."""
    with patch.dict(mixes.KINDS, absent=AbsentNode):
        kinds, judges = list(mix.kinds), JUDGE_KINDS[mix.judges]
        world, device = mixes.people(mix.number, kinds, mix.device, judges)
    recorder = Recorder(world.chain)
    world.chain = recorder  # type: ignore[assignment]
    world.run()
    if not all(end.is_end for end in mixes.phases_in(world)):  # nobody who is left has to end it
        mixes.sweep(world)
    ends = tuple(mixes.phases_in(world))
    if not all(end.is_end for end in ends):
        raise LookupError(f"{mix} did not end: {ends}")
    return Walk(tuple(recorder.acts), ends, isinstance(device, SlanderingDevice))
