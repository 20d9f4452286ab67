"""Who wrote a key: read in the blocks of a channel, whatever anybody says of it."""

from __future__ import annotations

from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import Transaction, parse_transaction
from edgemark.ledger.fabric.wire.read_write_sets import parse_results

BLOCKS_S = 60.0
ENDORSED = 3  # type of the channel header of an endorsed transaction


def list_writers(client: GatewayClient, first: int, chaincode: str, key: str) -> list[str]:
    """Ids of the transactions that count and wrote a key, as the blocks have them.

    Args:
        client: who asks for the blocks.
        first: number of the first block that is looked at.
        chaincode: whose key.
        key: that was written.
    """
    found: list[str] = []
    for block in client.blocks(first, client.height() - 1, wait_s=BLOCKS_S):
        found += [each.transaction_id for each in _counting(block) if _writes(each, chaincode, key)]
    return found


def _counting(block: Block) -> list[Transaction]:
    found = []
    for raw, code in zip(block.envelopes, block.flags, strict=True):
        try:
            transaction = parse_transaction(raw)
        except MessageMalformed:  # a config
            continue
        if code is Code.VALID and transaction.type == ENDORSED:
            found.append(transaction)
    return found


def _writes(transaction: Transaction, chaincode: str, key: str) -> bool:
    return any(
        write.key == key
        for each in parse_results(transaction.action.results)
        if each.namespace == chaincode
        for write in each.writes
    )
