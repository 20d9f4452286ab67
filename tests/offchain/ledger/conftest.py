"""A chain for each test that asks for one, and accounts on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.waiting import LIMIT_S, wait_until

from edgemark.cli.catalogue import KINDS
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.ledger.evm.sending.lane import LaneLimits, TransactionLane
from edgemark.ledger.evm.sending.transaction import address_of_made
from edgemark.token.plans import default_plans
from edgemark.token.records import Purpose

HASTE = LaneLimits(wait_s=20.0, bump_after_s=2.0, poll_s=0.02)
BLOCK_S = 0.1  # for tests that need blocks to come by themselves, but not their usual pace


@dataclass
class World:
    """One chain, and what a test needs around it.

    Attributes:
        node: the running Anvil.
        folder: files of lanes.
        chain: reads it, two blocks deep.
    """

    node: AnvilNode
    folder: Path
    chain: EvmChain
    _open: ExitStack = field(repr=False)

    def connect(self, url: str | None = None, **options: Any) -> EvmChain:
        """Another connection to the chain."""
        return EvmChain(url or self.node.url, chain_id=None, **options).connect()

    def lane(
        self, number: int = 0, chain: EvmChain | None = None, **options: Any
    ) -> TransactionLane:
        """The lane of a development account; closed when the test ends."""
        lane = TransactionLane(
            chain or self.chain,
            account(number),
            self.folder / f"lane-{number}",
            **{"limits": HASTE, **options},
        )
        self._open.callback(lane.close)
        return lane

    def mine(self, blocks: int = 1) -> None:
        """Make blocks now."""
        self.chain.rpc("anvil_mine", hex(blocks))

    def stop_mining(self) -> None:
        """Let transactions wait; `mine` makes blocks."""
        self.chain.rpc("evm_setAutomine", False)
        self.chain.rpc("evm_setIntervalMining", 0)

    def reorg(self, depth: int) -> None:
        """Replace the last `depth` blocks by empty ones."""
        self.chain.rpc("anvil_reorg", depth, [])

    def wait_for_nonces(self, address: Address, count: int) -> None:
        """Wait until so many transactions of an account are on the chain."""
        wait_until(f"{count} transactions of {address}", lambda: self.nonces_used(address) >= count)

    def wait_until_pending(self, count: int = 1) -> None:
        """Wait until so many transactions wait for a block."""
        wait_until(
            f"{count} pending",
            lambda: int(self.chain.rpc("txpool_status")["pending"], 16) == count,
        )

    def nonces_used(self, address: Address) -> int:
        """Transactions of an account that are on the chain."""
        return int(self.chain.rpc("eth_getTransactionCount", address, "latest"), 16)


Found = TypeVar("Found")
Start = Callable[..., World]


def persist(work: Callable[[], Found]) -> Found:
    """What callers do while a chain changes its mind: ask again, nothing is lost by it."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return work()
        except LedgerUnavailable:
            if time.monotonic() > deadline:
                raise


def account(number: int) -> SecretKey:
    """A funded development account."""
    return SecretKey(dev_key(number))


@pytest.fixture
def start_world(tmp_path: Path) -> Iterator[Start]:
    """Starts chains; they end with the test."""
    with ExitStack() as cleanup:
        count = [0]

        def start(*, confirmations: int = 2, **options: Any) -> World:
            count[0] += 1
            folder = tmp_path / f"chain-{count[0]}"
            extra = ("--block-time", str(BLOCK_S))
            given = AnvilOptions(**{"block_time_s": None, "extra": extra, **options})
            node = cleanup.enter_context(AnvilNode.start(folder, given))
            chain = EvmChain(node.url, chain_id=given.chain_id, confirmations=confirmations)
            return World(node, folder, chain.connect(), cleanup)

        yield start


@pytest.fixture
def world(start_world: Start) -> World:
    """A chain with a block every tenth of a second."""
    return start_world()


@pytest.fixture
def still_world(start_world: Start) -> World:
    """A chain that makes a block for each transaction, and none by itself; nothing is deep."""
    return start_world(confirmations=0, extra=())


@pytest.fixture
def coin(still_world: World) -> Contract:
    """The token on `still_world`; account 0 has the community's part of it."""
    with still_world.lane(0) as lane:
        return deploy_coin(lane, lane.address)[0]


def deploy_coin(
    lane: TransactionLane, owner: Address, confirmations: int | None = None
) -> tuple[Contract, Receipt]:
    """The token, of which the owner has the community's part; and the receipt of its release."""
    plans = [plan.as_abi() for plan in default_plans(owner, account(9).address)]
    made, _ = lane.deploy("MetaCoin", plans, account(9).address, confirmations=0)
    token = KINDS["MetaCoin"].at(made.address)
    held = KINDS["Allocations"].at(address_of_made(token.address, 1))
    release = Call(held, "release", (int(Purpose.COMMUNITY),))
    return token, lane.send(release, confirmations=confirmations)
