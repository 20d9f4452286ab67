"""What the doors count: calls by method, refusals by code, transactions by their code, seconds.

No label is of a stranger's choice: methods are the ledger's, codes are gRPC's and Fabric's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

OF_CHANNELS = {
    "channel_stuck": "1 while a channel cannot commit, or makes no more blocks.",
    "failed_commits": "Commits of a channel that failed and were tried again, since it is up.",
}
CALL_BUCKETS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Serving:
    """Counts a call while it is served; made for each, so it is no generator.

    Args:
        under_way: calls of its method that are open.
        seconds: that they took.
    """

    def __init__(self, under_way: Gauge, seconds: Histogram) -> None:
        self._under_way, self._seconds = under_way, seconds

    def __enter__(self) -> None:
        self._began = time.monotonic()
        self._under_way.inc()

    def __exit__(self, *_: object) -> None:
        self._under_way.dec()
        self._seconds.observe(time.monotonic() - self._began)


class DoorInstruments:
    """Counters of one ledger.

    Attributes:
        registry: where they are.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_methods: dict[str, tuple[Gauge, Histogram]] = {}  # as looking them up takes longer
        ProcessCollector(registry=self.registry)
        self._seconds = Histogram(
            "edgemark_ledger_call_seconds",
            "Seconds of calls, by method; of streams, how long they were open.",
            ("method",),
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        self._open = Gauge(
            "edgemark_ledger_calls_open",
            "Calls and streams under way, by method.",
            ("method",),
            registry=self.registry,
        )
        self._refused = Counter(
            "edgemark_ledger_calls_refused",
            "Calls refused, by method and code of gRPC.",
            ("method", "code"),
            registry=self.registry,
        )
        self._transactions = Counter(
            "edgemark_ledger_transactions",
            "Transactions in blocks, by their code of validation.",
            ("code",),
            registry=self.registry,
        )

        self._of_channels = {
            name: Gauge(f"edgemark_ledger_{name}", words, ("channel",), registry=self.registry)
            for name, words in OF_CHANNELS.items()
        }

    def watch_channel(
        self, channel: str, is_stuck: Callable[[], bool], failed: Callable[[], int]
    ) -> None:
        """Tell whether a channel makes blocks.

        Args:
            channel: name of it.
            is_stuck: whether it cannot commit.
            failed: how many commits have failed.
        """
        self._of_channels["channel_stuck"].labels(channel).set_function(is_stuck)
        self._of_channels["failed_commits"].labels(channel).set_function(failed)

    def serving(self, method: str) -> Serving:
        """Count a call while it is served."""
        found = self._of_methods.get(method)
        if found is None:
            found = self._open.labels(method), self._seconds.labels(method)
            self._of_methods[method] = found
        return Serving(*found)

    def note_refusal(self, method: str, code: str) -> None:
        """Count a call that was refused."""
        self._refused.labels(method, code).inc()

    def note_transaction(self, code: str) -> None:
        """Count a transaction that stands in a block."""
        self._transactions.labels(code).inc()
