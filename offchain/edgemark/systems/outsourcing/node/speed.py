"""How fast this machine evaluates functions: each one timed before work on it is promised.

What a product takes depends on the function: a dense one streams, the monomials of a sparse one are
built from values that lie apart. So a node times the offered function itself, and follows what its
tasks take; a probe at the start bounds what a function that was not timed yet can take.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from edgemark.crypto.field.randomness import SeededRandomness
from edgemark.crypto.polynomial import DenseQuadratic, Polynomial, SparsePolynomial
from edgemark.errors import Overloaded
from edgemark.identifiers import Hash32

PROBE_INPUTS, PROBE_OUTPUTS, PROBE_BATCH = 24, 2, 8
PROBE_ROWS, PROBE_DEGREE = 400, 20
LEAST_PRODUCTS = 5_000  # a smaller task tells of its overhead, not of the speed
WEIGHT = 0.3  # of the latest task in the average
MAX_TIMED = 1024  # functions whose speed is remembered
ENOUGH_S = 0.05  # one input that takes so long tells enough
TIMED_INPUTS = 16  # else so many at once


class SpeedMeter:
    """Seconds a product (one multiplication for one input), with the kernel that is in use."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._timing = threading.Lock()
        self._timed: OrderedDict[Hash32, float] = OrderedDict()
        dense, sparse = (_evaluate_often(probe, PROBE_BATCH) for probe in (_dense(), _sparse()))
        self.fastest = min(dense, sparse)
        self.slowest = max(dense, sparse)

    def of(self, function_hash: Hash32) -> float:
        """Of this function; of the slowest kind when it was not timed, > 0."""
        with self._guard:
            return self._timed.get(function_hash, self.slowest)

    def time(self, function_hash: Hash32, read: Callable[[Hash32], Polynomial | None]) -> float:
        """Of this function; read, and evaluated at a few inputs, if it never was.

        One at a time, as each is long; nobody waits for it in a place that others need.

        Raises:
            Overloaded: another one is being timed, or it is not here any more.
        """
        with self._guard:
            known = self._timed.get(function_hash)
        if known is not None:
            return known
        if not self._timing.acquire(blocking=False):
            raise Overloaded("another function is being timed", who=function_hash.hex())
        try:
            function = read(function_hash)
            if function is None:
                raise Overloaded("function is not here any more", who=function_hash.hex())
            known = _time(function)
            self._remember(function_hash, known)
        finally:
            self._timing.release()
        return known

    def note(self, function_hash: Hash32, products: int, seconds: float) -> None:
        """A task of so many products of this function took so long."""
        if products < LEAST_PRODUCTS:
            return
        latest, before = seconds / products, self.of(function_hash)
        self._remember(function_hash, before + WEIGHT * (latest - before))

    def _remember(self, function_hash: Hash32, seconds: float) -> None:
        with self._guard:
            self._timed[function_hash] = seconds
            self._timed.move_to_end(function_hash)
            while len(self._timed) > MAX_TIMED:
                self._timed.popitem(last=False)


def _time(function: Polynomial) -> float:
    """Made ready first, so that this is not timed; then bounded by `ENOUGH_S` for each input."""
    began = time.perf_counter()
    _evaluate(function, 1)
    one = min(_evaluate(function, 1) for _ in range(3))
    if one >= ENOUGH_S or time.perf_counter() - began >= 1:
        return one / max(1, function.term_count)
    return _evaluate_often(function, TIMED_INPUTS)


def _evaluate_often(function: Polynomial, inputs: int) -> float:
    """Seconds a product, the best of three: others who use the processor do not slow a function."""
    best = min(_evaluate(function, inputs) for _ in range(3))
    return best / (max(1, function.term_count) * inputs)


def _evaluate(function: Polynomial, inputs: int) -> float:
    source = SeededRandomness(b"speed", for_tests_only=True)  # nothing here is secret
    batch = source.elements(function.inputs * inputs)
    began = time.perf_counter()
    function.evaluate(batch)
    return time.perf_counter() - began


def _dense() -> Polynomial:
    source = SeededRandomness(b"dense probe", for_tests_only=True)
    terms: dict[tuple[int, ...], tuple[int, int]] = {
        (i, j): (source.element(), source.element())
        for i in range(PROBE_INPUTS)
        for j in range(i, PROBE_INPUTS)
    }
    return DenseQuadratic.from_terms(PROBE_INPUTS, PROBE_OUTPUTS, terms)


def _sparse() -> Polynomial:
    """Monomials of 20 variables each, that share little with the one before."""
    source = SeededRandomness(b"sparse probe", for_tests_only=True)
    inputs = 5 * PROBE_INPUTS
    terms = {}
    for _ in range(PROBE_ROWS):
        drawn = source.octets(8 * PROBE_DEGREE)
        variables = {
            int.from_bytes(drawn[at : at + 8], "big") % inputs for at in range(0, len(drawn), 8)
        }
        terms[tuple(sorted(variables))] = (source.element(),)
    return SparsePolynomial.from_terms(inputs, 1, terms)
