"""An index filled step by step holds what one filled at once holds, whatever is taken back."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.fake_chain import FIRST_BLOCK, Event, FakeChain, deployment_of, person

from edgemark.deployment.deployment import Deployment
from edgemark.errors import LedgerUnavailable
from edgemark.indexer.keeping import EventIndex, Standing
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.faults import (
    ChainMoved,
    LogsContradicted,
    NodeAnswerMalformed,
    NodeRefused,
)
from edgemark.ledger.evm.reading import chain as evm
from edgemark.systems.outsourcing.contract.events import NodeAccepted
from edgemark.token.events import Transfer

pytestmark = pytest.mark.lasts(10)

DEPLOYMENT = deployment_of()


class Killed(BaseException):
    """Stands for the end of the process at any point of its reading."""


@dataclass
class Indexer:
    """A chain and an index file beside it."""

    chain: FakeChain
    path: Path
    deployment: Deployment = DEPLOYMENT

    def sync(self) -> Standing:
        """As one run of the program does it."""
        with IndexStore.open_to_write(self.path, self.deployment) as store:
            return EventIndex(self.chain, self.deployment, store).sync()

    def content(self) -> list[tuple[object, ...]]:
        """What is in the file."""
        with IndexStore.open_to_read(self.path, self.deployment) as store:
            return store.content()

    def transfers(self) -> list[int]:
        """Amounts of the transfers in the file, in order."""
        with IndexStore.open_to_read(self.path, self.deployment) as store:
            return [dated.event.value for dated in store.of_kind(Transfer)][::-1]  # type: ignore[attr-defined]


@contextmanager
def new_indexer(**options: Any) -> Iterator[Indexer]:
    with tempfile.TemporaryDirectory() as folder:
        yield Indexer(FakeChain(DEPLOYMENT, **options), Path(folder) / "index.sqlite")


@pytest.fixture
def indexer() -> Iterator[Indexer]:
    with new_indexer() as found:
        yield found


def transfer(value: int, payer: int = 1, payee: int = 2) -> Event:
    return ("MetaCoin", "Transfer", (person(payer), person(payee), value))


def accepted(job: int, index: int, node: int) -> Event:
    return ("JobSettlement", "NodeAccepted", (bytes([job]) * 32, index, person(node)))


def locked(job: int, owner: int) -> Event:
    return ("AssetAnchor", "Locked", (person(9), bytes([job]) * 32, person(owner), 2, 5, 10**9))


small = st.integers(1, 3)
events = st.lists(
    st.one_of(
        st.builds(transfer, small, small, small),
        st.builds(accepted, small, small, small),
        st.builds(locked, small, small),
    ),
    max_size=4,
)
mining = st.tuples(st.just("mine"), st.lists(events, min_size=1, max_size=4))
taking_back = st.tuples(st.just("take back"), st.integers(1, 12))
replacing = st.tuples(st.just("replace"), st.integers(1, 12), events)
syncing = st.just(("sync",))
killing = st.tuples(st.just("kill at request"), st.integers(1, 30))
moving = st.tuples(st.just("replace at request"), st.integers(1, 30), st.integers(1, 8), events)
limiting = st.tuples(st.just("most range"), st.integers(1, 8))
histories = st.lists(
    st.one_of(mining, taking_back, replacing, syncing, killing, moving, limiting), max_size=25
)


def replace(chain: FakeChain, depth: int, found: list[Event]) -> None:
    """Take blocks back and put others, one more, in their place."""
    chain.take_back(depth)
    for _ in range(depth + 1):
        chain.mine(found, salt=chain.requests + 1)


def play(indexer: Indexer, step: tuple[Any, ...]) -> None:
    """Let one thing happen."""
    chain = indexer.chain
    match step:
        case ("mine", blocks):
            for found in blocks:
                chain.mine(found)
        case ("take back", depth):
            chain.take_back(depth)
        case ("replace", depth, found):
            replace(chain, depth, found)
        case ("most range", most):
            chain.most_range = most
        case ("sync",):
            indexer.sync()
        case ("kill at request", number) | ("replace at request", number, *_):
            disturbed_sync(indexer, number, step)


def disturbed_sync(indexer: Indexer, number: int, step: tuple[Any, ...]) -> None:
    chain = indexer.chain
    at = chain.requests + number

    def disturb(request: int) -> None:
        if request == at:
            if step[0] == "kill at request":
                raise Killed
            replace(chain, step[2], step[3])

    chain.before_request = disturb
    try:
        indexer.sync()
    except (Killed, LedgerUnavailable):
        pass  # what was reached stays, and the next goes on
    finally:
        chain.before_request = lambda _: None


@given(steps=histories, confirmations=st.integers(0, 4))
def test_index__over_any_reorganisations_and_kills__equals_one_made_at_once(
    steps: list[tuple[Any, ...]], confirmations: int
) -> None:
    with new_indexer(confirmations=confirmations) as indexer:
        for step in steps:
            play(indexer, step)
        while len(indexer.chain.blocks) <= FIRST_BLOCK + 30:  # past whatever was ever indexed
            indexer.chain.mine([])
        for _ in range(200):
            indexer.chain.mine([transfer(3)], salt=7)
        standing = indexer.sync()
        assert standing.lag_blocks == 0
        at_once = Indexer(indexer.chain, indexer.path.with_name("at-once.sqlite"))
        at_once.sync()
        assert indexer.content() == at_once.content()
        with IndexStore.open_to_read(indexer.path, DEPLOYMENT) as store:
            assert store.check() == []


def test_sync__of_a_new_chain__finds_what_happened_since_the_deployment(indexer: Indexer) -> None:
    for value in range(1, 8):
        indexer.chain.mine([transfer(value)])
    standing = indexer.sync()
    assert indexer.transfers() == list(range(FIRST_BLOCK, 8))
    assert (standing.indexed, standing.head, standing.final) == (7, 7, 5)
    assert (standing.lag_blocks, standing.lag_s) == (0, 0)


def test_sync__after_a_reorganisation__tells_how_many_events_went(indexer: Indexer) -> None:
    for value in range(1, 9):
        indexer.chain.mine([transfer(value)])
    indexer.sync()
    replace(indexer.chain, 3, [transfer(99)])
    assert indexer.sync().rolled_back == 3
    assert indexer.transfers() == [3, 4, 5, 99, 99, 99, 99]


def test_sync__another_chain_from_the_start__keeps_nothing_of_the_old(indexer: Indexer) -> None:
    for value in range(1, 40):
        indexer.chain.mine([transfer(value)])
    indexer.sync()
    replace(indexer.chain, 1000, [transfer(5)])
    indexer.chain.blocks = indexer.chain.blocks[:60]
    indexer.sync()
    assert set(indexer.transfers()) == {5}


def test_sync__a_chain_that_is_only_shorter__is_waited_for(indexer: Indexer) -> None:
    for value in range(1, 9):
        indexer.chain.mine([transfer(value)])
    indexer.sync()
    whole = indexer.chain.blocks
    indexer.chain.blocks = whole[:6]
    standing = indexer.sync()
    assert (standing.rolled_back, standing.indexed, standing.lag_blocks) == (0, 8, 0)
    indexer.chain.blocks = whole
    indexer.chain.mine([transfer(9)])
    indexer.sync()
    assert indexer.transfers() == list(range(3, 10))


def test_sync__of_a_long_chain__asks_for_at_most_a_thousand_blocks(indexer: Indexer) -> None:
    for value in range(1, 2_505):
        indexer.chain.mine([transfer(value)] if value % 500 == 0 else [])
    asked = []
    rpc = indexer.chain.rpc

    def noted(method: str, *params: Any) -> Any:
        if method == "eth_getLogs" and "fromBlock" in params[0]:
            asked.append((int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)))
        return rpc(method, *params)

    indexer.chain.rpc = noted  # type: ignore[method-assign]
    indexer.sync()
    assert indexer.transfers() == [500, 1000, 1500, 2000, 2500]
    assert max(last - first + 1 for first, last in asked) == evm.LOG_CHUNK_BLOCKS == 1_000
    assert len(indexer.chain.blocks) / indexer.chain.requests > 50  # not a request a block


def test_sync__a_node_that_refuses_ranges__is_asked_for_half(indexer: Indexer) -> None:
    for value in range(1, 40):
        indexer.chain.mine([transfer(value)])
    indexer.chain.most_range = 3
    indexer.sync()
    assert indexer.transfers() == list(range(3, 40))


def test_sync__again_and_again__drops_hashes_that_no_fork_needs(indexer: Indexer) -> None:
    for _ in range(12):
        for value in range(100):
            indexer.chain.mine([transfer(value)] if value == 7 else [])
            if value % 5 == 0:
                indexer.sync()
    with IndexStore.open_to_read(indexer.path, DEPLOYMENT) as store:
        kept = store.numbers(10_000)
    assert len(kept) < 300  # the tail, the twelve with events, and one in a thousand
    recent = [number for number in kept if number > 1_000]
    assert max(b - a for a, b in itertools.pairwise(recent)) <= 5  # no further apart than the runs


Lies: dict[str, tuple[Any, type[LedgerUnavailable]]] = {
    "out of order": (lambda logs: logs[::-1], NodeAnswerMalformed),
    "twice": (lambda logs: [*logs, logs[-1]], NodeAnswerMalformed),
    "another block hash": (
        lambda logs: [{**log, "blockHash": "0x" + "ab" * 32} for log in logs],
        LogsContradicted,
    ),
    "another contract": (
        lambda logs: [{**log, "address": person(5)} for log in logs],
        NodeAnswerMalformed,
    ),
    "another block number": (
        lambda logs: [{**log, "blockNumber": "0xffff"} for log in logs],
        NodeAnswerMalformed,
    ),
    "a number without end": (
        lambda logs: [{**log, "logIndex": "0x" + "f" * 40} for log in logs],
        NodeAnswerMalformed,
    ),
    "a log that was taken back": (
        lambda logs: [{**log, "removed": True} for log in logs],
        NodeAnswerMalformed,
    ),
    "no list": (lambda logs: {"logs": logs}, NodeAnswerMalformed),
    "gigantic data": (
        lambda logs: [{**log, "data": "0x" + "00" * 70_000} for log in logs],
        NodeAnswerMalformed,
    ),
    "too many topics": (
        lambda logs: [{**log, "topics": log["topics"] * 3} for log in logs],
        NodeAnswerMalformed,
    ),
    "an unknown event": (
        lambda logs: [{**log, "topics": ["0x" + "12" * 32]} for log in logs],
        LogsContradicted,
    ),
    "data of another event": (
        lambda logs: [{**log, "data": "0x12"} for log in logs],
        LogsContradicted,
    ),
}


@pytest.mark.parametrize("lie", Lies)
def test_sync__a_node_that_lies__is_refused_and_nothing_enters(indexer: Indexer, lie: str) -> None:
    change, error = Lies[lie]
    for value in range(1, 5):
        indexer.chain.mine([transfer(value), transfer(value + 1)])
    indexer.sync()
    before = indexer.content()
    for value in range(5, 12):
        indexer.chain.mine([transfer(value), transfer(value + 1)])
    indexer.chain.lie = lambda logs: change(logs) if logs else logs
    with pytest.raises(error):
        indexer.sync()
    assert indexer.content() == before
    indexer.chain.lie = lambda logs: logs
    indexer.sync()
    assert len(indexer.transfers()) == 2 * len(range(3, 12))


def test_sync__more_logs_than_anybody_can_hold__is_refused(
    indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgemark.ledger.evm.reading.log_answers.MAX_LOGS", 5)
    for _ in range(6):
        indexer.chain.mine([transfer(1)] * 6)
    with pytest.raises(NodeAnswerMalformed, match="too many logs"):
        indexer.sync()


def test_sync__a_chain_that_changes_at_every_request__is_given_up_and_taken_up_later(
    indexer: Indexer,
) -> None:
    for value in range(1, 30):
        indexer.chain.mine([transfer(value)])

    def disturb(_: int) -> None:
        replace(indexer.chain, 27, [transfer(1)])

    indexer.chain.before_request = disturb
    with pytest.raises(ChainMoved):
        indexer.sync()
    indexer.chain.before_request = lambda _: None
    indexer.sync()
    assert set(indexer.transfers()) == {1}


def test_rebuild__until_it_is_done__readers_see_the_old_one(indexer: Indexer) -> None:
    for value in range(1, 10):
        indexer.chain.mine([transfer(value)])
    indexer.sync()
    seen = []
    with IndexStore.open_to_write(indexer.path, DEPLOYMENT) as store:
        index = EventIndex(indexer.chain, DEPLOYMENT, store)
        indexer.chain.mine([transfer(10)])
        indexer.chain.before_request = lambda _: seen.append(indexer.transfers())
        index.rebuild()
    assert seen
    assert all(values == list(range(3, 10)) for values in seen)
    indexer.chain.before_request = lambda _: None
    assert indexer.transfers() == list(range(3, 11))


def test_rebuild__that_fails__leaves_the_old_one(indexer: Indexer) -> None:
    for value in range(1, 10):
        indexer.chain.mine([transfer(value)])
    indexer.sync()
    before = indexer.content()
    indexer.chain.most_range = 0
    with IndexStore.open_to_write(indexer.path, DEPLOYMENT) as store, pytest.raises(NodeRefused):
        EventIndex(indexer.chain, DEPLOYMENT, store).rebuild()
    assert indexer.content() == before


def test_about__an_account_a_job_or_a_lock__finds_the_events_that_name_it(
    indexer: Indexer,
) -> None:
    for found in (
        [],
        [],
        [accepted(1, 2, 3), locked(7, 3)],
        [accepted(2, 2, 4), transfer(6, 3, 4)],
    ):
        indexer.chain.mine(found)
    indexer.sync()
    with IndexStore.open_to_read(indexer.path, DEPLOYMENT) as store:

        def names(key: bytes, *kinds: Any) -> list[str]:
            return [type(dated.event).__name__ for dated in store.about(key, kinds)]

        account = bytes.fromhex(person(3)[2:])
        assert names(account) == ["NodeAccepted", "Locked", "Transfer"]
        assert names(account, NodeAccepted) == ["NodeAccepted"]
        assert names(bytes([1]) * 32) == ["NodeAccepted"]
        assert names(bytes([7]) * 32) == ["Locked"]
        assert names((2).to_bytes(32, "big")) == []  # neither the index 2 nor the place 2
        (first, second) = store.about(account, [NodeAccepted, Transfer])
        assert first.at < second.at
