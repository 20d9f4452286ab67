"""Where nobody has a home folder, a setting is missing, and is named."""

from __future__ import annotations

import pwd
from typing import Any

import pytest

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(who: Any) -> None:
        raise KeyError(who)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)  # root of a container may have an entry


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("words", ["config show", "account address", "doctor"])
def test_l1_command__without_a_home_folder__says_what_to_name(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words.split())
    assert left.value.code == Exit.REFUSED_INPUT
    told = capsys.readouterr().err
    assert "home: begins in a home folder that nobody knows" in told
    assert "`--home FOLDER`" in told
