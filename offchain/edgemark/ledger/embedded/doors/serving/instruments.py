"""What the doors count: calls by method, refusals by code, transactions by their code, seconds.

No label is of a stranger's choice: methods are the ledger's, codes are gRPC's and Fabric's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

OF_CHANNELS = {
    "channel_stuck": "1 while a channel cannot commit, or makes no more blocks.",
    "failed_commits": "Commits of a channel that failed and were tried again, since it is up.",
}
CALL_BUCKETS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class DoorInstruments:
    """Counters of one ledger.

    Attributes:
        registry: where they are.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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

    @contextmanager
    def serving(self, method: str) -> Iterator[None]:
        """Count a call while it is served."""
        began, under_way = time.monotonic(), self._open.labels(method)
        under_way.inc()
        try:
            yield
        finally:
            under_way.dec()
            self._seconds.labels(method).observe(time.monotonic() - began)

    def note_refusal(self, method: str, code: str) -> None:
        """Count a call that was refused."""
        self._refused.labels(method, code).inc()

    def note_transaction(self, code: str) -> None:
        """Count a transaction that stands in a block."""
        self._transactions.labels(code).inc()
