"""How fast this machine evaluates functions: measured at the start, and again with every task."""

from __future__ import annotations

import threading
import time

from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.crypto.randomness import SeededRandomness

PROBE_INPUTS, PROBE_OUTPUTS, PROBE_BATCH = 24, 2, 8
LEAST_PRODUCTS = 5_000  # a smaller task tells of its overhead, not of the speed
WEIGHT = 0.3  # of the latest task in the average


class SpeedMeter:
    """Seconds a product (one term of one input), with the kernel that is in use."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seconds = _probe()

    @property
    def seconds_per_product(self) -> float:
        """The present average, > 0."""
        with self._guard:
            return self._seconds

    def note(self, products: int, seconds: float) -> None:
        """A task of so many products took so long."""
        if products < LEAST_PRODUCTS:
            return
        with self._guard:
            self._seconds += WEIGHT * (seconds / products - self._seconds)


def _probe() -> float:
    """Evaluate a small function that stands for all; the first time prepares it."""
    source = SeededRandomness(b"speed probe", for_tests_only=True)  # nothing here is secret
    terms: dict[tuple[int, ...], tuple[int, int]] = {
        (i, j): (source.element(), source.element())
        for i in range(PROBE_INPUTS)
        for j in range(i, PROBE_INPUTS)
    }
    function = DenseQuadratic.from_terms(PROBE_INPUTS, PROBE_OUTPUTS, terms)
    batch = source.elements(PROBE_INPUTS * PROBE_BATCH)
    function.evaluate(batch)
    began = time.perf_counter()
    function.evaluate(batch)
    return (time.perf_counter() - began) / (function.term_count * PROBE_BATCH)
