"""Options that say what is sold, or wanted: a category, a template, what one channel has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.identifiers import Hash32, parse_hash32
from edgemark.identity.resources import Resources
from edgemark.systems.trading.buyer.market.programs import DIGEST
from edgemark.systems.trading.contract.market.records import compute_category
from edgemark.systems.trading.identifiers import (
    NO_TEMPLATE,
    TemplateVersionId,
    parse_template_version_id,
)

F = TypeVar("F", bound=Callable[..., Any])

MOST = 2**32 - 1  # of each number of a specification, and of a capacity

category_option = click.option(
    "--category", metavar="TEXT", required=True, help="What is sold, and the unit of its price."
)


def read_category(typed: str) -> Hash32:
    """The category that somebody typed: the text that its sellers name, or the hash of that."""
    if DIGEST.fullmatch(typed.removeprefix("0x")):
        return parse_hash32(f"0x{typed.removeprefix('0x')}", who="--category")
    return compute_category(typed)


@dataclass(frozen=True)
class Ware:
    """What is sold, or wanted.

    Attributes:
        category: hash of the text that describes it.
        template: version of the TIT; `NO_TEMPLATE`: any.
        specification: what one channel has, or needs.
    """

    category: Hash32
    template: TemplateVersionId
    specification: Resources


def takes_ware(*, needs_template: bool) -> Callable[[F], F]:
    """Mark a command with these options; it gets a `Ware`."""

    def mark(command: F) -> F:
        @functools.wraps(command)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            parts = [kwargs.pop(name) for name in ("cores", "ram", "storage", "network")]
            category, named = read_category(kwargs.pop("category")), kwargs.pop("template")
            template = NO_TEMPLATE if named is None else parse_template_version_id(named)
            return command(*args, ware=Ware(category, template, Resources(*parts)), **kwargs)

        found: Any = wrapped
        for name, text in (
            ("--network", "Mbit/s."),
            ("--storage", "MiB of storage."),
            ("--ram", "MiB of memory."),
            ("--cores", "Whole cores."),
        ):
            kind = WholeRange(0, MOST)
            found = click.option(name, type=kind, default=0, show_default=True, help=text)(found)
        help_ = "Version of the TIT that channels follow."
        found = click.option("--template", metavar="ID", required=needs_template, help=help_)(found)
        return category_option(found)  # type: ignore[no-any-return]

    return mark
