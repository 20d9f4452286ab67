"""What is read only when somebody asks for it: jobs, loop, journal, chain, balances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric

from edgemark.errors import EdgemarkError


@dataclass(frozen=True)
class LoopReading:
    """One look at a party's loop.

    Attributes:
        jobs: number of jobs by phase.
        effects: effects under way.
        put_off: of these, the ones that failed and wait to be repeated.
        records: records in the journal.
    """

    jobs: Mapping[str, int]
    effects: int
    put_off: int
    records: int


@dataclass(frozen=True)
class ChainReading:
    """One look at the chain.

    Attributes:
        head: number of the latest block.
        confirmed: number of the latest block that counts as final.
        lag_s: seconds since the latest block was made, by its own clock.
        gas_wei: coins of the account.
        tokens: smallest units of the account by where they are: wallet, free, locked.
        gas_used: gas of this process's transactions.
    """

    head: int
    confirmed: int
    lag_s: float
    gas_wei: int
    tokens: Mapping[str, int] = field(default_factory=dict)
    gas_used: int = 0


class Source(Protocol):
    """Where the readings come from."""

    def read_loop(self) -> LoopReading:
        """The loop as it is now."""

    def read_chain(self) -> ChainReading:
        """The chain as it is now.

        Raises:
            EdgemarkError: it does not answer.
        """


class Readings:
    """A collector for a Prometheus registry.

    A chain that does not answer costs its own lines and nothing else: `edgemark_chain_up` is 0.

    Args:
        source: asked at every scrape.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not ask the chain."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one scrape."""
        yield from _of_loop(self._source.read_loop())
        try:
            chain = self._source.read_chain()
        except EdgemarkError:
            yield _gauge("edgemark_chain_up", "Whether the chain answers.", 0)
            return
        yield _gauge("edgemark_chain_up", "Whether the chain answers.", 1)
        yield from _of_chain(chain)


def _of_loop(loop: LoopReading) -> Iterable[Metric]:
    yield _family("edgemark_jobs", "Jobs (of a node: tasks; of a judge: cases).", loop.jobs)
    yield _gauge("edgemark_effects", "Effects under way.", loop.effects)
    yield _gauge("edgemark_effects_put_off", "Effects that failed and are repeated.", loop.put_off)
    yield _gauge("edgemark_journal_records", "Records in the journal.", loop.records)


def _of_chain(chain: ChainReading) -> Iterable[Metric]:
    yield _gauge("edgemark_chain_head_block", "The latest block.", chain.head)
    yield _gauge("edgemark_chain_confirmed_block", "The latest final block.", chain.confirmed)
    yield _gauge("edgemark_chain_lag_seconds", "Seconds since the latest block.", chain.lag_s)
    yield _gauge("edgemark_account_gas_wei", "Coins that pay for gas.", chain.gas_wei)
    yield _gauge("edgemark_transactions_gas", "Gas used since the start.", chain.gas_used)
    yield _family(
        "edgemark_account_tokens",
        "Tokens, smallest unit (as a float: exact to 16 digits).",
        chain.tokens,
        label="where",
    )


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _family(name: str, what: str, values: Mapping[str, int], *, label: str = "phase") -> Metric:
    family = GaugeMetricFamily(name, what, labels=(label,))
    for each, value in sorted(values.items()):
        family.add_metric((each,), value)
    return family
