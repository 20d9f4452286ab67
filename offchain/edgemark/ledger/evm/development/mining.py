"""When a running development node makes its blocks, whichever kind it is.

The kinds differ: Anvil takes the interval in seconds and gives up making a block for each
transaction when it gets one; Hardhat takes milliseconds and goes on with both.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.reading.answers import tell, words_of
from edgemark.ledger.evm.reading.chain import EvmChain

CLIENTS = {"anvil": 1, "hardhatnetwork": 1000}  # units of a block interval in a second


@dataclass(frozen=True)
class BlockMaking:
    """The block making of one development node.

    Args:
        chain: the node.
        units: of its block interval in a second.
    """

    chain: EvmChain
    units: int

    @classmethod
    def of(cls, chain: EvmChain) -> BlockMaking:
        """How the node at the other end wants to be spoken to.

        Raises:
            RefusedInput: it is no development node.
        """
        answer = chain.rpc("web3_clientVersion")
        version = words_of(answer) if isinstance(answer, str) else tell(answer)
        name = version.partition("/")[0].lower()
        if name not in CLIENTS:
            raise RefusedInput(
                "is no development node",
                who=chain.place,
                had=version[:80],
                needed="Anvil or Hardhat",
                remedy="On another chain, run the parties one by one: docs/running.md.",
            )
        return cls(chain, CLIENTS[name])

    @property
    def is_by_transaction(self) -> bool:
        """Does each transaction get a block at once?"""
        return bool(self.chain.rpc("hardhat_getAutomine"))

    def by_transaction(self) -> None:
        """From now on a block for each transaction, at once, and no others."""
        self.chain.rpc("evm_setIntervalMining", 0)
        self.chain.rpc("evm_setAutomine", True)

    def by_clock(self, seconds: int) -> None:
        """From now on a block every so many seconds, with or without transactions; whole ones."""
        self.chain.rpc("evm_setAutomine", False)
        self.chain.rpc("evm_setIntervalMining", seconds * self.units)

    def make(self, blocks: int = 1) -> None:
        """Make blocks now."""
        self.chain.rpc("hardhat_mine", hex(blocks))
