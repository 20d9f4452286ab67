"""A stage with people: six nodes and four judges as processes, devices in the test's own process.

Everything else is real: the chain, the contracts, the keys, the network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.end_to_end.outsourcing.scripted_device import ScriptedDevice
from tests.stage.metronome import SLOWEST, Metronome
from tests.waiting import wait_until

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.demo.actor import Actor
from edgemark.demo.evm.actor import EvmActor
from edgemark.demo.evm.holdings import Holdings, read_holdings
from edgemark.demo.evm.stage import GAS_WEI, PARTY_TOKENS
from edgemark.demo.script import read_script, write_script
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address, JobId, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.records import Resources, Role
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.logs import configure_logs
from edgemark.party.evm.joining import (
    join_as_device,
    join_as_provider,
    join_as_server,
    provide_balance,
)
from edgemark.party.evm.membership import provide_stake
from edgemark.systems.outsourcing.contract.records import IndexPhase
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage
from edgemark.systems.outsourcing.demo.dishonest import Deed
from edgemark.systems.outsourcing.device.device import Device, Until
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.station.station import OutsourcingStation
from edgemark.token.metacoin import MetaCoin

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {"PYTHONPATH": f"{ROOT / 'offchain'}:{ROOT}"}  # the crooked parties live in tests/
DISHONEST_NODE = "edgemark.systems.outsourcing.demo.dishonest"
SCRIPTED_JUDGE = "tests.end_to_end.outsourcing.scripted_judge"
DEPOSIT = Tokens(PARTY_TOKENS // 2)
START_LIMIT_S = 600.0  # until ten servers are there, on a machine that is busy with much else
_WRITING = threading.Lock()
STAGE_LIMIT_S = 900  # a stage is set, and played on, before its first test; see metronome.py


@dataclass
class Theatre:
    """A stage that is set, and everybody who holds tokens on it.

    Attributes:
        stage: chain, contracts, processes.
        chain: reads the latest block.
        accounts: everybody who holds tokens.
        metronome: makes the blocks.
    """

    stage: OutsourcingStage
    chain: EvmChain
    accounts: set[Address]
    metronome: Metronome = field(repr=False)
    _open: ExitStack = field(repr=False)

    def begin(self) -> Holdings:
        """Everybody is there: blocks come at their pace from now on; all tokens as they are."""
        self.metronome.keep_time()
        return self.holdings()

    def enlist_device(self, name: str = "device") -> ScriptedDevice:
        """A device with a home of its own, registered and rich, whose loop runs."""
        return self.start_device(self.open_station(name))

    def start_device(self, station: OutsourcingStation) -> ScriptedDevice:
        """The loop of a device; stopped when the curtain falls, if it is not before."""
        join_as_device(station)
        provide_balance(station, DEPOSIT)
        device = ScriptedDevice(station)
        device.start()
        self._open.callback(stop_quietly, device)
        return device

    def open_station(self, name: str) -> OutsourcingStation:
        """A party's keys and contracts; its account is funded."""
        settings = self.stage.settings_of(name)
        account = KeyStore.open(Path(settings.home) / "keys").account.address
        if account not in self.accounts:
            self.accounts.add(account)
            fund(self.stage, self.chain, [account])
        return self.open_home(name)

    def open_home(self, name: str) -> OutsourcingStation:
        """Keys and contracts of a home of this stage, as its owner has them."""
        station = OutsourcingStation.open(self.stage.settings_of(name))
        self._open.callback(station.close)
        return station

    def enlist_node(self, name: str, endpoint: str) -> OutsourcingStation:
        """A node that registers an endpoint as it stands, with its own key, and never runs."""
        station = self.open_station(name)
        provider = self.open_station(f"provider-of-{name}")
        join_as_provider(provider, f"Provider of {name}")
        provide_stake(provider, provider.registry.min_stake())
        provider.lane.send(provider.registry.admit(station.address))
        resources = Resources(1, 1, 1, 1).as_abi()
        pin = station.keys.tls.pin
        arguments = (int(Role.COMPUTE_NODE), provider.address, pin, endpoint, resources)
        registry = self.stage.deployment.contract("ParticipantRegistry")
        station.lane.send(Call(registry, "registerServer", arguments))
        return station

    def holdings(self) -> Holdings:
        """All tokens now."""
        return read_holdings(self.chain, self.stage.deployment, sorted(self.accounts))

    @property
    def node_accounts(self) -> list[Address]:
        """The nodes in order."""
        return [actor.account for actor in self.stage.nodes]


@contextmanager
def open_theatre(
    folder: Path,
    *,
    settings: Mapping[str, object] | None = None,
    not_running: Sequence[str] = (),
    start: Callable[[EvmActor], None] | None = None,
    **options: object,
) -> Iterator[Theatre]:
    """Set a stage, start its servers, let everybody register.

    Args:
        folder: keys, journals, logs.
        settings: of every party, instead of the usual ones.
        not_running: actors ("judge 4") that register and then never run.
        start: starts one server; the usual way when None.
        options: of the stage.
    """
    with ExitStack() as cleanup:
        merged = {"poll_s": 1.0, **(settings or {})}
        stage = OutsourcingStage(folder, settings=merged, start_limit_s=START_LIMIT_S, **options)  # type: ignore[arg-type]
        stage.dishonest = frozenset(range(1, stage.node_count + 1))
        log = cleanup.enter_context((folder / "devices.log.jsonl").open("a"))
        configure_logs(str(merged.get("log_level", "info")), log)
        cleanup.callback(configure_logs, "error")
        cleanup.enter_context(stage)
        stage.set()
        for judge in stage.judges:
            judge.module, judge.words = SCRIPTED_JUDGE, [str(judge.home)]
        actors = (*stage.nodes, *stage.judges)
        running = [actor for actor in actors if actor.name not in not_running]
        chain = EvmChain(stage.url, chain_id=None, confirmations=0).connect()
        for actor in running:
            (start or start_usually)(actor)
        metronome = cleanup.enter_context(Metronome(chain))
        register_absent(stage, [actor for actor in actors if actor not in running])
        stage.wait_ready(running)
        device = KeyStore.open(folder / "device" / "keys").account.address
        accounts = {
            device,
            stage.pool,
            stage.operator,
            *(actor.account for actor in actors),
        }
        yield Theatre(stage, chain, accounts, metronome, cleanup)


def whole_stage(seconds: int) -> list[pytest.MarkDecorator]:
    """The marks of a file that plays on a stage of its own; see `lasts` in pyproject.toml."""
    marks = pytest.mark
    return [marks.processes, marks.timeout(STAGE_LIMIT_S), marks.lasts(seconds)]


def start_usually(actor: Actor) -> None:
    """Start a server with nothing but the path to the crooked parties."""
    actor.start(ENVIRONMENT)


def register_absent(stage: OutsourcingStage, actors: Sequence[EvmActor]) -> None:
    """Register servers whose processes never run."""
    for actor in actors:
        endpoint = f"https://127.0.0.1:{actor.port}"
        with OutsourcingStation.open(stage.settings_of(actor.home.name)) as station:
            join_as_server(station, actor.role, actor.provider, endpoint, Resources(1, 1, 1, 1))


def fund(stage: OutsourcingStage, chain: EvmChain, accounts: Sequence[Address]) -> None:
    """Give accounts gas and tokens of the operator's."""
    token = MetaCoin(chain, stage.deployment.contract("MetaCoin"))
    path = stage.folder / "operator.journal"
    with TransactionLane(chain, SecretKey(dev_key(0)), path) as operator:
        for account in accounts:
            operator.transfer(account, GAS_WEI)
        operator.send_many([token.transfer(account, PARTY_TOKENS) for account in accounts])


def stop_quietly(device: Device) -> None:
    """Stop a device that a test may have stopped already."""
    if device.runtime.failure is None:
        device.close()


def instruct(actor: Actor, job: JobId, deed: Deed) -> None:
    """Add a misdeed to the script of a node; what it does in other jobs stays."""
    with _WRITING:
        write_script(actor.home, {**read_script(actor.home), job: deed})


def close_job(device: Device, job: JobId, timeout_s: float) -> DeviceJob:
    """The job when every token of it is paid out, or as it is when that takes too long.

    `timeout_s` is meant for an idle machine.
    """
    try:
        return device.wait(job, timeout_s * SLOWEST, Until.CLOSED)
    except LedgerUnavailable:
        return device.job(job)


def wait_for(what: str, is_there: Callable[[], bool], timeout_s: float) -> None:
    """Wait for something that other processes do, `timeout_s` long on an idle machine."""
    wait_until(what, is_there, timeout_s * SLOWEST, look_s=0.2)


def ends(**exceptions: IndexPhase) -> tuple[IndexPhase, ...]:
    """Ends of six indices: paid, but for exceptions like `i3=IndexPhase.CONVICTED`."""
    return tuple(exceptions.get(f"i{j}", IndexPhase.PAID) for j in range(1, 7))
