"""What the clients of all contracts have in common: where one reads, and how one calls."""

from __future__ import annotations

from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call


class ContractClient:
    """One contract on one chain: a client reads it, and makes calls for a lane to send.

    Args:
        chain: where the contract is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self.contract = contract
        self.address = contract.address

    def _call(self, function: str, *arguments: object) -> Call:
        return Call(self.contract, function, arguments)

    def _number_of(self, block: int | str) -> int:
        """Of a block that is named: a number, "latest" or "confirmed"."""
        if isinstance(block, int):
            return block
        return self._chain.confirmed() if block == "confirmed" else self._chain.head()
