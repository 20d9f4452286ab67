"""A section of the settings, as its users declare it, and what a value of one setting may be.

    @dataclass(frozen=True)
    class PartySettings(Section):
        NAME = "party"

        poll_s: float = setting(1.0, within=(0.01, 3600), flat="poll_s")

Rule 1: a section is a frozen dataclass whose fields are whole numbers, numbers or texts, each with
        a default: nobody has to set anything.
Rule 2: its name has one word, or two of which the first is a system's (`SYSTEM.node`).
Rule 3: no setting is a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from edgemark.errors import RefusedInput

_RULE = "rule"


LONGEST_SHOWN_BITS = 1024


class SettingInvalid(RefusedInput):
    """A setting that is unknown, of the wrong type, or out of range."""


@dataclass(frozen=True)
class Section:
    """What belongs together; subclasses are frozen dataclasses and say what each attribute means.

    Attributes:
        NAME: of the table in edgemark.toml.
    """

    NAME: ClassVar[str]


@dataclass(frozen=True)
class Rule:
    """What a setting may be beside its type, and how it is called outside of its section.

    Attributes:
        within: least and most, both allowed, of a number.
        choices: the texts that may be; empty for any.
        check: told a value and whose it is; raises `SettingInvalid`.
        flat: its name from the time when there were no sections, which stays; empty for none.
    """

    within: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any, str], None] | None = None
    flat: str = ""


def setting(
    default: Any,
    *,
    within: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    check: Callable[[Any, str], None] | None = None,
    flat: str = "",
) -> Any:
    """One field of a section; for the arguments see `Rule`."""
    return field(default=default, metadata={_RULE: Rule(within, choices, check, flat)})


@dataclass(frozen=True)
class Setting:
    """One setting of a section.

    Attributes:
        section: that has it.
        key: its name there.
        default: its value when nobody says another.
        rule: what it may be.
    """

    section: type[Section]
    key: str
    default: Any
    rule: Rule

    @property
    def name(self) -> str:
        """With its section's: `chain.url`."""
        return f"{self.section.NAME}.{self.key}" if self.section.NAME else self.key

    @property
    def variable(self) -> str:
        """As the environment has it, without what all begin with, in small letters."""
        return self.name.replace(".", "_")

    def read(self, value: object, who: str) -> Any:
        """A value as it was given, in the type of this setting.

        Args:
            value: a text, or of a type of TOML.
            who: by which name it was given, and where.

        Raises:
            SettingInvalid: of another type, or out of range.
        """
        kind = type(self.default)
        try:
            typed = _convert(kind, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise SettingInvalid(
                "has the wrong type", who=who, had=_shown(value), needed=_describe(kind)
            ) from error
        if self.rule.within is not None:
            least, most = self.rule.within
            if not least <= typed <= most:
                raise SettingInvalid(
                    "is out of range", who=who, had=shown_number(typed), needed=f"{least}..{most}"
                )
        if self.rule.choices and typed not in self.rule.choices:
            needed = ", ".join(self.rule.choices)
            raise SettingInvalid("is out of range", who=who, had=typed, needed=needed)
        if self.rule.check is not None:
            self.rule.check(typed, who)
        return typed


def settings_of(section: type[Section]) -> list[Setting]:
    """The settings of a section, in order."""
    return [
        Setting(section, each.name, each.default, each.metadata.get(_RULE, Rule()))
        for each in fields(section)
    ]


def _convert(kind: type, value: object) -> Any:
    if isinstance(value, bool):
        raise TypeError("no setting is a boolean")
    if kind is int:
        if not isinstance(value, int | str):
            raise TypeError("not a whole number")
        return int(value)
    if kind is float:
        if not isinstance(value, int | float | str):
            raise TypeError("not a number")
        return float(value)
    if not isinstance(value, str | Path):
        raise TypeError("not a text")
    return str(value)


def _shown(value: object) -> str:
    """The value in at most 80 characters; Python refuses to write very long numbers at all."""
    return str(shown_number(value)) if isinstance(value, int) else repr(value)[:80]


def shown_number(value: object) -> object:
    """The value, or how long it is."""
    is_long = isinstance(value, int) and value.bit_length() > LONGEST_SHOWN_BITS
    return f"a number of {value.bit_length()} bits" if is_long else value  # type: ignore[attr-defined]


def _describe(kind: type) -> str:
    return {int: "a whole number", float: "a number"}.get(kind, "text")
