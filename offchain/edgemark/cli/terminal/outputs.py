"""Files that a command writes, beside those that it reads: none takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgemark.errors import RefusedInput


def check_apart(written: Mapping[str, Path | None], read: Mapping[str, Path | None]) -> None:
    """Check that no file is written over one that is read, or over another that is written.

    Args:
        written: files by the option that names them; None where it was not given.
        read: likewise.

    Raises:
        RefusedInput: two options name one file.
    """
    taken = {path.resolve(): name for name, path in read.items() if path is not None}
    for name, path in written.items():
        if path is None or (path.exists() and not path.is_file()):
            continue  # a device takes whatever comes
        if other := taken.get(path.resolve()):
            raise RefusedInput(
                f"is the file of {other} as well",
                who=name,
                had=path,
                needed="a file of its own",
                remedy="Name another file: this one would be written over.",
            )
        taken[path.resolve()] = name
