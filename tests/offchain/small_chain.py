"""A chain with our contracts on it, one block for each transaction: for tests of one contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgemark.crypto.secp256k1 import SecretKey
from edgemark.identifiers import Address, Tokens
from edgemark.ledger.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.deployment import Deployment, DeploymentParameters, deploy
from edgemark.ledger.development import dev_key
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.lane import TransactionLane
from edgemark.ledger.records import Limits

LIMITS = Limits(Tokens(10), Tokens(10**24), 2, 10_000, 5, 60)
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
            parameters = DeploymentParameters(account(0), judges, account(9), account(0), LIMITS)
            yield SmallChain(chain, deploy(chain, lane, parameters), lane, folder)
