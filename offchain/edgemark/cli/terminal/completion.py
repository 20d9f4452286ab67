"""`edgemark completion SHELL`: the script with which a shell completes words on the TAB key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from edgemark.errors import RefusedInput

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_EDGEMARK_COMPLETE"  # click reads it to answer the shell


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    For bash: eval "$(edgemark completion bash)" in ~/.bashrc.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise RefusedInput("is no shell that is known", who=shell, needed=", ".join(SHELLS))
    root = context.find_root()
    click.echo(kind(root.command, {}, "edgemark", VARIABLE).source())
