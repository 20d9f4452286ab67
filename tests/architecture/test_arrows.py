"""The import arrows of the architecture, and a planted module for each rule that it bites."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.architecture.arrows import (
    MAY_IMPORT,
    Module,
    find_circle,
    find_circles,
    find_violations,
    read_modules,
    shells_of,
)
from tests.architecture.checkout import ROOT, find_files, relative
from tools.systems_of_tests import list_systems

SOURCES = ROOT / "offchain"

PLANTED = [
    ("crypto/field/field.py", "import time", "is pure and imports time"),
    ("crypto/field/field.py", "from edgemark.ledger import evm", "crypto may not import ledger"),
    ("crypto/field/field.py", "from ...transport import http", "crypto may not import transport"),
    ("crypto/field/field.py", "def late():\n    import socket", "is pure and imports socket"),
    ("identity/keys.py", "import edgemark.systems.outsourcing", "identity may not import systems"),
    ("identity/keys.py", "import secrets", "the one door to randomness"),
    ("ledger/evm/reading/chain.py", "import edgemark.cli.main", "ledger may not import cli"),
    (
        "ledger/evm/reading/chain.py",
        "from edgemark.loop.runtime import Runtime",
        "ledger may not import loop.runtime",
    ),
    ("party/loop.py", "import edgemark.systems.outsourcing", "party may not import systems"),
    ("party/loop.py", "from edgemark.demo import stage", "party may not import demo"),
    ("party/loop.py", "from edgemark.party import evm", "party may not import party.evm"),
    ("party/loop.py", "import edgemark.party.evm.station", "is without a chain and reaches"),
    ("party/loop.py", "from edgemark.ledger.evm import faults", "party may not import ledger"),
    ("party/server.py", "import edgemark.identity.reader", "is without a chain and reaches ledger"),
    ("demo/actor.py", "import edgemark.deployment", "is without a chain and reaches deployment"),
    ("demo/stage.py", "from edgemark.demo import evm", "demo may not import demo.evm"),
    ("party/evm/server.py", "import edgemark.demo.evm", "party.evm may not import demo.evm"),
    (
        "chronicle/marks.py",
        "from edgemark.anchoring import events",
        "chronicle.marks may not import anchoring",
    ),
    (
        "chronicle/book.py",
        "import edgemark.systems.outsourcing",
        "chronicle.book may not import systems",
    ),
    (
        "systems/outsourcing/story/story.py",
        "from edgemark.chronicle.pots import Pots",
        "is pure and reaches chronicle.pots",
    ),
    ("demo/stage.py", "from edgemark.systems import outsourcing", "demo may not import systems"),
    (
        "systems/outsourcing/protocol/life.py",
        "import edgemark.party.loop",
        "is pure and reaches party",
    ),
    ("loop/runtime.py", "import edgemark.systems", "loop.runtime may not import systems"),
    ("systems/outsourcing/protocol/life.py", "import os.path", "is pure and imports os"),
    ("systems/outsourcing/steps/share.py", "import web3", "is pure and imports web3"),
    ("systems/outsourcing/steps/share.py", "from edgemark import journal", "is pure and reaches"),
    (
        "systems/outsourcing/protocol/messages.py",
        "import edgemark.identity.reader",
        "is pure and reaches",
    ),
    ("systems/outsourcing/unheard_of.py", "import threading", "is pure and imports threading"),
    (
        "systems/outsourcing/contract/settlement.py",
        "import edgemark.systems.trading",
        "imports system trading",
    ),
    ("systems/outsourcing/contract/settlement.py", "import web3", "which ledger may know"),
    ("cli/main.py", "import aiohttp", "which transport may know"),
    ("cli/main.py", "import ape", "which nobody may know"),
    ("helpfulness.py", "import edgemark.errors", "has no place in MAY_IMPORT"),
]


def plant(root: Path, place: str, source: str) -> None:
    path = root / "edgemark" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source + "\n")


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read_modules(SOURCES)


def test_every_import_follows_the_arrows(modules: dict[str, Module]) -> None:
    assert "edgemark.errors" in modules
    assert find_violations(modules) == []


def test_rooms_import_each_other_in_one_direction(modules: dict[str, Module]) -> None:
    assert {each.system for each in modules.values()} >= set(list_systems())
    assert find_circles(modules) == {}


def test_planted_circle_in_a_system_that_nobody_named__is_found(tmp_path: Path) -> None:
    plant(tmp_path, "systems/lottery/station/sending.py", "import edgemark.systems.lottery.drum")
    plant(tmp_path, "systems/lottery/drum/__init__.py", "")
    plant(tmp_path, "systems/lottery/station/__init__.py", "")
    assert find_circles(read_modules(tmp_path)) == {}
    plant(tmp_path, "systems/lottery/drum/__init__.py", "from ..station.sending import post")
    found = find_circles(read_modules(tmp_path))
    assert found == {"edgemark.systems.lottery": ["drum", "station"]}


def test_planted_circle_of_rooms__is_found(tmp_path: Path) -> None:
    plant(tmp_path, "loop/__init__.py", "")
    plant(tmp_path, "loop/a/one.py", "import edgemark.loop.b.two")
    plant(tmp_path, "loop/b/two.py", "import edgemark.loop.c")
    plant(tmp_path, "loop/c.py", "import edgemark.errors")
    assert find_circle(read_modules(tmp_path), "edgemark.loop") == []
    plant(tmp_path, "loop/c.py", "import edgemark.loop.a.one")
    assert find_circle(read_modules(tmp_path), "edgemark.loop") == ["a", "b", "c"]


@pytest.mark.parametrize(("place", "source", "complaint"), PLANTED)
def test_a_planted_import_against_the_arrows__is_found(
    tmp_path: Path, place: str, source: str, complaint: str
) -> None:
    plant(tmp_path, "identity/reader.py", "from edgemark.ledger import evm")
    plant(tmp_path, place, source)
    found = find_violations(read_modules(tmp_path))
    assert any(complaint in violation for violation in found), found


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (
            "systems/outsourcing/contract/settlement.py",
            "import os, threading, edgemark.loop.runtime",
        ),
        ("systems/outsourcing/protocol/life.py", "from edgemark.crypto import shamir\nimport enum"),
        ("crypto/field/randomness.py", "import secrets"),
        (
            "ledger/evm/reading/chain.py",
            "from web3 import Web3\nfrom edgemark.errors import RefusedInput",
        ),
        ("cli/main.py", "from edgemark.systems.outsourcing import client"),
        ("party/evm/server.py", "import edgemark.party.server, edgemark.ledger.evm.faults"),
        ("demo/evm/stage.py", "import edgemark.party.evm.contracts, edgemark.demo.stage"),
    ],
)
def test_an_import_along_the_arrows__is_not_found(tmp_path: Path, place: str, source: str) -> None:
    plant(tmp_path, place, source)
    assert find_violations(read_modules(tmp_path)) == []


def test_no_part_may_import_what_imports_it() -> None:
    for part, below in MAY_IMPORT.items():
        for other in below:
            assert part not in MAY_IMPORT[other], f"{part} and {other} may import each other"


def test_every_shell_that_is_named_exists() -> None:
    for system in list_systems():
        folder = SOURCES / "edgemark" / "systems" / system
        for shell in shells_of(system):
            place = folder / shell.replace(".", "/")
            assert place.with_suffix(".py").is_file() or place.is_dir(), shell


def test_no_script_does_anything_at_import() -> None:
    # ape imports every script, even to print --help
    idle = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for path in find_files(".py", under="scripts"):
        for node in ast.parse(path.read_text()).body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            assert isinstance(node, idle) or is_docstring, f"{relative(path)}:{node.lineno}"
