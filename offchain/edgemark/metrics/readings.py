"""What is read of a loop only when somebody asks for it: matters, effects, journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


@dataclass(frozen=True)
class LoopReading:
    """One look at a party's loop.

    Attributes:
        matters: how many there are, by phase.
        effects: effects under way.
        put_off: of these, the ones that failed and wait to be repeated.
        records: records in the journal.
        called: what the matters are called, in small letters.
    """

    matters: Mapping[str, int]
    effects: int
    put_off: int
    records: int
    called: str = "matters"


class Source(Protocol):
    """Whose loop it is."""

    def read_loop(self) -> LoopReading:
        """The loop as it is now."""


class LoopReadings:
    """A collector for a Prometheus registry.

    Args:
        source: asked at every scrape.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are told with the values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one scrape."""
        loop = self._source.read_loop()
        about = f"{loop.called.capitalize()}, by phase."
        yield make_family(f"edgemark_{loop.called}", about, loop.matters)
        yield make_gauge("edgemark_effects", "Effects under way.", loop.effects)
        about_put_off = "Effects that failed and are repeated."
        yield make_gauge("edgemark_effects_put_off", about_put_off, loop.put_off)
        yield make_gauge("edgemark_journal_records", "Records in the journal.", loop.records)


def make_gauge(name: str, what: str, value: float) -> Metric:
    """One line of what goes up and down."""
    return GaugeMetricFamily(name, what, value=value)


def make_counter(name: str, what: str, value: float) -> Metric:
    """One line of what only grows, from zero with each process; `name` ends in `_total`."""
    return CounterMetricFamily(name, what, value=value)


def make_family(name: str, what: str, values: Mapping[str, int], *, label: str = "phase") -> Metric:
    """One line for each value of a label; labels have few."""
    family = GaugeMetricFamily(name, what, labels=(label,))
    for each, value in sorted(values.items()):
        family.add_metric((each,), value)
    return family
