"""A stage that is set, for any system: its servers as processes, everybody who holds tokens on it.

The chain, the contracts, the keys and the network are real. What a system's parties do, and what
they do wrong, stands with its own tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import pytest
from tests.stage.forks import ENVIRONMENT, Forked
from tests.stage.idling import Report, read_report, report_to
from tests.stage.metronome import FOREVER, SLOWEST, Metronome, waiting
from tests.waiting import wait_until

from edgemark.demo.actor import Actor
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.holdings import Holdings, read_holdings
from edgemark.demo.evm.stage import GAS_WEI, PARTY_TOKENS, EvmStage
from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Role
from edgemark.identity.resources import Resources
from edgemark.ledger.evm.development.faucet import open_faucet
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.logs import configure_logs
from edgemark.party.evm.joining import join_as_provider, join_as_server
from edgemark.party.evm.membership import provide_stake
from edgemark.party.evm.station import EvmStation
from edgemark.token.metacoin import MetaCoin

DEPOSIT = Tokens(PARTY_TOKENS // 2)
LEAST = Resources(1, 1, 1, 1)
IDLING_FILE = "idling.json"
START_LIMIT_S = 600.0  # until ten servers are there, on a machine that is busy with much else
STAGE_LIMIT_S = 900  # a stage is set, and played on, before its first test; see metronome.py

G = TypeVar("G", bound=EvmStage)
S = TypeVar("S", bound=EvmStation)
T = TypeVar("T", bound="Theatre[Any, Any]")


@dataclass
class Theatre(Generic[G, S]):
    """A stage that is set, and everybody who holds tokens on it.

    Attributes:
        stage: chain, contracts, processes.
        station_type: of the system's parties.
        chain: reads the latest block.
        accounts: everybody who holds tokens.
        metronome: makes the blocks.
        closing: what is closed when the curtain falls.
    """

    stage: G
    station_type: type[S]
    chain: EvmChain
    accounts: set[Address]
    metronome: Metronome = field(repr=False)
    closing: ExitStack = field(repr=False)

    def begin(self) -> Holdings:
        """Everybody is there: blocks come at their pace from now on; all tokens as they are."""
        self.metronome.keep_time()
        return self.holdings()

    def open_station(self, name: str) -> S:
        """A party's keys and contracts; its account is funded."""
        settings = self.stage.settings_of(name)
        account = KeyStore.open(settings.home / "keys").account.address
        if account not in self.accounts:
            self.accounts.add(account)
            fund(self.stage, self.chain, [account])
        return self.open_home(name)

    def open_home(self, name: str) -> S:
        """Keys and contracts of a home of this stage, as its owner has them."""
        station = self.station_type.open(self.stage.settings_of(name))
        self.closing.callback(station.close)
        return station

    def enlist_silent(self, name: str, role: Role, endpoint: str) -> S:
        """A server that registers an endpoint as it stands, with its own key, and never runs."""
        station = self.open_station(name)
        provider = self.open_station(f"provider-of-{name}")
        join_as_provider(provider, f"Provider of {name}")
        provide_stake(provider, provider.registry.min_stake())
        provider.lane.send(provider.registry.admit(station.address))
        pin = station.keys.tls.pin
        arguments = (int(role), provider.address, pin, endpoint, LEAST.as_abi())
        registry = self.stage.deployment.contract("ParticipantRegistry")
        station.lane.send(Call(registry, "registerServer", arguments))
        return station

    def holdings(self) -> Holdings:
        """All tokens now."""
        return read_holdings(self.chain, self.stage.deployment, sorted(self.accounts))


@contextmanager
def open_theatre(
    stage: G,
    kind: type[T],
    station_type: type[S],
    *,
    log_level: str = "info",
    not_running: Sequence[str] = (),
    start: Callable[[EvmActor], None] | None = None,
    direct: Callable[[G], None] = lambda _: None,
) -> Iterator[T]:
    """Set a stage, start its servers, let everybody register.

    Args:
        stage: not set yet.
        kind: of the theatre.
        station_type: of the system's parties.
        log_level: of the parties in this process.
        not_running: actors ("node 4") that register and then never run.
        start: starts one server; the usual way when None.
        direct: told of the stage when it is set, before anybody starts.
    """
    with ExitStack() as closing:
        log = closing.enter_context((stage.folder / "devices.log.jsonl").open("a"))
        configure_logs(log_level, log)
        closing.callback(configure_logs, "error")
        closing.enter_context(stage)
        stage.set()
        direct(stage)
        running = [actor for actor in stage.actors if actor.name not in not_running]
        chain = EvmChain(stage.url, chain_id=None, confirmations=0).connect()
        for actor in running:
            (start or start_usually)(actor)
        metronome = closing.enter_context(Metronome(chain))
        for actor in running:
            metronome.parties[actor.name] = partial(how_is, actor)
        register_absent(stage, station_type, [a for a in stage.actors if a not in running])
        stage.wait_ready(running)
        guests = (stage.account_of(name) for name in stage.guests)
        servers = (actor.account for actor in stage.actors)
        accounts = {stage.pool, stage.operator, *guests, *servers}
        yield kind(stage, station_type, chain, accounts, metronome, closing)


def whole_stage(seconds: int) -> list[pytest.MarkDecorator]:
    """The marks of a file that plays on a stage of its own; see `lasts` in pyproject.toml."""
    marks = pytest.mark
    return [marks.processes, marks.timeout(STAGE_LIMIT_S), marks.lasts(seconds)]


def start_usually(actor: Actor, environ: Mapping[str, str] | None = None) -> None:
    """Start a server as a process of its own, with the path to the parties of the tests."""
    actor.process = Forked(  # type: ignore[assignment]
        actor.module,
        actor.words,
        environ={**os.environ, **ENVIRONMENT, **(environ or {})},
        out=actor.log,
        error=actor.log,
        before=partial(report_to, actor.home / IDLING_FILE),
    )


def how_is(actor: Actor) -> Report | None:
    """What a server says; None while it is dead, or has nothing said yet."""
    return read_report(actor.process, actor.home / IDLING_FILE)


def register_absent(
    stage: EvmStage, station_type: type[EvmStation], actors: Sequence[EvmActor]
) -> None:
    """Register servers whose processes never run."""
    for actor in actors:
        endpoint = f"https://127.0.0.1:{actor.port}"
        with station_type.open(stage.settings_of(actor.home.name)) as station:
            join_as_server(station, actor.role, actor.provider, endpoint, LEAST)


def fund(stage: EvmStage, chain: EvmChain, accounts: Sequence[Address]) -> None:
    """Give accounts gas and tokens of the operator's."""
    token = MetaCoin(chain, stage.deployment.contract("MetaCoin"))
    with open_faucet(chain, stage.operator_journal) as operator:
        for account in accounts:
            operator.transfer(account, GAS_WEI)
        operator.send_many([token.transfer(account, PARTY_TOKENS) for account in accounts])


def wait_for(
    what: str, is_there: Callable[[], bool], timeout_s: float, *, until: int = FOREVER
) -> None:
    """Wait for something that other processes do.

    Args:
        what: words for the failure.
        is_there: true once it is.
        timeout_s: as long on an idle machine.
        until: chain time that is not skipped.
    """
    with waiting(until):
        wait_until(what, is_there, timeout_s * SLOWEST, look_s=0.2)
