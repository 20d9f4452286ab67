"""A chain, the contracts, and the servers of a system, each a process with its own key.

By default the stage starts a chain of its own, of either kind. It can also use a running
development node whose first account holds coins; one that makes a block only for each transaction
is told to make one every second while jobs run, because deadlines are chain time.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.closing import Closing
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.actor import Actor, provider_home
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.deployment.group import ContractGroup
from edgemark.identifiers import Address, Tokens
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.launching import DEFAULT_KIND, kind_of
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.development.node import ChainOptions, DevelopmentNode, dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts
from edgemark.receipt import TOKEN_UNIT
from edgemark.settings import Settings, load_settings
from edgemark.token.metacoin import MetaCoin

GAS_WEI = 10**19
ALLOWANCE_S = 3600  # a provider's stake is locked in the next transaction
PARTY_TOKENS = Tokens(10_000 * TOKEN_UNIT)
START_LIMIT_S = 60.0


@dataclass
class Stage(Closing, ABC):
    """Everything that runs. Use as a context manager: leaving ends every process it started.

    A system says who is in the cast, what the contracts are deployed with, and who comes to them
    without a server.

    Args:
        folder: keys, journals and logs of all parties.
        chain_url: a running development node to use instead of an own one.
        block_time_s: seconds between blocks while jobs run.
        chain_kind: of the own chain, "anvil" or "hardhat".
        chain_options: the own chain; blocks are made at once while the stage is set.
        settings: of every party, beside or instead of the stage's own.
        start_limit_s: seconds until all servers have to be there.
        guest: home folder's name of the party that comes without a server.
    """

    folder: Path
    chain_url: str | None = None
    block_time_s: int = 1
    chain_kind: str = DEFAULT_KIND
    chain_options: ChainOptions = field(default_factory=lambda: ChainOptions(block_time_s=None))
    settings: Mapping[str, object] = field(default_factory=dict)
    start_limit_s: float = START_LIMIT_S
    guest: str = "device"
    actors: list[Actor] = field(default_factory=list)
    _node: DevelopmentNode | None = None
    _deployment: Deployment | None = None
    _made_interval: bool = False

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()  # commands run in folders of their own

    # --- for systems ---------------------------------------------------------------------------

    @abstractmethod
    def draft_cast(self) -> list[Actor]:
        """All servers, in the order in which they start."""

    @abstractmethod
    def draft_groups(self, operator: Address, pool: Address) -> Sequence[ContractGroup]:
        """The contracts, each group with what is decided for it; the cast is drafted.

        Args:
            operator: account that deploys and has the community's tokens.
            pool: account of the incentives pool.
        """

    def has_settled_in(self, chain: EvmChain, actor: Actor) -> bool:  # noqa: ARG002 - for systems
        """Has a server that is registered done whatever else it has to do before it works?"""
        return True

    # --- what there is -------------------------------------------------------------------------

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
        return self.deployment.group(BaseContracts).pool

    @property
    def operator(self) -> Address:
        """Account that has the community's tokens, and funds everybody."""
        return self.deployment.group(BaseContracts).holder

    def set(self) -> None:
        """Start the chain, deploy, fund and admit everybody; no server runs yet."""
        if self.chain_url is None:
            self._node = kind_of(self.chain_kind).start(self.folder / "chain", self.chain_options)
        self.actors = self.draft_cast()
        chain = EvmChain(self.url, chain_id=None, confirmations=0).connect()
        with TransactionLane(
            chain, SecretKey(dev_key(0)), self.folder / "operator.journal"
        ) as operator:
            self._deploy(chain, operator)
            self._fund(chain, operator)
        for actor in self.actors:
            self._admit(chain, actor)
            own = {"listen_port": actor.port, "provider": actor.provider, **actor.settings}
            self._write_home(actor.home, own)
        self._make_blocks_regular(chain)

    def raise_curtain(self) -> None:
        """Start all servers and wait until each is registered and answers."""
        for actor in self.actors:
            actor.start()
        self.wait_registered(self.actors)

    def wait_registered(self, actors: Sequence[Actor]) -> None:
        """Wait until these servers stand in the registry, answer, and are ready for work.

        Raises:
            Unrecoverable: one ended or did not come in time.
        """
        chain = EvmChain(self.url, chain_id=None, confirmations=0).connect()
        registry = ParticipantRegistry(chain, self.deployment.contract("ParticipantRegistry"))
        deadline = time.monotonic() + self.start_limit_s
        for actor in actors:
            while not (
                registry.role_of(actor.account) is actor.role
                and actor.listens
                and self.has_settled_in(chain, actor)
            ):
                actor.check_alive(deadline)
                time.sleep(0.1)

    def settings_of(self, name: str) -> Settings:
        """Settings of a party without a server, with a home folder of this name."""
        home = self.folder / name
        KeyStore.open(home / "keys")
        return load_settings(file=None, environ={}, overrides={**self._common(), "home": home})

    def write_guest_home(self) -> Address:
        """Write the settings of the guest's home for the command line; its account."""
        home = self.folder / self.guest
        self._write_home(home, {})
        return KeyStore.open(home / "keys").account.address

    def close(self) -> None:
        """End every process that was started, servers first."""
        for actor in self.actors:
            actor.ask_to_leave()
        for actor in self.actors:
            actor.end()
        if self._made_interval and self._node is None:
            BlockMaking.of(EvmChain(self.url).connect()).by_transaction()
            self._made_interval = False
        if self._node is not None:
            self._node.close()
        for actor in self.actors:
            actor.place.close()

    # --- setting -------------------------------------------------------------------------------

    def _deploy(self, chain: EvmChain, operator: TransactionLane) -> None:
        pool = SecretKey.generate(Randomness()).address
        groups = self.draft_groups(operator.address, pool)
        self._deployment = deploy(chain, operator, groups)
        self._deployment.save(self.folder / "deployment.json")

    def _fund(self, chain: EvmChain, operator: TransactionLane) -> None:
        guest = KeyStore.open(self.folder / self.guest / "keys").account.address
        providers = [actor.provider for actor in self.actors]
        accounts = (guest, *(actor.account for actor in self.actors), *providers)
        operator.transfer_many([(account, GAS_WEI) for account in accounts])
        token = MetaCoin(chain, self.deployment.contract("MetaCoin"))
        payees = [(actor.account, actor.tokens) for actor in self.actors if actor.tokens]
        wallets = [(guest, PARTY_TOKENS), *payees]
        operator.send_many([token.transfer(payee, tokens) for payee, tokens in wallets])
        stake, anchor = self._min_stake, self.deployment.contract("AssetAnchor")
        operator.send(token.approve(anchor.address, stake * len(providers)))
        accounts_in = AnchorAccounts(chain, anchor)
        operator.send_many([accounts_in.deposit(provider, stake) for provider in providers])

    def _make_blocks_regular(self, chain: EvmChain) -> None:
        """Deadlines are chain time: let blocks come without transactions too."""
        blocks = BlockMaking.of(chain)
        if blocks.is_by_transaction:
            blocks.by_clock(self.block_time_s)
            self._made_interval = True

    def _admit(self, chain: EvmChain, actor: Actor) -> None:
        registry = ParticipantRegistry(chain, self.deployment.contract("ParticipantRegistry"))
        path = provider_home(actor.home) / "lane.journal"
        with TransactionLane(chain, actor.provider_key, path) as lane:
            anchor = AnchorAccounts(chain, self.deployment.contract("AssetAnchor"))
            until = chain.block("latest").timestamp + ALLOWANCE_S
            lane.send_many(
                [
                    registry.register_provider(f"Provider of {actor.name}"),
                    anchor.allow_locker(registry.address, self._min_stake, until),
                    registry.stake(self._min_stake),
                    registry.admit(actor.account),
                ]
            )

    @property
    def _min_stake(self) -> int:
        return int(self.deployment.group(BaseContracts).staking.min_stake)

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

    def _write_home(self, home: Path, values: Mapping[str, object]) -> None:
        lines = [f"{name} = {_toml(value)}" for name, value in {**self._common(), **values}.items()]
        (home / "edgemark.toml").write_text("\n".join(lines) + "\n")


def _toml(value: object) -> str:
    if isinstance(value, Path | str):
        return f'"{value}"'
    return str(value)
