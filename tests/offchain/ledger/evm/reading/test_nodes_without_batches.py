"""N4: several nodes behind one address that lag or differ, and take one question a message.

Each row is tried on a planted copy of the chain as it was, too: there it falls.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from tests.offchain.ledger.evm.contract.scripted_contracts import COIN, logs
from tests.offchain.ledger.evm.reading.scripted_node import (
    Chain,
    Nodes,
    Says,
    View,
    chain_through,
    other_payment,
)
from tests.offchain.ledger.evm.sending.scripted_lane import OTHER, PAYEE

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.evm.faults import NodeAnswerMalformed, NodeBehind, NodeRefused
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.follower import LogFollower

EVENTS = [10, 19]  # blocks that hold one
LAG = 5


class ChainAsItWas(EvmChain):
    """Planted: whatever is refused is asked for one by one, of whichever node answers."""

    def ask_together(self, wanted: Any) -> list[Any]:
        try:
            return self.rpc_many(wanted)
        except (NodeRefused, NodeAnswerMalformed):
            return [self.rpc(method, *params) for method, params in wanted]


def logs_by(view: View, says: bool) -> Callable[[Mapping[str, str]], list[Any]]:
    """Logs of a node that says nothing, or so, when it has not got a block of a range."""

    def answer(wanted: Mapping[str, str]) -> list[Any]:
        blocks = view.chain.blocks[: view.head + 1]
        if "blockHash" in wanted:
            asked = [block for block in blocks if "0x" + block.hash.hex() == wanted["blockHash"]]
            if not asked:
                raise Says("unknown block")
        else:
            first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
            if says and last > view.head:
                raise Says("header not found")
            asked = blocks[first : last + 1]
        return [
            {**logs({})[0], "blockNumber": hex(each.number), "blockHash": "0x" + each.hash.hex()}
            for each in asked
            if each.number in EVENTS
        ]

    return answer


def blocks_heard_of(seed: int, kind: type[EvmChain], views: list[bool], takes: bool) -> list[int]:
    """Blocks of the events that a follower delivers, over nodes of which all but one lag."""
    chain, draw = Chain(), random.Random(seed)
    for _ in range(20):
        chain.mine()
    nodes = Nodes(*(View(chain, lag=LAG if at else 0) for at, _ in enumerate(views)))
    for view, says in zip(nodes.views, views, strict=True):
        view.more["eth_getLogs"] = logs_by(view, says)
    nodes.choose = lambda _: draw.randrange(len(views))
    nodes.takes_batches = takes
    follower = LogFollower(chain_through(nodes, kind=kind), [COIN])
    heard: list[int] = []
    chain.mine()
    while follower.cursor < EVENTS[-1]:  # while the others have not got the last one
        with suppress(LedgerUnavailable):
            heard += [event.at.block_number for event in follower.poll()]
    return heard


SAYINGS = [  # whether each of the nodes says that it lags; and whether many at once are answered
    ([False, False], False),
    ([False, False, True], True),
]
SEEDS = range(8)


@pytest.mark.parametrize(("views", "takes_batches"), SAYINGS)
def test_n4_follower__nodes_that_lag__loses_no_event(
    views: list[bool], takes_batches: bool
) -> None:
    for seed in SEEDS:
        assert blocks_heard_of(seed, EvmChain, views, takes_batches) == EVENTS


@pytest.mark.parametrize(("views", "takes_batches"), SAYINGS)
def test_n4_follower__as_it_was__loses_events(views: list[bool], takes_batches: bool) -> None:
    heard = (blocks_heard_of(seed, ChainAsItWas, views, takes_batches) for seed in SEEDS)
    assert any(each != EVENTS for each in heard)


def two_branches(kind: type[EvmChain]) -> EvmChain:
    """A branch that ends with another payment, and the chain, which is deep enough without it."""
    chain, branch = Chain(), Chain()
    for _ in range(4):
        chain.mine()
        branch.mine()
    branch.pool[0] = other_payment(0, OTHER)
    branch.mine()
    for _ in range(4):
        chain.mine()
    nodes = Nodes(View(branch), View(chain))
    nodes.choose = lambda number: 0 if number == 1 else 1  # the first is the message of many
    nodes.takes_batches = False
    return chain_through(nodes, kind=kind)


def test_n4_senders__of_two_branches__are_no_proof() -> None:
    with pytest.raises(NodeBehind):
        two_branches(EvmChain).senders(5)


def test_n4_senders__as_they_were__prove_what_is_not_on_the_chain() -> None:
    (sent,) = two_branches(ChainAsItWas).senders(5)
    assert sent.nonce == 0


@pytest.mark.parametrize("confirmations", [0, 2])
def test_n4_depth__without_batches__is_counted_by_the_hashes(confirmations: int) -> None:
    chain = Chain()
    chain.mine()
    chain.pool[0] = other_payment(0, PAYEE)
    chain.mine()
    (raw,) = chain.blocks[2].raws
    nodes = Nodes(View(chain))
    nodes.takes_batches = False
    through = chain_through(nodes, confirmations=confirmations)
    (sent,) = [each for each in chain_through(nodes, confirmations=0).senders(2)]
    receipt = through.receipt(sent.hash)
    assert receipt is not None
    assert through.depth_of(receipt) == 0
    for _ in range(5):
        chain.mine()
    assert through.depth_of(receipt) == confirmations
    assert through.depth_of(receipt, 4) == 4
    chain.take_back(3)
    assert through.depth_of(receipt, 9) == 5
    chain.take_back(6)
    assert through.depth_of(receipt, 9) is None
    assert raw not in chain.blocks[2].raws


def refusing_always(*_: object) -> None:
    raise Says("header not found")


def test_n4_a_refusal_of_one_question__is_no_refusal_of_many_at_once() -> None:
    chain = Chain()
    chain.mine()
    nodes = Nodes(View(chain))
    nodes.before = refusing_always
    with pytest.raises(NodeRefused):
        chain_through(nodes).senders(0)
    assert len(nodes.methods) == 2  # both at once, and neither again


def test_headers__without_batches__are_asked_one_by_one() -> None:
    chain = Chain()
    chain.mine()
    nodes = Nodes(View(chain))
    nodes.takes_batches = False
    assert [each.number for each in chain_through(nodes).headers([0, 1])] == [0, 1]


# --- a node that fails half-way ------------------------------------------------------------------


class FollowerAsItWas(LogFollower):
    """Planted: what was read counts when all of it was."""

    def poll(self) -> list[Any]:
        self._width = 2**20
        return super().poll()


@pytest.mark.parametrize(("kind", "arrives"), [(LogFollower, True), (FollowerAsItWas, False)])
def test_n7_follower__far_behind_a_node_that_soon_fails__arrives(
    kind: type[LogFollower], *, arrives: bool
) -> None:
    chain = Chain()
    for _ in range(300):
        chain.mine()
    nodes = Nodes(View(chain))
    nodes.views[0].more["eth_getLogs"] = logs_by(nodes.views[0], True)
    nodes.takes_batches = False
    follower = kind(chain_through(nodes), [COIN])
    heard: list[int] = []
    for _ in range(20):
        budget = iter(range(200))

        def before(*_: object, left: Any = budget) -> None:
            if next(left, None) is None:
                raise Says("internal error", -32603)

        nodes.before = before
        with suppress(LedgerUnavailable):
            heard += [event.at.block_number for event in follower.poll()]
    assert (follower.cursor == 298, heard == EVENTS) == (arrives, arrives)
