"""A section of the settings, as its users declare it, and what a value of one setting may be.

    @dataclass(frozen=True)
    class PartySettings(Section):
        NAME = "party"

        poll_s: float = setting(1.0, within=(0.01, 3600), flat="poll_s")

Rule 1: a section is a frozen dataclass whose fields are whole numbers, numbers, texts or amounts of
        tokens, each with a default: nobody has to set anything.
Rule 2: its name has one word, or two of which the first is a system's, the second one of its
        parties (`SYSTEM.node`): for that party alone.
Rule 3: no setting is a secret.
Rule 4: an amount is written and shown in MTC, and is `Tokens` everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from edgemark.amounts import Amount, is_number, is_whole, parse_tokens, write_tokens
from edgemark.errors import RefusedInput
from edgemark.identifiers import Tokens

_RULE = "rule"

N = TypeVar("N")

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
        is_amount: of tokens, at most all that there are.
    """

    within: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any, str], None] | None = None
    flat: str = ""
    is_amount: bool = False


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


def amount(default: Tokens, *, flat: str = "") -> Any:
    """One field of a section that is an amount of tokens."""
    return field(default=default, metadata={_RULE: Rule(flat=flat, is_amount=True)})


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

    @property
    def option(self) -> str:
        """As a command has it that takes every setting of its party."""
        return f"--{(self.rule.flat or self.variable).replace('_', '-')}"

    @property
    def meaning(self) -> str:
        """What its section's docstring says of it."""
        return read_attributes(self.section.__doc__ or "").get(self.key, "")

    def write(self, value: Any) -> object:
        """A value as a file, a variable or an option has it."""
        return Decimal(write_tokens(value)) if self.rule.is_amount else value

    def tell(self, value: Any) -> object:
        """A value as it is shown."""
        return Amount(value) if self.rule.is_amount else value

    def read(self, value: object, who: str) -> Any:
        """A value as it was given, in the type of this setting.

        Args:
            value: a text, or of a type of TOML.
            who: by which name it was given, and where.

        Raises:
            SettingInvalid: of another type, or out of range.
        """
        if self.rule.is_amount:
            return _read_amount(value, who)
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


def settings_of_party(sections: Iterable[type[Section]], party: str) -> list[Setting]:
    """Those that count for one party of a system, as the second word of a section names it."""
    names = {section: section.NAME.partition(".")[2] for section in sections}
    return [
        each
        for section, of_party in names.items()
        if of_party in {"", party}
        for each in settings_of(section)
    ]


def read_attributes(docstring: str) -> dict[str, str]:
    """What a class says of each of its attributes; `a, b: text` says it of both."""
    _, _, block = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in block.splitlines():
        start = re.match(r" {8}(\w[\w, ]*): (.*)", line)
        if start:
            names = [name.strip() for name in start.group(1).split(",")]
            found |= dict.fromkeys(names, start.group(2).strip())
        elif line.startswith(" " * 12):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _read_amount(value: object, who: str) -> Tokens:
    try:
        return parse_tokens(value, who=who)
    except RefusedInput as refused:
        raise SettingInvalid(
            refused.what,
            who=refused.who,
            had=refused.had,
            needed=refused.needed,
            remedy=refused.remedy,
        ) from None


def _convert(kind: type, value: object) -> Any:
    if isinstance(value, bool):
        raise TypeError("no setting is a boolean")
    if kind is int:
        if not isinstance(value, int | str):
            raise TypeError("not a whole number")
        return int(_checked(value, is_whole))
    if kind is float:
        if not isinstance(value, int | float | Decimal | str):  # TOML's are read as Decimal
            raise TypeError("not a number")
        return float(_checked(value, is_number))
    if not isinstance(value, str | Path):
        raise TypeError("not a text")
    return str(value)


def _checked(value: N, is_one: Callable[[str], bool]) -> N:
    """A number as it was given; text only as people write one."""
    if isinstance(value, str) and not is_one(value.strip(" ")):
        raise ValueError("not written as a number")
    return value


def _shown(value: object) -> str:
    """The value in at most 80 characters; Python refuses to write very long numbers at all."""
    if isinstance(value, Decimal):
        return str(value)[:80]
    return str(shown_number(value)) if isinstance(value, int) else repr(value)[:80]


def shown_number(value: object) -> object:
    """The value, or how long it is."""
    is_long = isinstance(value, int) and value.bit_length() > LONGEST_SHOWN_BITS
    return f"a number of {value.bit_length()} bits" if is_long else value  # type: ignore[attr-defined]


def _describe(kind: type) -> str:
    return {int: "a whole number", float: "a number"}.get(kind, "text")
