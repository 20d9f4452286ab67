"""Whoever mistypes a command is told which one was meant, or which there are."""

from __future__ import annotations

import pytest

from edgemark.cli.main import main
from edgemark.cli.terminal.exits import Exit


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("outsourcing sumbit", "did you mean `edgemark outsourcing submit`?"),
        ("acount show", "did you mean `edgemark account`?"),
        ("submit --fee 3", "mean `edgemark identity submit` or `edgemark outsourcing submit`?"),
        ("ACCOUNT show", "did you mean `edgemark account`?"),
        ("provider regster x", "did you mean `edgemark provider register`?"),
        ("node start", "there is run."),
        ("chain start", "there are down, fund, up, verify."),
        ("outsourcing xyz", "see edgemark outsourcing --help."),
    ],
)
def test_unknown_command__names_what_was_meant(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(typed.split())
    assert left.value.code == Exit.REFUSED_INPUT
    assert told in capsys.readouterr().err
