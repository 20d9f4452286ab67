"""What a confined program may take, what it took, and how it ended. Pure values.

| end           | what happened                                            | whose affair it is |
|---------------|----------------------------------------------------------|--------------------|
| `FINISHED`    | exit status 0                                            |                    |
| `EXITED`      | another exit status, which is told                       | program and data   |
| `KILLED`      | a signal that none of the limits explains, which is told | program and data   |
| `OVER_TIME`   | it was still there when its wall time was over           | program and data   |
| `OVER_CPU`    | all its processes together took more processor time      | program and data   |
| `OVER_MEMORY` | all its processes together held more memory              | program and data   |
| `OVER_OUTPUT` | it wrote more than it may                                | program and data   |
| `STOPPED`     | whoever ran it ended it                                  | who ran it         |
| `UNSTARTED`   | it never began, and took nothing                         | who ran it         |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgemark.errors import RefusedInput, Unrecoverable

MAX_DATA_BYTES = 16 * 2**20  # in and out: both lie in memory while the program runs
MAX_WALL_S = 3600
MAX_MEMORY_BYTES = 64 * 2**30
MAX_PROCESSES = 1024
MAX_CORES = 1024
MAX_OPEN_FILES = 1024
MIN_OPEN_FILES = 8
MIN_MEMORY_BYTES = 16 * 2**20  # an interpreter does not start in less


class CannotConfine(Unrecoverable):
    """This machine gives no means to shut a program off; none is run on it."""


class LimitsWrong(RefusedInput):
    """A limit is outside what limits may be."""


class End(IntEnum):
    """How a program ended; see the table of the module."""

    FINISHED = 0
    EXITED = 1
    KILLED = 2
    OVER_TIME = 3
    OVER_CPU = 4
    OVER_MEMORY = 5
    OVER_OUTPUT = 6
    STOPPED = 7
    UNSTARTED = 8


@dataclass(frozen=True)
class Limits:
    """Most that one run may take.

    Args:
        cpu_s: processor seconds of all its processes together, 1 .. wall_s * 1024.
        wall_s: seconds from its start, 1 .. 3600.
        memory_bytes: of all its processes together, beside what they share.
        output_bytes: of its standard output, 0 .. 16 MiB.
        files_bytes: of all files in its temporary folder together.
        processes: processes and threads at one time.
        open_files: of each process.
        cores: processors at one time.

    Raises:
        LimitsWrong: one is out of range.
    """

    cpu_s: int
    wall_s: int
    memory_bytes: int
    output_bytes: int
    files_bytes: int
    processes: int = 16
    open_files: int = 64
    cores: int = 1

    def __post_init__(self) -> None:
        bounds = {
            "wall_s": (1, MAX_WALL_S),
            "cpu_s": (1, self.wall_s * MAX_CORES),
            "memory_bytes": (MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
            "output_bytes": (0, MAX_DATA_BYTES),
            "files_bytes": (2**12, MAX_MEMORY_BYTES),
            "processes": (1, MAX_PROCESSES),
            "open_files": (MIN_OPEN_FILES, MAX_OPEN_FILES),
            "cores": (1, MAX_CORES),
        }
        for name, (least, most) in bounds.items():
            had = getattr(self, name)
            if type(had) is not int or not least <= had <= most:
                raise LimitsWrong(
                    "is out of range", who=f"limit {name}", had=had, needed=f"{least}..{most}"
                )


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        end: how it ended.
        status: exit status, or number of the signal; 0 where neither is the reason.
        cpu_us: processor time in microseconds that the kernel counted for the program and all that
            descended from it: a lower bound of what the run cost, as nothing of the confinement
            is in it.
        wall_us: microseconds from before its start to after its end.
        output: what it wrote to its standard output; at most `output_bytes`.
        reason: why it did not begin, for its operator; empty otherwise.
    """

    end: End
    status: int
    cpu_us: int
    wall_us: int
    output: bytes = b""
    reason: str = ""
