"""The laws of the index against a real chain that takes real blocks back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from tests.offchain.ledger.conftest import World, account
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy

from edgemark.deployment.deployment import Deployment
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.indexer.keeping import EventIndex, Standing
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import AnswerTooLarge
from edgemark.ledger.evm.reading import posting
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import BaseContracts
from edgemark.token.events import Transfer

pytestmark = pytest.mark.chain

PAYEE = parse_address("0x" + "77" * 20)


@dataclass
class Indexed:
    """A token on a chain, and an index of it."""

    world: World
    coin: Contract
    deployment: Deployment
    path: Path

    def pay(self, *values: int) -> None:
        """One transfer a block, sent by the node itself: a lane would wait for what was cut off."""
        for value in values:
            data = self.coin.interface.encode_call("transfer", (PAYEE, value))
            call = {"from": account(0).address, "to": self.coin.address, "data": "0x" + data.hex()}
            # Anvil answers the plain request before the block is made.
            self.world.chain.rpc("eth_sendTransactionSync", call)

    def sync(self, chain: EvmChain | None = None, path: Path | None = None) -> Standing:
        """One run of the program."""
        with IndexStore.open_to_write(path or self.path, self.deployment) as store:
            return EventIndex(chain or self.world.chain, self.deployment, store).sync()

    def content(self, path: Path | None = None) -> list[tuple[object, ...]]:
        """What is in a file."""
        with IndexStore.open_to_read(path or self.path, self.deployment) as store:
            return store.content()

    def values(self) -> list[int]:
        """Transfers in the file but the first two: the supply, and the release of a part."""
        with IndexStore.open_to_read(self.path, self.deployment) as store:
            events = [dated.event for dated in store.of_kind(Transfer)]
        return [event.value for event in events if isinstance(event, Transfer)][-3::-1]

    def on_chain(self) -> list[int]:
        """Transfers that the chain holds now, but the first two."""
        chain = self.world.chain
        logs = chain.logs([self.coin.address], 0, chain.head())
        return [int.from_bytes(log.data, "big") for log in logs][2:]

    def assert_equals_a_new_one(self) -> None:
        """Rebuilt equals incremental."""
        fresh = self.path.with_name("fresh.sqlite")
        fresh.unlink(missing_ok=True)
        self.sync(path=fresh)
        assert self.content() == self.content(fresh)


@pytest.fixture
def indexed(still_world: World, coin: Contract, tmp_path: Path) -> Iterator[Indexed]:
    deployment = Deployment(31337, 1, {"MetaCoin": coin.address}, cast(Any, (BaseContracts,)))
    yield Indexed(still_world, coin, deployment, tmp_path / "index.sqlite")


def test_sync__through_real_reorganisations__equals_a_new_index(indexed: Indexed) -> None:
    indexed.world.chain.confirmations = 2
    for depth in (1, 2, 3, 5, 9):  # shallower and deeper than what counts as final
        indexed.pay(*(100 * depth + number for number in range(6)))
        indexed.sync()
        before = indexed.on_chain()
        assert indexed.values() == before
        indexed.world.reorg(depth)
        standing = indexed.sync()
        assert indexed.values() == indexed.on_chain() != before
        assert standing.rolled_back == len(before) - len(indexed.on_chain())
        indexed.assert_equals_a_new_one()


def test_sync__a_chain_that_was_set_back_and_went_another_way__follows_it(
    indexed: Indexed,
) -> None:
    indexed.pay(1, 2)
    snapshot = indexed.world.chain.rpc("evm_snapshot")
    indexed.pay(3, 4, 5)
    indexed.sync()
    indexed.world.chain.rpc("evm_revert", snapshot)
    assert indexed.sync().lag_blocks == 0
    assert indexed.values() == [1, 2, 3, 4, 5]  # only shorter: it may grow back
    indexed.pay(6, 7, 8, 9)
    indexed.sync()
    assert indexed.values() == [1, 2, 6, 7, 8, 9]
    indexed.assert_equals_a_new_one()


def test_sync__the_connection_is_cut_in_the_middle__goes_on_where_it_was(indexed: Indexed) -> None:
    indexed.pay(1, 2)
    indexed.sync()
    indexed.pay(3, 4)
    with CuttableProxy(indexed.world.node.port) as proxy:
        chain = indexed.world.connect(proxy.url, confirmations=2, attempts=1)
        proxy.cut()
        with pytest.raises(LedgerUnavailable):
            indexed.sync(chain)
        assert indexed.values() == [1, 2]
        proxy.restore()
        indexed.sync(chain)
    assert indexed.values() == [1, 2, 3, 4]


def test_an_answer_above_the_bound__is_refused_before_it_is_held(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed.pay(1)
    head = indexed.world.chain.head()
    monkeypatch.setattr(posting, "MAX_ANSWER_BYTES", 500)
    assert indexed.world.chain.head() == head
    with pytest.raises(AnswerTooLarge, match="<= 500 bytes"):
        indexed.world.chain.rpc("eth_getBlockByNumber", "latest", True)
    with pytest.raises(AnswerTooLarge):
        indexed.world.chain.logs([indexed.coin.address], head, head)
    monkeypatch.setattr(posting, "MAX_ANSWER_BYTES", 3_000)
    indexed.pay(2, 3, 4, 5)
    logs = indexed.world.chain.logs([indexed.coin.address], 0, head + 4)  # in parts that fit
    assert [int.from_bytes(log.data, "big") for log in logs][2:] == [1, 2, 3, 4, 5]
