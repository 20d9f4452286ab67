"""Follows the events of contracts without being misled by a reorganisation.

Law 1: an event is delivered once it is as deep as the chain's confirmations ask, in order, once.
What is passed is noted piece by piece, so that a node that fails half-way is asked for the rest.
Law 2: a reorganisation above that depth is never seen; one below it takes back what was delivered,
which nobody can undo, so it is `ReorgTooDeep` and not a silent repair. That a node shows it once is
not enough: of several behind one address one may be on a branch of its own, or wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.faults import ChainMoved, ReorgTooDeep
from edgemark.ledger.evm.reading.chain import LOG_CHUNK_BLOCKS, EvmChain
from edgemark.words import count

REORG_LOOKS = 10  # in a row that show another block than was delivered, until it is believed
LEAST_BLOCKS = 32  # read before the next is noted, however often a node fails half-way
REMEMBERED_BLOCKS = 64  # checkpoints by which a deep reorganisation is located for the report


class LogFollower:
    """Delivers confirmed events; one thread at a time.

    Args:
        chain: where.
        contracts: whose events.
        from_block: first block to look at, >= 0.
    """

    def __init__(self, chain: EvmChain, contracts: Sequence[Contract], from_block: int = 0) -> None:
        self.cursor = from_block - 1
        self._chain = chain
        self._contracts = tuple(contracts)
        self._seen: OrderedDict[int, Hash32] = OrderedDict()
        self._doubts = 0
        self._width = LOG_CHUNK_BLOCKS  # blocks that are read before the next is noted

    def poll(self) -> list[ChainEvent]:
        """What became final since the last call; `cursor` is the last block then looked at.

        Raises:
            ReorgTooDeep: a block that was delivered is no longer on the chain, look after look.
            ChainMoved: that is what the node shows for the first time.
            LedgerUnavailable: the chain does not answer, and nothing was found before it failed;
                nothing is skipped.
        """
        target = self._chain.confirmed()
        self._check_delivered()
        events: list[ChainEvent] = []
        try:
            while self.cursor < target:
                found = self._read_to(min(target, self.cursor + self._width))
                if found is None:
                    break
                events += found
                self._width = min(LOG_CHUNK_BLOCKS, 2 * self._width)
        except LedgerUnavailable:
            self._width = max(LEAST_BLOCKS, self._width // 2)  # less is lost if it happens again
            if not events:
                raise
        return events

    def _read_to(self, target: int) -> list[ChainEvent] | None:
        """The events up to a block; None when the chain changed meanwhile: look again next time."""
        before = self._chain.block(target).hash
        addresses = [contract.address for contract in self._contracts]
        logs = self._chain.logs(addresses, self.cursor + 1, target, last=before)
        if self._chain.block(target).hash != before:
            return None
        events = decode_logs(self._contracts, logs)
        # After all that may fail: what is passed is never read again.
        self._remember(target, before)
        return events

    def _remember(self, number: int, block_hash: Hash32) -> None:
        self.cursor = number
        self._seen[number] = block_hash
        while len(self._seen) > REMEMBERED_BLOCKS:
            self._seen.popitem(last=False)

    def _check_delivered(self) -> None:
        """The last block delivered must still stand; a chain that is only shorter may grow back."""
        if not self._seen:
            return
        last = next(reversed(self._seen))
        if self._chain.head() < last:
            return
        shown = self._chain.block(last).hash
        if shown == self._seen[last]:
            self._doubts = 0
            return
        self._doubts += 1
        if self._doubts < REORG_LOOKS:
            raise ChainMoved(
                "another block than was final", who=self._chain.place, had=shown.hex(), needed=last
            )
        head = self._chain.head()
        common = max(
            (n for n, seen in self._seen.items() if n <= head and self._is_same(n, seen)),
            default=None,
        )
        raise ReorgTooDeep(
            "the chain took back blocks that were final",
            who=self._chain.place,
            had=f"another block {last}; in common: {'none known' if common is None else common}",
            needed=f"at most {count(self._chain.confirmations, 'block')} taken back",
            remedy="Raise the setting chain.confirmations, check what was done since, then start "
            "again.",
        )

    def _is_same(self, number: int, seen: Hash32) -> bool:
        return self._chain.block(number).hash == seen
