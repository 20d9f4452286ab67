"""`--html FILE`: the receipt as a page, for whoever looks at it in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from edgemark.errors import RefusedInput
from edgemark.files import OWNER_ONLY_FILE, write_whole
from edgemark.receipt import Receipt
from edgemark.receipt.page import write_page


def _check_folder(
    context: click.Context,  # noqa: ARG001 - click's signature
    parameter: click.Parameter,  # noqa: ARG001
    path: Path | None,
) -> Path | None:
    """Refuse a folder that is not there before anything is started or paid."""
    if path is not None and not path.absolute().parent.is_dir():
        raise RefusedInput("folder is not there", who=path.parent, remedy="Make it first.")
    return path


html_option = click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_check_folder,
    help="Write the receipt as a page that needs no network, for its owner only.",
)


def save_page(path: Path, receipt: Receipt) -> None:
    """Write the page, whole or not at all; only its owner can read it: results are private.

    Raises:
        RefusedInput: the file cannot be written.
    """
    try:
        write_whole(path, write_page(receipt).encode(), mode=OWNER_ONLY_FILE)
    except OSError as error:
        raise RefusedInput("cannot write the page", who=path, had=error.strerror) from error
    click.echo(f"page: {path}", err=True)
