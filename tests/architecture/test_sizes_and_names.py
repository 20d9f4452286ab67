"""Short files, short functions, and names that say what is inside."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT, find_files, relative, walk_statements
from tests.architecture.empty_names import is_empty_name
from tools.new_system import targets_of

MOST_LINES = {".py": 400, ".c": 400, ".h": 400, ".cjs": 400, ".mjs": 400, ".sh": 400, ".sol": 300}
MOST_FUNCTION_LINES = 40

MOST_FLAT = 12  # files that stand in one folder, below `ROOMY`
MOST_ROOMS, MOST_IN_A_ROOM = 12, 8  # of a system; a room may have rooms of its own, as those below
ROOMY = ("offchain", "chaincode", "contracts")
UNCOUNTED = {"__init__.py", "__main__.py"}

# A reason beats the rule: `path` or `path::function`, and the reason.
REASONED: dict[str, str] = {
    "contracts/interfaces/IJobSettlement.sol": "the document: types, errors, events in one place",
    "contracts/interfaces/trading/IChannelEscrow.sol": "the document, as above",
}


def find_long_files(paths: list[Path]) -> Iterator[tuple[str, int]]:
    """Files with more lines than their kind may have."""
    for path in paths:
        lines = len(path.read_text().splitlines())
        if lines > MOST_LINES[path.suffix]:
            yield relative(path), lines


def find_long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Functions with more than `MOST_FUNCTION_LINES` lines, their docstring not counted."""
    for node in walk_statements(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        first = node.body[0]
        if ast.get_docstring(node) is not None:
            lines -= (first.end_lineno or first.lineno) - first.lineno + 1
        if lines > MOST_FUNCTION_LINES:
            yield node.name, lines


@cache
def long_functions_here() -> dict[str, int]:
    """Those of the checkout, as `path::function`."""
    return {
        f"{relative(path)}::{name}": lines
        for path in find_files(".py")
        for name, lines in find_long_functions(path.read_text())
    }


def find_crowded(paths: list[Path], most: int) -> dict[str, int]:
    """Folders in which more sources stand than that."""
    counts = Counter(relative(path.parent) for path in paths if path.name not in UNCOUNTED)
    return {folder: count for folder, count in counts.items() if count > most}


def test_no_file_is_too_long() -> None:
    long = dict(find_long_files(find_files(*MOST_LINES)))
    assert {path: lines for path, lines in long.items() if path not in REASONED} == {}


def test_no_folder_is_crowded() -> None:
    paths = [path for top in ROOMY for path in find_files(".py", ".sol", under=top)]
    assert find_crowded(paths, MOST_FLAT) == {}


def test_systems_that_are_begun__crowd_no_folder_that_they_share() -> None:
    paths = [path for top in ROOMY for path in find_files(".py", ".sol", under=top)]
    for number in range(MOST_FLAT + 1):
        begun = [ROOT / target for target in targets_of(f"ferry{number}")]
        paths += [path for path in begun if relative(path).startswith(ROOMY)]
    assert find_crowded([path for path in paths if path.suffix in {".py", ".sol"}], MOST_FLAT) == {}


def test_a_system_has_few_rooms_of_few_files() -> None:
    for system in (ROOT / "offchain" / "edgemark" / "systems").iterdir():
        paths = find_files(".py", under=f"{relative(system)}") if system.is_dir() else []
        rooms = {path.relative_to(system).parts[0] for path in paths if path.parent != system}
        assert len(rooms) <= MOST_ROOMS
        assert find_crowded(paths, MOST_IN_A_ROOM) == {}


def test_a_planted_crowd__is_found() -> None:
    folder = ROOT / "offchain" / "edgemark"
    paths = [folder / f"file_{number}.py" for number in range(9)]
    assert find_crowded([*paths, folder / "__init__.py"], 8) == {"offchain/edgemark": 9}
    assert find_crowded(paths, 9) == {}


def test_no_python_function_is_too_long() -> None:
    long = long_functions_here()
    assert {place: lines for place, lines in long.items() if place not in REASONED} == {}


def test_every_exception_is_still_needed() -> None:
    long = {path for path, _ in find_long_files(find_files(*MOST_LINES))}
    assert set(REASONED) <= long | set(long_functions_here())


def test_a_planted_long_function__is_found() -> None:
    body = "\n".join("    x = 1" for _ in range(MOST_FUNCTION_LINES))
    assert dict(find_long_functions(f"def f():\n{body}\n")) == {"f": MOST_FUNCTION_LINES + 1}
    documented = f'def f():\n    """Say\n    a\n    lot."""\n{body[: -len("    x = 1") - 1]}\n'
    assert dict(find_long_functions(documented)) == {}


def test_every_name_says_what_is_inside() -> None:
    paths = find_files()
    folders = {parent for path in paths for parent in path.parents if ROOT in parent.parents}
    assert [relative(path) for path in {*paths, *folders} if is_empty_name(path)] == []


@pytest.mark.parametrize("name", ["utils.py", "math_utils.py", "_helpers.py", "core", "base.sol"])
def test_a_name_that_says_nothing__is_found(name: str) -> None:
    assert is_empty_name(Path(name))


@pytest.mark.parametrize("name", ["base_fee.py", "EnclaveManager.sol", "score.py", "database.py"])
def test_a_name_that_says_something__is_not_found(name: str) -> None:
    assert not is_empty_name(Path(name))
