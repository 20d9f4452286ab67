"""R16: a number that a person gives is digits 0-9 and one point, whatever Python takes as one."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from click.types import FloatParamType, IntParamType

from edgemark.cli.main import edgemark
from edgemark.cli.options.plain_numbers import Real, RealRange, Whole, WholeRange
from edgemark.cli.sections import list_sections
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.section import SettingInvalid

ODD = ["1_0", "_1", "\u0661", "\uff11\uff10", "1e", "0x10", "nan", "inf", "1,5", "", "9" * 5000]


def commands(group: click.Command, ctx: click.Context) -> Iterator[click.Command]:
    if not isinstance(group, click.Group):
        yield group
        return
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        assert found is not None
        yield from commands(found, ctx)


def test_every_number_of_every_command__is_read_by_one_grammar() -> None:
    numbers = [
        (command.name, each.name, type(each.type).__name__)
        for command in commands(edgemark, click.Context(edgemark))
        for each in command.params
        if isinstance(each.type, IntParamType | FloatParamType) and not getattr(each, "count", 0)
    ]
    assert len(numbers) > 15
    own = {Whole, WholeRange, Real, RealRange}
    names = {kind.__name__ for kind in own} | {"Patience"}
    assert [each for each in numbers if each[2] not in names] == []


@pytest.mark.parametrize("text", ODD[:-1])
def test_a_number_in_another_form__is_refused_with_its_option(text: str) -> None:
    done = CliRunner().invoke(edgemark, ["outsourcing", "submit", "--compute", text])
    assert done.exit_code == 2
    assert "--compute" in done.output
    assert "is no whole number: digits 0-9." in done.output


@pytest.mark.parametrize("kind", [Whole(), Real(), WholeRange(0, 9), RealRange(0, 9)])
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_text__is_never_a_number(kind: click.ParamType, text: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)


def test_a_number_within_bounds__is_read_and_one_beyond_them_is_not() -> None:
    assert WholeRange(0, 9).convert("7", None, None) == 7
    assert RealRange(0, 9).convert("1.5", None, None) == 1.5
    assert Whole().convert("-3", None, None) == -3
    assert Real().convert("1.6e9", None, None) == 1.6e9
    for kind in (WholeRange(0, 9), RealRange(0, 9)):
        with pytest.raises(click.BadParameter, match="is not in the range"):
            kind.convert("10", None, None)


@pytest.mark.parametrize("name", ["server.listen_port", "party.poll_s", "registration.deposit"])
@pytest.mark.parametrize("text", ["1_0", "_1", "\u0661", "\uff11"])
def test_a_setting_in_another_form__is_refused_with_its_name(name: str, text: str) -> None:
    setting = Catalogue(list_sections()).require(name, name)
    with pytest.raises(SettingInvalid) as refused:
        setting.read(text, name)
    assert refused.value.who == name
    assert refused.value.what in {"has the wrong type", "is no amount"}
