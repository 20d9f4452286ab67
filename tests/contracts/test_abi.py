"""The ABIs in the package are those of the contracts, and every custom error has a test."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.compile_contracts import compile_all

from edgemark.cli.catalogue import CONTRACTS
from tools import compile_contracts

ROOT = Path(__file__).resolve().parent.parent.parent
ABIS = ROOT / "offchain/edgemark/ledger/evm/contract/abi"
NAMES = sorted(CONTRACTS)
# Reached only by a token or a clock that cannot be built, or checked by the library's own tests.
INHERITED = re.compile(
    r"^(ERC20|ERC2612|ECDSA|SafeERC20|SafeCast|InvalidShortString|StringTooLong|InvalidAccountNonce)"
)


def load(name: str) -> list[dict]:
    return json.loads((ABIS / f"{name}.json").read_text())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the committed ABIs."""
    shutil.copytree(ABIS, tmp_path / ABIS.relative_to(ROOT))
    return tmp_path


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, compiled: dict) -> Callable[[Path], int]:
    """Exit status of `--check` in a checkout; the contracts are compiled once for all of them."""

    def status(root: Path) -> int:
        monkeypatch.setattr(compile_contracts, "ROOT", root)
        monkeypatch.setattr(compile_contracts, "compile_all", lambda *_: compiled)
        monkeypatch.setattr(sys, "argv", ["compile_contracts.py", "--check"])
        return compile_contracts.main()

    return status


def test_committed_abis__are_those_of_the_contracts(check, capsys):
    assert check(ROOT) == 0, capsys.readouterr().out


def test_check__event_renamed__fails_with_a_diff(checkout: Path, check, capsys):
    committed = checkout / ABIS.relative_to(ROOT) / "AssetAnchor.json"
    committed.write_text(committed.read_text().replace("LockReturned", "LockGivenBack"))
    assert check(checkout) == 1
    difference = capsys.readouterr().out
    assert '-  "name": "LockGivenBack",' in difference
    assert '+  "name": "LockReturned",' in difference
    assert "make contracts" in difference


def test_check__abi_without_contract__fails(checkout: Path, check, capsys):
    (checkout / ABIS.relative_to(ROOT) / "Ghost.json").write_text("[]\n")
    assert check(checkout) == 1
    assert "Ghost.json has no contract" in capsys.readouterr().out


def test_compile__contract_that_does_not_compile__says_so(tmp_path: Path):
    ignore = shutil.ignore_patterns(".cache")
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=ignore)
    shutil.copy(ROOT / "ape-config.yaml", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "contracts" / "token" / "MetaCoin.sol").write_text("contract MetaCoin {")
    with pytest.raises(SystemExit, match="the contracts do not compile"):
        compile_all(tmp_path)


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
