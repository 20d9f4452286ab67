"""Blocks, logs and receipts, parsed once from a node's JSON."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.reading.answers import (
    address_of,
    data_of,
    hash_of,
    height_of,
    list_of,
    object_of,
    quantity_of,
)

MOST_GAS = 2**64 - 1  # of a block, by the protocol
MOST_PRICE = 2**128 - 1  # wei per gas; times the gas it still fits a word
SUCCESS = 1  # status in a receipt; 0 stands for a revert


@dataclass(frozen=True)
class Block:
    """Header of a block.

    Args:
        number: height.
        hash: of the header.
        parent_hash: of the block before.
        timestamp: Unix seconds.
        base_fee: wei per gas.
    """

    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    base_fee: int


@dataclass(frozen=True)
class RawLog:
    """A log as the chain holds it; `log_index` counts in the block."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction.

    Args:
        tx_hash: of the transaction.
        block_number: where it stands.
        block_hash: of that block.
        is_success: False when it reverted.
        gas_used: gas.
        fee_wei: what the sender paid for it, wei.
        contract_address: the contract it made, if any.
        logs: in order.
    """

    tx_hash: Hash32
    block_number: int
    block_hash: Hash32
    is_success: bool
    gas_used: int
    fee_wei: int
    contract_address: Address | None
    logs: tuple[RawLog, ...]


@dataclass(frozen=True)
class SentCall:
    """What a transaction asked for.

    Args:
        sender: who sent it.
        to: the contract it called; None when it made one.
        data: the call data.
        hash: under which the chain knows it.
    """

    sender: Address
    to: Address | None
    data: bytes
    hash: Hash32


@dataclass(frozen=True)
class SentFrom:
    """Which place in an account's order a transaction of a block took.

    Args:
        sender: who sent it.
        nonce: of the sender.
        hash: under which the chain knows it.
    """

    sender: Address
    nonce: int
    hash: Hash32


@dataclass(frozen=True)
class Mined:
    """A transaction that stands in a block: what it asked for, and what became of it."""

    call: SentCall
    receipt: Receipt


def block_from_json(answer: object) -> Block:
    """Parse a header.

    Raises:
        NodeAnswerMalformed: a field is missing or of another kind.
    """
    fields = object_of(answer, "block")
    base_fee = fields.get("baseFeePerGas")
    return Block(
        number=height_of(fields.get("number")),
        hash=hash_of(fields.get("hash"), "hash of a block"),
        parent_hash=hash_of(fields.get("parentHash"), "hash of a parent"),
        timestamp=height_of(fields.get("timestamp"), "time of a block"),
        base_fee=0 if base_fee is None else quantity_of(base_fee, "base fee", most=MOST_PRICE),
    )


def senders_from_json(answer: object) -> list[SentFrom]:
    """Who sent the transactions of a block that was asked for with them; as `block_from_json`."""
    transactions = list_of(object_of(answer, "block").get("transactions"), "list of transactions")
    found = []
    for each in transactions:
        fields = object_of(each, "transaction")
        found.append(
            SentFrom(
                sender=address_of(fields.get("from"), "sender"),
                nonce=height_of(fields.get("nonce"), "nonce"),
                hash=hash_of(fields.get("hash"), "hash of a transaction"),
            )
        )
    return found


def log_from_json(answer: object) -> RawLog:
    """Parse a log; raises as `block_from_json`."""
    fields = object_of(answer, "log")
    return RawLog(
        address=address_of(fields.get("address"), "address of a log"),
        topics=tuple(hash_of(topic, "topic") for topic in list_of(fields.get("topics"), "topics")),
        data=data_of(fields.get("data"), "data of a log"),
        block_number=height_of(fields.get("blockNumber")),
        block_hash=hash_of(fields.get("blockHash"), "hash of a block"),
        tx_hash=hash_of(fields.get("transactionHash"), "hash of a transaction"),
        log_index=height_of(fields.get("logIndex"), "place of a log"),
    )


def receipt_from_json(answer: object) -> Receipt:
    """Parse a receipt; raises as `block_from_json`."""
    fields = object_of(answer, "receipt")
    made = fields.get("contractAddress")
    gas_used = quantity_of(fields.get("gasUsed"), "gas", most=MOST_GAS)
    price = quantity_of(fields.get("effectiveGasPrice"), "gas price", most=MOST_PRICE)
    status = quantity_of(fields.get("status"), "status of a receipt", most=SUCCESS)
    return Receipt(
        tx_hash=hash_of(fields.get("transactionHash"), "hash of a transaction"),
        block_number=height_of(fields.get("blockNumber")),
        block_hash=hash_of(fields.get("blockHash"), "hash of a block"),
        is_success=status == SUCCESS,
        gas_used=gas_used,
        fee_wei=gas_used * price,
        contract_address=None if made is None else address_of(made, "address of a contract"),
        logs=tuple(log_from_json(log) for log in list_of(fields.get("logs"), "list of logs")),
    )


def call_from_json(answer: object) -> SentCall:
    """Parse a transaction; raises as `block_from_json`."""
    fields = object_of(answer, "transaction")
    to = fields.get("to")
    return SentCall(
        sender=address_of(fields.get("from"), "sender"),
        to=None if to is None else address_of(to, "called account"),
        data=data_of(fields.get("input"), "call data"),
        hash=hash_of(fields.get("hash"), "hash of a transaction"),
    )
