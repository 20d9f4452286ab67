"""`ape run outsourcing`: the whole story on a node of ape's own; thin scripts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.scripts.ape_runs import ROOT, ape_run

SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
AT_IMPORT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


@pytest.mark.chain
@pytest.mark.processes
@pytest.mark.lasts(49)
def test_outsourcing__on_a_hardhat_node_of_apes_own__adds_up(tmp_path: Path) -> None:
    words = ("--network", "ethereum:local:hardhat", "--example", "regression")
    ran = ape_run(tmp_path / "home", "outsourcing", *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Starting 'Hardhat node' process" in ran.stdout + ran.stderr
    assert "EVERYTHING ADDS UP" in ran.stdout
    assert "effect put off" not in ran.stdout + ran.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script__does_nothing_when_it_is_imported(script: Path) -> None:
    tree = ast.parse(script.read_text())
    assert ast.get_docstring(tree)
    assert all(isinstance(node, AT_IMPORT) for node in tree.body[1:])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script__has_one_command_for_ape(script: Path) -> None:
    names = [n.name for n in ast.parse(script.read_text()).body if isinstance(n, ast.FunctionDef)]
    assert names.count("cli") == 1
