"""Which tests belong to a system, and which to the ground that serves all systems.

Rule 1: what stands in a folder of the system's name belongs to it, when that stands directly below
        one of `FOLDERS`: `tests/offchain/systems/NAME/`.
Rule 2: in `MIXED`, where no such folders are, the name of the file decides: `test_NAME_*.py`, and
        `test_gas_of_NAME*.py` of `tools/gas_of_NAME.py`.
Rule 3: whatever belongs to no system is the ground's, and runs for each of them. No other folder
        and no other word of a name counts: a system may be called as a test of the ground is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (
    "tests/chaincode",
    "tests/contracts",
    "tests/contracts/boundaries",
    "tests/contracts/invariants",
    "tests/end_to_end",
    "tests/offchain/cli",
    "tests/offchain/systems",
    "tests/scenarios",
    "tests/soak",
)
MIXED = ("tests/benchmarks", "tests/docs", "tests/scripts", "tests/tools")
OWN_NAME = re.compile(r"test_(?:gas_of_)?([a-z0-9]+)(?:_\w+)?\.py")
GROUND = "none"  # asks for the tests of the ground alone


def list_systems(root: Path = ROOT) -> list[str]:
    """Names of the systems that there are."""
    found = (root / "offchain" / "edgemark" / "systems").glob("*/__init__.py")
    return sorted(path.parent.name for path in found)


def name_others(wanted: str | None, systems: Sequence[str]) -> list[str]:
    """The systems whose tests do not run.

    Args:
        wanted: a system, `GROUND`, or None for all of them.
        systems: that there are.
    """
    return [] if wanted is None else [name for name in systems if name != wanted]


def belongs_to(path: Path, systems: Sequence[str], root: Path = ROOT) -> bool:
    """Whether a file or folder of tests is one of these systems'; none elsewhere is."""
    is_here = path.is_relative_to(root)
    return is_here and not owners_of(path.relative_to(root)).isdisjoint(systems)


def owners_of(relative: Path) -> set[str]:
    """The names of systems that would own a file or folder, from the root of the checkout."""
    line = [relative, *relative.parents]
    owners = {path.name for path in line if path.parent.as_posix() in FOLDERS}
    if relative.parent.as_posix() in MIXED and (named := OWN_NAME.fullmatch(relative.name)):
        owners.add(named[1])
    return owners
