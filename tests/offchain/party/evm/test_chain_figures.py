"""What the pages say of a chain: each line once, and of a silent one that it is silent."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from edgemark.errors import LedgerUnavailable
from edgemark.party.evm.monitoring import ChainReading, tell_chain

CHAIN = ChainReading(
    head=9,
    confirmed=7,
    lag_s=1.5,
    gas_wei=5,
    tokens={"wallet": 1, "free": 2, "locked": 3},
    gas_used=21_000,
)


def told(families: list[Metric]) -> dict[str, float]:
    """Every sample by name and label."""
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_chain__is_read_when_it_is_told_about() -> None:
    assert told(list(tell_chain(lambda: CHAIN))) == {
        "edgemark_chain_up": 1,
        "edgemark_chain_head_block": 9,
        "edgemark_chain_confirmed_block": 7,
        "edgemark_chain_lag_seconds": 1.5,
        "edgemark_account_gas_wei": 5,
        "edgemark_transactions_gas_total": 21_000,
        "edgemark_account_tokens wallet": 1,
        "edgemark_account_tokens free": 2,
        "edgemark_account_tokens locked": 3,
    }


class Told(Collector):
    def collect(self) -> Iterable[Metric]:
        return tell_chain(lambda: CHAIN)


def test_what_only_grows__is_typed_a_counter() -> None:
    kinds = {family.name: family.type for family in tell_chain(lambda: CHAIN)}
    assert kinds.pop("edgemark_transactions_gas") == "counter"
    assert set(kinds.values()) == {"gauge"}
    registry = CollectorRegistry()
    registry.register(Told())
    text = generate_latest(registry).decode()
    assert "# TYPE edgemark_transactions_gas_total counter" in text
    assert "edgemark_transactions_gas_total 21000.0" in text


def test_a_chain_that_does_not_answer__costs_its_own_lines_only() -> None:
    def read() -> ChainReading:
        raise LedgerUnavailable("connection lost")

    assert told(list(tell_chain(read))) == {"edgemark_chain_up": 0}
