"""A lane on a real chain: each nonce once, in order, with a receipt at the depth asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.offchain.deployed import CONTRACTS
from tests.offchain.ledger.conftest import HASTE, Start, World, account
from tests.waiting import LIMIT_S

from edgemark.amounts import Coin
from edgemark.cli.catalogue import KINDS
from edgemark.deployment.deployment import deploy
from edgemark.errors import RefusedInput
from edgemark.identifiers import parse_address
from edgemark.journal.journal import JournalInUse
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import (
    ContractRefused,
    FeeAboveCap,
    GasAboveCap,
    NoFunds,
    OtherChainsFile,
)
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.systems.outsourcing.contract.records import Limits
from edgemark.systems.outsourcing.station.contracts import draft_contracts
from edgemark.token.events import Transfer

pytestmark = [pytest.mark.chain, pytest.mark.lasts(12)]

GWEI = 10**9
PAYEE = parse_address("0x" + "77" * 20)


def payees(count: int, start: int = 0x1000) -> list[str]:
    return [parse_address(number.to_bytes(20, "big")) for number in range(start, start + count)]


def test_send__from_many_threads__uses_each_nonce_once(world: World) -> None:
    lane = world.lane(0)
    whom = payees(24)
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda to: lane.transfer(to, 5), whom))
    assert len({receipt.tx_hash for receipt in receipts}) == 24
    assert world.nonces_used(lane.address) == 24
    assert [world.chain.balance(to) for to in whom] == [5] * 24
    assert lane.gas_used == 24 * 21_000
    assert lane.fees_wei == sum(receipt.fee_wei for receipt in receipts)


def test_send_many__consecutive_nonces__are_mined_in_order(
    still_world: World, coin: Contract
) -> None:
    lane = still_world.lane(0)
    still_world.stop_mining()
    calls = [Call(coin, "transfer", (to, 1)) for to in payees(5)]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lane.send_many, calls)
        still_world.wait_until_pending(5)
        still_world.mine()
        receipts = waiting.result(LIMIT_S)
    assert len({receipt.block_hash for receipt in receipts}) == 1  # all in flight at once
    events = [receipt_events(receipt, coin)[0] for receipt in receipts]
    assert [event.to for event in events if isinstance(event, Transfer)] == payees(5)
    assert [event.at.log_index for event in events] == [0, 1, 2, 3, 4]


def test_transfer_many__equal_payments__are_all_paid(still_world: World) -> None:
    lane = still_world.lane(0)
    receipts = lane.transfer_many([(PAYEE, 7), (PAYEE, 7), (PAYEE, 8), (PAYEE, 7)])
    assert len({receipt.tx_hash for receipt in receipts}) == 4
    assert still_world.chain.balance(PAYEE) == 29


def test_transfer_many__nothing__does_nothing(still_world: World) -> None:
    assert still_world.lane(0).transfer_many([]) == []


def test_transfer_many__more_than_there_is__stops_before_the_one_it_cannot_pay(
    still_world: World,
) -> None:
    poor = still_world.lane(1)
    still_world.chain.rpc("anvil_setBalance", poor.address, hex(10**18))
    still_world.stop_mining()
    half = 4 * 10**17
    with pytest.raises(NoFunds) as refused:
        poor.transfer_many([(to, half) for to in payees(3)])
    assert poor.address in str(refused.value.who)
    assert "under way" in str(refused.value.needed)
    still_world.mine()
    assert [still_world.chain.balance(to) for to in payees(3)] == [half, half, 0]
    still_world.chain.rpc("evm_setAutomine", True)
    poor.transfer(payees(1, 0x2000)[0], 5)  # and the lane goes on


def test_send__an_empty_account__names_it_and_what_it_lacks(still_world: World) -> None:
    lane = still_world.lane(2)
    still_world.chain.rpc("anvil_setBalance", lane.address, "0x0")
    with pytest.raises(NoFunds) as refused:
        lane.transfer(PAYEE, 1)
    assert refused.value.had == Coin(0)
    assert lane.address in str(refused.value)
    assert world_is_untouched(still_world, lane.address)


def world_is_untouched(world: World, address: str) -> bool:
    """No transaction of the account is on the chain or waits."""
    pending = world.chain.rpc("eth_getTransactionCount", address, "pending")
    return int(pending, 16) == 0


def test_send__depth__is_waited_for(start_world: Start) -> None:
    world = start_world(confirmations=3)
    receipt = world.lane(0).transfer(PAYEE, 1)
    assert world.chain.head() - receipt.block_number >= 3


def test_send__earlier_ones_that_became_final__are_crossed_out(start_world: Start) -> None:
    world = start_world(confirmations=3, extra=())
    lane = world.lane(0)
    for to in payees(4):
        lane.send(Call(KINDS["MetaCoin"].at(to), "approve", (PAYEE, 1)), confirmations=0)
    assert len(lane._pending.entries) == 4  # a reorg may still take the calls back
    world.mine(3)
    lane.send(Call(KINDS["MetaCoin"].at(PAYEE), "approve", (PAYEE, 1)), confirmations=0)
    assert list(lane._pending.entries) == [4]


def test_send__with_a_base_fee_and_one_second_blocks__is_mined_and_pays_it(
    start_world: Start,
) -> None:
    world = start_world(block_time_s=1, extra=(), base_fee_wei=30 * GWEI, confirmations=1)
    lane = world.lane(0)
    receipt = lane.transfer(PAYEE, 1)
    base_fee = world.chain.block(receipt.block_number).base_fee
    assert base_fee > 0
    assert receipt.fee_wei >= 21_000 * base_fee
    lane.transfer_many([(to, 1) for to in payees(10)])
    assert world.nonces_used(lane.address) == 11


def test_send__base_fee_above_the_cap__is_refused_and_sends_nothing(start_world: Start) -> None:
    world = start_world(base_fee_wei=50 * GWEI, confirmations=0, extra=())
    lane = world.lane(0, max_fee_gwei=49.0)
    with pytest.raises(FeeAboveCap):
        lane.transfer(PAYEE, 1)
    assert world_is_untouched(world, lane.address)
    lane.close()
    receipt = world.lane(0, max_fee_gwei=51.0).transfer(PAYEE, 1)
    assert receipt.fee_wei <= 21_000 * 51 * GWEI


def test_send__more_gas_than_the_limit__is_refused_and_sends_nothing(
    still_world: World, coin: Contract
) -> None:
    lane = still_world.lane(1, limits=LaneLimits(max_gas=21_000))
    lane.transfer(PAYEE, 1)
    with pytest.raises(GasAboveCap) as refused:
        lane.send(Call(coin, "approve", (PAYEE, 1)))
    assert refused.value.who == "MetaCoin.approve"
    assert int(str(refused.value.had)) > 21_000
    with pytest.raises(GasAboveCap):
        lane.send(Call(coin, "approve", (PAYEE, 1), gas=21_001))
    assert still_world.nonces_used(lane.address) == 1


def test_send__the_contract_refuses__tells_its_error_and_values(
    still_world: World, coin: Contract
) -> None:
    outsider = still_world.lane(1)
    with pytest.raises(ContractRefused) as refused:
        outsider.send(Call(coin, "transfer", (PAYEE, 5)))
    assert (refused.value.contract, refused.value.function) == ("MetaCoin", "transfer")
    assert refused.value.error_name == "ERC20InsufficientBalance"
    assert refused.value.values == {"sender": outsider.address, "balance": 0, "needed": 5}
    assert world_is_untouched(still_world, outsider.address)


def test_send__refused_only_once_mined__tells_its_error_and_the_fee_is_counted(
    still_world: World, coin: Contract
) -> None:
    lane = still_world.lane(0)
    wealth = still_world.chain.call(coin, "balanceOf", lane.address, block="latest")
    calls = [
        Call(coin, "transfer", (PAYEE, wealth), gas=100_000),
        Call(coin, "transfer", (PAYEE, 3), gas=100_000),  # nothing is left for it
    ]
    before = lane.gas_used
    with pytest.raises(ContractRefused) as refused:
        lane.send_many(calls)
    assert refused.value.error_name == "ERC20InsufficientBalance"
    assert refused.value.values == {"sender": lane.address, "balance": 0, "needed": 3}
    assert still_world.chain.call(coin, "balanceOf", PAYEE, block="latest") == wealth
    assert lane.gas_used > before + 2 * 21_000
    lane.transfer(PAYEE, 1)  # and the lane goes on


def test_send__an_equal_call_later__is_sent_again(still_world: World, coin: Contract) -> None:
    lane = still_world.lane(0)
    call = Call(coin, "transfer", (PAYEE, 5))
    assert lane.send(call).tx_hash != lane.send(call).tx_hash
    assert still_world.chain.call(coin, "balanceOf", PAYEE, block="latest") == 10


def test_send__an_equal_call_while_one_is_pending__joins_it(world: World) -> None:
    lane = world.lane(0)
    with ThreadPoolExecutor(4) as threads:
        receipts = list(threads.map(lambda _: lane.transfer(PAYEE, 5), range(4)))
    assert len({receipt.tx_hash for receipt in receipts}) == world.nonces_used(lane.address)
    assert world.chain.balance(PAYEE) == 5 * world.nonces_used(lane.address)


def test_send__a_named_intention__happens_once_in_all_lives(
    still_world: World, coin: Contract
) -> None:
    call = Call(coin, "transfer", (PAYEE, 5), key=b"salary of May")
    first = still_world.lane(0)
    assert not first.was_begun(call)
    receipt = first.send(call)
    assert first.send(call) == receipt
    assert (first.was_begun(call), first.may_happen(call)) == (True, False)
    first.close()
    second = still_world.lane(0)
    assert second.was_begun(call)
    assert second.send(call) == receipt
    assert still_world.chain.call(coin, "balanceOf", PAYEE, block="latest") == 5
    other = Call(coin, "transfer", (PAYEE, 5), key=b"salary of June")
    assert second.send(other).tx_hash != receipt.tx_hash


def test_send__a_named_intention_that_was_refused__may_be_tried_again(
    still_world: World, coin: Contract
) -> None:
    lane = still_world.lane(1)
    call = Call(coin, "transfer", (PAYEE, 5), gas=100_000, key=b"when I have it")
    with pytest.raises(ContractRefused):
        lane.send(call)
    still_world.lane(0).send(Call(coin, "transfer", (lane.address, 5)))
    lane.send(call)
    assert still_world.chain.call(coin, "balanceOf", PAYEE, block="latest") == 5


def test_open__two_lanes_of_one_file__is_refused(still_world: World) -> None:
    still_world.lane(0)
    with pytest.raises(JournalInUse):
        still_world.lane(0)


def test_open__the_file_of_another_account__is_refused(still_world: World) -> None:
    still_world.lane(0).close()
    (still_world.folder / "lane-0").rename(still_world.folder / "lane-1")
    with pytest.raises(OtherChainsFile):
        still_world.lane(1)


def test_deploy__arguments_that_do_not_fit__pays_nothing(
    still_world: World,
) -> None:
    lane = still_world.lane(0)
    with pytest.raises(RefusedInput, match="arguments do not fit"):
        lane.deploy("MetaCoin")
    assert world_is_untouched(still_world, lane.address)


def test_deploy__a_limit_out_of_bounds__tells_which(still_world: World) -> None:
    lane = still_world.lane(0)
    judges = tuple(account(number).address for number in range(1, 5))
    limits = Limits(
        10, 10**20, 1, 0, min_window=0, max_window=86_400, judge_window=8, exit_grace=60
    )
    groups = draft_contracts(lane.address, judges, PAYEE, lane.address, limits)
    with pytest.raises(ContractRefused) as refused:
        deploy(still_world.chain, lane, groups)
    assert refused.value.error_name == "OutOfBounds"
    assert refused.value.values["field"] == b"minWindow".ljust(32, b"\0")
    assert refused.value.values["had"] == 0


@pytest.mark.parametrize("count", [3, 17])
def test_deploy__too_few_or_many_judges__is_refused_before_anything_is_paid(
    still_world: World, count: int
) -> None:
    lane = still_world.lane(0)
    limits = Limits(10, 10**20, 1, 0, 2, 86_400, 8, 60)
    judges = tuple(payees(count))
    groups = draft_contracts(lane.address, judges, PAYEE, lane.address, limits)
    with pytest.raises(RefusedInput, match="number of judges"):
        deploy(still_world.chain, lane, groups)
    assert world_is_untouched(still_world, lane.address)


def test_deploy__good_parameters__puts_every_contract_and_verifies(world: World) -> None:
    lane = world.lane(0, limits=HASTE)
    judges = tuple(account(number).address for number in range(1, 5))
    limits = Limits(10, 10**20, 1, 0, 2, 86_400, 8, 60)
    groups = draft_contracts(lane.address, judges, PAYEE, lane.address, limits)
    deployment = deploy(world.chain, lane, groups)
    deployment.verify(world.chain)
    assert set(deployment.contracts) == set(CONTRACTS)
    settlement = deployment.contract("JobSettlement")
    assert world.chain.call(settlement, "limits") == limits.as_abi()
    assert world.chain.call(settlement, "pool") == PAYEE
    enclaves = deployment.contract("EnclaveManager")
    assert world.chain.call(enclaves, "members") == judges
    assert world.chain.block(deployment.block).number == deployment.block
