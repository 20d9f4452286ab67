"""Whoever mistypes a command is told which one was meant, or which there are."""

from __future__ import annotations

import click
import pytest
from tests.offchain.cli.test_plain_numbers import commands

from edgemark.cli.main import edgemark, main
from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.free_texts import DASHES, takes_free_texts


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


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("ledger invoke goods create bike Ann -5", "edgemark ledger invoke [OPTIONS] -- CHAINCODE"),
        ("ledger query goods echo -x", "edgemark ledger query [OPTIONS] -- CHAINCODE FUNCTION"),
        ("ledger query goods echo --what", "edgemark ledger query [OPTIONS] -- CHAINCODE FUNCTION"),
        ("ledger history goods -0.5", "edgemark ledger history [OPTIONS] -- CHAINCODE KEY..."),
        ("config set server.listen_port -5", "edgemark config set [OPTIONS] -- NAME VALUE..."),
    ],
)
def test_a_text_that_begins_with_a_dash__is_told_where_it_stands(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: "-5 is below 0: an amount is 0 or more.", of an argument of a chaincode."""
    with pytest.raises(SystemExit) as left:
        main(typed.split())
    assert left.value.code == Exit.REFUSED_INPUT
    said = capsys.readouterr().err
    assert f"{DASHES.rstrip('.')}: `{told}" in said
    assert "below 0" not in said


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("account deposit -5", "-5 is below 0: AMOUNT is 0 or more."),
        ("ledger advance -5", "-5 is below 0: SECONDS is 0 .. "),
        ("index job -5", "No such option: -5"),
    ],
)
def test_a_number_below_0__is_one_where_a_number_stands(
    typed: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(typed.split())
    assert left.value.code == Exit.REFUSED_INPUT
    assert told in capsys.readouterr().err


def test_every_command_that_takes_free_texts__says_so_in_its_help() -> None:
    taking = [
        each for each in commands(edgemark, click.Context(edgemark)) if takes_free_texts(each)
    ]
    assert len(taking) > 3
    assert [each.name for each in taking if DASHES not in " ".join((each.help or "").split())] == []
