"""The ABIs in the package are those of the contracts, and every custom error has a test."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgemark.ledger.interface import CONTRACTS

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "tools" / "compile_contracts.py"
ABIS = ROOT / "offchain" / "edgemark" / "ledger" / "abi"
NAMES = sorted(CONTRACTS)
# Reached only by a token or a clock that cannot be built, or checked by the library's own tests.
INHERITED = re.compile(
    r"^(ERC20|ERC2612|ECDSA|SafeERC20|SafeCast|InvalidShortString|StringTooLong|InvalidAccountNonce)"
)


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tools" / TOOL.name), "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def load(name: str) -> list[dict]:
    return json.loads((ABIS / f"{name}.json").read_text())


def test_committed_abis__are_those_of_the_contracts():
    outcome = check(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of all that the tool reads."""
    for folder in ("contracts", "tools", "offchain/edgemark/ledger/abi"):
        ignore = shutil.ignore_patterns(".cache", "__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "ape-config.yaml", tmp_path)
    for folder in ("node_modules", ".solcx"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


def test_check__event_renamed__fails_with_a_diff(checkout: Path):
    path = checkout / "contracts" / "interfaces" / "IAssetAnchor.sol"
    anchor = checkout / "contracts" / "anchoring" / "AssetAnchor.sol"
    for file in (path, anchor):
        file.write_text(file.read_text().replace("LockReturned", "LockGivenBack"))
    outcome = check(checkout)
    assert outcome.returncode == 1
    assert '+  "name": "LockGivenBack",' in outcome.stdout
    assert '-  "name": "LockReturned",' in outcome.stdout
    assert "make contracts" in outcome.stdout


def test_check__abi_without_contract__fails(checkout: Path):
    (checkout / ABIS.relative_to(ROOT) / "Ghost.json").write_text("[]\n")
    outcome = check(checkout)
    assert outcome.returncode == 1
    assert "Ghost.json has no contract" in outcome.stdout


def test_check__contract_that_does_not_compile__says_so(checkout: Path):
    (checkout / "contracts" / "token" / "MetaCoin.sol").write_text("contract MetaCoin {")
    outcome = check(checkout)
    assert outcome.returncode == 1
    assert "the contracts do not compile" in outcome.stderr


def test_package__has_one_abi_for_each_deployed_contract():
    assert sorted(path.stem for path in ABIS.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_custom_error__is_expected_by_a_test(name: str):
    errors = {entry["name"] for entry in load(name) if entry["type"] == "error"}
    folder = Path(__file__).parent
    kinds = ("*.py", "*.t.sol")  # of ape and of forge
    tests = "".join(path.read_text() for kind in kinds for path in folder.rglob(kind))
    own = {error for error in errors if not INHERITED.match(error)}
    missing = {error for error in own if not re.search(rf"\b{error}\b", tests)}
    assert missing == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_event__is_read_by_a_test(name: str):
    events = {entry["name"] for entry in load(name) if entry["type"] == "event"}
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("*.py"))
    inherited = {"Approval", "EIP712DomainChanged"}
    assert {event for event in events - inherited if f".{event})" not in tests} == set()
