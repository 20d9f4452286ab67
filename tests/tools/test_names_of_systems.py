"""A new system is called by a word that nothing else of the checkout is called by."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.names_of_systems import check_name
from tools.new_system import ROOT, check_new, write
from tools.systems_of_tests import list_systems


@pytest.mark.parametrize("name", ["ferry", "trading", "lottery", "lease"])
def test_check_new__of_a_word_of_nobody__passes(name: str) -> None:
    if name not in list_systems():
        check_new(name, ROOT)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none", "SYSTEM=none"),
        ("match", "keyword"),
        ("mapping", "keyword"),
        ("uint256", "keyword"),
        ("base", "does not say what is inside"),
        ("loop", "offchain/edgemark/loop is there"),
        ("keccak", "offchain/edgemark/keccak is there"),
        ("catalogue", "cli/catalogue is there"),
        ("terminal", "offchain/edgemark/cli/terminal is there"),
        ("mocks", "contracts/mocks is there"),
        ("soak", "tests/soak is there"),
        ("invariants", "tests/contracts/invariants is there"),
        ("deposit", "a command"),
        ("jobs", "a command"),
        ("explain", "a command"),
        ("rotate", "a command"),
        ("settlement", "a command"),
        ("jobsettlement", "another system"),
        ("page", "something else"),
        ("holder", "something else"),
        ("sketch", "something else"),
        ("reorganisation", "offchain/edgemark/"),
    ],
)
def test_check_new__of_a_word_that_is_taken__says_by_what(name: str, why: str) -> None:
    with pytest.raises(SystemExit, match=f"no system can be called {name}: .*{why}.*choose") as it:
        check_new(name, ROOT)
    assert "\n" not in str(it.value)


TAKEN = "chain account provider config registration index stations sections main tests book life"


@pytest.mark.parametrize("name", TAKEN.split())
def test_write__of_a_word_that_is_taken__writes_nothing(name: str) -> None:
    with pytest.raises(SystemExit, match="choose another"):
        write(name)


def test_check_name__tells_the_first_files_of_the_ground_that_use_the_word(tmp_path: Path) -> None:
    for place in ("a.py", "b/c.py", "d.py", "systems/own.py"):
        file = tmp_path / "offchain/edgemark" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# how a Ferry goes\n")
    stage = tmp_path / "tests/stage"
    stage.mkdir(parents=True)
    (stage / "piers.py").write_text("FERRY = 1\n")
    told = "a.py, offchain/edgemark/b/c.py, offchain/edgemark/d.py and 1 more"
    with pytest.raises(SystemExit, match=told):
        check_name("ferry", tmp_path, [])


def test_check_name__that_would_own_a_test_of_the_ground__is_refused(tmp_path: Path) -> None:
    scripts = tmp_path / "tests/scripts"
    scripts.mkdir(parents=True)
    (scripts / "test_ferry_script.py").touch()
    with pytest.raises(SystemExit, match=r"test_ferry_script\.py would be its own"):
        check_name("ferry", tmp_path, [])


def test_check_name__of_a_word_within_the_names_of_the_scaffold__is_refused(tmp_path: Path) -> None:
    for text in ("openPier", "OPEN_PIER", "open_pier", "PierOpened", "a/pier.py.txt"):
        with pytest.raises(SystemExit, match="something else"):
            check_name("pier", tmp_path, [text])
    check_name("pier", tmp_path, ["piers"])
