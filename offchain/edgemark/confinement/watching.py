"""What a process and all that descends from it take at this moment, as /proc tells it.

It is asked while a program runs; what the kernel counted in the end is told by `inside`. A process
that ends between two looks is counted with whoever waits for it, so a look sees less than there
was, never more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SUPERVISORS = 2  # generations at the root that are ours: `inside`, and its first process


@dataclass(frozen=True)
class Taken:
    """What was seen.

    Attributes:
        cpu_us: microseconds of processor time, rounded down.
        memory_bytes: resident, beside what is shared with others.
        processes: how many there were.
    """

    cpu_us: int
    memory_bytes: int
    processes: int


@dataclass(frozen=True)
class _Seen:
    parent: int
    own_ticks: int
    waited_ticks: int


def _look_at(pid: int) -> _Seen | None:
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    # From proc(5), behind the name: 1 parent, 11 and 12 own, 13 and 14 of those waited for.
    return _Seen(
        int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    )


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            fields = file.read().split()
    except OSError:
        return 0
    return max(0, int(fields[1]) - int(fields[2])) * PAGE_BYTES if len(fields) > 2 else 0


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def look(root: int) -> Taken:
    """What the program takes that runs below two generations of supervisors.

    Args:
        root: number of the outer supervisor.
    """
    seen = {pid: found for pid in _processes() if (found := _look_at(pid)) is not None}
    children: dict[int, list[int]] = {}
    for pid, found in seen.items():
        children.setdefault(found.parent, []).append(pid)
    ticks = memory = count = 0
    generation, depth = [root], 0
    while generation:
        for pid in generation:
            found = seen.get(pid)
            if found is None:
                continue
            ticks += found.waited_ticks
            if depth >= SUPERVISORS:
                ticks += found.own_ticks
                memory += _resident_bytes(pid)
                count += 1
        generation = [child for pid in generation for child in children.get(pid, ())]
        depth += 1
    # The tick that had begun, and what passed before the program was there.
    return Taken(max(0, ticks - 1) * TICK_US, memory, count)
