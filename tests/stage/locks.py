"""What one matter paid to whom, read from the events of the anchor: to the token, matter by matter.

A lock names the contract that locked it and what it is for; locks of other contracts, which are
providers' stakes, belong to no matter. Everything else is addition.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from edgemark.anchoring.events import Locked, LockIncreased, LockReturned, Paid
from edgemark.deployment.deployment import Deployment
from edgemark.identifiers import Address
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.chain import EvmChain


@dataclass(frozen=True)
class LockLedger:
    """All events of a contract and of the anchor until now.

    Attributes:
        LOCKER: the contract's name; a system says it.
    """

    LOCKER: ClassVar[str]

    chain: EvmChain
    deployment: Deployment

    @cached_property
    def events(self) -> list[ChainEvent]:
        """In the order of the chain."""
        contracts = [self.deployment.contract(name) for name in (self.LOCKER, "AssetAnchor")]
        addresses = [contract.address for contract in contracts]
        logs = self.chain.logs(addresses, self.deployment.block, self.chain.head())
        return decode_logs(contracts, logs)

    @cached_property
    def _won(self) -> dict[bytes, dict[Address, int]]:
        """What each account won or lost, by the subject of the lock."""
        won: defaultdict[bytes, defaultdict[Address, int]] = defaultdict(lambda: defaultdict(int))
        for event in self.events:
            if not isinstance(event, Locked | LockIncreased | Paid | LockReturned):
                continue
            if event.locker != self.deployment.contracts[self.LOCKER]:
                continue
            of_subject = won[bytes(event.subject)]
            if isinstance(event, Locked | LockIncreased):
                of_subject[event.owner] -= event.amount
            elif isinstance(event, Paid):
                of_subject[event.to] += event.amount
            else:
                of_subject[event.owner] += event.amount
        return {subject: dict(changes) for subject, changes in won.items()}

    def changes(self, subject: bytes) -> dict[Address, int]:
        """What each account won or lost by a matter; those that did neither are left out."""
        won = self._won.get(bytes(subject), {})
        return {account: amount for account, amount in won.items() if amount}
