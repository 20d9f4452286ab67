"""What the ledger tells of: evidence by its events, and who wrote a key by its blocks."""

from __future__ import annotations

import time

from edgemark.identifiers import Address, Hash32
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.events import ChaincodeEvent
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import Transaction, parse_transaction
from edgemark.ledger.fabric.wire.read_write_sets import parse_results
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.kept import Kept
from edgemark.systems.trading.demo.consortium.scene import Scene

EVENTS_S = 60.0
BEHIND_S = 5.0  # in which what was told twice would come again
BLOCKS_S = 60.0
ENDORSED = 3  # type of the channel header of an endorsed transaction


def hear(scene: Scene, first: int, wanted: set[Hash32]) -> list[Hash32]:
    """Ids of evidence that the ledger tells of, until all wanted ones and those behind are told."""
    found = list[tuple[int, Hash32]]()
    controller = scene.trade.controller.address  # others may record on the same ledger
    until, last = time.monotonic() + EVENTS_S, first
    for event in scene.rival.door.list_events(wait_s=EVENTS_S, first=first):
        found += [(event.block, each) for each in _evidence_in(event, controller)]
        last = event.block
        if wanted <= {each for _, each in found} or time.monotonic() > until:
            break
    behind = [  # the last block whole, and what comes after it
        each
        for event in scene.rival.door.list_events(wait_s=BEHIND_S, first=last)
        for each in _evidence_in(event, controller)
    ]
    return [each for block, each in found if block < last] + behind


def _evidence_in(event: ChaincodeEvent, controller: Address) -> list[Hash32]:
    if event.event.name != requests.RECORDED:
        return []
    kept = requests.parse(tuple[Kept, ...], event.event.payload.decode(), who="event")
    return [each.found.evidence for each in kept if controller in each.found.signers]


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
