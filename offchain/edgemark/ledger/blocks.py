"""Blocks, logs and receipts, parsed once from a node's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemark.errors import LedgerUnavailable, RefusedInput
from edgemark.identifiers import Address, Hash32, parse_address, parse_hash32

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, RefusedInput)


MOST_NUMBER = 2**63 - 1  # no height, place or time is larger; what is has no meaning


class NodeAnswerMalformed(LedgerUnavailable):
    """The node's answer lacks a field or has one of another kind."""


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
    """

    sender: Address
    to: Address | None
    data: bytes


@dataclass(frozen=True)
class Mined:
    """A transaction that stands in a block: what it asked for, and what became of it."""

    call: SentCall
    receipt: Receipt


def block_from_json(answer: Mapping[str, Any]) -> Block:
    """Parse a header.

    Raises:
        NodeAnswerMalformed: a field is missing or of another kind.
    """
    try:
        return Block(
            number=_number(answer["number"]),
            hash=parse_hash32(answer["hash"]),
            parent_hash=parse_hash32(answer["parentHash"]),
            timestamp=_number(answer["timestamp"]),
            base_fee=int(answer.get("baseFeePerGas") or "0x0", 16),
        )
    except UNREADABLE as error:
        raise NodeAnswerMalformed("sent no block", who="node", had=str(answer)[:200]) from error


def log_from_json(answer: Mapping[str, Any]) -> RawLog:
    """Parse a log; raises as `block_from_json`."""
    try:
        return RawLog(
            address=parse_address(answer["address"]),
            topics=tuple(parse_hash32(topic) for topic in answer["topics"]),
            data=bytes.fromhex(answer["data"].removeprefix("0x")),
            block_number=_number(answer["blockNumber"]),
            block_hash=parse_hash32(answer["blockHash"]),
            tx_hash=parse_hash32(answer["transactionHash"]),
            log_index=_number(answer["logIndex"]),
        )
    except UNREADABLE as error:
        raise NodeAnswerMalformed("sent no log", who="node", had=str(answer)[:200]) from error


def receipt_from_json(answer: Mapping[str, Any]) -> Receipt:
    """Parse a receipt; raises as `block_from_json`."""
    try:
        made = answer.get("contractAddress")
        gas_used = int(answer["gasUsed"], 16)
        return Receipt(
            tx_hash=parse_hash32(answer["transactionHash"]),
            block_number=_number(answer["blockNumber"]),
            block_hash=parse_hash32(answer["blockHash"]),
            is_success=int(answer["status"], 16) == 1,
            gas_used=gas_used,
            fee_wei=gas_used * int(answer["effectiveGasPrice"], 16),
            contract_address=parse_address(made) if made else None,
            logs=tuple(log_from_json(log) for log in answer["logs"]),
        )
    except UNREADABLE as error:
        raise NodeAnswerMalformed("sent no receipt", who="node", had=str(answer)[:200]) from error


def _number(text: str) -> int:
    number = int(text, 16)
    if not 0 <= number <= MOST_NUMBER:
        raise ValueError(f"no number of a block: {number}")
    return number


def call_from_json(answer: Mapping[str, Any]) -> SentCall:
    """Parse a transaction; raises as `block_from_json`."""
    try:
        to = answer.get("to")
        return SentCall(
            sender=parse_address(answer["from"]),
            to=parse_address(to) if to else None,
            data=bytes.fromhex(answer["input"].removeprefix("0x")),
        )
    except UNREADABLE as error:
        raise NodeAnswerMalformed(
            "sent no transaction", who="node", had=str(answer)[:200]
        ) from error
