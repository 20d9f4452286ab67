"""Logs of our contracts as typed values, of the types that each contract's kind names."""

from __future__ import annotations

from collections.abc import Iterable

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.contract.chain_event import ChainEvent, LogPlace
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.answers import malformed
from edgemark.ledger.evm.reading.blocks import RawLog, Receipt


def decode_log(contract: Contract, log: RawLog) -> ChainEvent | None:
    """The event of a log, or None when it is of another contract or kind.

    Raises:
        NodeAnswerMalformed: the contract, whose code is known, cannot have written these bytes; an
            event that is left out would be one that nobody acts on.
    """
    if log.address != contract.address:
        return None
    try:
        found = contract.interface.decode_event(log)
    except RefusedInput as error:
        raise malformed(f"log of {contract.name}", log.data, error.what) from error
    if found is None:
        return None
    name, values = found
    kind = contract.events.get(name)
    if kind is None:
        return None
    place = LogPlace(log.address, log.block_number, log.block_hash, log.tx_hash, log.log_index)
    return kind(**values, at=place)


def decode_logs(contracts: Iterable[Contract], logs: Iterable[RawLog]) -> list[ChainEvent]:
    """The events of these contracts among the logs, in order; raises as `decode_log`."""
    by_address = {contract.address: contract for contract in contracts}
    events = (decode_log(by_address[log.address], log) for log in logs if log.address in by_address)
    return [event for event in events if event is not None]


def receipt_events(receipt: Receipt, contract: Contract) -> list[ChainEvent]:
    """What `contract` says happened in a transaction."""
    return decode_logs([contract], receipt.logs)
