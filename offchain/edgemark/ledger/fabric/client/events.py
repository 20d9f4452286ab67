"""Chaincode events in order, and where a listener is: none lost, none twice.

A checkpoint is (block, transaction): a transaction has one event at most. It is kept after the
handler returned; a handler that was interrupted sees its event again. Whoever resumes asks for the
checkpoint's whole block again and drops here what was handled: a Gateway that is asked for what
comes behind a transaction sends nothing at all where it does not find that transaction.

Where the block does not hold the checkpoint's transaction, the chain was taken back. So it was
where it does and the block is another: the same transaction came again, and what stands before it
may be what nobody handled. A ledger that takes blocks back tells each by a mark, which is kept and
shown (`wire.blocks`). A checkpoint without a transaction has the hash of the block below, which the
peer is asked for before the stream (`checkpoints`); one that has not got so far may be behind, and
is asked again until it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fabric_protos.gateway import gateway_pb2

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.client.submission import compute_pause_s
from edgemark.ledger.fabric.faults import (
    ChainTakenBack,
    EventsUnclear,
    LedgerBusy,
    LedgerSilent,
    MessageMalformed,
)
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.blocks import add_mark, read_mark
from edgemark.ledger.fabric.wire.envelopes import Event
from edgemark.ledger.fabric.wire.messages import parse

WHO = "events"
TRANSACTION_ID = re.compile("[0-9a-f]{64}")
MAX_IDS_SHOWN = 4


@dataclass(frozen=True)
class Checkpoint:
    """Up to where events were handled.

    Attributes:
        block: number of the block.
        transaction_id: of the last event that was handled in it; empty: none of it yet.
        below: hash of the block below it, where none of it was handled yet; empty: not known.
        mark: of the block, where some of it was handled; empty: its ledger tells none.
    """

    block: int
    transaction_id: str = ""
    below: bytes = b""
    mark: bytes = b""


@dataclass(frozen=True)
class ChaincodeEvent:
    """An event of a transaction that counts.

    Attributes:
        block: number of its block.
        event: what the chaincode tells.
        mark: of its block; empty: its ledger tells none.
    """

    block: int
    event: Event
    mark: bytes = b""

    @property
    def checkpoint(self) -> Checkpoint:
        """Where a listener is that has handled it."""
        return Checkpoint(self.block, self.event.transaction_id, mark=self.mark)


def events_request(channel: str, chaincode: str, signer: Signer, after: Checkpoint) -> bytes:
    """`SignedChaincodeEventsRequest`; the signature covers all of the following, and who asks.

    Args:
        channel: of the chaincode.
        chaincode: whose events.
        signer: who asks.
        after: behind what.
    """
    request = gateway_pb2.ChaincodeEventsRequest(
        channel_id=channel, chaincode_id=chaincode, identity=signer.identity
    )
    request.start_position.specified.number = after.block
    add_mark(request, after.mark)
    raw = request.SerializeToString()
    made: bytes = gateway_pb2.SignedChaincodeEventsRequest(
        request=raw, signature=signer.sign(raw)
    ).SerializeToString()
    return made


class Follower:
    """Follows the events of a chaincode over any number of streams.

    Args:
        channel: of the chaincode.
        chaincode: whose events.
        signer: who asks.
        after: behind what; None until the caller says the chain's height: a stream that began
            with what comes next would lose, when it is cut, what comes until the next one.
    """

    def __init__(
        self, channel: str, chaincode: str, signer: Signer, after: Checkpoint | None
    ) -> None:
        self.checkpoint = after
        self._place = channel, chaincode
        self._signer = signer
        self._failed = 0
        self._failure: EdgemarkError | None = None

    def begin(self) -> tuple[bytes, Cursor]:
        """What a new stream is asked, and who takes its answers.

        Raises:
            RefusedInput: it does not know where to begin.
        """
        if self.checkpoint is None:
            raise RefusedInput("does not know where to begin", who=WHO, needed="a checkpoint")
        request = events_request(*self._place, self._signer, self.checkpoint)
        return request, Cursor(self._place[1], self.checkpoint)

    def handled(self, event: ChaincodeEvent) -> None:
        """The caller is done with an event: a new stream goes on behind it."""
        self.checkpoint = event.checkpoint
        self._failed = 0

    def pause_after(self, error: EdgemarkError) -> float:
        """Seconds after which a new stream makes sense, when one was refused or cut.

        Raises:
            EdgemarkError: that very one; none does.
        """
        if not isinstance(error, LedgerSilent | LedgerBusy):
            raise error
        pause_s = self.pause_after_end()
        self._failure = error
        return pause_s

    def pause_after_end(self) -> float:
        """Seconds after which a new stream makes sense, when one has ended without a reason."""
        self._failure = None
        self._failed += 1
        return compute_pause_s(self._failed)

    def check_heard(self) -> None:
        """Say, when the caller's time is over, whether somebody was listened to until then.

        Raises:
            LedgerSilent, LedgerBusy: why the last stream was cut; none was open since.
        """
        if self._failure is not None:
            raise self._failure


class Cursor:
    """Takes the answers of a stream and gives the events that come next.

    Args:
        chaincode: whose events.
        after: behind what; None from wherever the stream begins.
    """

    def __init__(self, chaincode: str, after: Checkpoint | None) -> None:
        self._chaincode = chaincode
        self._first = after  # until the first answer has come
        self._least = after.block if after else 0
        self._last: int | None = None

    def take(self, raw: bytes) -> Iterator[ChaincodeEvent]:
        """The events of one answer, all of one block.

        Raises:
            MessageMalformed: it is no answer, of a block that was told or left behind, or with an
                event of another chaincode.
            EventsUnclear: two of its events are of one transaction, or one is of none.
            ChainTakenBack: the checkpoint's block, or its transaction in it, is not there.
        """
        answer = parse(gateway_pb2.ChaincodeEventsResponse, raw, WHO)
        block = answer.block_number
        least = self._least
        if block < least or (self._last is not None and block <= self._last):
            needed = f"> {self._last}" if self._last is not None else f">= {least}"
            raise MessageMalformed("block is out of order", who=WHO, had=block, needed=needed)
        events = [
            Event(each.chaincode_id, each.tx_id, each.event_name, each.payload)
            for each in answer.events
        ]
        self._check(block, events)
        self._last = block
        mark = read_mark(answer)
        left = self._left(block, events, mark)
        return (ChaincodeEvent(block, each, mark) for each in left)

    def _check(self, block: int, events: list[Event]) -> None:
        ids = {each.transaction_id for each in events}
        if len(ids) != len(events) or not all(map(TRANSACTION_ID.fullmatch, ids)):
            unclear = EventsUnclear(
                "events have not the id of a transaction each",
                who=f"{WHO} of block {block}",
                had=", ".join(each.transaction_id[:64] for each in events[:MAX_IDS_SHOWN]),
                needed="64 hex digits, another for each",
                remedy="Ask another peer. Where all say so, look what the block's transactions did "
                f"and begin behind it: --from-block {block + 1}, or Checkpoint({block + 1}), and a "
                "new file where a checkpoint's is named.",
            )
            unclear.block = block
            raise unclear
        for each in events:
            if each.chaincode != self._chaincode:
                had = each.chaincode[:64]
                raise MessageMalformed(
                    "event is of another chaincode", who=WHO, had=had, needed=self._chaincode
                )

    def _left(self, block: int, events: list[Event], mark: bytes) -> list[Event]:
        """What is behind the checkpoint, of the next block."""
        first, self._first = self._first, None
        if first is None or not first.transaction_id:
            return events
        ids = [each.transaction_id for each in events]
        if block != first.block or first.transaction_id not in ids:
            needed = f"transaction {first.transaction_id[:64]} in block {first.block}"
            raise taken_back(f"block {block}", needed)
        if first.mark and mark != first.mark:
            which = f"block {block} of mark"
            raise taken_back(f"{which} {mark.hex() or 'none'}", f"{which} {first.mark.hex()}")
        return events[ids.index(first.transaction_id) + 1 :]


def taken_back(had: str, needed: str) -> ChainTakenBack:
    """The chain is not the one of a checkpoint."""
    return ChainTakenBack(
        "chain was taken back below what was handled",
        who=WHO,
        had=had,
        needed=needed,
        remedy="Begin anew at a block that is there, and undo what came of those before.",
    )
