"""A chain with our contracts on it, one block for each transaction: for tests of one contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.deployment.deployment import Deployment, deploy
from edgemark.identifiers import Address, Tokens
from edgemark.identity.registry import ParticipantRegistry
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.station.contracts import draft_contracts
from edgemark.token.metacoin import MetaCoin

LIMITS = Limits(Tokens(12), Tokens(10**24), Tokens(1), Tokens(1), 2, 10_000, 5, 60)
JUDGES = 4


@dataclass(frozen=True)
class SmallChain:
    """A deployed chain, the lane of the account that holds all tokens, and a place for files."""

    chain: EvmChain
    deployment: Deployment
    operator: TransactionLane
    folder: Path

    def lane(self, number: int) -> TransactionLane:
        """The lane of a funded account, 1 .. 9; the test closes it."""
        path = self.folder / f"lane-{number}.journal"
        return TransactionLane(self.chain, SecretKey(dev_key(number)), path)

    def enlist_provider(self, lane: TransactionLane, name: str = "Provider") -> None:
        """Register the lane's account as an organisation with its stake."""
        set_up_provider(self.chain, self.deployment, self.operator, lane, name)


def set_up_provider(
    chain: EvmChain,
    deployment: Deployment,
    operator: TransactionLane,
    lane: TransactionLane,
    name: str,
) -> None:
    """An organisation with the stake it needs, which the operator pays for."""
    amount = deployment.group(BaseContracts).staking.min_stake
    token = MetaCoin(chain, deployment.contract("MetaCoin"))
    anchor = AnchorAccounts(chain, deployment.contract("AssetAnchor"))
    registry = ParticipantRegistry(chain, deployment.contract("ParticipantRegistry"))
    operator.send(token.approve(anchor.contract.address, amount))
    operator.send(anchor.deposit(lane.address, amount))
    lane.send(registry.register_provider(name))
    until = chain.block("latest").timestamp + 3600
    lane.send(anchor.allow_locker(registry.address, amount, until))
    lane.send(registry.stake(amount))


def account(number: int) -> Address:
    """Address of a funded account."""
    return SecretKey(dev_key(number)).address


@pytest.fixture(scope="module")
def small_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallChain]:
    """One chain for the tests of a file."""
    folder = tmp_path_factory.mktemp("chain")
    options = AnvilOptions(block_time_s=None)
    with AnvilNode.start(folder / "anvil", options) as node:
        chain = EvmChain(node.url, chain_id=31337, confirmations=0).connect()
        with TransactionLane(chain, SecretKey(dev_key(0)), folder / "lane.journal") as lane:
            judges = tuple(account(number) for number in range(1, 1 + JUDGES))
            groups = draft_contracts(account(0), judges, account(9), account(0), LIMITS)
            yield SmallChain(chain, deploy(chain, lane, groups), lane, folder)
