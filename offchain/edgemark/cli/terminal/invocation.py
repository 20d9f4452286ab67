"""What every command has in hand: settings from file, environment and options; where to print."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgemark.settings.loading import load_settings

if TYPE_CHECKING:
    from rich.console import Console

from edgemark.cli.terminal.facts import for_programs
from edgemark.identifiers import format_time
from edgemark.logs import LogSettings, configure_logs
from edgemark.settings.settings import Settings
from edgemark.words import in_words, printable

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Invocation:
    """One run of the program.

    Attributes:
        config: settings file, if one was named.
        overrides: settings given as options.
        as_json: print one JSON value instead of text.
    """

    config: Path | None = None
    overrides: dict[str, object] = field(default_factory=dict)
    as_json: bool = False

    @property
    def console(self) -> Console:
        """Text for people, on standard output."""
        from rich.console import Console  # noqa: PLC0415 - most commands print plain lines

        return Console(soft_wrap=False)

    def settings(self) -> Settings:
        """The settings in force; also starts the log on standard error."""
        loaded = read_settings(self.config, self.overrides)
        logs = loaded.of(LogSettings)
        configure_logs(logs.level, form=logs.format)
        return loaded

    def show(self, facts: dict[str, Any], text: str | None = None) -> None:
        """Print facts as JSON when asked for, else as `name  value` lines or the given text."""
        if self.as_json:
            click.echo(json.dumps(for_programs(facts), default=str))
        elif text is not None:
            click.echo(printable(text, lines=True))
        else:
            click.echo(align(facts))


def read_settings(config: Path | None, overrides: Mapping[str, object]) -> Settings:
    """The settings in force, of every section that is known to this installation.

    Args:
        config: settings file, if one was named.
        overrides: settings given as options.

    Raises:
        SettingInvalid: as `load_settings`.
    """
    from edgemark.cli.sections import list_sections  # noqa: PLC0415 - `--help` needs none

    return load_settings(
        file=config, environ=os.environ, overrides=overrides, sections=list_sections()
    )


def align(facts: Mapping[str, object]) -> str:
    """Facts as `name  value` lines, the values below each other."""
    width = max((len(name) for name in facts), default=0)
    return "\n".join(
        f"{name:<{width}}  {printable(in_words(value))}" for name, value in facts.items()
    )


def lay_out(rows: Sequence[Sequence[str]]) -> str:
    """Rows of as many words each, those of a column below each other; nothing is cut."""
    shown = [[printable(word) for word in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


show_time = format_time


OF_HOME = {
    "as_json": click.option("--json", "as_json", is_flag=True, help="Print one JSON value."),
    "config": click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file.  [default: edgemark.toml in the home folder]",
    ),
    "home": click.option(
        "--home",
        type=click.Path(path_type=str),
        help="Folder of keys and journals.  [default: ~/.edgemark]",
    ),
    "log_level": click.option(
        "--log-level", help="debug, info, warning or error.  [default: info]"
    ),
}
OF_CHAIN = {
    "chain_url": click.option("--chain-url", help="JSON-RPC of the chain."),
    "manifest": click.option(
        "--manifest", type=click.Path(path_type=Path), help="Deployment manifest."
    ),
}


def takes_settings(command: F) -> F:
    """Options of every command that may ask a chain; they win over environment and file."""
    return _takes(command, OF_HOME | OF_CHAIN)


def takes_home(command: F) -> F:
    """The same, of commands that have nothing to do with a chain."""
    return _takes(command, OF_HOME)


def _takes(command: F, options: Mapping[str, Callable[[Any], Any]]) -> F:
    @functools.wraps(command)  # with it go the options and arguments of the command's own
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name in options}
        as_json, config = given.pop("as_json"), given.pop("config")
        invocation = Invocation(
            config=config,
            overrides={name: value for name, value in given.items() if value is not None},
            as_json=as_json,
        )
        return command(invocation, *args, **kwargs)

    # click lists the last decorator first: what all commands take stands below a command's own
    own = getattr(wrapped, "__click_params__", [])
    wrapped.__click_params__ = []  # type: ignore[attr-defined]
    for option in reversed(list(options.values())):
        wrapped = option(wrapped)
    wrapped.__click_params__.extend(own)  # type: ignore[attr-defined]
    return wrapped  # type: ignore[return-value]
