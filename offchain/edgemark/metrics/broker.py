"""What a broker tells about itself: lines of the page for operators, and whether it serves.

Read by whoever runs one: a party that opens channels between others has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, Metric

from edgemark.metrics.readings import make_gauge
from edgemark.transport.broker.tickets import BrokerReading


class Source(Protocol):
    """The broker."""

    def read(self) -> BrokerReading:
        """One look at it."""

    def check(self) -> None:
        """Raises when it does not serve."""


class BrokerReadings:
    """A collector for a Prometheus registry, and a `health.Dependency`.

    Args:
        source: asked at every scrape.
    """

    name = "broker"

    def __init__(self, source: Source) -> None:
        self._source = source

    def ask(self) -> None:
        """One look at it.

        Raises:
            BrokerStands, BrokerAway: it does not serve.
        """
        self._source.check()

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are told with the values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one scrape."""
        now = self._source.read()
        for name, what, value in (
            ("connections", "Connections to the broker.", now.connections),
            ("sessions", "Sessions that are logged in at the broker.", now.sessions),
            ("admitted", "Sessions that are logged in or may log in.", now.admitted),
            ("held_bytes", "Bytes given to readers and not acknowledged.", now.held_bytes),
        ):
            if value is not None:
                yield make_gauge(f"edgemark_broker_{name}", what, value)
        about = "Bytes of packets that came to the broker (in) and went (out)."
        told = {"in": now.bytes_in, "out": now.bytes_out}
        carried = {each: value for each, value in told.items() if value is not None}
        yield _family("edgemark_broker_bytes", about, "direction", carried.items())
        about = "Connections that the broker ended, and topics that it gave nobody, by reason."
        yield _family("edgemark_broker_refused", about, "reason", sorted(now.refused.items()))


def _family(
    name: str, about: str, label: str, values: Iterable[tuple[str, int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=(label,))
    for each, value in values:
        family.add_metric((each,), value)
    return family
