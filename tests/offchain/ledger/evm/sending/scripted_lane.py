"""A lane over scripted nodes, as it is and as it was; and what its callers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.offchain.ledger.evm.reading.scripted_node import (
    KEY,
    Chain,
    Nodes,
    Says,
    View,
    chain_through,
)

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import parse_address
from edgemark.ledger.evm.contract.interface import Contract, Interface
from edgemark.ledger.evm.faults import (
    ChainMoved,
    NodeRefused,
    NonceTaken,
    NotYetMined,
    TransactionRefused,
)
from edgemark.ledger.evm.reading.follower import REORG_LOOKS
from edgemark.ledger.evm.sending.intent import Call, LaneLimits
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.pending import Entry
from edgemark.ledger.evm.sending.transaction import parse_raw

PAYEE = parse_address("0x" + "77" * 20)
OTHER = parse_address("0x" + "88" * 20)
NUMBER = [{"name": "number", "type": "uint256"}]
SERVE = {"name": "serve", "type": "function", "inputs": NUMBER, "outputs": []}
SERVICE = Contract("Service", PAYEE, Interface("Service", [SERVE]))
SOON = LaneLimits(wait_s=0.05, bump_after_s=60.0, poll_s=0.0)
PATIENT = LaneLimits(wait_s=20.0, bump_after_s=60.0, poll_s=0.0)
PASSING = [
    ("txpool is full", -32000),
    ("transaction pool is full", -32003),
    ("daily request count exceeded, request rate limited", -32005),
    ("replacement transaction underpriced", -32000),
    ("max fee per gas less than block base fee", -32000),
    ("account has too many pending transactions", -32000),
    ("something nobody has heard of", -32099),
]


class OldLane(TransactionLane):
    """Planted: the lane as it was concludes from an absent receipt, and from any refusal."""

    def _nurse(self, entry: Entry) -> None:
        if self._chain.nonces_used(self.address, self._chain.confirmed()) > entry.nonce:
            if self._settler.receipt(entry) is None:
                self._pending.drop(entry.nonce)
                raise self._settler.taken(entry)
            return
        super()._nurse(entry)

    def _refuse_if_final(self, entry: Entry, refusal: NodeRefused) -> None:
        self._pending.drop(entry.nonce)
        self._pending.floor = 0
        raise TransactionRefused("the node does not take the transaction", had=refusal.message)


@contextmanager
def lane_over(
    nodes: Nodes,
    folder: Path,
    *,
    limits: LaneLimits = PATIENT,
    confirmations: int = 2,
    kind: type[TransactionLane] = TransactionLane,
) -> Iterator[TransactionLane]:
    chain = chain_through(nodes, confirmations=confirmations)
    with kind(chain, KEY, folder / "lane", limits=limits) as lane:
        yield lane


def serve(number: int, about: bytes | None = None) -> Call:
    return Call(SERVICE, "serve", (number,), about=about)


def served(chain: Chain) -> list[int]:
    """The calls that were mined, in order."""
    sent = [parse_raw(raw) for block in chain.blocks for raw in block.raws]
    return [int.from_bytes(each.data[4:], "big") for each in sent if each.to == PAYEE]


def quiet_node() -> tuple[Chain, Nodes]:
    """One that makes no blocks by itself."""
    chain, nodes = one_node()
    nodes.block_every = 0
    return chain, nodes


def mine(chain: Chain, blocks: int = 3) -> None:
    for _ in range(blocks):
        chain.mine()


def one_node(**view: Any) -> tuple[Chain, Nodes]:
    chain = Chain()
    nodes = Nodes(View(chain, **view))
    nodes.block_every = 5
    return chain, nodes


def pay_again_and_again(lane: TransactionLane, attempts: int = 3) -> list[str]:
    """What a caller does who is told that nothing happened, or that it takes long."""
    said = []
    for _ in range(attempts):
        try:
            lane.transfer(PAYEE, 5, key=b"once")
            said.append("paid")
        except (LedgerUnavailable, TransactionRefused) as fault:
            said.append(type(fault).__name__)
    return said


def leave_two_waiting(lane: TransactionLane) -> None:
    """Two payments, of 5 and 6, that no block takes while somebody waits for them."""
    for to, value, key in ((PAYEE, 5, b"once"), (OTHER, 6, b"other")):
        with pytest.raises(NotYetMined):
            lane.transfer(to, value, key=key)


def see_it_moved(lane: TransactionLane) -> None:
    """Ask for a payment whose final block is not shown: all looks but the last one wait."""
    for _ in range(REORG_LOOKS - 1):
        with pytest.raises(ChainMoved):
            lane.transfer(PAYEE, 5, key=b"once")


def persist(work: Callable[[], Any]) -> Any:
    """Ask again as often as it takes long; the chain and the node stand still meanwhile."""
    for _ in range(200):
        try:
            return work()
        except NonceTaken:
            raise
        except LedgerUnavailable as fault:
            last = fault
    raise last


def refusing_once(message: str, method: str = "eth_sendRawTransaction") -> Callable[..., None]:
    left = [1]

    def refuse(asked: str, _: object) -> None:
        if asked == method and left[0]:
            left[0] = 0
            raise Says(message)

    return refuse
