"""What a device tells its owner's Prometheus: a server's rows, as far as they fit, and its own.

A device serves nothing and may be gone before anybody scrapes, so it writes a file (`TextFile`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edgemark.crypto.field import kernel
from edgemark.metrics.instruments import tell_about
from edgemark.metrics.readings import LoopReadings
from edgemark.metrics.text_file import TextFile
from edgemark.party.evm.monitoring import ChainFigures
from edgemark.systems.outsourcing.device.device import Device


class DeviceFigures:
    """A collector for a Prometheus registry: what only a device has.

    Args:
        device: need not have started.
    """

    def __init__(self, device: Device) -> None:
        self._device = device

    def describe(self) -> Iterable[Metric]:
        """Nothing: there is nothing to look up before a collection."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one writing."""
        device = self._device
        indices = GaugeMetricFamily(
            "edgemark_indices", "Indices of a device's jobs, by phase.", labels=("phase",)
        )
        states = device.runtime.states().values()
        phases = Counter(phase.name.lower() for state in states for phase in state.indices)
        for name, count in sorted(phases.items()):
            indices.add_metric((name,), count)
        yield indices
        seconds = CounterMetricFamily(
            "edgemark_device_seconds", "Seconds of a device's own work.", labels=("work",)
        )
        for work, spent in sorted(device.seconds.items()):
            seconds.add_metric((work,), spent)
        yield seconds
        sent = CounterMetricFamily(
            "edgemark_http_bytes", "Bytes of bodies received and sent.", labels=("direction",)
        )
        sent.add_metric(("in",), device.station.client.bytes_in)
        sent.add_metric(("out",), device.station.client.bytes_out)
        yield sent
        yield CounterMetricFamily(
            "edgemark_answers_refused",
            "Answers of nodes that did not verify.",
            value=len(device.refusals),
        )


def keep_metrics_file(device: Device, path: Path) -> TextFile:
    """Write the metrics of a device to a file until it is closed.

    Raises:
        MetricsFileRefused: see `TextFile`.
    """
    registry = CollectorRegistry()
    tell_about(registry, "device", kernel.path())
    registry.register(LoopReadings(device))
    registry.register(ChainFigures(device))
    registry.register(DeviceFigures(device))
    return TextFile(path, registry, {"account": device.station.address})
