"""What the operator's pages say of evidence (what waits, the least N), and of letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Metric

from edgemark.errors import EdgemarkError
from edgemark.metrics.readings import make_counter, make_family, make_gauge
from edgemark.systems.trading.controller.recording.recorder import EvidenceReading


class EvidenceFigures:
    """A collector for a Prometheus registry.

    Args:
        read: asked at every scrape.
    """

    def __init__(self, read: Callable[[], EvidenceReading]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are told with the values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one scrape."""
        reading = self._read()
        paces, recorded = reading.paces, reading.paces.recorded_per_s
        about = "Credentials issued since the start."
        yield make_counter("edgemark_credentials_issued_total", about, paces.issued)
        about = "Evidences recorded since the start."
        yield make_counter("edgemark_evidence_recorded_total", about, paces.recorded)
        yield make_family(
            "edgemark_evidence",
            "Evidences that are not on the chain yet, by where they are.",
            {"waiting": reading.waiting, "late": reading.late, "under_way": reading.pieces},
            label="where",
        )
        about = "Credentials issued a second, of the last minute."
        yield make_gauge("edgemark_credentials_per_second", about, float(paces.issued_per_s))
        if recorded is not None:
            about = "Evidences a second that the chain takes."
            yield make_gauge("edgemark_evidence_per_second", about, float(recorded))
        about = "N, credentials between two evidences, that the chain sustains at least."
        yield make_gauge("edgemark_least_cycles", about, paces.least)


@dataclass(frozen=True)
class PlaceReading:
    """One look at the places of a controller's channels.

    Attributes:
        held: places.
        displaced: channels that gave theirs up, since the start.
        apart: that cannot be read now; `set_apart`: how often one could not, since the start.
    """

    held: int
    displaced: int
    apart: int
    set_apart: int


class PlaceFigures:
    """A collector as `EvidenceFigures`, of a `PlaceReading`."""

    def __init__(self, read: Callable[[], PlaceReading]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are told with the values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All lines of one scrape."""
        reading = self._read()
        yield make_gauge("edgemark_channel_places", "Channels that hold a place.", reading.held)
        about = "Channels that gave their place up to one that locks more."
        yield make_counter("edgemark_channels_displaced_total", about, reading.displaced)
        about = "Channels that cannot be read, and hold up no other."
        yield make_gauge("edgemark_channels_apart", about, reading.apart)
        about = "How often a channel could not be read, since the start."
        yield make_counter("edgemark_channels_set_apart_total", about, reading.set_apart)


class LetterFigures:
    """Letters that said nothing that counts; for any thread.

    Args:
        registry: where they are counted.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = 0
        self._refused = Counter(
            "edgemark_letters_refused",
            "Letters of channels refused, by the type of the error.",
            ("reason",),
            registry=registry,
        )

    def note_refused(self, error: EdgemarkError) -> None:
        """Count one."""
        self.refused += 1
        self._refused.labels(type(error).__name__).inc()
