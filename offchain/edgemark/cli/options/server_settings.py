"""Options of a command that serves: one for each setting that counts for its party.

They are made from what the sections declare, so that no setting lacks its option, its meaning or
its default. What is given so counts for this one run; `edgemark config set` keeps it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from edgemark.cli.terminal.invocation import Invocation, takes_settings
from edgemark.settings.section import Section, Setting, settings_of_party

OF_ALL = frozenset({"--chain-url", "--manifest", "--log-level"})  # what every command takes
BY_ENDING = {"-file": "FILE", "-folder": "FOLDER", "-msp-id": "MSP", "-profile": "FILE"}  # texts
KINDS = {int: "NUMBER", float: "NUMBER", str: "TEXT"}


def takes_settings_of(
    sections: Sequence[type[Section]], party: str
) -> Callable[[Callable[[Invocation], Any]], Callable[..., Any]]:
    """As `takes_settings`, with all settings of a party.

    Args:
        sections: that its station reads.
        party: as the second word of a section names it, and the command.
    """
    every = [each for each in settings_of_party(sections, party) if each.option not in OF_ALL]
    by_parameter = {each.option[2:].replace("-", "_"): each for each in every}

    def take(command: Callable[[Invocation], Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapped(invocation: Invocation, **given: str | None) -> Any:
            told = {
                by_parameter[word].name: given[word] for word in given if given[word] is not None
            }
            return command(replace(invocation, overrides={**invocation.overrides, **told}))

        for each in reversed(every):
            wrapped = click.option(each.option, metavar=_kind_of(each), help=_describe(each))(
                wrapped
            )
        return takes_settings(wrapped)

    return take


def _describe(each: Setting) -> str:
    meaning = each.meaning.rstrip(".")
    shown = f"{each.default:g}" if isinstance(each.default, float) else each.tell(each.default)
    default = "" if each.default == "" else f"  [default: {shown}]"
    return f"{meaning[:1].upper()}{meaning[1:]}.{default}"


def _kind_of(each: Setting) -> str:
    if each.rule.choices:
        return f"[{'|'.join(each.rule.choices)}]"
    if each.rule.is_amount:
        return "MTC"
    ending = next((BY_ENDING[word] for word in BY_ENDING if each.option.endswith(word)), "")
    return ending or KINDS[type(each.default)]
