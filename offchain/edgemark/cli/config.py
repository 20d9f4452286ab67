"""`edgemark config show|set|unset`: the settings of a home folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from edgemark.cli.sections import list_sections
from edgemark.cli.servers import find_serving
from edgemark.cli.terminal.free_texts import FREE
from edgemark.cli.terminal.invocation import Invocation, align, takes_settings
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.errors import RefusedInput
from edgemark.files import make_secret_folder
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.catalogue import Catalogue
from edgemark.settings.editing import Change, change_file
from edgemark.settings.loading import COMMAND_LINE, find_winning, locate_file
from edgemark.settings.section import Setting, SettingInvalid, settings_of_party

MOST_ALIGNED = 40  # characters; what is longer, as a path may be, pushes its origin to the right


@click.group(cls=NamingGroup)
def config() -> None:
    """Settings: edgemark.toml < EDGEMARK_* environment < command line."""


@config.command("show")
@takes_settings
def show(invocation: Invocation) -> None:
    """Print every setting, its value and where it came from."""
    shown = invocation.settings().show()
    if invocation.as_json:
        invocation.show(
            {item.name: {"value": str(item.value), "origin": item.origin} for item in shown}
        )
        return
    told = [(item.name, "-" if item.value == "" else str(item.told), item.origin) for item in shown]
    names = max(len(name) for name, _, _ in told)
    values = min(MOST_ALIGNED, max(len(value) for _, value, _ in told))
    for name, value, origin in told:
        click.echo(f"{name:<{names}}  {value:<{values}}  {origin}")


@config.command("set")
@takes_settings
@click.argument("words", type=FREE, metavar="NAME VALUE...", nargs=-1, required=True)
def set_values(invocation: Invocation, words: tuple[str, ...]) -> None:
    """Write settings into edgemark.toml, after each NAME its VALUE.

    All or none; each is checked as a start would. Every other line of the file stays as it is. What
    runs has read the file before: which of them to start anew is said. `edgemark config show` lists
    the names. What begins with - stands behind `--`, and options before that.
    """
    if len(words) % 2:
        raise click.UsageError(f"{words[-1]} has no VALUE: NAME VALUE, as often as you like.")
    known = Catalogue(list_sections())
    changes, told = [], {}
    for name, value in zip(words[::2], words[1::2], strict=True):
        found = known.require(name, f"{name} ({COMMAND_LINE})")
        typed = found.read(value, f"{found.name} ({COMMAND_LINE})")
        changes.append(Change(found, found.write(typed)))
        told[found.name] = found.tell(typed)
    _change(invocation, changes, told)


@config.command("unset")
@takes_settings
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def unset(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Take settings out of edgemark.toml.

    What is then in force is the default, or said elsewhere. Every other line stays as it is.
    """
    known = Catalogue(list_sections())
    found = [known.require(name, f"{name} ({COMMAND_LINE})") for name in names]
    _change(invocation, [Change(each, None) for each in found], {each.name: None for each in found})


def _change(invocation: Invocation, changes: Sequence[Change], told: Mapping[str, object]) -> None:
    """Write, and say what the file says now."""
    settings = [change.setting for change in changes]
    _check_each_once(settings)
    path = locate_file(
        file=invocation.config, environ=os.environ, overrides=invocation.overrides
    ).absolute()
    if invocation.config is None:
        _check_no_home(settings, path)
        if not path.parent.exists():
            make_secret_folder(path.parent)
    changed = change_file(path, changes)
    won = {each.setting.name: _find_other(each, os.environ) for each in changes}
    if winners := [each for each in won.values() if each]:
        names = ", ".join(name for name, winner in won.items() if winner)
        verb = "wins" if len(winners) == 1 else "win"
        told_winners = ", ".join(winners)
        click.echo(f"Beware: {told_winners} of the environment {verb} over {names}.", err=True)
    runs = _find_reader(invocation, path, settings) if changed else {}
    for party, process in runs.items():
        words = f"{party}, process {process}, runs on with what it read before: start it anew"
        click.echo(f"Beware: {words}.", err=True)
    lines = {name: "-" if value is None else value for name, value in told.items()}
    facts = {"file": str(path), "changed": changed, "settings": told, "start_anew": runs}
    invocation.show(facts, align({**lines, "file": path, "changed": changed}))


def _find_reader(invocation: Invocation, path: Path, settings: Iterable[Setting]) -> dict[str, str]:
    """Whoever serves with the home of this file and reads one of these settings: party, process."""
    home = path.parent
    if invocation.config is not None:  # a file of its own may be of any home
        try:
            home = invocation.settings().home
        except RefusedInput:  # no start takes it as it is; what runs is not known
            return {}
    sections = [each.section for each in settings if each.section is not IdentitySettings]
    serving = find_serving(home)
    return {name: serving[name] for name in serving if settings_of_party(sections, name)}


def _find_other(change: Change, environ: Mapping[str, str]) -> str:
    """The variable that wins over a change and says something else; empty for none."""
    winner, setting = find_winning(change.setting, environ), change.setting
    if not winner or change.value is None:
        return winner
    try:
        same = setting.read(environ[winner], winner) == setting.read(change.value, setting.name)
    except SettingInvalid:  # no start takes it
        return winner
    return "" if same else winner


def _check_each_once(settings: Iterable[Setting]) -> None:
    names = [each.name for each in settings]
    for name in names:
        if names.count(name) > 1:
            raise RefusedInput("is given twice", who=name, needed="each setting once")


def _check_no_home(settings: Iterable[Setting], path: Path) -> None:
    if any(each.name == "home" for each in settings):
        raise RefusedInput(
            "cannot be set in the file that is looked for in it",
            who="home",
            had=path,
            remedy="Name it each time, --home FOLDER or EDGEMARK_HOME; or a file, --config FILE.",
        )
