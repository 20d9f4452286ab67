"""Settings in force: the home folder, the sections, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edgemark.settings.section import Section, settings_of

DEFAULT = "default"
S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Shown:
    """One setting in force.

    Attributes:
        name: with its section's.
        value: in its type.
        origin: where it came from.
        told: as `edgemark config show` prints it.
        written: as a file has it.
    """

    name: str
    value: object
    origin: str
    told: object
    written: object


@dataclass(frozen=True)
class Settings:
    """What a party was told, all of it; most of its parts need one section.

    Attributes:
        home: folder of keys, journals and functions.
        sections: one of each kind that was handed in, or made by whoever has no file.
        origins: by name of a setting (`chain.url`), where its value came from; not of a default.
    """

    home: Path
    sections: tuple[Section, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, kind: type[S]) -> S:
        """One section.

        Raises:
            LookupError: it was not among those that were handed in.
        """
        for section in self.sections:
            if isinstance(section, kind):
                return section
        raise LookupError(f"section [{kind.NAME}] was not loaded")

    def having(self, *sections: Section) -> Settings:
        """The same with these sections, instead of those of their kinds."""
        kinds = tuple(map(type, sections))
        others = (each for each in self.sections if type(each) not in kinds)
        return Settings(self.home, (*others, *sections), self.origins)

    def show(self) -> list[Shown]:
        """Every setting, its value and its origin."""
        shown = [Shown("home", self.home, self._origin("home"), self.home, self.home)]
        for section in self.sections:
            for each in settings_of(type(section)):
                value, origin = getattr(section, each.key), self._origin(each.name)
                shown.append(Shown(each.name, value, origin, each.tell(value), each.write(value)))
        return shown

    def _origin(self, name: str) -> str:
        return self.origins.get(name, DEFAULT)
