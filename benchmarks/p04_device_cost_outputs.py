"""P4: the device's whole cost against computing F itself, by outputs and batch at k = 784.

d = 2, t = 1, e = 1, m = 6. What the device does grows with its input and with the number of
answers, hardly with the outputs: the more of them, the more it saves. 784 is a picture of 28 x 28.
"""

from __future__ import annotations

import sys

from benchmarks.command import Scale, main
from benchmarks.device_work import DeviceWork, draw_quadratic
from benchmarks.findings import Findings
from benchmarks.measuring import measure_in_turn
from benchmarks.p04_device_cost import DEVICE, KERNEL, check

INPUTS = 784
TARGETS = {(1, 1): "", (10, 1): ">= 2", (1, 20): "", (10, 20): ">= 5"}  # by outputs and batch


def measure(findings: Findings, scale: Scale) -> None:
    """Each number of outputs with each batch."""
    inputs = 20 if scale.quick else INPUTS
    for (outputs, batch), target in TARGETS.items():
        scale.tell(f"{outputs} outputs, batch of {batch}")
        work = DeviceWork.prepare(draw_quadratic(inputs, outputs), batch=batch)
        check(work)
        ours, peer = (f"{name}, batch of {batch}" for name in (DEVICE, KERNEL))
        subjects = {ours: work.spend, peer: work.evaluate}
        findings.add(outputs, measure_in_turn(subjects, rounds=scale.rounds))
        what = f"k = {inputs}, {outputs} outputs, batch of {batch}"
        findings.compare(what, outputs, ours, peer, "" if scale.quick else target)


if __name__ == "__main__":
    title = "the device's cost by outputs and batch, k = 784"
    sys.exit(main("p04_device_cost_outputs", title, "outputs", measure))
