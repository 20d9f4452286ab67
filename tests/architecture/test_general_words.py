"""No general file names a system's contract, event, role or word."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.checkout import ROOT
from tests.architecture.general_words import PACKAGE, STAGE, find_words, words_of_systems
from tools.systems_of_tests import list_systems


def find_here(general: Path) -> dict[str, frozenset[str]]:
    """By file, the words of our systems that stand in it."""
    return find_words(general, words_of_systems(ROOT), list_systems())


def test_no_general_file_names_what_is_of_a_system() -> None:
    assert find_here(ROOT / PACKAGE) == {}


def test_no_file_of_the_stage_of_the_tests_names_what_is_of_a_system() -> None:
    assert find_here(ROOT / STAGE) == {}


def test_a_planted_file_that_knows_a_system__is_caught(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / "own.py").write_text('"JobSettlement"\n')
    (tmp_path / "ledger" / "table.py").write_text('NAMES = ("JobSettlement", "MetaCoin")\n')
    (tmp_path / "ledger" / "reading.py").write_text("# what JobPosted says of the judges\n")
    assert find_here(tmp_path) == {
        "ledger/table.py": {"jobsettlement"},
        "ledger/reading.py": {"jobposted", "judge"},
    }
