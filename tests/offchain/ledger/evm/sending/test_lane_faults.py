"""Lost connections, restarts and reorganisations: nothing is sent twice, nothing is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.offchain.ledger.conftest import (
    HASTE,
    Start,
    World,
    account,
    deploy_coin,
    persist,
)
from tests.offchain.ledger.evm.reading.cuttable_proxy import CuttableProxy
from tests.offchain.ledger.evm.sending.scripted_lane import PAYEE, see_it_moved
from tests.waiting import LIMIT_S, wait_until

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import (
    ConnectionLost,
    FeeAboveCap,
    NonceTaken,
    NotYetMined,
    ReorgTooDeep,
)
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.posting import HttpAnswer, HttpPost
from edgemark.ledger.evm.reading.wire import RpcWire
from edgemark.ledger.evm.sending import nonces as nonces_module
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import Transaction

pytestmark = [pytest.mark.chain, pytest.mark.lasts(12)]

IMPATIENT = LaneLimits(wait_s=0.3, bump_after_s=60.0, poll_s=0.02)


@pytest.fixture(autouse=True)
def resend_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "RESEND_S", 0.1)


@contextmanager
def in_background(work: object, *args: object) -> Iterator[Future[Receipt]]:
    with ThreadPoolExecutor(1) as threads:
        yield threads.submit(work, *args)  # type: ignore[arg-type]


# --- the connection ------------------------------------------------------------------------------


def test_send__connection_cut_while_it_waits__goes_on_when_it_is_back(still_world: World) -> None:
    with CuttableProxy(still_world.node.port) as proxy:
        chain = still_world.connect(proxy.url, confirmations=0, attempts=50, timeout_s=2)
        lane = still_world.lane(0, chain)
        still_world.stop_mining()
        with in_background(lane.transfer, PAYEE, 5) as waiting:
            still_world.wait_until_pending()
            proxy.cut()
            still_world.mine()
            time.sleep(0.3)
            assert not waiting.done()
            proxy.restore()
            assert waiting.result(LIMIT_S).is_success
    assert still_world.chain.balance(PAYEE) == 5
    assert still_world.nonces_used(lane.address) == 1


def test_send__cut_for_good__is_told_and_asked_again_it_is_not_sent_twice(
    still_world: World,
) -> None:
    with CuttableProxy(still_world.node.port) as proxy:
        chain = still_world.connect(proxy.url, confirmations=0, attempts=2, timeout_s=2)
        lane = still_world.lane(0, chain)
        still_world.stop_mining()
        with in_background(lane.transfer, PAYEE, 5) as waiting:
            still_world.wait_until_pending()
            proxy.cut()
            with pytest.raises(ConnectionLost):
                waiting.result(LIMIT_S)
        with pytest.raises(LedgerUnavailable):
            lane.transfer(PAYEE, 5)
        proxy.restore()
        still_world.mine()
        assert lane.transfer(PAYEE, 5).is_success
    assert still_world.nonces_used(lane.address) == 1
    assert still_world.chain.balance(PAYEE) == 5


def test_send__the_answer_to_the_sending_is_lost__is_one_transaction(still_world: World) -> None:
    with CuttableProxy(still_world.node.port) as proxy:
        chain = still_world.connect(proxy.url, confirmations=0, attempts=3, timeout_s=2)
        lane = still_world.lane(0, chain)
        rpc = chain.rpc

        def lose_answers(method: str, *params: object) -> object:
            if method == "eth_sendRawTransaction":
                proxy.deafen()
            try:
                return rpc(method, *params)
            finally:
                proxy.restore()

        chain.rpc = lose_answers  # type: ignore[method-assign]
        with pytest.raises(ConnectionLost):
            lane.transfer(PAYEE, 5)
        chain.rpc = rpc  # type: ignore[method-assign]
        assert lane.transfer(PAYEE, 5).is_success
    assert still_world.nonces_used(lane.address) == 1
    assert still_world.chain.balance(PAYEE) == 5


# --- another life --------------------------------------------------------------------------------


def test_restart__with_a_pending_transaction__follows_it(still_world: World) -> None:
    still_world.stop_mining()
    first = still_world.lane(0, limits=IMPATIENT)
    with pytest.raises(NotYetMined):
        first.transfer(PAYEE, 5)
    with pytest.raises(NotYetMined):
        first.transfer(PAYEE, 5)
    first.close()
    second = still_world.lane(0)
    with in_background(second.transfer, PAYEE, 5) as waiting:
        time.sleep(0.2)
        still_world.mine()
        assert waiting.result(LIMIT_S).is_success
    assert still_world.nonces_used(second.address) == 1
    assert still_world.chain.balance(PAYEE) == 5


def test_restart__the_chain_forgot_the_transaction__it_is_sent_again_unchanged(
    still_world: World,
) -> None:
    still_world.stop_mining()
    first = still_world.lane(0, limits=IMPATIENT)
    with pytest.raises(NotYetMined):
        first.transfer(PAYEE, 5)
    (tx_hash,) = first._pending.entries[0].hashes
    first.close()
    still_world.chain.rpc("anvil_dropAllTransactions")
    still_world.wait_until_pending(0)
    still_world.lane(0)
    still_world.wait_until_pending()
    still_world.mine()
    assert still_world.chain.rpc("eth_getTransactionReceipt", "0x" + tx_hash.hex())


def test_restart__killed_between_disk_and_chain__it_is_sent(still_world: World) -> None:
    first = still_world.lane(0, limits=IMPATIENT)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    first._send_first = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        first.transfer(PAYEE, 5)
    assert still_world.nonces_used(first.address) == 0
    first.close()
    second = still_world.lane(0)
    still_world.wait_for_nonces(second.address, 1)
    second.transfer(PAYEE, 5)  # joined: nobody had its answer
    assert still_world.nonces_used(second.address) == 1
    assert still_world.chain.balance(PAYEE) == 5


def test_restart__a_batch_with_equal_payments__is_completed_not_repeated(
    still_world: World,
) -> None:
    still_world.stop_mining()
    payments = [(PAYEE, 5), (PAYEE, 5), (PAYEE, 6)]
    first = still_world.lane(0, limits=IMPATIENT)
    with pytest.raises(NotYetMined):
        first.transfer_many(payments)
    first.close()
    second = still_world.lane(0)
    with in_background(second.transfer_many, payments) as waiting:
        held = second._pending.entries  # what is final before it is asked for is crossed out
        wait_until("three to be waited for", lambda: sum(e.waiting for e in held.values()) == 3)
        still_world.mine()
        waiting.result(LIMIT_S)
    assert still_world.chain.balance(PAYEE) == 16


# --- the chain changes its mind ------------------------------------------------------------------


def test_reorg__takes_the_block_before_it_is_deep__it_is_sent_again(start_world: Start) -> None:
    world = start_world(confirmations=3, extra=())
    lane = world.lane(0)
    with in_background(lane.transfer, PAYEE, 5) as waiting:
        world.wait_for_nonces(lane.address, 1)
        world.stop_mining()
        world.mine()
        world.reorg(2)
        assert world.nonces_used(lane.address) == 0
        world.wait_until_pending()  # the lane sent it again
        assert not waiting.done()
        world.mine(4)
        receipt = waiting.result(LIMIT_S)
    assert world.chain.block(receipt.block_number).hash == receipt.block_hash
    assert world.chain.balance(PAYEE) == 5
    assert world.nonces_used(lane.address) == 1


def test_reorg__after_the_caller_went_on__it_is_sent_again_with_the_next(
    start_world: Start,
) -> None:
    world = start_world(confirmations=5, extra=())
    lane = world.lane(0)
    call_depth = 0
    token, _ = deploy_coin(lane, lane.address, confirmations=call_depth)
    lane.send(Call(token, "transfer", (PAYEE, 5)), confirmations=call_depth)
    world.reorg(1)
    assert world.chain.call(token, "balanceOf", PAYEE, block="latest") == 0
    lane.send(Call(token, "approve", (PAYEE, 1)), confirmations=call_depth)
    world.mine()
    assert world.chain.call(token, "balanceOf", PAYEE, block="latest") == 5


def test_reorg__below_what_was_final__is_told(start_world: Start) -> None:
    world = start_world(confirmations=1)
    lane = world.lane(0)
    receipt = lane.transfer(PAYEE, 5, key=b"once")
    world.stop_mining()
    world.reorg(world.chain.head() - receipt.block_number + 1)
    see_it_moved(lane)
    with pytest.raises(ReorgTooDeep):
        lane.transfer(PAYEE, 5, key=b"once")


# --- a node that hides receipts -------------------------------------------------------------------


def test_n4_receipts_come_late__on_a_real_chain__the_payment_is_made_once(
    start_world: Start,
) -> None:
    world = start_world(confirmations=2)
    chain = world.connect(confirmations=2)
    to_node, asked = HttpPost(world.node.url, timeout_s=10.0), [0]

    def without_receipts(body: bytes) -> HttpAnswer:
        answer = to_node(body)
        asked[0] += b"eth_getTransactionReceipt" in body
        if asked[0] > 60 or b"eth_getTransactionReceipt" not in body or body[:1] == b"[":
            return answer
        return replace(
            answer, body=json.dumps({**json.loads(answer.body), "result": None}).encode()
        )

    chain._wire = RpcWire(world.node.url, timeout_s=10.0, attempts=2, post=without_receipts)
    lane = world.lane(0, chain)
    receipts = [lane.transfer(PAYEE, 5, key=b"once") for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert asked[0] > 60
    assert world.chain.balance(PAYEE) == 5
    assert world.nonces_used(lane.address) == 1


# --- others, and fees ----------------------------------------------------------------------------


def test_another_program_uses_the_nonce__is_told_and_the_next_goes_on(still_world: World) -> None:
    still_world.stop_mining()
    lane = still_world.lane(0)
    with in_background(lane.transfer, PAYEE, 5) as waiting:
        still_world.wait_until_pending()
        fee = 10**12
        other = Transaction(31337, 0, fee, fee, 21_000, lane.address, 0, b"").sign(account(0))
        still_world.chain.rpc("eth_sendRawTransaction", "0x" + other.hex())
        still_world.mine()
        with pytest.raises(NonceTaken) as taken:
            waiting.result(LIMIT_S)
    assert taken.value.had == "nonce 0"
    still_world.chain.rpc("evm_setAutomine", True)
    assert lane.transfer(PAYEE, 5).is_success
    assert still_world.chain.balance(PAYEE) == 5


def test_fees_rise__a_stuck_transaction_is_raised_and_mined_once(still_world: World) -> None:
    still_world.stop_mining()
    lane = still_world.lane(0, limits=LaneLimits(wait_s=LIMIT_S, bump_after_s=0.2, poll_s=0.02))
    with in_background(lane.transfer, PAYEE, 5) as waiting:
        still_world.wait_until_pending()
        (entry,) = lane._pending.entries.values()
        dear = 2 * entry.transaction.max_fee
        still_world.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(dear))
        still_world.mine()  # too dear for it
        assert still_world.nonces_used(lane.address) == 0
        wait_until("raised fees", lambda: entry.transaction.max_fee >= 2 * dear)
        raised = "0x" + entry.hashes[-1].hex()
        wait_until(
            "the raised transaction",
            lambda: still_world.chain.rpc("eth_getTransactionByHash", raised) is not None,
        )
        still_world.mine()
        assert waiting.result(LIMIT_S).is_success
    assert still_world.nonces_used(lane.address) == 1
    assert still_world.chain.balance(PAYEE) == 5


def test_fees_rise__above_the_cap__it_waits_and_is_mined_when_they_fall(
    still_world: World,
) -> None:
    still_world.stop_mining()
    limits = LaneLimits(wait_s=LIMIT_S, bump_after_s=0.1, poll_s=0.02)
    lane = still_world.lane(0, max_fee_gwei=2.5, limits=limits)
    with in_background(lane.transfer, PAYEE, 5) as waiting:
        still_world.wait_until_pending()
        still_world.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10 * 10**9))
        still_world.mine()
        time.sleep(0.5)
        assert not waiting.done()
        entry = lane._pending.entries[0]
        assert entry.transaction.max_fee <= 2.5 * 10**9
        with pytest.raises(FeeAboveCap):
            lane.transfer(PAYEE, 6)

        def mine_cheaply() -> bool:
            still_world.chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
            still_world.mine()
            return waiting.done()

        wait_until("a block that is cheap enough", mine_cheaply, look_s=0.2)
        assert waiting.result().is_success
    assert still_world.nonces_used(lane.address) == 1


def test_threads_and_reorgs__every_payment_is_made_once(start_world: Start) -> None:
    world = start_world(confirmations=3)
    lane = world.lane(0, limits=LaneLimits(wait_s=60.0, bump_after_s=5.0, poll_s=0.02))
    whom = [parse_address(number.to_bytes(20, "big")) for number in range(0x500, 0x510)]
    stop = threading.Event()

    def disturb() -> None:
        while not stop.wait(0.7):
            world.reorg(2)

    with ThreadPoolExecutor(5) as threads:
        disturbing = threads.submit(disturb)
        try:
            list(threads.map(lambda to: persist(lambda: lane.transfer(to, 5)), whom))
        finally:
            stop.set()
        disturbing.result(LIMIT_S)
    assert [world.chain.balance(to) for to in whom] == [5] * len(whom)
    assert world.nonces_used(lane.address) == len(whom)


def test_a_lane_that_is_closed_early__leaves_its_file_to_the_next(still_world: World) -> None:
    path = still_world.folder / "other"
    broken = EvmChain("http://127.0.0.1:9", chain_id=31337, attempts=1)
    with pytest.raises(LedgerUnavailable):
        TransactionLane(broken, account(0), path, limits=HASTE)
    with TransactionLane(still_world.chain, account(0), path, limits=HASTE) as lane:
        lane.transfer(PAYEE, 1)


def test_gas_prices__a_node_without_the_optional_method__still_serves(
    still_world: World, coin: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    rpc = still_world.chain.rpc

    def old_node(method: str, *params: object) -> object:
        return rpc("no_such_method" if method == "eth_maxPriorityFeePerGas" else method, *params)

    monkeypatch.setattr(still_world.chain, "rpc", old_node)
    assert still_world.lane(0).send(Call(coin, "transfer", (PAYEE, 1))).is_success
