"""Counters with few labels, readings at each scrape, one registry a server."""

from __future__ import annotations

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from edgemark.metrics.instruments import Instruments
from edgemark.metrics.readings import LoopReading, LoopReadings
from edgemark.transport.serving.server import Answered

LOOP = LoopReading({"serving": 2, "ended": 1}, effects=3, put_off=1, records=40, called="jobs")


class Source:
    def read_loop(self) -> LoopReading:
        return LOOP


def scrape(instruments: Instruments) -> dict[tuple[str, ...], float]:
    """Every sample by name and labels in the order of their names."""
    text = generate_latest(instruments.registry).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def answered(status: int, refusal: str = "") -> Answered:
    return Answered("POST", "/v1/tasks", status, refusal, bytes_in=100, bytes_out=5, seconds=0.1)


def test_requests__are_counted_by_route_status_and_reason() -> None:
    instruments = Instruments("node", "plain")
    for status, refusal in ((200, ""), (200, ""), (400, "OfferRefused")):
        instruments.note_answer(answered(status, refusal))
    seen = scrape(instruments)
    assert seen["edgemark_http_requests_total", "POST", "/v1/tasks", "200"] == 2
    assert seen["edgemark_http_requests_total", "POST", "/v1/tasks", "400"] == 1
    assert seen["edgemark_http_bytes_total", "in"] == 300
    assert seen["edgemark_http_bytes_total", "out"] == 15
    assert seen["edgemark_refusals_total", "OfferRefused"] == 1
    assert [key for key in seen if key[0] == "edgemark_refusals_total"] == [
        ("edgemark_refusals_total", "OfferRefused")
    ]


def test_computing__is_a_histogram() -> None:
    instruments = Instruments("node", "plain")
    for seconds in (0.05, 0.2, 700.0):
        instruments.note_computing(seconds)
    seen = scrape(instruments)
    assert seen["edgemark_compute_seconds_bucket", "0.1"] == 1
    assert seen["edgemark_compute_seconds_bucket", "300.0"] == 2
    assert seen["edgemark_compute_seconds_bucket", "+Inf"] == 3
    assert seen["edgemark_compute_seconds_sum",] == 700.25


def test_the_loop__is_read_at_the_scrape() -> None:
    instruments = Instruments("judge", "plain")
    instruments.registry.register(LoopReadings(Source()))
    seen = scrape(instruments)
    assert seen["edgemark_jobs", "serving"] == 2
    assert seen["edgemark_jobs", "ended"] == 1
    assert seen["edgemark_effects",] == 3
    assert seen["edgemark_effects_put_off",] == 1
    assert seen["edgemark_journal_records",] == 40


def test_two_servers__share_nothing_and_leave_the_global_registry_alone() -> None:
    before = len(list(REGISTRY.collect()))
    first, second = Instruments("node", "plain"), Instruments("judge", "plain")
    first.note_answer(answered(200))
    assert ("edgemark_http_requests_total", "POST", "/v1/tasks", "200") not in scrape(second)
    assert len(list(REGISTRY.collect())) == before
    assert next(key[:3] for key in scrape(second) if key[0] == "edgemark_info") == (
        "edgemark_info",
        "plain",
        "judge",
    )
