"""The function and the inputs of the end-to-end tests: small, but as private as any.

F: F_q^3 -> F_q^2 of degree 2, so m = 6 nodes with t = e = 1. The inputs are random elements of the
field: in any text of any process they would be found, and nothing else looks like them.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgemark.crypto.field.field import FIELD, Q
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import DenseQuadratic
from edgemark.crypto.polynomial.fixed_point import to_signed
from edgemark.identifiers import TOKEN_UNIT, Tokens
from edgemark.systems.outsourcing.offline.drafting import Wish

INPUTS, OUTPUTS, BATCH = 3, 2, 2
TERMS = {
    (): (7, Q - 1),
    (0,): (3, 0),
    (0, 1): (5, 2),
    (1, 2): (0, 11),
    (2, 2): (13, Q - 4),
}
FUNCTION = DenseQuadratic.from_terms(INPUTS, OUTPUTS, TERMS)
WISH = Wish(
    threshold=1,
    errors=1,
    fee=Tokens(10 * TOKEN_UNIT + 7),  # odd, so that every rounding shows
    judge_fee=Tokens(3 * TOKEN_UNIT + 1),
    accept_s=18,
    compute_s=8,
    collect_s=15,
)


def draw_batch() -> bytes:
    """Packed random inputs of one job."""
    return Randomness().elements(BATCH * INPUTS)


def evaluate_plainly(batch: bytes) -> bytes:
    """F of a packed batch, by whole numbers and nothing else."""
    values = FIELD.unpack(batch)
    results: list[int] = []
    for start in range(0, len(values), INPUTS):
        x = values[start : start + INPUTS]
        for output in range(OUTPUTS):
            total = 0
            for monomial, coefficients in TERMS.items():
                term = coefficients[output]
                for variable in monomial:
                    term *= x[variable]
                total += term
            results.append(total % Q)
    return FIELD.pack(results)


def write_inputs(folder: Path, batch: bytes) -> Path:
    """A packed batch as a file for the command line: signed whole numbers."""
    values = [to_signed(value) for value in FIELD.unpack(batch)]
    rows = [values[i : i + INPUTS] for i in range(0, len(values), INPUTS)]
    path = folder / "inputs.json"
    path.write_text(json.dumps(rows))
    return path


def write_function(folder: Path) -> Path:
    """F as a file for the command line."""
    path = folder / "function.bin"
    path.write_bytes(FUNCTION.to_bytes())
    return path
