"""Files that a command writes, beside those that it reads: none takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from edgemark.errors import RefusedInput
from edgemark.files import OWNER_ONLY_FILE, write_new

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write; only its owner can read it.",
)


def write_output(path: Path, raw: bytes) -> None:
    """Write the file of `output_option`, whole, for its owner alone.

    Raises:
        RefusedInput: something is there already; it stays.
    """
    if not write_new(path, raw, mode=OWNER_ONLY_FILE):
        raise RefusedInput("is there already", who=path, remedy="Name another file.")


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
