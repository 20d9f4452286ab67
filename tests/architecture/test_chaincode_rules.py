"""The second source root: its arrows, what endorsers compute alike, a planted breach of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.architecture.arrows import read_modules
from tests.architecture.chaincode_rules import (
    PACKAGE,
    find_offchain_violations,
    find_violations,
    read_sources,
)
from tests.architecture.checkout import ROOT, find_files, relative

CHAINCODE = ROOT / "chaincode" / PACKAGE

PLANTED = [
    ("trading/rules.py", "from edgemark.settings import section", "may not import"),
    ("trading/rules.py", "import edgemark.ledger.fabric.wire", "may not import"),
    ("trading/rules.py", "from edgemark.untrusted import file", "may not import"),
    ("trading/rules.py", "from edgemark.systems.trading.station import x", "may not import"),
    ("trading/rules.py", "from edgemark.systems.commerce.contract import x", "may not import"),
    ("clock.py", "from edgemark.systems.trading.contract import x", "may not import"),
    ("shim/stub.py", "from edgemark.logs import get_logger", "may not import"),
    ("shim/stub.py", "from edgemark_chaincode.records import x", "shim may not import records"),
    ("shim/stub.py", "from .. import host", "shim may not import host"),
    ("records.py", "from edgemark_chaincode.clock import x", "records may not import clock"),
    ("records.py", "from edgemark_chaincode.host import x", "records may not import host"),
    ("trading/contract.py", "import edgemark_chaincode.commerce", "may not import commerce"),
    ("trading/contract.py", "import edgemark_chaincode.host", "trading may not import host"),
    ("trading/rules.py", "from edgemark_chaincode.trading.contract import x", "contract"),
    ("trading/keys.py", "from .contract import x", "may not import contract"),
    ("trading/contract.py", "import grpc", "imports grpc"),
    ("trading/contract.py", "from fabric_protos.peer import x", "imports fabric_protos"),
    ("trading/contract.py", "import asyncio", "imports asyncio"),
    ("records.py", "def late():\n    import asyncio", "imports asyncio"),
    ("clock.py", "import time", "imports time: endorsers have other ones"),
    ("clock.py", "from datetime import datetime", "imports datetime"),
    ("shim/stream.py", "import time", "imports time: endorsers have other ones"),
    ("host.py", "import random", "imports random"),
    ("trading/contract.py", "import random", "imports random"),
    ("trading/contract.py", "import secrets", "imports secrets"),
    ("trading/contract.py", "import uuid", "imports uuid"),
    ("trading/rules.py", "import os", "imports os"),
    ("trading/rules.py", "from os import environ", "imports os"),
    ("trading/rules.py", "import json", "imports json"),
    ("trading/rules.py", "import locale", "imports locale"),
    ("trading/rules.py", "import cryptography", "imports cryptography"),
    ("trading/rules.py", "x = 1.5", "has a float"),
    ("trading/rules.py", "x = 1e9", "has a float"),
    ("trading/rules.py", "def f(a):\n    return a / 2", "divides to a float"),
    ("trading/rules.py", "def f(a):\n    a /= 2", "divides to a float"),
    ("trading/rules.py", "x = float('1')", "calls float"),
    ("trading/rules.py", "x = hash('a')", "calls hash"),
    ("trading/rules.py", "x = id('a')", "calls id"),
    ("trading/keys.py", "x = open('a')", "calls open"),
    ("trading/rules.py", "for x in {1, 2}:\n    pass", "order of a set"),
    ("trading/rules.py", "def f(a):\n    for x in set(a):\n        pass", "order of a set"),
    ("trading/rules.py", "def f(a: set[int]):\n    return [x for x in a]", "order of a set"),
    ("trading/rules.py", "def f(a: frozenset[int]):\n    return list(a)", "order of a set"),
    ("trading/rules.py", "def f(a):\n    b = set(a)\n    return tuple(b)", "order of a set"),
    ("trading/rules.py", "def f(a):\n    return ','.join({*a})", "order of a set"),
    ("trading/rules.py", "def f(a: set[int], b):\n    return [*(a | b)]", "order of a set"),
    ("trading/rules.py", "def f(a: set[int]):\n    return a.pop()", "order of a set"),
    ("trading/rules.py", "def f(a):\n    return next(iter(a.union(a)))", "order of a set"),
    ("trading/rules.py", "def f(a):\n    return {x: 1 for x in set(a)}", "order of a set"),
    (
        "trading/rules.py",
        "from edgemark_chaincode.shim.stub import ChaincodeStub",
        "reaches fabric_protos",
    ),
    ("clock.py", "from edgemark_chaincode.shim.stub import ChaincodeStub", "reaches fabric_protos"),
]

ALONG = [
    (
        "trading/contract.py",
        "from edgemark.systems.trading.contract.evidence import x\n"
        "from edgemark.untrusted import canonical_json\n"
        "from edgemark.crypto.ethereum import merkle\n"
        "from edgemark_chaincode.shim.stub import ChaincodeStub\n"
        "from edgemark_chaincode.clock import Clocks\n"
        "from . import keys, rules\n"
        "import re\n",
    ),
    ("shim/stream.py", "import asyncio, grpc, json, logging\nHALF = 1 / 2"),
    ("host.py", "import os, signal\nfrom edgemark_chaincode import reloading"),
    (
        "records.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from edgemark_chaincode.shim.stub import ChaincodeStub",
    ),
    ("trading/rules.py", "def f(a: set[int]):\n    return sorted(a), 3 in a, len(a), min(a)"),
    ("trading/rules.py", "def f(a: set[int]):\n    return any(x > 2 for x in a)"),
    ("trading/rules.py", "def f(a: set[int]):\n    return {x + 1 for x in sorted(a)}"),
    ("trading/rules.py", "def f(a):\n    return a // 2, [x for x in a], a.pop(0)"),
    ("trading/rules.py", "def f(clocks, request):\n    return clocks.now, request.now"),
]

OFFCHAIN = [
    ("systems/trading/station/a.py", "import edgemark_chaincode.trading.contract", False),
    ("systems/trading/station/a.py", "import edgemark_chaincode.commerce.keys", False),
    ("systems/trading/station/a.py", "import edgemark_chaincode.shim.stub", False),
    ("systems/trading/station/a.py", "from edgemark_chaincode.trading import keys, rules", True),
    ("systems/trading/station/a.py", "import edgemark_chaincode.trading.keys", True),
    ("cli/ledger/a.py", "from edgemark_chaincode.host import run", True),
    ("cli/ledger/a.py", "from edgemark_chaincode.shim import server", False),
    ("party/consortium/a.py", "from edgemark_chaincode.clock import TICK", True),
    ("party/consortium/a.py", "import edgemark_chaincode.host", False),
    ("party/consortium/a.py", "import grpc", False),
    ("cli/ledger/a.py", "import grpc.aio", False),
    ("cli/ledger/a.py", "from fabric_protos.peer import x", False),
    ("ledger/evm/a.py", "import grpc", False),
    ("ledger/launching/a.py", "import fabric_protos", False),
    ("ledger/fabric/client/a.py", "import grpc, fabric_protos", True),
    ("ledger/embedded/doors/a.py", "import grpc, fabric_protos.peer", True),
    ("ledger/fabricated/a.py", "import grpc", False),
]


def plant(root: Path, package: str, place: str, source: str) -> None:
    path = root / package / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source + "\n")


def test_chaincode__keeps_to_its_rules() -> None:
    sources = read_sources(ROOT / "chaincode")
    assert f"{PACKAGE}.shim.stub" in sources
    assert find_violations(sources) == []


def test_what_is_no_chaincode__keeps_to_its_rules() -> None:
    assert find_offchain_violations(read_modules(ROOT / "offchain")) == []


@pytest.mark.parametrize(("place", "source", "complaint"), PLANTED)
def test_a_planted_breach__is_found(
    tmp_path: Path, place: str, source: str, complaint: str
) -> None:
    plant(tmp_path, PACKAGE, "shim/stub.py", "import fabric_protos.peer")
    plant(tmp_path, PACKAGE, place, source)
    found = find_violations(read_sources(tmp_path))
    assert any(complaint in violation for violation in found), found


@pytest.mark.parametrize(("place", "source"), ALONG)
def test_what_keeps_to_the_rules__is_not_found(tmp_path: Path, place: str, source: str) -> None:
    plant(tmp_path, PACKAGE, "shim/stub.py", "import fabric_protos.peer")
    plant(tmp_path, PACKAGE, place, source)
    assert find_violations(read_sources(tmp_path)) == []


@pytest.mark.parametrize(("place", "source", "is_allowed"), OFFCHAIN)
def test_an_import_of_what_is_no_chaincode__is_found_when_it_breaks_a_rule(
    tmp_path: Path, place: str, source: str, is_allowed: bool
) -> None:
    plant(tmp_path, "edgemark", place, source)
    assert (find_offchain_violations(read_modules(tmp_path)) == []) == is_allowed


def test_every_chaincode_test__mirrors_a_part_of_the_package() -> None:
    for path in find_files(".py", under="tests/chaincode"):
        mirrored = CHAINCODE / path.parent.relative_to(ROOT / "tests" / "chaincode")
        assert mirrored.is_dir() or mirrored.with_suffix(".py").is_file(), relative(path)


def test_a_system_of_the_chaincode__has_keys_rules_and_a_contract() -> None:
    ground = {"shim"}
    for folder in CHAINCODE.iterdir():
        if folder.is_dir() and folder.name not in ground and any(folder.glob("*.py")):
            names = {path.stem for path in folder.glob("*.py")}
            assert names >= {"keys", "rules", "contract"}, folder.name
