"""What the help of commands says: ranges, defaults and kinds of options in one way each."""

from __future__ import annotations

import re

import click
from tests.offchain.cli.test_plain_numbers import commands

from edgemark.cli.main import edgemark
from edgemark.cli.options.plain_numbers import RealRange, WholeRange

# Of the same name, and for another thing.
OTHERS = {
    "--channel": {"NAME", "NAME[=MSP,...]"},
    "--out": {"FILE", "DIRECTORY"},
    "--output": {"FILE", "PATH"},
    "--qualification": {"FILE", "AUDITOR:DIGEST"},
    "--ledger": {"[development|fabric|profile|FILE]"},
}
NUMBERS = re.compile(r"NUMBER|-?[0-9.]*[.][.][0-9.]*")


def options() -> list[click.Option]:
    """Every option of every command."""
    every = commands(edgemark, click.Context(edgemark))
    return [each for command in every for each in command.params if isinstance(each, click.Option)]


def test_options_of_one_name__have_one_kind() -> None:
    """Before: `--msp-id TEXT` in one place, `--msp-id MSP` in all others."""
    kinds: dict[str, set[str]] = {}
    for each in options():
        if not each.is_flag and not isinstance(each.type, click.Choice):
            kind = each.make_metavar()
            said = "NUMBER" if NUMBERS.fullmatch(kind) else kind
            kinds.setdefault(each.opts[-1], set()).add(said)
    assert len(kinds) > 50
    found = {name: said for name, said in kinds.items() if len(said - OTHERS.get(name, set())) > 1}
    assert found == {}


def test_ranges_and_defaults__are_shown_in_one_way() -> None:
    """Before: `[default: 0; 0<=x<=100]` beside `[default: 30]  [0.5<=x..]`."""
    for each in options():
        shown = each.get_help_record(click.Context(edgemark))
        assert shown is not None
        left, right = shown
        assert "<=" not in left + right, shown
        assert "(default" not in right, shown
        assert "RANGE" not in left, shown
        if isinstance(each.type, WholeRange | RealRange):
            assert re.search(r" -?[0-9.]+[.][.]", left), shown


def test_bounds__are_told_as_a_person_types_them() -> None:
    assert (WholeRange(0, 60).bounds, RealRange(0.001, 60.0).bounds) == ("0 .. 60", "0.001 .. 60")
    assert WholeRange(1).bounds == ">= 1"
    option = click.Option(["--from-block"], type=WholeRange(0, 2**63 - 1))
    assert option.make_metavar() == "0.."
    assert click.Argument(["seconds"], type=WholeRange(0, 60)).make_metavar() == "SECONDS"
