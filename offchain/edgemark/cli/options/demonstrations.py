"""What every demonstration takes, and how its receipt is shown."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from rich.console import Console

from edgemark.cli.terminal.exits import Exit
from edgemark.cli.terminal.page import html_option, save_page
from edgemark.demo.folder import passing_folder
from edgemark.errors import EdgemarkError
from edgemark.ledger.evm.development.launching import DEFAULT_KIND, KINDS
from edgemark.logs import configure_logs
from edgemark.receipt import Receipt

F = TypeVar("F", bound=Callable[..., Any])


class Story(Protocol):
    """What a system plays."""

    def __call__(self, folder: Path, console: Console, *, chain_kind: str) -> Receipt:
        """Play it in a folder, for keys, journals and logs; the receipt."""


CHAIN_OPTION = click.option(
    "--chain",
    "chain_kind",
    type=click.Choice(list(KINDS)),
    default=DEFAULT_KIND,
    show_default=True,
    help="Kind of the chain that is started.",
)
OPTIONS = (  # the last of them is shown first
    html_option,
    click.option(
        "--keep",
        type=click.Path(path_type=Path, file_okay=False),
        help="Keep keys, journals and logs in this folder.  [default: a temporary one]",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the receipt as one JSON value."),
)


@contextmanager
def naming_logs(keep: Path | None) -> Iterator[None]:
    """Say of what ends a demonstration where its logs were kept, or how to have them kept."""
    try:
        yield
    except EdgemarkError as error:
        where = "`--keep FOLDER` keeps its logs." if keep is None else f"Its logs are in {keep}."
        error.remedy = f"{error.remedy} {where}".lstrip()
        raise


def tells_story(command: F) -> F:
    """Options of a demonstration: the command answers its `Story`, which is played and shown."""

    @functools.wraps(command)
    def played(folder: Path, console: Console, *, chain_kind: str, **more: Any) -> Receipt:
        story: Story = command(**more)
        return story(folder, console, chain_kind=chain_kind)

    found: Any = CHAIN_OPTION(shows_receipt(played))
    return found  # type: ignore[no-any-return]


def shows_receipt(command: F) -> F:
    """Options of a demonstration without a chain: the command plays it, and answers its receipt."""

    @functools.wraps(command)
    def wrapped(*, as_json: bool, keep: Path | None, html: Path | None, **more: Any) -> int:
        configure_logs("error")
        console = Console(stderr=as_json)
        place = passing_folder("edgemark-demo-") if keep is None else nullcontext(keep)
        with naming_logs(keep), place as folder:
            receipt: Receipt = command(folder, console, **more)
        if html is not None:
            save_page(html, receipt)
        if as_json:
            click.echo(json.dumps(receipt.as_dict()))
        else:
            receipt.print(console)
        return Exit.DONE if receipt.ok else Exit.CHECK_FAILED

    found: Any = wrapped
    for option in OPTIONS:
        found = option(found)
    return found  # type: ignore[no-any-return]
