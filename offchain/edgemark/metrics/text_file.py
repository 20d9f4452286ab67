"""Metrics of a process that is too short to be scraped: a file for a textfile collector.

Source: the text exposition format of Prometheus, and what node_exporter's textfile collector takes:
files `*.prom` that are replaced as a whole, and no sample twice in all files together. So every
sample names who it is of, and nothing is written that node_exporter tells of itself (`process_`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from edgemark.closing import Closing
from edgemark.errors import RefusedInput
from edgemark.files import write_whole
from edgemark.logs import get_logger

PAUSE_S = 15.0  # no collector looks much more often
ENDING = ".prom"
READABLE = 0o644  # the collector is another user

_log = get_logger("metrics")


class MetricsFileRefused(RefusedInput):
    """No metrics can be written there."""


class TextFile(Closing):
    """Keeps a file of metrics: written at once, every `pause_s`, and when it is closed.

    Args:
        path: ends in `.prom`; its folder is there.
        registry: what is written; asked at every writing.
        labels: added to every sample.
        pause_s: seconds between two writings.

    Raises:
        MetricsFileRefused: it has another ending, or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        registry: CollectorRegistry,
        labels: Mapping[str, str],
        pause_s: float = PAUSE_S,
    ) -> None:
        if path.suffix != ENDING:
            raise MetricsFileRefused(
                "collectors would not read it", who=path, needed=f"a name that ends in {ENDING}"
            )
        self._path = path
        self._registry = CollectorRegistry()
        self._registry.register(_Labelled(registry, labels))
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="metrics-file", daemon=True)
        try:
            self._write()
        except OSError as error:
            raise MetricsFileRefused(
                "cannot be written",
                who=path,
                had=error.strerror,
                needed="a folder that is there and is ours",
                remedy="Make the folder, or name another file.",
            ) from error
        self._thread.start()

    def close(self) -> None:
        """Write a last time; the file stays."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        self._write_or_tell()

    def _keep(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._write_or_tell()

    def _write_or_tell(self) -> None:
        """A disk that is full now must not end the work that is measured."""
        try:
            self._write()
        except OSError as error:
            _log.warning("metrics are not written", file=self._path, error=error.strerror)

    def _write(self) -> None:
        write_whole(self._path, generate_latest(self._registry), mode=READABLE)


class _Labelled:
    """Another registry's metrics with more labels."""

    def __init__(self, registry: CollectorRegistry, labels: Mapping[str, str]) -> None:
        self._registry = registry
        self._labels = dict(labels)

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking for names must not ask the chain."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All of one writing."""
        for family in self._registry.collect():
            labelled = Metric(family.name, family.documentation, family.type)
            labelled.samples = [
                Sample(sample.name, {**sample.labels, **self._labels}, sample.value)
                for sample in family.samples
            ]
            yield labelled
