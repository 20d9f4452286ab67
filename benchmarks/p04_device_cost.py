"""P4: the device's whole cost against computing F itself, by number of variables k.

d = 2, t = 1, e = 1, m = 6, one output, one input. The device shares, signs the posting, verifies
and decodes six answers and signs the approval; the peers compute the same function at the same
input: the kernel and plain Python in clear, and MPyC with three parties in secret. The crossing of
the lines is the least k for which outsourcing saves the device work.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from benchmarks.command import Scale, main
from benchmarks.crossing import tell_crossings
from benchmarks.device_work import DeviceWork, draw_inner_product, draw_quadratic
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from benchmarks.mpyc_parties import Parties, start_parties
from edgemark.crypto.field import kernel

INPUTS = (50, 100, 200, 500, 1000, 2000)
PAIRS = 1000
DEVICE, KERNEL, PLAIN, MPYC = "device", "local, kernel", "local, plain Python", "MPyC, 3 parties"


def measure(findings: Findings, scale: Scale) -> None:
    """The quadratic functions of the paper's figure 4, then one inner product."""
    with start_parties() as parties:
        for inputs in (10, 20) if scale.quick else INPUTS:
            scale.tell(f"k = {inputs}")
            measure_quadratic(findings, scale, parties, inputs)
        measure_inner_product(findings, scale, parties, 10 if scale.quick else PAIRS)
    tell_crossings(findings, DEVICE, (KERNEL, PLAIN, MPYC), "k")


def measure_quadratic(findings: Findings, scale: Scale, parties: Parties, inputs: int) -> None:
    """One k."""
    work = DeviceWork.prepare(draw_quadratic(inputs))
    check(work)
    plain = kernel.load("python")
    subjects: dict[str, Callable[[], object]] = {
        DEVICE: work.spend,
        KERNEL: work.evaluate,
        PLAIN: partial(work.function.evaluate, work.batch, plain),
        MPYC: partial(parties.compute, "quadratic", inputs),
    }
    findings.add(inputs, measure_in_turn(subjects, rounds=scale.rounds))
    for peer in (KERNEL, PLAIN, MPYC):
        findings.compare(f"quadratic, k = {inputs}", inputs, DEVICE, peer)


def measure_inner_product(findings: Findings, scale: Scale, parties: Parties, pairs: int) -> None:
    """So many multiplications only: what the device saves nothing by, and MPyC was made for."""
    scale.tell(f"inner product of {pairs}")
    work = DeviceWork.prepare(draw_inner_product(pairs))
    check(work)
    subjects: dict[str, Callable[[], object]] = {
        f"{DEVICE}, inner product": work.spend,
        f"{KERNEL}, inner product": work.evaluate,
        f"{MPYC}, inner product": partial(parties.compute, "inner", pairs),
    }
    at = 2 * pairs
    findings.add(at, measure_in_turn(subjects, rounds=scale.rounds))
    ours, *peers = subjects
    for peer in peers:
        findings.compare(f"inner product of {pairs} pairs", at, ours, peer)


def check(work: DeviceWork) -> None:
    """The decoded result is F(x).

    Raises:
        ArithmeticError: it is not; the figures would mean nothing.
    """
    if work.spend().result != work.evaluate():
        raise ArithmeticError("the device decoded something else than F(x)")


if __name__ == "__main__":
    sys.exit(main("p04_device_cost", "the device's cost by variables, d = 2", "k", measure))
