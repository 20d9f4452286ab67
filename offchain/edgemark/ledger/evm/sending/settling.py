"""What became of a nonce, by proof only: an absent receipt says nothing.

Law 1: a transaction happened when one node shows its receipt, the block that the receipt names, and
the blocks on top of it.
Law 2: a transaction will never happen when one node shows, as deep, a block with another one of the
same account and nonce. Nothing else counts: not a receipt that is missing, not a number of nonces,
not a refusal; they may come from a node that lags, or forgot.
"""

from __future__ import annotations

import threading

from edgemark.identifiers import Address, Hash32
from edgemark.ledger.evm.faults import (
    ChainMoved,
    NodeAnswerMalformed,
    NodeBehind,
    NodeRefused,
    NonceTaken,
    ReorgTooDeep,
)
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.reading.follower import REORG_LOOKS
from edgemark.ledger.evm.sending.pending import Done, Entry, PendingFile
from edgemark.logs import get_logger

MARGIN_BLOCKS = 64  # a node that was ahead when we signed, or a lane file from before
BLOCKS_A_LOOK = 32  # whole blocks that are read at a time where old states are not served


class Settler:
    """Settles the nonces of one account.

    Args:
        chain: where.
        account: whose.
        pending: what it signed.
        lock: of whoever changes that; the chain is asked without it.
    """

    def __init__(
        self, chain: EvmChain, account: Address, pending: PendingFile, lock: threading.RLock
    ) -> None:
        self._chain = chain
        self._account = account
        self._pending = pending
        self._lock = lock
        self._reading: dict[int, tuple[int, int]] = {}  # nonce: first block, next block to read
        self._doubts: dict[Hash32, int] = {}
        self.gas_used = 0
        self.fees_wei = 0
        self._log = get_logger("ledger.lane")

    def receipt_of_done(self, done: Done) -> Receipt:
        """Of what was final.

        Raises:
            ReorgTooDeep: its block does not hold it any more, look after look.
            ChainMoved: that is what the node shows for the first time.
            NodeBehind: only its receipt is missing.
        """
        receipt = self._chain.receipt(done.tx_hash)
        if receipt is None:
            raise self._missing(done)
        self._doubts.pop(done.tx_hash, None)
        return receipt

    def _missing(self, done: Done) -> Exception:
        facts = {"who": f"account {self._account}", "had": done.tx_hash.hex()}
        if done.tx_hash in {sent.hash for sent in self._chain.senders(done.block)}:
            self._doubts.pop(done.tx_hash, None)
            return NodeBehind("the receipt of a final transaction is not there", **facts)
        looks = self._doubts[done.tx_hash] = self._doubts.get(done.tx_hash, 0) + 1
        needed = f"in block {done.block}"
        if looks < REORG_LOOKS:  # of several nodes one may be on a branch of its own
            return ChainMoved("a final transaction is not shown", **facts, needed=needed)
        return ReorgTooDeep(
            "a final transaction is gone",
            **facts,
            needed=needed,
            remedy="Raise the setting chain.confirmations; look at the chain.",
        )

    def receipt(self, entry: Entry) -> Receipt | None:
        """Of whichever variant is mined; None proves nothing."""
        for tx_hash in reversed(entry.hashes):
            receipt = self._chain.receipt(tx_hash)
            if receipt is not None:
                return receipt
        return None

    def taken(self, entry: Entry) -> NonceTaken:
        """What is told of an entry that is void."""
        return NonceTaken(
            "another transaction used the nonce",
            who=f"account {self._account}",
            had=f"nonce {entry.nonce}",
            remedy="Use the key in one place only; then send again.",
        )

    def is_known(self, entry: Entry) -> bool:
        """Does the node have a variant of it, in a block or in its pool?"""
        shown = ["0x" + tx_hash.hex() for tx_hash in entry.hashes]
        return any(self._chain.rpc("eth_getTransactionByHash", each) is not None for each in shown)

    def finish_if_final(self, entry: Entry, receipt: Receipt, depth: int | None) -> None:
        """Cross out what the chain holds as deep as its confirmations ask; None: not at all.

        Whoever calls it has the lock.
        """
        if not entry.is_open or depth is None or depth < self._chain.confirmations:
            return
        self.count(entry, receipt)
        place = receipt.block_number
        self._pending.finish(entry, receipt.tx_hash, place, is_success=receipt.is_success)

    def count(self, entry: Entry, receipt: Receipt) -> None:
        """What a transaction cost, once."""
        if not entry.is_counted:
            entry.is_counted = True
            self.gas_used += receipt.gas_used
            self.fees_wei += receipt.fee_wei

    def settle(self, nonce: int) -> None:
        """Cross out what is decided about a nonce, whichever way, if a proof is to be had now.

        Raises:
            LedgerUnavailable: the node does not answer, or lags.
        """
        upto = self._chain.confirmed()
        with self._lock:
            holders = self._pending.holders(nonce)
        if not holders or self._chain.nonces_used(self._account, upto) <= nonce:
            return
        used_by = self._find_user(nonce, min(entry.height for entry in holders), upto)
        if used_by is None:
            return
        self._reading.pop(nonce, None)
        with self._lock:
            holders = self._pending.holders(nonce)  # of now: another thread may have been faster
            owner = next((entry for entry in holders if used_by in entry.hashes), None)
            if owner is None and holders:
                self._log.warning("nonce was used elsewhere", nonce=nonce, by=used_by.hex())
                self._pending.drop(nonce)
        receipt = None if owner is None else self._chain.receipt(used_by)
        if owner is not None and receipt is not None:
            depth = self._chain.depth_of(receipt)
            with self._lock:
                self.finish_if_final(owner, receipt, depth)

    def _find_user(self, nonce: int, since: int, upto: int) -> Hash32 | None:
        first = min(max(0, since - MARGIN_BLOCKS), upto)
        try:
            found = self._in_block(self._halve(nonce, first, upto), nonce)
        except (NodeRefused, NodeAnswerMalformed):  # it keeps no old states, and says so or null
            found = None
        return found or self._read_on(nonce, first, upto)

    def _halve(self, nonce: int, low: int, high: int) -> int:
        """The block that used a nonce, by how many were used at others."""
        step = MARGIN_BLOCKS
        while low > 0 and self._chain.nonces_used(self._account, low) > nonce:
            low, high, step = max(0, low - step), low, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            if self._chain.nonces_used(self._account, middle) > nonce:
                high = middle
            else:
                low = middle
        return high

    def _read_on(self, nonce: int, first: int, upto: int) -> Hash32 | None:
        """Read some more blocks; begins anew further down when there was nothing up to the end."""
        first, place = self._reading.get(nonce, (first, first))
        if place > upto:
            first = place = max(0, first - 2 * (upto - first + MARGIN_BLOCKS))
        end = min(upto, place + BLOCKS_A_LOOK - 1)
        for number in range(place, end + 1):
            found = self._in_block(number, nonce)
            if found is not None:
                return found
        self._reading[nonce] = (first, end + 1)
        return None

    def _in_block(self, number: int, nonce: int) -> Hash32 | None:
        for sent in self._chain.senders(number):
            if (sent.sender, sent.nonce) == (self._account, nonce):
                return sent.hash
        return None
