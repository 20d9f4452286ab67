"""Where a listener was when it ended, in a file of its own; and whether it is on that chain still.

Fabric's chains never go back. A development ledger's do, when its owner reverts it: the peer's
`qscc` says of its blocks whether a checkpoint without a transaction is of them; one that has any
shows the mark of its block (`events`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fabric_protos.common import ledger_pb2

from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import OWNER_ONLY_FILE, FileInUse, hold_lock, read_limited, write_whole
from edgemark.ledger.fabric.client.events import TRANSACTION_ID, WHO, Checkpoint, taken_back
from edgemark.ledger.fabric.client.flows import Flow
from edgemark.ledger.fabric.faults import LedgerSilent, MessageMalformed
from edgemark.ledger.fabric.wire.blocks import MAX_MARK_BYTES, Block, parse_block
from edgemark.ledger.fabric.wire.messages import parse

MAX_BYTES = 1024
MAX_BLOCK = 2**64 - 1
HASH_BYTES = 32

Ask = Callable[[str, str], Flow[bytes]]  # a function of `qscc` and its argument


class CheckpointFile:
    """One listener's checkpoint; whoever keeps it in another place does the same two things.

    Args:
        path: of the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Checkpoint | None:
        """Where it was; None for a listener that handled nothing yet.

        Raises:
            Unrecoverable: the file holds something else.
        """
        if not self.path.exists():
            return None
        raw = read_limited(self.path, MAX_BYTES)
        try:
            held = json.loads(raw)
            block, transaction_id = held["block"], held["transaction_id"]
            below, mark = (bytes.fromhex(held[each]) for each in ("below", "mark"))
        except (ValueError, TypeError, KeyError) as error:
            raise self._damage() from error
        is_block = type(block) is int and 0 <= block <= MAX_BLOCK
        is_id = isinstance(transaction_id, str) and (
            not transaction_id or TRANSACTION_ID.fullmatch(transaction_id)
        )
        if not is_block or not is_id or len(below) not in (0, HASH_BYTES):
            raise self._damage()
        if len(mark) > MAX_MARK_BYTES:
            raise self._damage()
        return Checkpoint(block, transaction_id, below, mark)

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep it, whole and durably.

        Raises:
            RefusedInput: it is none that could be read again.
            Unrecoverable: the disk refuses; events that were handled since are told again.
        """
        named = checkpoint.transaction_id
        if named and not TRANSACTION_ID.fullmatch(named):
            needed = "64 hex digits, or none"
            raise RefusedInput("is no transaction's id", who=WHO, had=named[:64], needed=needed)
        held = {
            "block": checkpoint.block,
            "transaction_id": checkpoint.transaction_id,
            "below": checkpoint.below.hex(),
            "mark": checkpoint.mark.hex(),
        }
        try:
            write_whole(self.path, json.dumps(held).encode(), mode=OWNER_ONLY_FILE)
        except OSError as error:
            raise Unrecoverable(
                "checkpoint could not be kept",
                who=self.path,
                had=error.strerror,
                remedy="Free space on the disk or replace it, then listen again: what was handled "
                "since the checkpoint that is there is told again.",
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one meanwhile who listens behind it: what two handle is handled twice.

        Raises:
            FileInUse: another listener does, of this process or another.
            Unrecoverable: its folder does not allow it.
        """
        try:
            lock = hold_lock(self.path)
        except FileInUse as used:
            used.remedy = "End the other listener, or give this one a name or a file of its own."
            raise
        try:
            yield
        finally:
            os.close(lock)

    def _damage(self) -> Unrecoverable:
        return Unrecoverable(
            "is no checkpoint",
            who=self.path,
            remedy="Put back the one before, or remove it: what is committed from then on is told, "
            "and older events from a block that is named.",
        )


def read_chain(ask: Ask) -> Flow[Any]:
    """`BlockchainInfo`: height and newest hash."""
    raw = yield from ask("GetChainInfo", "")
    return parse(ledger_pb2.BlockchainInfo, raw, "chain info")


def make_checkpoint(ask: Ask, block: int | None) -> Flow[Checkpoint]:
    """A checkpoint before the first event of a block, that tells its history from another.

    Args:
        ask: the peer.
        block: number of it; None for the next one to come.
    """
    info = yield from read_chain(ask)
    if block is None or block == info.height:
        return Checkpoint(info.height, below=info.currentBlockHash)
    if not 0 < block < info.height:
        return Checkpoint(block)
    return Checkpoint(block, below=(yield from _read_block(ask, block - 1)).hash)


def check_history(ask: Ask, after: Checkpoint) -> Flow[None]:
    """Check that a checkpoint which has a hash is of the peer's chain.

    Raises:
        ChainTakenBack: it is of another.
        LedgerSilent: the peer has not got so far; it may be behind, so it is asked again.
    """
    if not after.below:
        return
    info = yield from read_chain(ask)
    if info.height < after.block:
        remedy = "Wait for it; where the ledger was reverted, begin anew at a block that is there."
        had = f"{info.height} blocks"
        raise LedgerSilent("peer is behind", who=WHO, had=had, needed=after.block, remedy=remedy)
    below = info.currentBlockHash
    if info.height > after.block:
        below = (yield from _read_block(ask, after.block - 1)).hash
    if below != after.below:
        named = f"block {after.block - 1}"
        raise taken_back(f"{named} {below.hex()}", f"{named} {after.below.hex()}")


def _read_block(ask: Ask, number: int) -> Flow[Block]:
    block = parse_block((yield from ask("GetBlockByNumber", str(number))))
    if block.number != number:
        raise MessageMalformed("block is another", who=WHO, had=block.number, needed=number)
    return block
