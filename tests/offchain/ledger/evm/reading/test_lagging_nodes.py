"""Nodes that lag, forget or stand on another branch: what they say is put off."""

from __future__ import annotations

import pytest
from tests.offchain.ledger.evm.contract.scripted_contracts import COIN, REGISTRY, logs, world
from tests.offchain.ledger.evm.reading.junk import Junk
from tests.offchain.ledger.evm.reading.scripted_node import Chain, Nodes, Says, View, chain_through
from tests.offchain.ledger.evm.sending.scripted_lane import PAYEE

from edgemark.errors import LedgerUnavailable
from edgemark.identity.events import ProviderNamed
from edgemark.ledger.evm.faults import (
    ChainMoved,
    NoCode,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
    ReorgTooDeep,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.follower import REORG_LOOKS, LogFollower


def branch_of(chain: Chain) -> Chain:
    """The same first blocks, then others."""
    other = Chain()
    while len(other.blocks) < len(chain.blocks):
        other.mine(salt=9)
    return other


def two_branches() -> tuple[Chain, Nodes, LogFollower]:
    chain, nodes = world()
    nodes.views[0].more["eth_getLogs"] = lambda _: []
    nodes.views = (*nodes.views, View(branch_of(chain), more=nodes.views[0].more))
    nodes.choose = lambda _: 0
    follower = LogFollower(chain_through(nodes), [COIN])
    follower.poll()
    return chain, nodes, follower


def test_follower__a_node_on_another_branch_now_and_then__is_not_believed() -> None:
    chain, nodes, follower = two_branches()
    for _ in range(3 * REORG_LOOKS):
        nodes.choose = lambda _: 1
        with pytest.raises(ChainMoved):
            follower.poll()
        nodes.choose = lambda _: 0
        chain.mine()
        nodes.views[1].chain.mine(salt=9)
        follower.poll()
        assert follower.cursor == len(chain.blocks) - 3


def test_follower__a_branch_that_stays__is_told() -> None:
    _, nodes, follower = two_branches()
    nodes.choose = lambda _: 1
    for _ in range(REORG_LOOKS - 1):
        with pytest.raises(ChainMoved):
            follower.poll()
    with pytest.raises(ReorgTooDeep):
        follower.poll()


def test_follower__a_node_that_lags__is_waited_for() -> None:
    chain, nodes, follower = two_branches()
    before = follower.cursor
    chain.mine()
    nodes.views[0].lag = 4
    assert follower.poll() == []
    assert follower.cursor == before
    nodes.views[0].lag = 0
    follower.poll()
    assert follower.cursor == before + 1


def test_follower__a_log_with_spoiled_bytes__is_read_again_and_not_skipped() -> None:
    _, nodes = world()
    follower = LogFollower(chain_through(nodes), [REGISTRY])
    spoiled, text = logs({}), 1
    spoiled[text]["data"] = Junk(1).words(spoiled[text]["data"])
    nodes.views[0].more["eth_getLogs"] = lambda wanted: [
        {**each, "blockNumber": wanted["toBlock"]} for each in spoiled
    ]
    with pytest.raises(NodeAnswerMalformed):
        follower.poll()
    assert follower.cursor == -1
    nodes.views[0].more["eth_getLogs"] = logs
    (event,) = follower.poll()
    assert isinstance(event, ProviderNamed)


def test_code__that_was_there_once__does_not_go_away() -> None:
    _, nodes = world()
    chain = chain_through(nodes)
    nodes.views[0].more["eth_call"] = lambda *_: "0x"
    chain.require_code(COIN)
    nodes.views[0].more["eth_getCode"] = lambda *_: "0x"
    with pytest.raises(NodeBehind):
        chain.call(COIN, "totalSupply")
    with pytest.raises(NoCode):
        chain_through(nodes).call(COIN, "totalSupply")


@pytest.mark.parametrize("message", ["header not found", "missing trie node 0x11", "block is gone"])
def test_call__of_a_node_without_the_state__is_no_refusal_of_the_contract(message: str) -> None:
    _, nodes = world()

    def refuse(method: str, _: object) -> None:
        if method == "eth_call":
            raise Says(message)

    nodes.before = refuse
    with pytest.raises(NodeRefused):
        chain_through(nodes).call(COIN, "totalSupply")


def test_logs_of_a_block__by_a_node_on_another_branch__are_not_taken_for_none() -> None:
    _, nodes, _ = two_branches()
    chain: EvmChain = chain_through(nodes)
    block = chain.block(5)
    assert chain.logs_of_block([PAYEE], block) == []
    nodes.choose = lambda _: 1
    with pytest.raises(NodeBehind):
        chain.logs_of_block([PAYEE], block)


def test_a_block_below_the_head__that_is_null__is_put_off() -> None:
    _, nodes = world()
    nodes.views[0].more["eth_getBlockByNumber"] = lambda *_: None
    with pytest.raises(LedgerUnavailable):
        chain_through(nodes).block(2)
