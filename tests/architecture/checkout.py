"""The files of the checkout that are ours: whatever `.gitignore` does not name.

Git is not asked, so that a source archive is checked like a clone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = ("body", "cases", "handlers", "orelse", "finalbody")  # where statements stand in others


def find_files(*suffixes: str, under: str = ".") -> list[Path]:
    """Our files below `under` (relative to the checkout) that end in one of `suffixes`; sorted."""
    return [path for path in _all_files(under) if not suffixes or path.suffix in suffixes]


@cache
def _all_files(under: str) -> tuple[Path, ...]:
    return tuple(sorted(_walk(ROOT / under)))


def walk_statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement below a node, each before what stands in it; no expression is looked into."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        for field in reversed(BLOCKS):
            waiting += reversed(getattr(node, field, ()))


def relative(path: Path) -> str:
    """The path as a reader of the checkout writes it."""
    return path.relative_to(ROOT).as_posix()


@cache
def _ignored() -> tuple[str, ...]:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return (*patterns, ".git/")


def _is_ignored(path: Path) -> bool:
    place = "/" + relative(path)
    for pattern in _ignored():
        bare = pattern.rstrip("/")
        if pattern.endswith("/") and not path.is_dir() and not bare.startswith("/"):
            continue
        if fnmatch(place if bare.startswith("/") else path.name, bare):
            return True
    return False


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if _is_ignored(path):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
