"""What a process that keeps an index in step shows to Prometheus: how far behind it is."""

from __future__ import annotations

import threading
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)

from edgemark.metrics.page import Page


class IndexStanding(Protocol):
    """How far an index is; see `edgemark.indexer.keeping.Standing`."""

    @property
    def indexed(self) -> int:
        """Last block in the index."""

    @property
    def head(self) -> int:
        """Last block of the chain."""

    @property
    def lag_blocks(self) -> int:
        """Blocks of the chain that are not in the index."""

    @property
    def lag_s(self) -> int:
        """Seconds of chain time between the two."""

    @property
    def rolled_back(self) -> int:
        """Events that were taken out again."""


class IndexFigures:
    """The figures of one index, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._one_scrape = threading.Lock()
        self._up = self._gauge("edgemark_chain_up", "Whether the chain answers.")
        self._indexed = self._gauge("edgemark_index_block", "Last block in the index.")
        self._head = self._gauge("edgemark_chain_head_block", "The latest block.")
        self._lag_blocks = self._gauge("edgemark_index_lag_blocks", "Blocks not in the index.")
        self._lag_s = self._gauge("edgemark_index_lag_seconds", "Chain time not in the index.")
        self._events = self._gauge("edgemark_index_events", "Events in the index.")
        self._rolled_back = Counter(
            "edgemark_index_rolled_back_events",
            "Events that reorganisations took out again.",
            registry=self.registry,
        )

    def note(self, standing: IndexStanding, events: int) -> None:
        """The index is in step, and holds so many events."""
        with self._one_scrape:
            self._up.set(1)
            self._indexed.set(standing.indexed)
            self._head.set(standing.head)
            self._lag_blocks.set(standing.lag_blocks)
            self._lag_s.set(standing.lag_s)
            self._events.set(events)
            self._rolled_back.inc(standing.rolled_back)

    def note_silence(self) -> None:
        """The chain did not answer: the other figures are those of the last time it did."""
        self._up.set(0)

    def page(self) -> Page:
        """All lines of one scrape."""
        with self._one_scrape:
            return Page(200, CONTENT_TYPE_LATEST, generate_latest(self.registry))

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(name, what, registry=self.registry)
