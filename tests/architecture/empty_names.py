"""Names that say nothing about what is inside."""

from __future__ import annotations

from pathlib import Path

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "core", "base", "manager"}


def is_empty_name(path: Path) -> bool:
    """Whether a file or folder name says nothing about what is inside."""
    words = path.name.partition(".")[0].lower().strip("_").split("_")
    return "_".join(words) in EMPTY_NAMES or words[-1] in {"utils", "helpers", "misc"}
