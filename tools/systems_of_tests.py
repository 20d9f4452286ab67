"""Which tests belong to a system, and which to the ground that serves all systems.

Rule 1: a file of tests belongs to a system when a folder on its path, or a word of its own name, is
        the system's name: `tests/offchain/systems/NAME/`, `tests/scripts/test_NAME_script.py`.
Rule 2: whatever belongs to no system is the ground's, and runs for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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
    """Whether a file or folder of tests is one of these systems'."""
    if not systems:
        return False
    relative = path.relative_to(root)
    words = {*relative.parts, *re.split(r"[_.]", relative.name)}
    return not words.isdisjoint(systems)
