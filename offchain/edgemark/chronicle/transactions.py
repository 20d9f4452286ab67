"""The transactions of one matter, as the node of a chain has them: senders, calls, all events.

A system's contract (the locker) says what happens to a matter in events with the matter as their
first topic; what the anchor paid stands in the same transactions, or in that of an expiry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgemark.chronicle.marks import Mark
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Timestamp
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.blocks import Mined
from edgemark.ledger.evm.reading.chain import EvmChain

RETURNED_TOPIC = keccak256(b"LockReturned(address,bytes32,address,uint256,uint256,address)")


class Transactions:
    """What a chain holds of the matters of one locker.

    Args:
        chain: where.
        deployment: addresses of all contracts, and from which block on they are there.
        locker: the contract that decides.
        others: whose events belong to a matter too, beside the anchor's.
    """

    def __init__(
        self,
        chain: EvmChain,
        deployment: Deployment,
        locker: Contract,
        others: Sequence[Contract] = (),
    ) -> None:
        self._chain = chain
        self._first = deployment.block
        self._locker = locker
        self._anchor = deployment.contract("AssetAnchor")
        self._said_by = (locker, *others, self._anchor)
        self._times: dict[int, Timestamp] = {}

    def events(
        self, until: int, topics: list[list[bytes]], of: Contract | None = None
    ) -> list[ChainEvent]:
        """Events with these topics, oldest first.

        Args:
            until: the last block that is looked at.
            topics: alternatives by place; an empty list takes any.
            of: the contract; the locker when None.
        """
        contract = of or self._locker
        logs = self._chain.logs([contract.address], self._first, until, topics)
        return decode_logs([contract], logs)

    def returns(self, subject: bytes, until: int) -> list[ChainEvent]:
        """How places of a matter's expired lock went back to their owners."""
        locker = bytes.fromhex(self._locker.address[2:]).rjust(32, b"\0")
        return self.events(until, [[RETURNED_TOPIC], [locker], [subject]], self._anchor)

    def mined(self, events: Sequence[ChainEvent], until: int) -> list[Mined]:
        """The transactions of these events, oldest first; learns the times of their blocks."""
        in_order = sorted(events, key=lambda event: (event.at.block_number, event.at.log_index))
        hashes = list(dict.fromkeys(event.at.tx_hash for event in in_order))
        blocks = {event.at.block_number for event in events} | {until}
        for header in self._chain.headers(sorted(blocks - self._times.keys())):
            self._times[header.number] = Timestamp(header.timestamp)
        return self._chain.mined(hashes)

    def time_of(self, block: int) -> Timestamp:
        """Of a block that `mined` was told of."""
        return self._times[block]

    def mark(self, mined: Mined) -> Mark:
        """When a transaction was mined, and who sent it."""
        receipt = mined.receipt
        time = self._times[receipt.block_number]
        return Mark(receipt.block_number, time, receipt.tx_hash, mined.call.sender)

    def said_in(self, mined: Mined) -> list[ChainEvent]:
        """What locker, others and anchor say in one transaction, in order."""
        return decode_logs(self._said_by, mined.receipt.logs)

    def arguments_of(self, mined: Mined) -> dict[str, Any]:
        """What the locker was called with directly; nothing for any other way."""
        if mined.call.to != self._locker.address:
            return {}
        found = self._locker.interface.decode_call(mined.call.data)
        return {} if found is None else found[1]
