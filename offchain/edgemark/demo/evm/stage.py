"""A stage with an EVM: a chain, the contracts, and a cast that is funded, admitted and registered.

By default the stage starts a chain of its own, of either kind. It can also use a running
development node whose first account holds coins; one that makes a block only for each transaction
is told to make one every second while it plays, because deadlines are chain time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.evm.actor import EvmActor, provider_home
from edgemark.demo.stage import Stage
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.deployment.group import ContractGroup
from edgemark.identifiers import TOKEN_UNIT, Address, Tokens
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.faucet import FAUCET, open_faucet
from edgemark.ledger.evm.development.launching import DEFAULT_KIND, kind_of
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.development.node import ChainOptions, DevelopmentNode
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts
from edgemark.party.evm.settings import SECTIONS
from edgemark.party.evm.station import LANE_FILE
from edgemark.token.metacoin import MetaCoin

GAS_WEI = 10**19
ALLOWANCE_S = 3600  # a provider's stake is locked in the next transaction
PARTY_TOKENS = Tokens(10_000 * TOKEN_UNIT)


@dataclass
class EvmStage(Stage[EvmActor]):
    """A stage whose parties are on a chain; a system also says what contracts there are.

    Args:
        chain_url: a running development node to use instead of an own one.
        block_time_s: seconds between blocks while it plays.
        chain_kind: of the own chain, "anvil" or "hardhat".
        chain_options: the own chain; blocks are made at once while the stage is set.
        own_chain_folder: files of the own chain, and of the account that funds everybody; None for
            `chain` in the stage's folder.
    """

    SECTIONS = SECTIONS

    chain_url: str | None = None
    block_time_s: int = 1
    chain_kind: str = DEFAULT_KIND
    chain_options: ChainOptions = field(default_factory=lambda: ChainOptions(block_time_s=None))
    own_chain_folder: Path | None = None
    _node: DevelopmentNode | None = None
    _chain: EvmChain | None = None
    _deployment: Deployment | None = None
    _made_interval: bool = False

    # --- for systems ---------------------------------------------------------------------------

    @abstractmethod
    def draft_groups(self, operator: Address, pool: Address) -> Sequence[ContractGroup]:
        """The contracts, each group with what is decided for it; the cast is drafted.

        Args:
            operator: account that deploys and has the community's tokens.
            pool: account of the incentives pool.
        """

    def furnish(self) -> None:
        """What else is done while blocks are made at once; everybody is funded and admitted."""

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
    def node(self) -> DevelopmentNode:
        """The own chain's program."""
        if self._node is None:
            raise LookupError("the stage has no chain of its own, or is not set")
        return self._node

    @property
    def chain_folder(self) -> Path:
        """Files of the own chain."""
        return self.own_chain_folder or self.folder / "chain"

    @property
    def operator_journal(self) -> Path:
        """What the account that deploys and funds has sent; `edgemark chain fund` goes on there."""
        return self.chain_folder / FAUCET

    @property
    def chain(self) -> EvmChain:
        """The chain as of its latest block."""
        if self._chain is None:
            raise LookupError("the stage is not set")
        return self._chain

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

    # --- the play ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Start the chain, deploy, fund and admit everybody."""
        if self.chain_url is None:
            self._node = kind_of(self.chain_kind).start(self.chain_folder, self.chain_options)
        self._chain = chain = EvmChain(self.url, chain_id=None, confirmations=0).connect()
        self.chain_folder.mkdir(parents=True, exist_ok=True)
        with open_faucet(chain, self.operator_journal) as operator:
            self._deploy(chain, operator)
            self._fund(chain, operator)
        for actor in self.actors:
            if actor.has_provider:
                self._admit(chain, actor)
        self.furnish()
        self._make_blocks_regular(chain)

    def common_settings(self) -> dict[str, object]:
        """With chain and contracts."""
        return {
            "chain.url": self.url,
            "chain.id": self.deployment.chain_id,
            "chain.confirmations": 1,
            "chain.manifest": self.folder / "deployment.json",
            **super().common_settings(),
        }

    def own_settings(self, actor: EvmActor) -> dict[str, object]:
        """With the provider of a server."""
        provider = {"registration.provider": actor.provider} if actor.has_provider else {}
        return {**provider, **super().own_settings(actor)}

    def is_there(self, actor: EvmActor) -> bool:
        """Is it registered, and ready for work?"""
        registry = ParticipantRegistry(self.chain, self.deployment.contract("ParticipantRegistry"))
        return registry.role_of(actor.account) is actor.role and super().is_there(actor)

    def close(self) -> None:
        """End every process that was started, servers first."""
        super().close()
        if self._made_interval and self._node is None:
            BlockMaking.of(EvmChain(self.url).connect()).by_transaction()
            self._made_interval = False
        if self._node is not None:
            self._node.close()

    # --- setting -------------------------------------------------------------------------------

    def _deploy(self, chain: EvmChain, operator: TransactionLane) -> None:
        pool = SecretKey.generate(Randomness()).address
        groups = self.draft_groups(operator.address, pool)
        self._deployment = deploy(chain, operator, groups)
        self._deployment.save(self.folder / "deployment.json")

    def _fund(self, chain: EvmChain, operator: TransactionLane) -> None:
        guests = [self.account_of(name) for name in self.guests]
        providers = [actor.provider for actor in self.actors if actor.has_provider]
        accounts = (*guests, *(actor.account for actor in self.actors), *providers)
        operator.transfer_many([(account, GAS_WEI) for account in accounts])
        token = MetaCoin(chain, self.deployment.contract("MetaCoin"))
        payees = [(actor.account, actor.tokens) for actor in self.actors if actor.tokens]
        wallets = [*((guest, PARTY_TOKENS) for guest in guests), *payees]
        operator.send_many([token.transfer(payee, tokens) for payee, tokens in wallets])
        if providers:
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

    def _admit(self, chain: EvmChain, actor: EvmActor) -> None:
        registry = ParticipantRegistry(chain, self.deployment.contract("ParticipantRegistry"))
        path = provider_home(actor.home) / LANE_FILE
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
