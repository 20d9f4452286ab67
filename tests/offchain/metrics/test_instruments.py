"""Counters with few labels, readings at each scrape, one registry a server."""

from __future__ import annotations

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from edgemark.errors import LedgerUnavailable
from edgemark.metrics.instruments import Instruments
from edgemark.metrics.readings import ChainReading, LoopReading, Readings
from edgemark.transport.serving.server import Answered

LOOP = LoopReading({"serving": 2, "ended": 1}, effects=3, put_off=1, records=40)
CHAIN = ChainReading(
    head=9,
    confirmed=7,
    lag_s=1.5,
    gas_wei=5,
    tokens={"wallet": 1, "free": 2, "locked": 3},
    gas_used=21_000,
)


class Source:
    def __init__(self, chain: ChainReading | None) -> None:
        self._chain = chain

    def read_loop(self) -> LoopReading:
        return LOOP

    def read_chain(self) -> ChainReading:
        if self._chain is None:
            raise LedgerUnavailable("connection lost")
        return self._chain


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


def test_loop_and_chain__are_read_at_the_scrape() -> None:
    instruments = Instruments("judge", "plain")
    instruments.registry.register(Readings(Source(CHAIN)))
    seen = scrape(instruments)
    assert seen["edgemark_jobs", "serving"] == 2
    assert seen["edgemark_jobs", "ended"] == 1
    assert seen["edgemark_effects",] == 3
    assert seen["edgemark_effects_put_off",] == 1
    assert seen["edgemark_journal_records",] == 40
    assert seen["edgemark_chain_up",] == 1
    assert seen["edgemark_chain_head_block",] == 9
    assert seen["edgemark_chain_confirmed_block",] == 7
    assert seen["edgemark_chain_lag_seconds",] == 1.5
    assert seen["edgemark_account_gas_wei",] == 5
    assert seen["edgemark_transactions_gas",] == 21_000
    assert [seen["edgemark_account_tokens", where] for where in ("wallet", "free", "locked")] == [
        1,
        2,
        3,
    ]


def test_a_chain_that_does_not_answer__costs_its_own_lines_only() -> None:
    instruments = Instruments("node", "plain")
    instruments.registry.register(Readings(Source(None)))
    seen = scrape(instruments)
    assert seen["edgemark_chain_up",] == 0
    assert seen["edgemark_journal_records",] == 40
    assert ("edgemark_chain_head_block",) not in seen


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
