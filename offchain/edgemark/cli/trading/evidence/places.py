"""On which ledger evidence of settlements is recorded and looked for: `--ledger`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click

from edgemark.errors import lacks_extra
from edgemark.ledger.fabric.settings import DEVELOPMENT, FABRIC, PROFILE, LedgerSettings
from edgemark.settings.settings import Settings
from edgemark.systems.trading.settings import EVM
from edgemark.systems.trading.station.ledgers.chain import ChainEvidence
from edgemark.systems.trading.station.ledgers.ledger import EvidenceLedger
from edgemark.systems.trading.story.reading import Lookout

F = TypeVar("F", bound=Callable[..., Any])


def ledger_option(command: F) -> F:
    """On which ledger."""
    return click.option(
        "--ledger",
        type=click.Choice([EVM, DEVELOPMENT, FABRIC, PROFILE]),
        default=EVM,
        show_default=True,
        help="The chain of [chain], or a consortium ledger, as the settings of [ledger] say.",
    )(command)


@contextmanager
def looking(settings: Settings, ledger: str) -> Iterator[EvidenceLedger]:
    """The registry of a ledger, to read it.

    Raises:
        RefusedInput, LedgerUnavailable: it is not there as the settings say.
    """
    if ledger != EVM:
        with joining(settings, ledger, looks=True) as place:
            yield place
        return
    lookout = Lookout.open(settings)
    yield ChainEvidence.look(lookout.chain, lookout.deployment)


def joining(
    settings: Settings, kind: str, *, is_dry: bool = False, looks: bool = False
) -> AbstractContextManager[EvidenceLedger]:
    """The registry of the consortium ledger, to read and write it.

    Args:
        settings: with channel and identity.
        kind: of the ledger, which counts for this once.
        is_dry: what would be written is endorsed, and never ordered.
        looks: nothing will be written.

    Raises:
        RefusedInput: the extra `fabric` is not installed.
    """
    try:
        from edgemark.systems.trading.station.ledgers.consortium import (  # noqa: PLC0415 - an extra
            open_evidence,
        )
    except ModuleNotFoundError as missing:
        raise lacks_extra(missing, "fabric") from missing
    own = replace(settings.of(LedgerSettings), kind=kind)
    return open_evidence(settings.having(own), is_dry=is_dry, looks=looks)
