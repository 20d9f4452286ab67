"""The token as a party reads and writes it, on a real chain."""

from __future__ import annotations

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.token.events import Approval, Transfer
from edgemark.token.metacoin import MetaCoin

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
SUPPLY = 1_000_000_000 * 10**18
HOLDER, PAYEE = 0, 1


@pytest.fixture
def token(small_chain: SmallChain) -> MetaCoin:
    return MetaCoin(small_chain.chain, small_chain.deployment.contract("MetaCoin"))


def test_a_transfer__moves_what_it_says_and_no_more(
    small_chain: SmallChain, token: MetaCoin
) -> None:
    before = [token.balance(account(HOLDER)), token.balance(account(PAYEE))]
    receipt = small_chain.operator.send(token.transfer(account(PAYEE), 5))
    (event,) = receipt_events(receipt, token.contract)
    assert isinstance(event, Transfer)
    assert (event.from_, event.to, event.value) == (account(HOLDER), account(PAYEE), 5)
    after = [token.balance(account(HOLDER)), token.balance(account(PAYEE))]
    assert after == [before[0] - 5, before[1] + 5]
    assert token.supply() == SUPPLY


def test_a_balance__can_be_read_as_of_an_earlier_block(
    small_chain: SmallChain, token: MetaCoin
) -> None:
    had = token.balance(account(2))
    receipt = small_chain.operator.send(token.transfer(account(2), 3))
    assert token.balance(account(2), block=receipt.block_number - 1) == had
    assert token.balance(account(2), block=receipt.block_number) == had + 3


def test_approve__sets_what_a_spender_may_take(small_chain: SmallChain, token: MetaCoin) -> None:
    receipt = small_chain.operator.send(token.approve(account(3), 9))
    (event,) = receipt_events(receipt, token.contract)
    assert isinstance(event, Approval)
    assert (event.owner, event.spender, event.value) == (account(HOLDER), account(3), 9)
    assert token.allowance(account(HOLDER), account(3)) == 9


def test_a_transfer_of_more_than_there_is__is_refused_with_the_numbers(
    small_chain: SmallChain, token: MetaCoin
) -> None:
    had = token.balance(account(4))
    with small_chain.lane(4) as lane, pytest.raises(ContractRefused) as caught:
        lane.send(token.transfer(account(HOLDER), had + 1))
    assert caught.value.error_name == "ERC20InsufficientBalance"
    assert caught.value.values["balance"] == had
    assert caught.value.values["needed"] == had + 1
