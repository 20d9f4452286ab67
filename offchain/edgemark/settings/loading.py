"""Settings: edgemark.toml < environment `EDGEMARK_*` < command line.

No secret is a setting: keys are files of the home folder, made on first run. A name that nobody
knows is refused together with the nearest one that somebody knows. In each of the three a setting
may have the name that it had before there were sections; then not its other one too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.files import expand_home
from edgemark.settings.catalogue import Catalogue, Unsectioned
from edgemark.settings.section import Section, Setting, SettingInvalid
from edgemark.settings.settings import Settings
from edgemark.settings.toml_file import FILE_NAME, is_there, parse_toml, read_text

PREFIX = "EDGEMARK_"
# Seams and the soak run's seed, read elsewhere.
NOT_SETTINGS = frozenset({"EDGEMARK_CRASH_AFTER", "EDGEMARK_KERNEL", "EDGEMARK_SOAK_SEED"})
COMMAND_LINE = "command line"


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that has its own settings from its home folder or command line.

    What chooses the field's kernel, or a test's crash, stays.
    """
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(PREFIX) or name in NOT_SETTINGS
    }


def load_settings(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    sections: Sequence[type[Section]],
) -> Settings:
    """Read all sources, the later ones winning.

    Args:
        file: settings file that must exist; None takes edgemark.toml of the home folder, if any.
        environ: environment; only `EDGEMARK_*` is looked at.
        overrides: settings of the command line, by name (`chain.url`).
        sections: all that any source may have: those of a station (`SECTIONS`), or of all systems.

    Raises:
        SettingInvalid: an unknown name, a name given twice, a wrong type, a value out of range, or
            no such file.
    """
    known = Catalogue(sections)
    path = locate_file(file=file, environ=environ, overrides=overrides)
    is_read = file is not None or is_there(path)
    from_file = parse_toml(read_text(path), path) if is_read else {}
    sources = (
        _from_names(known, _flatten(known, from_file), str(path)),
        _from_environment(known, _variables_of(environ)),
        _from_names(known, overrides.items(), COMMAND_LINE),
    )
    given: dict[Setting | str, _Given] = {}
    for source in sources:
        given |= _gather(source)
    return _combine(known, given.values())


def locate_file(
    *, file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Path:
    """Where the settings file is, or would be; arguments as of `load_settings`.

    Raises:
        RefusedInput: in a home folder that nobody knows.
    """
    named = _variables_of(environ).get("home", Unsectioned.home)
    return file or expand_home(str(overrides.get("home", named)), who="home") / FILE_NAME


def find_winning(each: Setting, environ: Mapping[str, str]) -> str:
    """The variable of an environment that wins over the file for this setting; empty for none."""
    names = (f"{PREFIX}{name.upper()}" for name in (each.variable, each.rule.flat) if name)
    return next((name for name in names if name in environ), "")


def _variables_of(environ: Mapping[str, str]) -> dict[str, str]:
    """What is a setting, or is meant to be one, without what all begin with, in small letters."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }


@dataclass(frozen=True)
class _Given:
    """One value of one source.

    Attributes:
        name: by which it was given.
        value: as it was given.
        origin: where.
        setting: that it is for; None for a name that nobody knows.
        fault: what is wrong with such a name.
        needed: what may have been meant by it.
    """

    name: str
    value: object
    origin: str
    setting: Setting | None
    fault: str = ""
    needed: str = ""

    @property
    def who(self) -> str:
        return f"{self.name} ({self.origin})"


def _from_names(
    known: Catalogue, values: Iterable[tuple[str, object]], origin: str
) -> Iterator[_Given]:
    for name, value in values:
        if found := known.find(name):
            yield _Given(name, value, origin, found)
        elif isinstance(value, dict):
            needed = known.suggest_section(name)
            yield _Given(name, value, origin, None, "is no section of the settings", needed)
        elif known.has_below(name):
            needed = f"a table [{name}]"
            yield _Given(name, value, origin, None, "is a section of the settings", needed)
        else:
            yield _Given(name, value, origin, None, "is no setting", known.suggest(name))


def _flatten(
    known: Catalogue, table: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, Any]]:
    """What stands in the sections, and in none, by name."""
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and known.has_below(name):
            yield from _flatten(known, value, f"{name}.")
        else:
            yield name, value


def _from_environment(known: Catalogue, variables: Mapping[str, str]) -> Iterator[_Given]:
    for name, value in variables.items():
        origin = f"{PREFIX}{name.upper()}"
        if found := known.find_variable(name):
            yield _Given(name, value, origin, found)
        else:
            needed = known.suggest_variable(name, PREFIX)
            yield _Given(name, value, origin, None, "is no setting", needed)


def _gather(source: Iterable[_Given]) -> dict[Setting | str, _Given]:
    """What one source says, by setting, or by the name that nobody knows.

    Raises:
        SettingInvalid: it says one twice.
    """
    found: dict[Setting | str, _Given] = {}
    for each in source:
        key = each.setting or each.name
        if key in found:
            raise SettingInvalid(
                "is given twice",
                who=each.who,
                had=f"{found[key].name} and {each.name}",
                needed=f"{each.setting.name if each.setting else each.name} alone",
            )
        found[key] = each
    return found


def _combine(known: Catalogue, given: Iterable[_Given]) -> Settings:
    """What is in force, once each value is of its type."""
    values: dict[type[Section], dict[str, Any]] = {section: {} for section in known.sections}
    origins: dict[str, str] = {}
    for each in given:
        if each.setting is None:
            raise SettingInvalid(each.fault, who=each.who, needed=each.needed)
        typed = each.setting.read(each.value, each.who)
        values[each.setting.section][each.setting.key] = typed
        origins[each.setting.name] = each.origin
    home = Unsectioned(**values.pop(Unsectioned)).home
    sections = tuple(section(**given_to) for section, given_to in values.items())
    return Settings(expand_home(home, who="home"), sections, origins)
