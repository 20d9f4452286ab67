"""Reading a chain: what is not there, not the one expected, or not deep enough is a typed error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from tests.offchain.ledger.conftest import Start, World, account, deploy_coin
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy

from edgemark.cli.catalogue import KINDS
from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import (
    ChainIdMismatch,
    ConnectionLost,
    ContractRefused,
    NoChain,
    NoCode,
    NodeAnswerMalformed,
    NodeRefused,
    NotYetConfirmed,
)
from edgemark.ledger.evm.reading.blocks import (
    block_from_json,
    log_from_json,
    receipt_from_json,
)
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call

pytestmark = pytest.mark.chain

PAYEE = parse_address("0x" + "77" * 20)
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


@contextmanager
def false_node(answer: bytes, status: int = 200) -> Iterator[str]:
    """Something that answers every request alike, at the URL given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_connect__nothing_at_the_address__says_so() -> None:
    with pytest.raises(NoChain) as refused:
        EvmChain(NOWHERE, chain_id=31337, attempts=2).connect()
    assert refused.value.who == NOWHERE
    assert refused.value.remedy


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>not here</html>",
        b"[]",
        b"{}",
        b'{"jsonrpc":"2.0","id":1,"result":null}',
        b'{"jsonrpc":"2.0","id":1,"result":"soon"}',
        b'{"jsonrpc":"2.0","id":1,"error":"no such method"}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}',
    ],
)
def test_connect__something_that_is_no_chain__says_so(answer: bytes) -> None:
    with false_node(answer) as url, pytest.raises(NoChain):
        EvmChain(url, attempts=2).connect()


def test_connect__a_server_in_trouble__says_so() -> None:
    with false_node(b"", status=503) as url, pytest.raises(NoChain):
        EvmChain(url, attempts=2).connect()


def test_connect__another_chain__names_both_ids(start_world: Start) -> None:
    other = start_world(chain_id=4242)
    with pytest.raises(ChainIdMismatch) as refused:
        EvmChain(other.node.url, chain_id=31337).connect()
    assert (refused.value.had, refused.value.needed) == ("chain id 4242", "chain id 31337")
    assert EvmChain(other.node.url, chain_id=4242).connect().chain_id == 4242


def test_rpc__a_node_that_hangs__is_given_up(start_world: Start) -> None:
    world = start_world()
    with CuttableProxy(world.node.port) as proxy:
        chain = world.connect(proxy.url, attempts=2, timeout_s=0.5)
        proxy.deafen()
        with pytest.raises(ConnectionLost) as lost:
            chain.head()
        assert "2 attempts" in str(lost.value.had)
        proxy.restore()
        assert chain.head() >= 0


def test_rpc__cut_for_a_moment__is_repeated(still_world: World) -> None:
    with CuttableProxy(still_world.node.port) as proxy:
        chain = still_world.connect(proxy.url, attempts=50)
        proxy.cut()
        restoring = threading.Timer(0.3, proxy.restore)
        restoring.start()
        assert chain.head() == 0
        restoring.join()


def test_rpc__refused_by_the_node__keeps_its_words(still_world: World) -> None:
    with pytest.raises(NodeRefused) as refused:
        still_world.chain.rpc("no_such_method")
    assert refused.value.code == -32601
    assert refused.value.message


def test_require_code__nothing_there__names_contract_and_chain(still_world: World) -> None:
    with pytest.raises(NoCode) as refused:
        still_world.chain.require_code(KINDS["JobSettlement"].at(PAYEE))
    assert refused.value.who == "JobSettlement"
    assert PAYEE in str(refused.value.had)
    assert "31337" in str(refused.value.had)


def test_call__nothing_there__is_no_code(still_world: World) -> None:
    with pytest.raises(NoCode):
        still_world.chain.call(KINDS["MetaCoin"].at(PAYEE), "totalSupply")


def test_call__a_contract_too_new__is_not_yet_confirmed_then_answers(start_world: Start) -> None:
    world = start_world(confirmations=2, extra=())
    coin, _ = deploy_coin(world.lane(0), account(0).address, confirmations=0)
    with pytest.raises(NotYetConfirmed):
        world.chain.call(coin, "totalSupply")
    assert world.chain.call(coin, "totalSupply", block="latest") == 10**27
    world.mine(2)
    assert world.chain.call(coin, "totalSupply") == 10**27


def test_call__at_a_depth__reads_what_was_final_then(start_world: Start) -> None:
    world = start_world(confirmations=2, extra=())
    lane = world.lane(0)
    coin, _ = deploy_coin(lane, lane.address, confirmations=0)
    world.mine(2)
    lane.send(Call(coin, "transfer", (PAYEE, 5)), confirmations=0)
    assert world.chain.call(coin, "balanceOf", PAYEE) == 0
    assert world.chain.call(coin, "balanceOf", PAYEE, block="latest") == 5
    at = world.chain.head()
    assert world.chain.call(coin, "balanceOf", PAYEE, block=at - 1) == 0
    world.mine(2)
    assert world.chain.call(coin, "balanceOf", PAYEE) == 5


def test_call__the_contract_refuses__tells_its_error_and_values(
    still_world: World, coin: Contract
) -> None:
    outsider = account(3).address
    with pytest.raises(ContractRefused) as refused:
        still_world.chain.call(coin, "transfer", PAYEE, 5, sender=outsider)
    assert refused.value.error_name == "ERC20InsufficientBalance"
    assert refused.value.values == {"sender": outsider, "balance": 0, "needed": 5}
    assert outsider in str(refused.value)


def test_now__is_the_time_of_the_latest_block(still_world: World) -> None:
    still_world.chain.rpc("evm_setNextBlockTimestamp", 2_000_000_000)
    still_world.mine()
    assert still_world.chain.now() == 2_000_000_000
    assert still_world.chain.now() != int(time.time())


def test_confirmed__on_a_young_chain__is_never_below_the_first_block(start_world: Start) -> None:
    world = start_world(confirmations=50, extra=())
    world.mine(3)
    assert (world.chain.head(), world.chain.confirmed()) == (3, 0)


def test_block__that_does_not_exist__is_told(still_world: World) -> None:
    with pytest.raises(LedgerUnavailable, match="no such block"):
        still_world.chain.block(99)


def takes_no_batch(*_: object) -> list[Any]:
    """What a node does to many questions at once that knows nothing of them."""
    raise NodeAnswerMalformed("answered a batch otherwise", who="node")


def test_logs__a_node_that_limits_the_range__are_all_found_in_order(
    still_world: World, coin: Contract
) -> None:
    lane = still_world.lane(0)
    for value in range(1, 12):
        lane.send(Call(coin, "transfer", (PAYEE, value)))
    rpc_many = still_world.chain.rpc_many

    def limited(wanted: Any) -> Any:
        (_, (asked,)) = wanted[1]
        if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) >= 3:
            raise NodeRefused(-32005, "range too large", b"", who="node")
        return rpc_many(wanted)

    still_world.chain.rpc_many = limited  # type: ignore[method-assign]
    logs = still_world.chain.logs([coin.address], 0, still_world.chain.head())
    values = [int.from_bytes(log.data, "big") for log in logs]
    assert values == [10**27, 3 * 10**26, *range(1, 12)]  # first the supply, and a part's release
    still_world.chain.rpc_many = takes_no_batch  # type: ignore[method-assign]
    assert still_world.chain.logs([coin.address], 0, still_world.chain.head()) == logs


def test_logs__a_node_that_refuses_one_block__is_told(still_world: World, coin: Contract) -> None:
    rpc = still_world.chain.rpc

    def refuse(method: str, *params: Any) -> Any:
        if method == "eth_getLogs":
            raise NodeRefused(-32000, "no block range is small enough", b"", who="node")
        return rpc(method, *params)

    still_world.chain.rpc = refuse  # type: ignore[method-assign]
    still_world.chain.rpc_many = takes_no_batch  # type: ignore[method-assign]
    with pytest.raises(NodeRefused):
        still_world.chain.logs([coin.address], 0, 1)


@pytest.mark.parametrize("parse", [block_from_json, log_from_json, receipt_from_json])
@pytest.mark.parametrize("answer", [{}, {"number": "0x1"}, {"number": 1}, {"address": "0x1"}])
def test_a_malformed_answer__is_the_nodes_fault(parse: Any, answer: dict[str, object]) -> None:
    with pytest.raises(NodeAnswerMalformed):
        parse(answer)
