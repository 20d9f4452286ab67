"""Many questions in one message: the same answers as one by one, and the same faults."""

from __future__ import annotations

from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.test_evm_chain import false_node
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import ContractRefused, NoCode, NodeAnswerMalformed, NodeRefused
from edgemark.ledger.evm.reading.chain import BATCH_CALLS, EvmChain
from edgemark.ledger.evm.sending.intent import Call

pytestmark = pytest.mark.chain
__all__ = ["small_chain"]


@pytest.fixture
def token(small_chain: SmallChain) -> Contract:
    return small_chain.deployment.contract("MetaCoin")


def balances(token: Contract, count: int) -> list[Call]:
    return [Call(token, "balanceOf", (account(number % 10),)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, BATCH_CALLS, 2 * BATCH_CALLS + 3])
def test_call_many__answers_as_one_by_one(
    small_chain: SmallChain, token: Contract, count: int
) -> None:
    chain, block = small_chain.chain, small_chain.chain.head()
    calls = balances(token, count)
    alone = [chain.call(c.contract, c.function, *c.args, block=block) for c in calls]
    assert chain.call_many(calls, block) == alone


def test_call_many__needs_one_message_for_as_many_as_fit(
    small_chain: SmallChain, token: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = small_chain.chain.rpc_many

    def count(wanted: Any) -> list[Any]:
        asked.append(len(wanted))
        return real(wanted)

    monkeypatch.setattr(small_chain.chain, "rpc_many", count)
    small_chain.chain.call_many(balances(token, BATCH_CALLS + 1), small_chain.chain.head())
    assert asked == [BATCH_CALLS, 1]


def test_call_many__with_one_that_reverts__names_it(
    small_chain: SmallChain, token: Contract
) -> None:
    payee = account(1)
    refused = Call(token, "transferFrom", (account(0), payee, 1))
    with pytest.raises(ContractRefused) as error:
        small_chain.chain.call_many([*balances(token, 3), refused], small_chain.chain.head())
    assert error.value.error_name == "ERC20InsufficientAllowance"


def test_call_many__where_there_is_no_contract__says_so(
    small_chain: SmallChain, token: Contract
) -> None:
    nowhere = Contract("MetaCoin", Address("0x" + "11" * 20), token.interface)
    with pytest.raises(NoCode):
        small_chain.chain.call_many(
            [*balances(token, 2), Call(nowhere, "totalSupply")], small_chain.chain.head()
        )


def test_rpc_many__with_a_method_that_is_not_there__is_refused(small_chain: SmallChain) -> None:
    with pytest.raises(NodeRefused):
        small_chain.chain.rpc_many([("eth_chainId", []), ("eth_nothing", [])])


@pytest.mark.parametrize(
    "answer", [b"[]", b"7", b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}', b'[{"id": 0}]']
)
def test_rpc_many__answered_otherwise__is_refused(answer: bytes) -> None:
    with false_node(answer) as url, pytest.raises(NodeAnswerMalformed):
        EvmChain(url, attempts=1).rpc_many([("eth_chainId", [])])
