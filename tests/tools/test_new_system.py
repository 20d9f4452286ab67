"""A system that was just begun passes its tests, and the ground is edited in two lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.checkout import ROOT, find_files, relative
from tools.names_of_systems import NAME
from tools.new_system import LINES, SUFFIX, add_line, rename, targets_of, write

pytestmark = [pytest.mark.lasts(22), pytest.mark.patient]

LIMIT_S = 1500  # behind all others
SHORTEST, LONGEST = "ebb", "abcdefghijklmnop"
LINKED = (".venv", "node_modules", ".solcx")  # what was installed serves there too
BYTECODE = "offchain/edgemark/ledger/evm/contract/bytecode"
NATIVE = "offchain/edgemark/crypto/_native"


def make_checkout(folder: Path) -> Path:
    """Our files in another folder, with what was installed and built for this one."""
    for path in find_files():
        target = folder / relative(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / BYTECODE, folder / BYTECODE)
    for built in (ROOT / NATIVE).glob("*.so"):
        shutil.copy(built, folder / NATIVE)
    return folder


def run(checkout: Path, *words: str) -> str:
    """What a program of this environment prints in the checkout, whose package it uses."""
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'offchain'}{os.pathsep}{checkout}"}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def texts_of(checkout: Path) -> dict[str, str]:
    return {
        relative(path): (checkout / relative(path)).read_text(errors="replace")
        for path in find_files()
    }


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which two systems were begun, of the shortest and the longest name."""
    checkout = make_checkout(tmp_path_factory.mktemp("checkout"))
    names = (SHORTEST, LONGEST)
    for name in names:
        run(checkout, "-m", "tools.new_system", name)
    run(checkout, "tools/compile_contracts.py", *(f"{name.capitalize()}Book" for name in names))
    return checkout


def test_new_system__edits_the_ground_in_two_lines(begun: Path) -> None:
    before, after = texts_of(ROOT), texts_of(begun)
    changed = {place for place in before if before[place] != after[place]}
    assert changed == set(LINES)
    for place, (_, line) in LINES.items():
        added = [rename(line, name) for name in (SHORTEST, LONGEST)]
        assert after[place].splitlines() == _with(before[place].splitlines(), added)


def _with(lines: list[str], added: list[str]) -> list[str]:
    """The lines with others in one place, wherever that is."""
    for place in range(len(lines)):
        if lines[place] == ")":
            return [*lines[:place], *added, *lines[place:]]
    raise AssertionError("no list ends there")


@pytest.mark.chain
def test_new_systems__pass_their_own_tests(begun: Path) -> None:
    groups, names = ("offchain/systems", "end_to_end"), (SHORTEST, LONGEST)
    folders = [f"tests/{group}/{name}" for group in groups for name in names]
    printed = run(begun, "-m", "pytest", "-p", "no:ape_test", "-v", *folders)
    passed = [line.partition("::")[0] for line in printed.splitlines() if " PASSED" in line]
    assert [folder for folder in folders if not any(folder in place for place in passed)] == []
    assert " skipped" not in printed


def test_new_system__stands_by_the_rules_of_the_house(begun: Path) -> None:
    rules = ("arrows", "sizes_and_names", "general_words", "budgets", "tests")
    files = [f"tests/architecture/test_{name}.py" for name in rules]
    run(begun, "-m", "pytest", "-p", "no:ape_test", "-q", *files)
    run(begun, "-m", "ruff", "check", "offchain", "tests", "tools")
    run(begun, "-m", "ruff", "format", "--check", "offchain", "tests", "tools")


@pytest.mark.soak
def test_new_system__has_types(begun: Path) -> None:
    run(begun, "-m", "mypy")


@pytest.mark.soak
def test_new_system__has_its_gas_measured(begun: Path) -> None:
    measured = run(begun, "-m", "tools.measure_gas")
    wanted = [
        f"{name.capitalize()}Book.{part}"
        for name in (SHORTEST, LONGEST)
        for part in ("open", "close")
    ]
    assert [part for part in wanted if f"{part}, osaka: not in the file" not in measured] == []


@pytest.mark.parametrize("name", ["", "ab", "Trading", "two words", "9lives", "x" * 17, "class"])
def test_new_system__of_a_name_that_cannot_be__is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match="no name"):
        write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_new_system__that_is_there__is_refused(tmp_path: Path) -> None:
    package = tmp_path / "offchain/edgemark/systems/ferry"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    with pytest.raises(SystemExit, match="there is a system ferry"):
        write("ferry", tmp_path)


def test_new_system__writes_over_nothing(tmp_path: Path) -> None:
    place = tmp_path / "tools" / "gas_of_ferry.py"
    assert place.relative_to(tmp_path) in targets_of("ferry")
    place.parent.mkdir(parents=True)
    place.write_text("ours")
    with pytest.raises(SystemExit, match="nothing is written over"):
        write("ferry", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]


def test_add_line__where_the_list_is_gone__is_refused() -> None:
    with pytest.raises(SystemExit, match="is not where it was"):
        add_line("OTHER = (\n    1,\n)\n", "PLACES = (", "    2,")


def test_names_and_sources__fit_one_another() -> None:
    assert NAME.fullmatch(SHORTEST)
    assert NAME.fullmatch(LONGEST)
    assert not NAME.fullmatch(f"{LONGEST}q")
    targets = targets_of("ferry")
    assert not [path for path in targets if "sketch" in str(path).lower() or path.suffix == SUFFIX]
