"""What the parties paid a chain for: their transactions, and the gas that these took."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edgemark.identifiers import Address, parse_hash32
from edgemark.ledger.evm.reading.answers import list_of, object_of
from edgemark.ledger.evm.reading.blocks import Mined
from edgemark.ledger.evm.reading.chain import EvmChain


def read_sent(chain: EvmChain, first: int, senders: Collection[Address]) -> list[Mined]:
    """Every transaction of these accounts from a block on, with what became of it."""
    hashes = []
    for number in range(first, chain.head() + 1):
        block = object_of(chain.rpc("eth_getBlockByNumber", hex(number), False), "block")
        hashes += list_of(block.get("transactions"), "list of transactions")
    mined = chain.mined([parse_hash32(str(each)) for each in hashes])
    return [each for each in mined if each.call.sender in senders]


def sum_gas(sent: Sequence[Mined]) -> int:
    """What these took."""
    return sum(each.receipt.gas_used for each in sent)
