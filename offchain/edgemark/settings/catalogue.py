"""All settings that are known, by every name that one may have; and the nearest to one that is not.

The ground names no system: whoever loads settings hands in the sections.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgemark.settings.section import Section, Setting, SettingInvalid, setting, settings_of

WHERE_TO_LOOK = "see `edgemark config show`"


def _check_folder(folder: str, who: str) -> None:
    if not folder:
        raise SettingInvalid("is empty", who=who, needed="a folder")


@dataclass(frozen=True)
class Unsectioned(Section):
    """What stands in no section, for it says where the file with the sections is.

    Attributes:
        home: folder of keys, journals and functions.
    """

    NAME = ""

    home: str = setting("~/.edgemark", check=_check_folder)


class Catalogue:
    """The settings of some sections.

    Args:
        sections: in the order in which they are shown.

    Raises:
        ValueError: two settings have a name in common, or one has a section's.
    """

    def __init__(self, sections: Sequence[type[Section]]) -> None:
        self.sections: tuple[type[Section], ...] = (Unsectioned, *sections)
        self.settings = [each for section in self.sections for each in settings_of(section)]
        self._by_name: dict[str, Setting] = {}
        self._by_variable: dict[str, Setting] = {}
        for each in self.settings:
            names = {each.name, each.rule.flat or each.name}
            _add(self._by_name, names, each)
            _add(self._by_variable, {each.variable, each.rule.flat or each.variable}, each)
            if self.has_below(each.name):
                raise ValueError(f"{each.name} is a setting and a section")

    def find(self, name: str) -> Setting | None:
        """The setting of a name, `chain.url`, or of the one before it; None for neither."""
        return self._by_name.get(name)

    def find_variable(self, variable: str) -> Setting | None:
        """The setting of a variable of the environment, its prefix off, in small letters."""
        return self._by_variable.get(variable)

    def has_below(self, name: str) -> bool:
        """Is there a section of this name, or one that begins with it?"""
        return any(f"{each.NAME}.".startswith(f"{name}.") for each in self.sections if each.NAME)

    def require(self, name: str, who: str) -> Setting:
        """The setting of a name that somebody gave.

        Raises:
            SettingInvalid: there is none; `who` is said, and what may have been meant.
        """
        if found := self.find(name):
            return found
        if self.has_below(name):
            below = [each.name for each in self.settings if each.name.startswith(f"{name}.")]
            raise SettingInvalid(
                "is a section of the settings", who=who, needed=f"one of {', '.join(below)}"
            )
        raise SettingInvalid("is no setting", who=who, needed=self.suggest(name))

    def suggest(self, name: str) -> str:
        """What somebody may have meant who named a setting that is not known."""
        section, _, key = name.rpartition(".")
        own = {each.key: each.name for each in self.settings if section == each.section.NAME}
        if section and own:
            return _perhaps(_nearest(key, own) or self._moved(key))
        return _perhaps(_nearest(name, {known: each.name for known, each in self._by_name.items()}))

    def _moved(self, key: str) -> str:
        """By its name of before, or by its key: it stands in another section."""
        found = [each.name for each in self.settings if key in {each.key, each.rule.flat}]
        return found[0] if found else ""

    def suggest_variable(self, variable: str, prefix: str) -> str:
        """The same of a variable of the environment."""
        return _perhaps(
            _nearest(
                variable,
                {
                    known: f"{prefix}{each.variable.upper()}"
                    for known, each in self._by_variable.items()
                },
            )
        )

    def suggest_section(self, name: str) -> str:
        """The nearest section to one that is not known."""
        known = {each.NAME: each.NAME for each in self.sections if each.NAME}
        return _perhaps(_nearest(name, known))


def _perhaps(near: str) -> str:
    return f"perhaps {near}" if near else WHERE_TO_LOOK


def _add(names: dict[str, Setting], more: Iterable[str], each: Setting) -> None:
    for name in more:
        if name in names:
            raise ValueError(f"{names[name].name} and {each.name} are both called {name}")
        names[name] = each


def _nearest(word: str, known: dict[str, str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return known[near[0]] if near else ""
