"""A static check that fails, or whose tool is missing, is seen; its output is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import static_checks


def plant_commands(
    monkeypatch: pytest.MonkeyPatch, root: Path, commands: dict[str, list[list[str]]]
) -> None:
    monkeypatch.setattr(static_checks, "ROOT", root)
    monkeypatch.setattr(static_checks, "list_commands", lambda: commands)


def test_main__runs_every_check_though_one_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = [["sh", "-c", "echo a flaw; exit 1"], ["sh", "-c", "echo never"]]
    plant_commands(monkeypatch, tmp_path, {"first": failing, "second": [["true"]]})
    assert static_checks.main([]) == 1
    said = capsys.readouterr().out
    assert "first        FAILED" in said
    assert "a flaw" in said
    assert "never" not in said
    assert "second       passed" in said
    assert static_checks.main(["second"]) == 0


@pytest.mark.parametrize("commands", [[], [["no-such-tool-anywhere"]]])
def test_run_check__without_anything_to_run__fails(commands: list[list[str]]) -> None:
    assert not static_checks.run_check("empty", commands).passed


def test_run_check__takes_the_checkouts_own_tools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant_commands(monkeypatch, tmp_path, {})
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho here\n")
    tool.chmod(0o755)
    outcome = static_checks.run_check("own", [["bin/tool"]])
    assert (outcome.passed, outcome.output) == (True, "here\n")


def test_main__a_check_that_does_not_exist__is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        static_checks.main(["nothing"])
    assert "no check nothing" in capsys.readouterr().err


def test_list_commands__covers_every_language_of_the_checkout() -> None:
    commands = static_checks.list_commands()
    named = {argument for each in commands.values() for line in each for argument in line}
    trees = static_checks.PYTHON_TREES
    assert {tree for tree in trees if (static_checks.ROOT / tree).exists()} <= named
    assert {
        str(p.relative_to(static_checks.ROOT))
        for p in static_checks.ROOT.rglob("*.c")
        if "node_modules" not in p.parts and not any(x.startswith(".") for x in p.parts)
    } <= named
