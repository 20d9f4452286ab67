"""Tests stand where a reader looks for them, and every one of them runs."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.architecture.checkout import ROOT, find_files, relative
from tools.systems_of_tests import list_systems

TESTS = ROOT / "tests"
# What a folder of tests may mirror.
TREES = {
    "offchain": ROOT / "offchain" / "edgemark",
    "chaincode": ROOT / "chaincode" / "edgemark_chaincode",
    "contracts": ROOT / "contracts",
    "scripts": ROOT / "scripts",
    "tools": ROOT / "tools",
    "benchmarks": ROOT / "benchmarks",
}
# Folders that mirror no tree: rules of the checkout, data, whole jobs.
OTHERS = {
    "architecture",
    "docs",
    "end_to_end",
    "install",
    "papers",
    "scenarios",
    "soak",
    "stage",
    "vectors",
}
# Whole jobs belong to a system; with a folder for each, its tests run alone (`--system`).
OF_SYSTEMS = ("scenarios", "end_to_end", "soak")
WITHIN_CONTRACTS = {"invariants", "boundaries", "end_to_end"}
WITHIN_A_SYSTEM = {"jobs", "simulation"}  # whole jobs in memory, and what plays them


def names_of_tests(path: Path) -> list[str]:
    """Names of the functions in a file that pytest would run if it collected the file."""
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return [node.name for node in functions if node.name.startswith("test_")]


def test_every_folder_mirrors_a_tree_or_is_listed() -> None:
    folders = {path.relative_to(TESTS).parts[0] for path in find_files(under="tests")}
    files = {path.name for path in TESTS.iterdir() if path.is_file()}
    assert folders - files - set(TREES) - OTHERS == set()


def test_whole_jobs_stand_in_the_folder_of_their_system() -> None:
    for tree in OF_SYSTEMS:
        for path in find_files(".py", ".txt", under=f"tests/{tree}"):
            assert path.relative_to(TESTS / tree).parts[0] in list_systems(), relative(path)


def test_every_offchain_test_mirrors_a_part_of_the_package() -> None:
    for path in find_files(".py", under="tests/offchain"):
        folder = path.parent.relative_to(TESTS / "offchain")
        if folder.parts[:1] == ("systems",) and folder.name in WITHIN_A_SYSTEM:
            folder = folder.parent
        mirrored = TREES["offchain"] / folder
        assert mirrored.is_dir() or mirrored.with_suffix(".py").is_file(), relative(path)


def test_every_contract_test_mirrors_a_folder_of_contracts() -> None:
    for path in find_files(".py", ".sol", under="tests/contracts"):
        folders = path.parent.relative_to(TESTS / "contracts").parts
        if folders and folders[0] not in WITHIN_CONTRACTS:
            assert (TREES["contracts"] / folders[0]).is_dir(), relative(path)


def test_every_test_is_in_a_file_that_is_collected() -> None:
    for path in find_files(".py", under="tests"):
        if not path.name.startswith("test_"):
            assert names_of_tests(path) == [], relative(path)


def test_the_marker_processes__stands_in_the_file_of_the_tests_that_have_it() -> None:
    """`find_processes` of tools/run_tests.py looks for it there."""
    giving = re.compile(r"\bmarks?\.processes\b")
    files = [p for p in find_files(".py", under="tests") if not p.name.startswith("test_")]
    assert [relative(p) for p in files if giving.search(p.read_text())] == [
        "tests/stage/playhouse.py"  # `whole_stage`, which the file names
    ]


def test_no_test_hides_another_of_the_same_name() -> None:
    for path in find_files(".py", under="tests"):
        twice = [name for name, count in Counter(names_of_tests(path)).items() if count > 1]
        assert twice == [], relative(path)


def test_no_two_test_files_share_a_name() -> None:
    # without packages, pytest imports test files by their bare names
    names = Counter(path.name for path in find_files(".py", under="tests"))
    for name in ("conftest.py", "__main__.py"):  # which are known by their folders
        names.subtract([name] * names[name])
    assert [name for name, count in names.items() if count > 1] == []


def test_no_test_skips() -> None:
    skipping = re.compile(r"pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b")
    for path in find_files(".py", under="tests"):
        if path != Path(__file__).resolve():
            assert not skipping.search(path.read_text()), relative(path)
