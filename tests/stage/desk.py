"""A user at a terminal: a chain with contracts, a funded home, and no server that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.stage.command_line import Finished, write_settings
from tests.stage.playhouse import Theatre, fund

from edgemark.cli.terminal.exits import Exit
from edgemark.demo.evm.holdings import Holdings
from edgemark.demo.evm.stage import EvmStage
from edgemark.identity.keys import KeyStore
from edgemark.ledger.evm.reading.chain import EvmChain

T = TypeVar("T", bound=Theatre[Any, Any])
USER = "user"


@dataclass
class Desk(Generic[T]):
    """A chain with contracts, and a user with gas and tokens; no server runs.

    Attributes:
        home: of the user, with its `edgemark.toml`.
        before: all tokens, before the user did anything.
    """

    theatre: T
    home: Path
    before: Holdings


def make_home(theatre: Theatre[Any, Any]) -> Path:
    """A funded home with settings; what stands at the head counts at once."""
    station = theatre.open_station(USER)
    station.close()
    return write_settings(station.settings, {"chain.confirmations": 0})


def let_in(stage: EvmStage, names: Sequence[str]) -> None:
    """Give each a home with settings, gas and tokens."""
    homes = [write_settings(stage.settings_of(name)) for name in names]
    chain = EvmChain(stage.url, chain_id=None, confirmations=0).connect()
    fund(stage, chain, [KeyStore.open(home / "keys").account.address for home in homes])


def check_refused(done: Finished, status: Exit, *words: str) -> None:
    """The status, and one line with these words, also as JSON when that was asked for."""
    assert done.status == status, (done.out, done.error)
    for word in words:
        assert word in done.complaint
    if "--json" in done.words:
        assert {"error", "what", "who", "had", "needed", "remedy"} == set(done.value)
