"""`edgemark`: entry point, and the one place where an error becomes an exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from edgemark.cli import aftermath, registration, sharing
from edgemark.cli.account import account
from edgemark.cli.chain import chain
from edgemark.cli.completion import completion
from edgemark.cli.config import config
from edgemark.cli.demo import demo
from edgemark.cli.doctor import doctor
from edgemark.cli.exits import Exit, exit_of
from edgemark.cli.index import index
from edgemark.cli.outsourcing import outsourcing
from edgemark.cli.provider import provider
from edgemark.cli.servers import judge, node
from edgemark.errors import EdgemarkError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="edgemark")
def edgemark() -> None:
    """Accountable computing at the network edge.

    Exit status: 0 done, 1 a check failed, 2 fix the call, 3 another party broke the protocol,
    4 the chain did not answer (nothing changed, retry), 5 own state is damaged, 130 interrupted.
    """


for command in (
    demo,
    chain,
    provider,
    node,
    judge,
    outsourcing,
    account,
    index,
    config,
    doctor,
    completion,
):
    edgemark.add_command(command)
for command in (*aftermath.COMMANDS, *sharing.COMMANDS):
    outsourcing.add_command(command)
for command in registration.COMMANDS:
    account.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; never shows a traceback for a mistake of the user or a fault of a peer."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = edgemark.main(args=given, prog_name="edgemark", standalone_mode=False)
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(Exit.REFUSED_INPUT)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    except EdgemarkError as error:
        if "--json" in given:
            click.echo(json.dumps(error.as_dict()))
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(exit_of(error))
    sys.exit(status if isinstance(status, int) else Exit.DONE)


if __name__ == "__main__":
    main()
