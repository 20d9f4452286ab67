"""Accounts of the anchor as a party reads and writes them, on a real chain."""

from __future__ import annotations

import pytest
from tests.offchain.small_chain import SmallChain, account, small_chain

from edgemark.anchoring.accounts import Allowance, AnchorAccounts, Lock, Place, Totals
from edgemark.anchoring.events import Deposited, LockerAllowed, Moved, Withdrawn
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.ledger.evm.contract.decoding import receipt_events
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.faults import ContractRefused
from edgemark.token.metacoin import MetaCoin

__all__ = ["small_chain"]  # the fixture

pytestmark = pytest.mark.chain
HOLDER, NODE = 0, 1


@pytest.fixture
def accounts(small_chain: SmallChain) -> AnchorAccounts:
    return AnchorAccounts(small_chain.chain, small_chain.deployment.contract("AssetAnchor"))


@pytest.fixture
def token(small_chain: SmallChain) -> MetaCoin:
    return MetaCoin(small_chain.chain, small_chain.deployment.contract("MetaCoin"))


def test_tokens__go_in_and_out_and_every_one_is_counted(
    small_chain: SmallChain, accounts: AnchorAccounts, token: MetaCoin
) -> None:
    anchor, lane = accounts.contract, small_chain.operator
    before, free_before = token.balance(account(HOLDER)), accounts.totals()
    lane.send(token.approve(anchor.address, 100))
    assert token.allowance(account(HOLDER), anchor.address) == 100
    paid = lane.send(accounts.deposit(account(NODE), 100))
    (event,) = [each for each in receipt_events(paid, anchor) if isinstance(each, Deposited)]
    assert (event.account, event.payer, event.received) == (account(NODE), account(HOLDER), 100)
    assert accounts.free_balance(account(NODE)) == 100
    with small_chain.lane(NODE) as node:
        out = node.send(accounts.withdraw(account(HOLDER), 60))
    (event,) = [each for each in receipt_events(out, anchor) if isinstance(each, Withdrawn)]
    assert (event.account, event.to, event.amount) == (account(NODE), account(HOLDER), 60)
    assert accounts.free_balance(account(NODE)) == 40
    assert accounts.totals() == Totals(free_before.free + 40, free_before.locked)
    assert token.balance(account(HOLDER)) == before - 40
    assert token.balance(anchor.address) == free_before.free + 40


def test_withdraw__of_more_than_is_free__is_refused_with_the_numbers(
    small_chain: SmallChain, accounts: AnchorAccounts
) -> None:
    had = accounts.free_balance(account(2))
    with small_chain.lane(2) as lane, pytest.raises(ContractRefused) as caught:
        lane.send(accounts.withdraw(account(2), had + 1))
    assert caught.value.error_name == "FreeBalanceTooLow"
    assert caught.value.values == {"account": account(2), "had": had, "needed": had + 1}


def test_move__gives_free_tokens_to_another_account(
    small_chain: SmallChain, accounts: AnchorAccounts, token: MetaCoin
) -> None:
    small_chain.operator.send(token.approve(accounts.contract.address, 50))
    small_chain.operator.send(accounts.deposit(account(4), 50))
    with small_chain.lane(4) as lane:
        receipt = lane.send(accounts.move(account(5), 20))
    (event,) = receipt_events(receipt, accounts.contract)
    assert isinstance(event, Moved)
    assert (event.from_, event.to, event.amount) == (account(4), account(5), 20)
    assert (accounts.free_balance(account(4)), accounts.free_balance(account(5))) == (30, 20)


def test_allow_locker__sets_what_a_contract_may_lock_and_until_when(
    small_chain: SmallChain, accounts: AnchorAccounts
) -> None:
    locker = small_chain.deployment.contracts["JobSettlement"]
    until = Timestamp(small_chain.chain.block("latest").timestamp + 100)
    with small_chain.lane(3) as lane:
        receipt = lane.send(accounts.allow_locker(locker, 7, until))
    (event,) = receipt_events(receipt, accounts.contract)
    assert isinstance(event, LockerAllowed)
    assert (event.account, event.locker, event.amount) == (account(3), locker, 7)
    allowance = accounts.locker_allowance(account(3), locker)
    assert allowance == Allowance(Tokens(7), until)
    assert (allowance.left_until(until), allowance.left_until(until + 1)) == (7, 0)


def test_sign_allowance__is_sent_by_anybody_once_and_revoked_before(
    small_chain: SmallChain, accounts: AnchorAccounts
) -> None:
    key = SecretKey(dev_key(3))
    locker = small_chain.deployment.contracts["JobSettlement"]
    until = Timestamp(small_chain.chain.block("latest").timestamp + 100)
    signed = accounts.sign_allowance(key, locker, Tokens(11), until)
    small_chain.operator.send(signed)
    assert accounts.locker_allowance(account(3), locker) == Allowance(Tokens(11), until)
    with pytest.raises(ContractRefused, match="AllowanceNotSigned"):
        small_chain.operator.send(signed)
    assert accounts.nonce(account(3)) == 1


def test_a_lock_that_is_not_there__is_empty_and_cannot_expire(
    small_chain: SmallChain, accounts: AnchorAccounts
) -> None:
    locker, subject = small_chain.deployment.contracts["JobSettlement"], bytes(31) + b"\1"
    assert accounts.lock(locker, subject) == Lock(Timestamp(0), is_group=False)
    assert accounts.place(locker, subject, 0) == Place(Address("0x" + "00" * 20), Tokens(0))
    with pytest.raises(ContractRefused, match="LockUnknown"):
        small_chain.operator.send(accounts.expire(locker, subject, 0))
