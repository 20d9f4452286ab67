"""What a development ledger costs beside its calls: to start, to take back, in memory, on the disk.

A start is the whole command, with certificates and a channel the first time; its peer is a process
of Python that brings up the command line and nothing else. To take transactions back has a start
from nothing as its peer: without it, that is what a test would have to do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.command import Scale
from benchmarks.findings import Findings
from benchmarks.ledger_ground import LedgerGround
from benchmarks.measuring import Timing
from edgemark.ledger.embedded.channel.ledger import CHANNELS
from edgemark.ledger.embedded.running.control import LONG_S, ask_ledger
from edgemark.ledger.embedded.running.place import Place
from edgemark.ledger.fabric.settings import FOLDERS

FIRST, AGAIN = "ledger up, first", "ledger up, again"
BARE = "a command that does nothing"
REVERT = "revert"
MIB = 2**20
MOST_STARTS = 3


def measure_starts(findings: Findings, scale: Scale, kind: str) -> None:
    """Homes that are new, each started twice."""
    samples: dict[str, list[float]] = {FIRST: [], AGAIN: [], BARE: []}
    for number in range(min(scale.rounds, MOST_STARTS)):
        scale.tell(f"starts, round {number + 1}")
        with tempfile.TemporaryDirectory(prefix="starts-") as folder:
            ground = LedgerGround(kind, Path(folder), [])
            for name in (FIRST, AGAIN):
                samples[name].append(_seconds_of_start(ground))
                ground.run(ground.group, "down")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "edgemark", "--help"], check=True, capture_output=True
        )
        samples[BARE].append(time.perf_counter() - began)
    findings.add(1, {name: Timing.from_samples(taken) for name, taken in samples.items()})
    for name in (FIRST, AGAIN):
        findings.compare(name, 1, name, BARE)
        findings.notes.append(f"{name}: {findings.point(name, 1).value:.2f} s; the target is 2 s")


def _seconds_of_start(ground: LedgerGround) -> float:
    began = time.perf_counter()
    ground.run(ground.group, "up", "--orgs", "2")
    return time.perf_counter() - began


def take_snapshot(ground: LedgerGround) -> int:
    """Remember what the ledger is now; answers the snapshot's number."""
    number = ask_ledger(_place(ground).socket, "snapshot", limit_s=LONG_S)["number"]
    return int(number)


def measure_revert(findings: Findings, ground: LedgerGround, number: int, made: int) -> None:
    """Take back all transactions since a snapshot, which happens once."""
    began = time.perf_counter()
    ask_ledger(_place(ground).socket, "revert", limit_s=LONG_S, number=number)
    took_s = time.perf_counter() - began
    findings.add(1, {REVERT: Timing(took_s, took_s, took_s, 1)})
    findings.compare(f"{made} transactions taken back", 1, REVERT, FIRST)
    findings.notes.append(f"{made} transactions taken back in {1000 * took_s:.0f} ms")


def tell_sizes(findings: Findings, ground: LedgerGround, before: int, made: int) -> None:
    """Memory of the ledger's process, and bytes on the disk for each transaction since `before`.

    Args:
        findings: that take the notes.
        ground: the ledger.
        before: its size on the disk, bytes.
        made: transactions since then.
    """
    pid = ground.run("ledger", "status")["pid"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    now, most = (int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    findings.notes.append(
        f"memory of the ledger after {made} transactions: {now:.0f} MiB, at most {most:.0f} MiB;"
        " the target is 150"
    )
    grown = (size_on_disk(ground) - before) / made * 10_000 / MIB
    findings.notes.append(f"on the disk, 10,000 transactions: {grown:.0f} MiB")


def size_on_disk(ground: LedgerGround) -> int:
    """Bytes of all that the ledger keeps of its channels."""
    files = (_place(ground).folder / CHANNELS).rglob("*")
    return sum(each.stat().st_size for each in files if each.is_file())


def _place(ground: LedgerGround) -> Place:
    return Place(ground.home / FOLDERS[ground.kind])
