"""A chain, the contracts, and ten servers of ten providers, each a process with its own key.

By default the stage starts a chain of its own, of either kind. It can also use a running
development node whose first account holds coins; one that makes a block only for each transaction
is told to make one every second while jobs run, because deadlines are chain time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.randomness import Randomness
from edgemark.crypto.secp256k1 import SecretKey
from edgemark.errors import Unrecoverable
from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.deployment import Deployment, deploy
from edgemark.ledger.development import ChainOptions, DevelopmentNode, dev_key
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.lane import TransactionLane
from edgemark.ledger.launching import DEFAULT_KIND, kind_of
from edgemark.ledger.mining import BlockMaking
from edgemark.ledger.parameters import DeploymentParameters
from edgemark.ledger.records import Limits, Role
from edgemark.receipt import TOKEN_UNIT
from edgemark.settings import Settings, load_settings
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.ports import find_free_port

NODE_COUNT = 6  # m for t = 1, d = 2, e = 1
JUDGE_COUNT = 4  # n; k = 3
GAS_WEI = 10**19
PARTY_TOKENS = Tokens(10_000 * TOKEN_UNIT)
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
LIMITS = Limits(
    min_fee=Tokens(10),
    max_fee=Tokens(10**6 * TOKEN_UNIT),
    min_window=2,
    max_window=86_400,
    judge_window=8,
    exit_grace=30 * 86_400,
)


@dataclass
class Actor:
    """One server of one provider.

    Attributes:
        name: "node 3", "judge 1".
        module: what `python -m` runs.
        words: its arguments.
    """

    name: str
    role: Role
    home: Path
    account: Address
    provider: Address
    port: int
    module: str
    words: list[str]
    process: subprocess.Popen[bytes] | None = None


@dataclass
class Stage:
    """Everything that runs. Use as a context manager: leaving ends every process it started.

    Args:
        folder: keys, journals and logs of all parties.
        dishonest: numbers (from 1) of nodes that run with a plan of misdeeds.
        chain_url: a running development node to use instead of an own one.
        limits: what the settlement is deployed with.
        block_time_s: seconds between blocks while jobs run.
        chain_kind: of the own chain, "anvil" or "hardhat".
        chain_options: the own chain; blocks are made at once while the stage is set.
        settings: of every party, beside or instead of the stage's own.
        start_limit_s: seconds until all servers have to be there.
        node_count, judge_count: servers of each kind.
    """

    folder: Path
    dishonest: frozenset[int] = frozenset()
    chain_url: str | None = None
    limits: Limits = LIMITS
    block_time_s: int = 1
    chain_kind: str = DEFAULT_KIND
    chain_options: ChainOptions = field(default_factory=lambda: ChainOptions(block_time_s=None))
    settings: Mapping[str, object] = field(default_factory=dict)
    start_limit_s: float = START_LIMIT_S
    node_count: int = NODE_COUNT
    judge_count: int = JUDGE_COUNT
    nodes: list[Actor] = field(default_factory=list)
    judges: list[Actor] = field(default_factory=list)
    _node: DevelopmentNode | None = None
    _deployment: Deployment | None = None
    _made_interval: bool = False

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()  # commands run in folders of their own

    @property
    def url(self) -> str:
        """JSON-RPC of the chain."""
        if self.chain_url is not None:
            return self.chain_url
        if self._node is None:
            raise LookupError("the stage is not set")
        return self._node.url

    @property
    def deployment(self) -> Deployment:
        """Where the contracts are."""
        if self._deployment is None:
            raise LookupError("the stage is not set")
        return self._deployment

    @property
    def pool(self) -> Address:
        """Account of the incentives pool."""
        return self.deployment.parameters.pool

    @property
    def operator(self) -> Address:
        """Account that has the community's tokens, and funds everybody."""
        return self.deployment.parameters.holder

    def set(self) -> None:
        """Start the chain, deploy, fund and admit everybody; no server runs yet."""
        if self.chain_url is None:
            self._node = kind_of(self.chain_kind).start(self.folder / "chain", self.chain_options)
        self.nodes = [
            self._draft("node", i, Role.COMPUTE_NODE) for i in range(1, self.node_count + 1)
        ]
        self.judges = [
            self._draft("judge", i, Role.ENCLAVE) for i in range(1, self.judge_count + 1)
        ]
        chain = EvmChain(self.url, chain_id=None, confirmations=0).connect()
        with TransactionLane(
            chain, SecretKey(dev_key(0)), self.folder / "operator.journal"
        ) as operator:
            self._deploy(chain, operator)
            self._fund(chain, operator)
        for actor in (*self.nodes, *self.judges):
            self._admit(chain, actor)
            self._write_settings(actor)
        self._make_blocks_regular(chain)

    def raise_curtain(self) -> None:
        """Start all servers and wait until each is registered and answers."""
        for actor in (*self.nodes, *self.judges):
            self.start(actor)
        self.wait_registered((*self.nodes, *self.judges))

    def start(self, actor: Actor, environ: dict[str, str] | None = None) -> None:
        """Start one server as a process of its own."""
        with (actor.home / "log.jsonl").open("ab") as log:
            actor.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", actor.module, *actor.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environ or {})},
            )

    def wait_registered(self, actors: Sequence[Actor]) -> None:
        """Wait until these servers stand in the registry and their stakes in the anchor.

        Raises:
            Unrecoverable: one ended or did not come in time.
        """
        chain = EvmChain(self.url, chain_id=None, confirmations=0).connect()
        registry = ParticipantRegistry(chain, self.deployment.contract("ParticipantRegistry"))
        anchor = self.deployment.contract("AssetAnchor")
        settlement = self.deployment.contracts["Settlement"]
        deadline = time.monotonic() + self.start_limit_s
        for actor in actors:
            while not (
                registry.role_of(actor.account) is actor.role
                and _listens(actor.port)
                and (
                    actor.role is not Role.COMPUTE_NODE
                    or chain.call(anchor, "lockerAllowance", actor.account, settlement)
                )
            ):
                self._check_alive(actor, deadline)
                time.sleep(0.1)

    def device_settings(self, name: str = "device") -> Settings:
        """Settings of a device with its own home folder."""
        home = self.folder / name
        KeyStore.open(home / "keys")
        return load_settings(file=None, environ={}, overrides={**self._common(), "home": home})

    def write_device_home(self) -> Address:
        """Write the settings of the device's home for the command line; its account."""
        home = self.folder / "device"
        self._write_home(home, {})
        return KeyStore.open(home / "keys").account.address

    def stop(self) -> None:
        """End every process that was started, servers first."""
        actors = [actor for actor in (*self.nodes, *self.judges) if actor.process is not None]
        for actor in actors:
            if actor.process is not None:
                actor.process.terminate()
        for actor in actors:
            self.end(actor)
        if self._made_interval and self._node is None:
            BlockMaking.of(EvmChain(self.url).connect()).by_transaction()
        if self._node is not None:
            self._node.stop()

    def end(self, actor: Actor) -> None:
        """Wait for a server to leave; kill it when it does not."""
        if actor.process is None:
            return
        try:
            actor.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            actor.process.kill()
            actor.process.wait()
        actor.process = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- setting -------------------------------------------------------------------------------

    def _draft(self, kind: str, number: int, role: Role) -> Actor:
        home = self.folder / f"{kind}-{number}"
        keys = KeyStore.open(home / "keys")
        module, words = "edgemark", [kind, "run", "--home", str(home)]
        if kind == "node" and number in self.dishonest:
            module, words = "edgemark.systems.outsourcing.demo.dishonest", [str(home)]
        return Actor(
            name=f"{kind} {number}",
            role=role,
            home=home,
            account=keys.account.address,
            provider=self._provider_key(home).address,
            port=find_free_port(),
            module=module,
            words=words,
        )

    def _provider_key(self, home: Path) -> SecretKey:
        """Each server has a provider of its own, with a key of its own."""
        return KeyStore.open(home.with_name(f"provider-of-{home.name}") / "keys").account

    def _deploy(self, chain: EvmChain, operator: TransactionLane) -> None:
        pool = SecretKey.generate(Randomness()).address
        parameters = DeploymentParameters(
            holder=operator.address,
            judges=tuple(actor.account for actor in self.judges),
            pool=pool,
            guardian=operator.address,
            limits=self.limits,
        )
        self._deployment = deploy(chain, operator, parameters)
        self._deployment.save(self.folder / "deployment.json")

    def _fund(self, chain: EvmChain, operator: TransactionLane) -> None:
        device = KeyStore.open(self.folder / "device" / "keys").account.address
        actors = (*self.nodes, *self.judges)
        accounts = (device, *(a.account for a in actors), *(a.provider for a in actors))
        operator.transfer_many([(account, GAS_WEI) for account in accounts])
        token = MetaCoin(chain, self.deployment.contract("MetaCoin"))
        payees = (device, *(actor.account for actor in self.nodes))
        operator.send_many([token.transfer(payee, PARTY_TOKENS) for payee in payees])
        stake, anchor = self._min_stake, self.deployment.contract("AssetAnchor")
        operator.send(token.approve(anchor.address, stake * len(actors)))
        accounts_in = AnchorAccounts(chain, anchor)
        operator.send_many([accounts_in.deposit(actor.provider, stake) for actor in actors])

    def _make_blocks_regular(self, chain: EvmChain) -> None:
        """Deadlines are chain time: let blocks come without transactions too."""
        blocks = BlockMaking.of(chain)
        if blocks.is_by_transaction:
            blocks.by_clock(self.block_time_s)
            self._made_interval = True

    def _admit(self, chain: EvmChain, actor: Actor) -> None:
        registry = ParticipantRegistry(chain, self.deployment.contract("ParticipantRegistry"))
        key = self._provider_key(actor.home)
        path = actor.home.with_name(f"provider-of-{actor.home.name}") / "lane.journal"
        with TransactionLane(chain, key, path) as lane:
            anchor = AnchorAccounts(chain, self.deployment.contract("AssetAnchor"))
            lane.send_many(
                [
                    registry.register_provider(f"Provider of {actor.name}"),
                    anchor.allow_locker(registry.address, self._min_stake),
                    registry.stake(self._min_stake),
                    registry.admit(actor.account),
                ]
            )

    @property
    def _min_stake(self) -> int:
        return int(self.deployment.parameters.staking.min_stake)

    def _common(self) -> dict[str, object]:
        return {
            "chain_url": self.url,
            "chain_id": self.deployment.chain_id,
            "confirmations": 1,
            "manifest": self.folder / "deployment.json",
            "poll_s": 0.4,
            "log_level": "info",
            **self.settings,
        }

    def _write_settings(self, actor: Actor) -> None:
        values: dict[str, object] = {"listen_port": actor.port, "provider": actor.provider}
        if actor.role is Role.COMPUTE_NODE:
            values["deposit"] = int(PARTY_TOKENS)
        self._write_home(actor.home, values)

    def _write_home(self, home: Path, values: Mapping[str, object]) -> None:
        lines = [f"{name} = {_toml(value)}" for name, value in {**self._common(), **values}.items()]
        (home / "edgemark.toml").write_text("\n".join(lines) + "\n")

    def _check_alive(self, actor: Actor, deadline: float) -> None:
        ended = actor.process is None or actor.process.poll() is not None
        if ended or time.monotonic() > deadline:
            tail = (actor.home / "log.jsonl").read_text()[-400:]
            raise Unrecoverable(
                "server ended" if ended else "server did not start in time",
                who=actor.name,
                had=tail,
                remedy=f"The whole log is {actor.home / 'log.jsonl'}.",
            )


def _toml(value: object) -> str:
    if isinstance(value, Path | str):
        return f'"{value}"'
    return str(value)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
