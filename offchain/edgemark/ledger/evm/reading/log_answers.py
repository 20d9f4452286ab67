"""What a node may answer to `eth_getLogs`; a node that answers anything else is not believed.

The rules of the JSON-RPC specification, checked: only what was asked for, in the order of the
chain, each log once, and no more than anybody can hold. Whether a log really stands on the chain
is a question to the headers; `edgemark.indexer.keeping` asks it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from edgemark.identifiers import Address
from edgemark.ledger.evm.faults import AnswerTooLarge, NodeAnswerMalformed
from edgemark.ledger.evm.reading.answers import list_of
from edgemark.ledger.evm.reading.blocks import RawLog, log_from_json

MAX_LOGS = 100_000  # in one answer; a full block of 30 M gas holds fewer than 60,000
MAX_TOPICS = 4  # of the EVM
MAX_DATA_BYTES = 64 * 1024  # of one log; our largest, with 64 accounts in it, has 3 KiB


def logs_from_json(
    answer: Any, addresses: Collection[Address], first: int, last: int
) -> list[RawLog]:
    """Parse and check the logs of these contracts in the blocks `first` .. `last`.

    Raises:
        AnswerTooLarge: more than anybody can hold, which fewer blocks may not be.
        NodeAnswerMalformed: no list; more than one block can hold; a log of another contract or
            block, too large, twice, or out of order; or a log that was taken back.
    """
    entries = list_of(answer, "list of logs")
    if len(entries) > MAX_LOGS:
        fault = AnswerTooLarge if first < last else NodeAnswerMalformed
        raise fault("sent too many logs", who="node", had=len(entries), needed=f"<= {MAX_LOGS}")
    logs = [_log_of(entry) for entry in entries]
    before = (first, -1)
    for log in logs:
        place = (log.block_number, log.log_index)
        if log.address not in addresses or not first <= log.block_number <= last:
            raise NodeAnswerMalformed(
                "sent a log that was not asked for",
                who="node",
                had=f"{log.address} in block {log.block_number}",
                needed=f"logs of {len(addresses)} contracts in blocks {first} to {last}",
            )
        if place <= before:
            raise NodeAnswerMalformed(
                "sent logs twice or out of order",
                who="node",
                had=f"(block, log) {place} after {before}",
            )
        before = place
    return logs


def _log_of(entry: Any) -> RawLog:
    log = log_from_json(entry)
    if entry.get("removed", False) is not False:
        raise NodeAnswerMalformed(
            "sent a log that was taken back", who="node", had=log.tx_hash.hex()
        )
    if len(log.topics) > MAX_TOPICS or len(log.data) > MAX_DATA_BYTES:
        raise NodeAnswerMalformed(
            "sent a log that is too large",
            who="node",
            had=f"{len(log.topics)} topics, {len(log.data)} bytes",
            needed=f"<= {MAX_TOPICS} topics, <= {MAX_DATA_BYTES} bytes",
        )
    return log
