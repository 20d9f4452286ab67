"""Functions, batches, orders and lists of programs for the tests of a seller's work."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgemark.confinement.limits import Limits
from edgemark.crypto.ethereum.hashing import hash_long
from edgemark.crypto.field.plain import quadratic_terms
from edgemark.crypto.field.randomness import SeededRandomness
from edgemark.crypto.polynomial import DenseQuadratic, Polynomial, SparsePolynomial
from edgemark.identifiers import Hash32
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.work.messages import Order, OrderKind

CHANNELS = [ChannelId(bytes([number]) * 32) for number in range(1, 9)]
SHELL = "/bin/sh"
LIMITS = Limits(
    cpu_s=10,
    wall_s=10,
    memory_bytes=2**27,
    output_bytes=2**16,
    files_bytes=2**20,
    processes=8,
)
SECOND_US = 1_000_000


def draw(seed: str) -> SeededRandomness:
    return SeededRandomness(seed.encode(), for_tests_only=True)


def make_dense(inputs: int = 4, outputs: int = 3, seed: str = "dense") -> DenseQuadratic:
    count = quadratic_terms(inputs) * outputs
    return DenseQuadratic(inputs, outputs, draw(seed).elements(count))


def make_sparse() -> SparsePolynomial:
    terms = {
        (): (5, 0),
        (0,): (1, 2),
        (0, 0, 0, 2): (0, 7),
        (0, 1, 1, 2): (9, 9),
        (2, 2): (3, 1),
    }
    return SparsePolynomial.from_terms(4, 2, terms)


def make_batch(function: Polynomial, inputs: int, seed: str = "batch") -> bytes:
    return draw(seed).elements(inputs * function.inputs)


def order_values(
    function: Polynomial,
    batch: bytes,
    *,
    channel: ChannelId = CHANNELS[0],
    number: int = 1,
    most: int = 2**40,
) -> Order:
    encoded = function.to_bytes()
    return Order(
        channel,
        number,
        OrderKind.POLYNOMIAL,
        function.hash,
        len(encoded),
        hash_long(batch),
        len(batch),
        most,
    )


def order_run(
    program: Hash32,
    data: bytes,
    *,
    channel: ChannelId = CHANNELS[0],
    number: int = 1,
    most: int = 10 * SECOND_US,
) -> Order:
    what = OrderKind.PROGRAM
    return Order(channel, number, what, program, 0, hash_long(data), len(data), most)


def digest_of_file(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def entry(name: str, script: str, /, **changes: Any) -> dict[str, Any]:
    """One program of a list: a script of the shell."""
    facts = {
        "name": name,
        "executable": os.path.realpath(SHELL),
        "digest": digest_of_file(SHELL),
        "argv": ["-c", script],
        "files": [],
        "folders": [],
        "data_bytes": 2**20,
        "limits": asdict(LIMITS),
    }
    return facts | changes


def write_list(*entries: dict[str, Any]) -> bytes:
    facts = {"format": "edgemark-programs", "version": 1, "programs": list(entries)}
    return json.dumps(facts).encode()
