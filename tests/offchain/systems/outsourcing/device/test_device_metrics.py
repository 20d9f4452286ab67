"""A device's own rows, and the tokens that its jobs hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.offchain.systems.outsourcing import cast

from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.means import compute_locked
from edgemark.systems.outsourcing.device.metrics import DeviceFigures
from edgemark.systems.outsourcing.protocol.phases import DevicePhase

ORDER = cast.small_order()
TERMS = ORDER.terms
ACCEPTED = (IndexPhase.ACCEPTED,) * TERMS.node_count
STARTED = DeviceJob(phase=DevicePhase.STARTED, order=ORDER, indices=ACCEPTED)


@dataclass
class Client:
    bytes_in: int = 70
    bytes_out: int = 900


@dataclass
class Desk:
    """What a device has that is counted."""

    jobs: dict[bytes, DeviceJob]
    seconds: dict[str, float] = field(default_factory=lambda: {"share": 0.5, "decode": 0.25})
    refusals: list[object] = field(default_factory=lambda: [object()])
    client: Client = field(default_factory=Client)

    @property
    def runtime(self) -> Any:
        return self

    @property
    def station(self) -> Any:
        return self

    def states(self) -> dict[bytes, DeviceJob]:
        return self.jobs


def with_phases(*phases: IndexPhase) -> DeviceJob:
    return replace(STARTED, indices=(*phases, *ACCEPTED[len(phases) :]))


def test_figures__count_indices_bytes_work_and_refusals() -> None:
    jobs = {b"1": with_phases(IndexPhase.CHARGED, IndexPhase.PAID), b"2": STARTED}
    figures = DeviceFigures(Desk(jobs))  # type: ignore[arg-type]  # what it reads of a device
    seen = {
        (sample.name, *sample.labels.values()): sample.value
        for family in figures.collect()
        for sample in family.samples
    }
    assert seen == {
        ("edgemark_indices", "accepted"): 2 * TERMS.node_count - 2,
        ("edgemark_indices", "charged"): 1,
        ("edgemark_indices", "paid"): 1,
        ("edgemark_device_seconds_total", "share"): 0.5,
        ("edgemark_device_seconds_total", "decode"): 0.25,
        ("edgemark_http_bytes_total", "in"): 70,
        ("edgemark_http_bytes_total", "out"): 900,
        ("edgemark_answers_refused_total",): 1,
    }


@pytest.mark.parametrize(
    ("job", "held"),
    [
        (DeviceJob(), 0),
        (replace(STARTED, phase=DevicePhase.DRAFTED), 0),
        (STARTED, TERMS.node_count * TERMS.fee),
        (with_phases(IndexPhase.PAID), (TERMS.node_count - 1) * TERMS.fee),
        (with_phases(IndexPhase.CHARGED), TERMS.node_count * TERMS.fee + TERMS.bond),
        (with_phases(IndexPhase.CONVICTED), (TERMS.node_count - 1) * TERMS.fee),
        (replace(STARTED, phase=DevicePhase.CANCELLED), 0),
    ],
)
def test_locked__is_what_the_job_still_holds_of_the_payers_tokens(
    job: DeviceJob, held: int
) -> None:
    assert compute_locked(job) == held
