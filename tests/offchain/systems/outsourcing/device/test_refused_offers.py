from __future__ import annotations

from edgemark.identifiers import ShareIndex
from edgemark.systems.outsourcing.device.refusals import MOST_KEPT, RefusedOffers
from edgemark.systems.outsourcing.identifiers import JobId

JOB, OTHER = JobId(bytes(31) + b"\1"), JobId(bytes(31) + b"\2")
ONE, TWO = ShareIndex(1), ShareIndex(2)


def test_reasons__are_kept_by_job_and_index_the_last_one_each() -> None:
    refused = RefusedOffers()
    refused.note(JOB, ONE, "busy")
    refused.note(JOB, ONE, "still busy")
    refused.note(OTHER, TWO, "fee too low")
    assert refused.of(JOB) == {ONE: "still busy"}
    assert refused.of(OTHER) == {TWO: "fee too low"}


def test_reason__of_a_node_that_took_it__is_forgotten() -> None:
    refused = RefusedOffers()
    refused.note(JOB, ONE, "busy")
    refused.forget(JOB, ONE)
    refused.forget(JOB, TWO)
    assert refused.of(JOB) == {}


def test_reasons__without_end__do_not_fill_the_memory() -> None:
    refused = RefusedOffers()
    for number in range(2 * MOST_KEPT):
        refused.note(JobId(number.to_bytes(32, "big")), ONE, "busy")
    assert len(refused._reasons) == MOST_KEPT
    assert refused.of(JobId((2 * MOST_KEPT - 1).to_bytes(32, "big"))) == {ONE: "busy"}
