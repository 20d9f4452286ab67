"""A command group that says which command was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

import click

from edgemark.cli.terminal.free_texts import DASHES, takes_free_texts

BELOW_0 = re.compile(r"-[0-9]+(?:[.][0-9]+)?")
FEW = 8  # names that are listed when none is near
BEHIND = frozenset({"--json", "--config", "--home", "--chain-url", "--manifest", "--log-level"})


class NamingGroup(click.Group):
    """A group whose refusal of an unknown command names the nearest ones, or where it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words behind this group's own options.

        Raises:
            UsageError: an option that stands behind commands, or one that nobody knows.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as unknown:
            if unknown.option_name not in BEHIND:
                raise
            place = f"{ctx.command_path} COMMAND {unknown.option_name} ..."
            raise click.UsageError(
                f"{unknown.option_name} stands behind the command: `{place}`", ctx
            ) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first word.

        Raises:
            UsageError: there is none; with those that may have been meant.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as refused:
            hint = self._hint(ctx, args[0])
            raise click.UsageError(f"{refused.message.rstrip('.')}: {hint}", ctx) from None

    def _hint(self, ctx: click.Context, name: str) -> str:
        here = self.list_commands(ctx)
        if near := difflib.get_close_matches(name.lower(), here, n=2):
            return f"did you mean {_any_of(near, ctx.command_path)}?"
        root = ctx.find_root()
        if elsewhere := [
            " ".join(words)
            for words in _all_commands(root.command, ())
            if words and words[-1] == name
        ]:
            return f"did you mean {_any_of(elsewhere, root.command_path)}?"
        if len(here) <= FEW:
            return f"there {'is' if len(here) == 1 else 'are'} {', '.join(here)}."
        return f"see {ctx.command_path} --help."


def _any_of(names: list[str], before: str) -> str:
    return " or ".join(f"`{before} {name}`" for name in names)


def _all_commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _all_commands(found, (*words, name))


def explain_dash(mistake: click.ClickException, given: Sequence[str]) -> click.ClickException:
    """What is said of a call: of an argument that looks like an option, what it is.

    Args:
        mistake: what click says.
        given: the words of the call.
    """
    if not isinstance(mistake, click.NoSuchOption) or mistake.ctx is None:
        return mistake
    context, begins = mistake.ctx, mistake.option_name
    number = next((each for each in given if BELOW_0.fullmatch(each)), "")
    if takes_free_texts(context.command):
        how = " ".join(context.command.collect_usage_pieces(context)[1:])
        said = mistake.format_message().rstrip(".")
        return click.UsageError(
            f"{said}. {DASHES.rstrip('.')}: `{context.command_path} [OPTIONS] -- {how}`", context
        )
    if allowed := _allowed(context) if number.startswith(begins) else "":
        return click.UsageError(f"{number} is below 0: {allowed}.", context)
    return mistake


def _allowed(context: click.Context) -> str:
    """What the first number among a command's arguments may be, as `SECONDS is 0 .. 60`."""
    for each in context.command.params:
        bounds = getattr(each.type, "bounds", "")
        if isinstance(each, click.Argument) and bounds:
            return f"{each.human_readable_name} is {bounds}"
    return ""
