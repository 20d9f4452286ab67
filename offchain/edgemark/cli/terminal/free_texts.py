"""Arguments that are texts of the user's own: they may be anything, also begin as options do."""

from __future__ import annotations

import click
from click.types import StringParamType

DASHES = "What begins with - stands behind `--`, and options before that."


class FreeText(StringParamType):
    """Any text. A command that takes one says `DASHES` in its help, and to who forgot it."""


FREE = FreeText()


def takes_free_texts(command: click.Command) -> bool:
    """Whether a text of the user's own is among a command's arguments."""
    return any(isinstance(each.type, FreeText) for each in command.params)
