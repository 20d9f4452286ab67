"""No general file names a system's contract, event, role or word.

What is general is everything below `edgemark` but the systems, their commands and the catalogue,
and the stage on which the tests of every system play. The command line lists the systems by name.
Whatever is under way for somebody is to the ground a *matter*; "job" is one system's word for it.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.checkout import ROOT
from tools.systems_of_tests import list_systems

SOURCES = ROOT / "offchain" / "edgemark"
OF_SYSTEMS = ("systems/", "cli/catalogue.py", *(f"cli/{name}/" for name in list_systems()))
LISTING = "cli/main.py"  # of the systems, by name
KIND = re.compile(r'ContractKind\(\s*"(\w+)"')
EVENT = re.compile(r"^class (\w+)\(ChainEvent\)", re.MULTILINE)
WORDS = ("jobs?", "judges?", "settlements?", "compute nodes?", "COMPUTE_NODE", "ENCLAVE")


def words_of_systems() -> re.Pattern[str]:
    """Names of the systems, of their contracts and events, and their parties."""
    found = set(list_systems())
    for path in (SOURCES / "systems").rglob("*.py"):
        text = path.read_text()
        found |= {*KIND.findall(text), *EVENT.findall(text)}
    return re.compile(rf"\b(?:{'|'.join([*sorted(found), *WORDS])})\b", re.IGNORECASE)


def find_words(general: Path) -> dict[str, frozenset[str]]:
    """By file, the words of systems that stand in it."""
    pattern, found = words_of_systems(), {}
    for path in sorted(general.rglob("*.py")):
        name = path.relative_to(general).as_posix()
        if name.startswith(OF_SYSTEMS):
            continue
        words = {word.lower().removesuffix("s") for word in pattern.findall(path.read_text())}
        if name == LISTING:
            words -= set(list_systems())
        if words:
            found[name] = frozenset(words)
    return found


def test_no_general_file_names_what_is_of_a_system() -> None:
    assert find_words(SOURCES) == {}


def test_no_file_of_the_stage_of_the_tests_names_what_is_of_a_system() -> None:
    assert find_words(ROOT / "tests" / "stage") == {}


def test_a_planted_file_that_knows_a_system__is_caught(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / "own.py").write_text('"JobSettlement"\n')
    (tmp_path / "ledger" / "table.py").write_text('NAMES = ("JobSettlement", "MetaCoin")\n')
    (tmp_path / "ledger" / "reading.py").write_text("# what JobPosted says of the judges\n")
    assert find_words(tmp_path) == {
        "ledger/table.py": {"jobsettlement"},
        "ledger/reading.py": {"jobposted", "judge"},
    }
