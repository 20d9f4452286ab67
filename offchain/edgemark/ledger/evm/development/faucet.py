"""The public development account, by which everybody on a development chain is funded."""

from __future__ import annotations

from pathlib import Path

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.faults import OtherChainsFile
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane

FAUCET = "faucet.journal"  # in the folder of a chain


def open_faucet(node: EvmChain, path: Path) -> TransactionLane:
    """The lane of the public development account.

    What it has sent on a chain that is gone is of no use to anybody: such a file is begun anew.

    Args:
        node: the chain.
        path: its journal; one for all who fund on this chain, or they hinder each other.
    """
    try:
        return TransactionLane(node, SecretKey(dev_key(0)), path)
    except OtherChainsFile:
        path.unlink()
        return TransactionLane(node, SecretKey(dev_key(0)), path)
