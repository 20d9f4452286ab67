"""What one server counts while it works, in a registry of its own.

Every label has few values: routes as they are written in the code, names of error types. Nothing
that a stranger sends becomes a label.
"""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.process_collector import ProcessCollector

from edgemark.transport.serving.server import Answered

# From one small share to the largest function that fits (F of 64 MiB takes minutes).
COMPUTE_BUCKETS_S = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)


def tell_about(registry: CollectorRegistry, role: str, kernel: str) -> None:
    """Say what runs here: role, arithmetic in use, version."""
    about = Info("edgemark", "What runs here.", registry=registry)
    about.info({"role": role, "kernel": kernel, "version": version("edgemark")})


class Instruments:
    """Counters of one server; safe for many threads.

    Args:
        role: what it does, as "node".
        kernel: which arithmetic is in use.

    Attributes:
        registry: where they are; nothing is in the library's global one.
    """

    def __init__(self, role: str, kernel: str) -> None:
        self.registry = CollectorRegistry()
        tell_about(self.registry, role, kernel)
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "edgemark_http_requests",
            "Requests answered, by route as the code has it.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._bytes = Counter(
            "edgemark_http_bytes",
            "Bytes of bodies of requests (in) and answers (out).",
            ("direction",),
            registry=self.registry,
        )
        self._refusals = Counter(
            "edgemark_refusals",
            "Requests refused, by the type of the error.",
            ("reason",),
            registry=self.registry,
        )
        self._computing = Histogram(
            "edgemark_compute_seconds",
            "Seconds of evaluating functions, by task.",
            buckets=COMPUTE_BUCKETS_S,
            registry=self.registry,
        )

    def note_answer(self, answered: Answered) -> None:
        """Count one answered request."""
        labels = (answered.method, answered.route, str(answered.status))
        self._requests.labels(*labels).inc()
        self._bytes.labels("in").inc(answered.bytes_in)
        self._bytes.labels("out").inc(answered.bytes_out)
        if answered.refusal:
            self._refusals.labels(answered.refusal).inc()

    def note_computing(self, seconds: float) -> None:
        """Count one evaluation."""
        self._computing.observe(seconds)
