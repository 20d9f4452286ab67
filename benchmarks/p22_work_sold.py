"""P22: products a second that a seller sells through its engine, beside the bare kernel.

A dense quadratic of k = 100 inputs and n = 8 outputs, at batches of B inputs. Through the engine
an order of a polynomial is taken and on the disk, evaluated in slices, its answer on the disk, and
read back; the peer is the kernel's evaluation of the same batch, nothing else. What lies between is
what every order costs, however small: its data, its output, two records, and their syncs. A run of
a listed program that does nothing stands beside them: what it costs to shut one off.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path

from benchmarks.command import QUICK_RESULTS, Scale, main
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from edgemark.confinement.limits import Limits
from edgemark.confinement.means import TRIAL, find_way
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work.engine import Engine
from edgemark.systems.trading.work.executing import Catalogue
from edgemark.systems.trading.work.messages import Order, OrderKind
from edgemark.systems.trading.work.programs import ListedFile, ListedProgram

INPUTS, OUTPUTS = 100, 8
BATCHES = (8, 64, 512)
LEAST_SAMPLE_S = 0.25  # a disk is less even than a processor
ENGINE, RUN, PEER = "engine", "a confined run of nothing", "bare kernel"
CHANNEL = ChannelId(bytes(range(32)))
PATIENCE_S = 60
LIMITS = Limits(
    cpu_s=1, wall_s=5, memory_bytes=2**27, output_bytes=0, files_bytes=2**16, processes=4
)


class Buyer:
    """Orders one thing after the other, and waits for each answer.

    Args:
        engine: of the seller.
        program: that does nothing.
    """

    def __init__(self, engine: Engine, program: Hash32) -> None:
        self._engine, self._program = engine, program
        self._numbers = count(1)

    def buy_values(self, function: DenseQuadratic, batch: bytes) -> object:
        """One batch, of which no two are alike: none is on the disk before."""
        number = next(self._numbers)
        data = number.to_bytes(ELEMENT_BYTES, "big") + batch[ELEMENT_BYTES:]
        encoded = function.to_bytes()
        what = (OrderKind.POLYNOMIAL, function.hash, len(encoded))
        return self._buy(Order(CHANNEL, number, *what, *_digest(data), 2**50), data, encoded)

    def buy_run(self) -> object:
        """One run of the program."""
        what = (OrderKind.PROGRAM, self._program, 0)
        return self._buy(Order(CHANNEL, next(self._numbers), *what, *_digest(b""), 10**6), b"", b"")

    def _buy(self, order: Order, data: bytes, function: bytes) -> object:
        self._engine.take(order, data, function)
        self._engine.wait(order.id, PATIENCE_S)
        return self._engine.answer(order.id)


def _digest(data: bytes) -> tuple[Hash32, int]:
    return hash_long(data), len(data)


@contextmanager
def a_buyer() -> Iterator[Buyer]:
    """Somebody who buys of an engine on the disk of this checkout."""
    QUICK_RESULTS.mkdir(parents=True, exist_ok=True)
    digest = Hash32(sha256(Path(TRIAL).read_bytes()).digest())
    program = ListedProgram("nothing", ListedFile(TRIAL, digest), (), (), (), 0, LIMITS)
    catalogue = Catalogue({program.id: program}, find_way())
    with (
        tempfile.TemporaryDirectory(dir=QUICK_RESULTS, prefix="engine-") as folder,
        Engine(Path(folder) / "engine", catalogue) as engine,
    ):
        yield Buyer(engine, program.id)


def measure(findings: Findings, scale: Scale) -> None:
    """Take turns on the same processor and disk."""
    rows = (INPUTS + 1) * (INPUTS + 2) // 2
    function = DenseQuadratic(INPUTS, OUTPUTS, Randomness().elements(rows * OUTPUTS))
    for inputs in BATCHES[:1] if scale.quick else BATCHES:
        scale.tell(f"B = {inputs}")
        batch = Randomness().elements(inputs * INPUTS)
        with a_buyer() as buyer:
            subjects = _subjects(buyer, function, batch)
            if inputs == BATCHES[0]:
                subjects[RUN] = buyer.buy_run
            least_s = 0.02 if scale.quick else LEAST_SAMPLE_S
            timings = measure_in_turn(subjects, rounds=scale.rounds, least_sample_s=least_s)
        findings.add(inputs, timings)
        findings.compare(f"an order of {inputs} inputs", inputs, ENGINE, PEER)
        products = inputs * function.product_count
        rates = ((name, products / timings[name].median_s) for name in (ENGINE, PEER))
        told = "; ".join(f"{name}: {rate:,.0f}" for name, rate in rates)
        findings.notes.append(f"products a second, {inputs} inputs an order: {told}")
        if RUN in timings:
            findings.notes.append(f"{RUN}: {1000 * timings[RUN].median_s:.0f} ms")


def _subjects(
    buyer: Buyer, function: DenseQuadratic, batch: bytes
) -> dict[str, Callable[[], object]]:
    return {
        ENGINE: lambda: buyer.buy_values(function, batch),
        PEER: lambda: function.evaluate(batch),
    }


if __name__ == "__main__":
    sys.exit(
        main(
            "p22_work_sold",
            "products sold through a seller's engine, by the inputs of an order",
            "inputs of an order",
            measure,
        )
    )
