"""A command group that imports a command when it is called, not when it is listed.

Most commands need the chain's libraries, which take longer to import than `--help` or the TAB key
may take. So a group knows of each command where it is and what it is about, in a few words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from edgemark.cli.terminal.naming import NamingGroup
from edgemark.errors import RefusedInput

# What brings a module, where it is not a package of its name.
BROUGHT_BY = dict.fromkeys(("grpc", "fabric_protos", "google"), "'edgemark[fabric]'")


@dataclass(frozen=True)
class Place:
    """Where a command is, or what else a system hands in.

    Args:
        module: below `edgemark.cli`.
        variable: that holds it.
        summary: what it is about, for lists of commands.
    """

    module: str
    variable: str
    summary: str

    def load(self) -> Any:
        """Import it.

        Raises:
            RefusedInput: it needs a package that not everybody installs.
        """
        try:
            module = import_module(f"edgemark.cli.{self.module}")
        except ModuleNotFoundError as error:
            name = (error.name or "").partition(".")[0]
            if name in ("", "edgemark"):
                raise
            raise RefusedInput(
                "needs a package that is not installed",
                who="command",
                needed=name,
                remedy=f"Run `pip install {BROUGHT_BY.get(name, name)}`.",
            ) from error
        return getattr(module, self.variable)


@dataclass(frozen=True)
class NetworkPlace:
    """Where a network for development is that a system hands in, for `edgemark chain up`.

    Args:
        place: module and name of a `demo.evm.network.Network`, with a colon between.
        least, most: servers that it may have.
        summary: of the option.
    """

    place: str
    least: int
    most: int
    summary: str


class LazyGroup(NamingGroup):
    """A group of commands that are imported when they are called.

    Args:
        places: of the commands, by name.
    """

    def __init__(self, *args: Any, places: Mapping[str, Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, imported or not, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *self.places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now when it was not."""
        if cmd_name in self.places and cmd_name not in self.commands:
            self.add_command(self.places[cmd_name].load(), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help text."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, and the options of the group itself."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self._summary(name)) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def _summary(self, name: str) -> str:
        if name in self.places:
            return self.places[name].summary
        return self.commands[name].get_short_help_str(limit=100)
