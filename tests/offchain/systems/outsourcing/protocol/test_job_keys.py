"""Keys of jobs and indices: what logs say of them, and which an event of the chain is about."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import pytest

from edgemark.anchoring.events import WorkStopped
from edgemark.systems.outsourcing.protocol.keys import facts_of, job_of, key_of, subject_of
from edgemark.systems.outsourcing.station.contracts import JOB_SETTLEMENT

JOB = bytes(31) + b"\7"


@pytest.mark.parametrize("index", [1, 64, 255])
def test_key__of_an_index__is_its_jobs_and_one_byte(index: int) -> None:
    key = key_of(JOB, index)
    assert (job_of(key), len(key)) == (JOB, 33)
    assert facts_of(key) == {"job": JOB, "index": index}
    assert facts_of(JOB) == {"job": JOB}


@pytest.mark.parametrize("kind", JOB_SETTLEMENT.events)
def test_event__is_about_its_index_or_its_job_or_neither(kind: type) -> None:
    names = {field.name for field in fields(kind)}
    known = {name: value for name, value in (("job", JOB), ("index", 3)) if name in names}
    expected = {2: key_of(JOB, 3), 1: JOB, 0: None}[len(known)]
    assert subject_of(SimpleNamespace(**known)) == expected
    assert ("job" in names) == (kind is not WorkStopped)
