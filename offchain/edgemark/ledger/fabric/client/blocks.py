"""Blocks of a channel as a peer delivers them, each checked against the one before.

Signed is the payload of a SeekInfo envelope: channel, time, who asks, and the first and last block.
A block's envelopes are those of its header, and its header follows the last; its flags are the
word of the peer. A stream that ends before the last block that was asked for is never read as
"there are no more".
"""

from __future__ import annotations

from collections.abc import Iterator

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import events_pb2

from edgemark.ledger.fabric.client.connection import StreamTime
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import LedgerSilent, MessageMalformed
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.blocks import Block, parse_block
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import Transaction, make_envelope, parse_transaction
from edgemark.ledger.fabric.wire.messages import draft_headers, parse
from edgemark.ledger.fabric.wire.read_write_sets import Write, parse_results

WHO = "blocks"
LAST = 2**64 - 1  # asked for as the last block: without an end


def seek_request(
    channel: str,
    signer: Signer,
    *,
    first: int,
    last: int | None,
    nonce: bytes,
    timestamp_ns: int,
) -> bytes:
    """The signed envelope that asks for blocks; all of the following is covered by the signature.

    Args:
        channel: whose blocks.
        signer: who asks.
        first: number of the first one.
        last: of the last one; None for no end: each is sent when it is there.
        nonce: at random.
        timestamp_ns: now, Unix nanoseconds.
    """
    seek = ab_pb2.SeekInfo(behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY)
    seek.start.specified.number = first
    seek.stop.specified.number = LAST if last is None else last
    _, header = draft_headers(
        common_pb2.DELIVER_SEEK_INFO,
        channel,
        creator=signer.identity,
        nonce=nonce,
        timestamp_ns=timestamp_ns,
    )
    payload = common_pb2.Payload(header=header, data=seek.SerializeToString()).SerializeToString()
    return make_envelope(payload, signer.sign(payload))


def list_endorsed(block: Block) -> Iterator[Transaction]:
    """The endorsed transactions of a block that count, in order."""
    for raw, code in zip(block.envelopes, block.flags, strict=True):
        if code is not Code.VALID:
            continue
        try:
            found = parse_transaction(raw)
        except MessageMalformed:  # a configuration
            continue
        if found.type == common_pb2.ENDORSER_TRANSACTION:
            yield found


def list_writes(block: Block, chaincode: str, key: str) -> Iterator[tuple[Transaction, Write]]:
    """What transactions of a block that count wrote to a key, and which, in order.

    Args:
        block: that is looked at.
        chaincode: whose key.
        key: that was written.

    Raises:
        MessageMalformed: the results of one cannot be read.
    """
    for transaction in list_endorsed(block):
        for each in parse_results(transaction.action.results):
            if each.namespace == chaincode:
                yield from ((transaction, write) for write in each.writes if write.key == key)


class BlockCursor:
    """Takes the answers of a stream of blocks.

    Args:
        first: number of the first one.
        last: of the last one; None for no end.
        target: HOST:PORT that is asked.
    """

    def __init__(self, first: int, last: int | None, target: str) -> None:
        self.next = first
        self._last = last
        self._target = target
        self._above: bytes | None = None

    @property
    def is_done(self) -> bool:
        """Whether the last one was taken."""
        return self._last is not None and self.next > self._last

    def goes_on(self, time: StreamTime) -> bool:
        """Whether a new stream is asked for the next block, when one has ended before the last.

        Args:
            time: of the stream that ended.

        Returns:
            False where the caller's time is over and no last block was asked for.

        Raises:
            LedgerSilent: the peer ended it, or the caller's time is over and blocks are missing.
        """
        if not time.is_over:
            raise self._short("ended before the last block", "Ask again from there.")
        if time.is_callers and self._last is not None:
            text = "did not tell all blocks in time"
            raise self._short(text, "Give it more time, with --wait SECONDS (wait_s).")
        return not time.is_callers

    def _short(self, text: str, remedy: str) -> LedgerSilent:
        last = "an end" if self._last is None else f"block {self._last}"
        had, needed = f"all below block {self.next}", f"all to {last}"
        return LedgerSilent(text, who=self._target, had=had, needed=needed, remedy=remedy)

    def take(self, raw: bytes) -> Block | None:
        """The block of an answer; None for the end of the stream.

        Raises:
            MessageMalformed: it is no block, not the next one, or not of one piece.
            IdentityRefused, RefusedInput: the peer refused.
        """
        answer = parse(events_pb2.DeliverResponse, raw, WHO)
        kind = answer.WhichOneof("Type")
        if kind == "block":
            return self._check(parse_block(answer.block.SerializeToString()))
        if kind != "status":
            raise MessageMalformed("is neither block nor status", who=WHO)
        if answer.status == common_pb2.SUCCESS:
            return None
        code = "PERMISSION_DENIED" if answer.status == common_pb2.FORBIDDEN else "NOT_FOUND"
        said = f"status {answer.status}"
        raise explain(Refusal(Asking.BLOCKS, code, said, target=self._target))

    def _check(self, block: Block) -> Block:
        if block.number != self.next:
            raise MessageMalformed(
                "block is out of order", who=WHO, had=block.number, needed=self.next
            )
        if self._above is not None and block.previous_hash != self._above:
            raise MessageMalformed("block does not follow the last", who=WHO, had=block.number)
        if not block.is_whole or len(block.flags) != len(block.envelopes):
            raise MessageMalformed("block is not of one piece", who=WHO, had=block.number)
        if not block.has_borders:
            # The hash says nothing of where one ends: these may be others', cut or joined.
            raise MessageMalformed(
                "block has pieces of envelopes, or several in one",
                who=f"{WHO} of {self._target}",
                had=f"block {block.number}",
                needed="envelopes that begin with a payload and have one",
                remedy="Ask another peer: this one does not tell what was ordered.",
            )
        self.next, self._above = block.number + 1, block.hash
        return block
