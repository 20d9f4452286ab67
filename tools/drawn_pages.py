"""Pages that show what a program draws: put it between markers, or find out that it is outdated."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path


def insert(text: str, drawings: Mapping[str, str], kind: str) -> str:
    """A document with each drawing between `<!-- KIND: NAME -->` and `<!-- end -->`.

    Raises:
        ValueError: a marker is missing.
    """
    for name, drawing in drawings.items():
        begin, end = f"<!-- {kind}: {name} -->\n", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"no place for the {kind} of the {name}")
        text = before + begin + drawing + end + after
    return text


def run(
    about: str,
    document: Path,
    drawings: Mapping[str, str],
    kind: str,
    arguments: Sequence[str] | None,
) -> int:
    """Print the drawings, write them into the page, or check it; the exit status.

    Args:
        about: first line is the program's description.
        document: the page.
        drawings: by the names of their markers.
        kind: word of the markers, and of the program `tools.print_KIND`.
        arguments: of the command line; the process's own when None.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="into the page")
    action.add_argument("--check", action="store_true", help="compare with the page")
    chosen = parser.parse_args(arguments)
    if not (chosen.write or chosen.check):
        for name, drawing in drawings.items():
            print(f"{name}\n\n{drawing}")
        return 0
    text = document.read_text()
    fresh = insert(text, drawings, kind)
    if chosen.write:
        document.write_text(fresh)
    elif fresh != text:
        print(f"{document.name} is outdated; run python -m tools.print_{kind} --write")
        return 1
    return 0
