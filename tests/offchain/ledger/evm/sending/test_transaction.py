"""Signed bytes of transactions, against eth_account as an independent implementation."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from edgemark.crypto.ethereum.secp256k1 import ORDER, SecretKey
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.identifiers import Address, parse_address
from edgemark.ledger.evm.contract.interface import Contract, load_interface
from edgemark.ledger.evm.sending.intent import Call, Intent, intent_of, transfer_of
from edgemark.ledger.evm.sending.transaction import Transaction, hash_of, parse_raw

UINT64, UINT128, UINT256 = (st.integers(0, 2**bits - 1) for bits in (64, 128, 256))
ADDRESSES = st.binary(min_size=20, max_size=20).map(parse_address)
TRANSACTIONS = st.builds(
    Transaction,
    chain_id=st.integers(1, 2**63),
    nonce=st.integers(0, 2**64 - 2),
    tip=UINT128,
    max_fee=UINT128,
    gas=UINT64,
    to=st.none() | ADDRESSES,
    value=UINT256,
    data=st.binary(max_size=300),
)
SECRETS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
SOMEBODY = parse_address("0x" + "11" * 20)
COIN = Contract("MetaCoin", SOMEBODY, load_interface("MetaCoin"))


def as_eth_account(transaction: Transaction) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "maxPriorityFeePerGas": transaction.tip,
        "maxFeePerGas": transaction.max_fee,
        "gas": transaction.gas,
        "value": transaction.value,
        "data": transaction.data,
        "accessList": [],
    }
    return fields if transaction.to is None else {**fields, "to": transaction.to}


@given(transaction=TRANSACTIONS, secret=SECRETS)
def test_sign__any_transaction__equals_eth_account(transaction: Transaction, secret: bytes) -> None:
    expected = Account.sign_transaction(as_eth_account(transaction), secret)
    raw = transaction.sign(SecretKey(secret))
    assert raw == bytes(expected.raw_transaction)
    assert hash_of(raw) == bytes(expected.hash)


@given(transaction=TRANSACTIONS, secret=SECRETS)
def test_sign__any_transaction__recovers_to_the_account(
    transaction: Transaction, secret: bytes
) -> None:
    key = SecretKey(secret)
    assert Account.recover_transaction(transaction.sign(key)) == key.address


@given(transaction=TRANSACTIONS, secret=SECRETS)
def test_parse_raw__what_was_signed__comes_back(transaction: Transaction, secret: bytes) -> None:
    assert parse_raw(transaction.sign(SecretKey(secret))) == transaction


@given(noise=st.binary(max_size=200))
def test_parse_raw__anything_else__is_unrecoverable(noise: bytes) -> None:
    with pytest.raises(Unrecoverable):
        parse_raw(noise)


@given(transaction=TRANSACTIONS, secret=SECRETS, cut=st.integers(1, 10))
def test_parse_raw__cut_short__is_unrecoverable(
    transaction: Transaction, secret: bytes, cut: int
) -> None:
    raw = transaction.sign(SecretKey(secret))
    with pytest.raises(Unrecoverable):
        parse_raw(raw[:-cut])


def test_most_wei__is_value_and_all_gas_at_the_highest_fee() -> None:
    assert Transaction(1, 0, 1, 30, 21_000, SOMEBODY, 7, b"").most_wei == 7 + 30 * 21_000


def test_repr__of_a_transaction__leaves_out_the_data() -> None:
    assert "payload" not in repr(Transaction(1, 0, 1, 30, 21_000, None, 0, b"payload"))


def test_identity__equal_intentions__are_equal() -> None:
    one, two = (intent_of(Call(COIN, "transfer", (SOMEBODY, 5))) for _ in range(2))
    assert one.identity == two.identity
    assert len(one.identity) == 32


def test_identity__different_intentions__differ() -> None:
    other = parse_address("0x" + "22" * 20)
    found = [
        intent_of(Call(COIN, "transfer", (SOMEBODY, 5))),
        intent_of(Call(COIN, "transfer", (SOMEBODY, 6))),
        intent_of(Call(COIN, "approve", (SOMEBODY, 5))),
        intent_of(Call(COIN, "transfer", (SOMEBODY, 5), key=b"")),
        intent_of(Call(COIN, "transfer", (SOMEBODY, 5), key=b"a")),
        transfer_of(SOMEBODY, 5),
        transfer_of(SOMEBODY, 6),
        transfer_of(other, 5),
        Intent(None, 5, b"", None, None, COIN, "constructor"),
    ]
    assert len({intent.identity for intent in found}) == len(found)


def test_identity__named_alike__is_equal_whatever_the_call() -> None:
    one = intent_of(Call(COIN, "transfer", (SOMEBODY, 5), key=b"salary of May"))
    two = intent_of(Call(COIN, "approve", (SOMEBODY, 9), gas=7, key=b"salary of May"))
    assert one.identity == two.identity


def test_transfer_of__less_than_nothing__is_refused() -> None:
    with pytest.raises(RefusedInput):
        transfer_of(Address(SOMEBODY), -1)
