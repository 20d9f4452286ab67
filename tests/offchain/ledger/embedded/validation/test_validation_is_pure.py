"""Validation and the wire know no clock, file, thread, socket, process or database."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemark.ledger import embedded, fabric

IMPURE = frozenset(
    {
        "asyncio",
        "concurrent",
        "grpc",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
    }
)
OUTSIDE = ("channel", "doors", "link", "organisations", "running", "simulation", "state", "system")
ROOMS = [
    Path(embedded.__path__[0]) / "validation",
    Path(fabric.__path__[0]) / "wire",
    Path(fabric.__path__[0]) / "configuration",
    Path(fabric.__path__[0]) / "identities" / "signing.py",
    Path(fabric.__path__[0]) / "identities" / "members.py",
]


def imports_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def impure_of(source: str) -> list[str]:
    rooms = tuple(f"edgemark.ledger.embedded.{each}" for each in OUTSIDE)
    return [
        each
        for each in imports_of(source)
        if each.partition(".")[0] in IMPURE or each.startswith(rooms) or ".grpc" in each
    ]


def asks_the_time(source: str) -> bool:
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return bool(names & {"now", "utcnow", "today"})


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.name)
def test_room__imports_nothing_of_the_world(room: Path) -> None:
    files = [room] if room.is_file() else sorted(room.glob("*.py"))
    assert files
    found = {each.name: impure_of(each.read_text()) for each in files}
    assert {name: what for name, what in found.items() if what} == {}
    assert [each.name for each in files if asks_the_time(each.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "from time import time_ns",
        "import os.path",
        "from edgemark.ledger.embedded.state.store import Store",
        "def late():\n    import threading",
    ],
)
def test_import_of_the_world__is_found(source: str) -> None:
    assert impure_of(source)
    assert asks_the_time("at = datetime.now(UTC)")
