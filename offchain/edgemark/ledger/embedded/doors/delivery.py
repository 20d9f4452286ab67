"""Blocks to whoever may read them: `Deliver` of peers and of the orderer, `DeliverFiltered`.

A client sends a signed `SeekInfo` and gets blocks, then a status; then it may ask again. Its right
to read, not its signature, is looked at again before each block: who was revoked meanwhile gets no
more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.doors.admission import check_signed
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.doors.serving.calls import Method, Passed, Talking, Talks
from edgemark.ledger.embedded.simulation import rights
from edgemark.ledger.embedded.validation.blocks import identify
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.fabric.faults import IdentityRefused, MessageMalformed
from edgemark.ledger.fabric.identities.members import Member
from edgemark.ledger.fabric.wire.blocks import Block
from edgemark.ledger.fabric.wire.envelopes import parse_event, parse_transaction
from edgemark.ledger.fabric.wire.limits import MAX_QUESTION_BYTES
from edgemark.ledger.fabric.wire.messages import (
    parse,
    read_channel_header,
    read_payload,
    read_signature_header,
)

WHO = "seek"


@dataclass(frozen=True)
class Wanted:
    """Which blocks of which channel.

    Attributes:
        channel: that holds them.
        first, last: numbers; `last` may lie ahead.
        waits: whether blocks that are not there yet are waited for.
        reader: `SerializedIdentity` of who asked, whose right is looked at before each block.
        msp_id: of the organisation that the reader is of.
    """

    channel: Channel
    first: int
    last: int
    waits: bool
    reader: bytes
    msp_id: str


class _Status(Exception):  # ends a request, not the call
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Delivery:
    """Delivers blocks at one door.

    Args:
        behind: the doors.
        msp_id: whose door it is; None for the orderer's.
    """

    def __init__(self, behind: Behind, msp_id: str | None) -> None:
        self._behind = behind
        self._own = msp_id

    def methods(self) -> list[Method]:
        """What it serves."""
        if self._own is None:
            return [self._method("Deliver", self.deliver_ordered)]
        return [
            self._method("Deliver", self.deliver),
            self._method("DeliverFiltered", self.deliver_filtered),
        ]

    def _method(self, name: str, does: Talking) -> Method:
        places = self._behind.places_of(self._own)
        talks = Talks(does, places.silent)
        kind, most = common_pb2.Envelope, MAX_QUESTION_BYTES
        return Method(name, kind, places.streams, talks, most_bytes=most)

    def deliver(self, envelopes: AsyncIterator[Any], passed: Passed) -> AsyncIterator[Any]:
        """Blocks of a peer, whole."""
        return self._serve(envelopes, passed, _whole, events_pb2.DeliverResponse)

    def deliver_filtered(self, envelopes: AsyncIterator[Any], passed: Passed) -> AsyncIterator[Any]:
        """Blocks of a peer, ids, codes and names of events alone."""
        return self._serve(envelopes, passed, _filtered, events_pb2.DeliverResponse)

    def deliver_ordered(self, envelopes: AsyncIterator[Any], passed: Passed) -> AsyncIterator[Any]:
        """Blocks of the orderer."""
        return self._serve(envelopes, passed, _ordered, ab_pb2.DeliverResponse)

    async def _serve(
        self,
        envelopes: AsyncIterator[Any],
        passed: Passed,
        show: Callable[[Block, Channel], Any],
        status_of: Any,
    ) -> AsyncIterator[Any]:
        async for envelope in envelopes:
            status = common_pb2.SUCCESS
            try:
                wanted = self._read(envelope)
                passed(wanted.msp_id)
                async for block in self._blocks(wanted):
                    yield show(block, wanted.channel)
            except _Status as ended:
                status = ended.status
            yield status_of(status=status)
            if status != common_pb2.SUCCESS:
                return

    def _read(self, envelope: Any) -> Wanted:
        try:
            payload = parse(common_pb2.Payload, envelope.payload, WHO)
            header = read_channel_header(payload, WHO)
            signer = read_signature_header(payload, WHO)
            seek = parse(ab_pb2.SeekInfo, payload.data, WHO)
        except MessageMalformed as error:
            raise _Status(common_pb2.BAD_REQUEST) from error
        channel = self._behind.channels.get(header.channel_id)
        if channel is None or (self._own is not None and self._own not in channel.organisations):
            raise _Status(common_pb2.NOT_FOUND)
        with _told():
            check_signed(signer.creator, envelope.payload, envelope.signature)
        member = self._check(channel, signer.creator)
        return _wanted(channel, seek, signer.creator, member.msp_id)

    async def _blocks(self, wanted: Wanted) -> AsyncIterator[Block]:
        channel = wanted.channel
        if not wanted.waits and wanted.first >= channel.height:
            raise _Status(common_pb2.NOT_FOUND)
        async for block in self._behind.ordering_of(channel.name).blocks_from(wanted.first):
            self._check(channel, wanted.reader)
            yield block
            if block.number >= wanted.last:
                return
            if not wanted.waits and block.number + 1 >= channel.height:
                raise _Status(common_pb2.NOT_FOUND)

    def _check(self, channel: Channel, reader: bytes) -> Member:
        """Who asked, when they may read, now."""
        with _told():
            return rights.check_reader(channel, reader, at=self._behind.clock.now())


@contextmanager
def _told() -> Iterator[None]:
    """A refusal becomes the status that says it."""
    try:
        yield
    except IdentityRefused as error:
        raise _Status(common_pb2.FORBIDDEN) from error
    except EdgemarkError as error:
        raise _Status(common_pb2.BAD_REQUEST) from error


def _wanted(channel: Channel, seek: Any, reader: bytes, msp_id: str) -> Wanted:
    newest, waits = channel.height - 1, seek.behavior == ab_pb2.SeekInfo.BLOCK_UNTIL_READY
    start, stop = seek.start.WhichOneof("Type"), seek.stop.WhichOneof("Type")
    if not seek.HasField("start") or stop is None:
        raise _Status(common_pb2.BAD_REQUEST)
    if start is None:
        raise _Status(common_pb2.NOT_FOUND)
    firsts = {
        "oldest": 0,
        "newest": newest,
        "next_commit": newest + 1,
        "specified": seek.start.specified.number,
    }
    first = firsts[start]
    lasts = {
        "oldest": first,
        "newest": first if start == "newest" else newest,
        "next_commit": newest + 1,
        "specified": seek.stop.specified.number,
    }
    if stop == "specified" and lasts[stop] < first:
        raise _Status(common_pb2.BAD_REQUEST)
    return Wanted(channel, first, lasts[stop], waits, reader, msp_id)


def _message_of(block: Block) -> Any:
    return common_pb2.Block.FromString(block.to_bytes())


def _whole(block: Block, channel: Channel) -> Any:  # noqa: ARG001 - as `_filtered`
    return events_pb2.DeliverResponse(block=_message_of(block))


def _ordered(block: Block, channel: Channel) -> Any:  # noqa: ARG001 - as above
    return ab_pb2.DeliverResponse(block=_message_of(block))


def _filtered(block: Block, channel: Channel) -> Any:
    made = events_pb2.FilteredBlock(channel_id=channel.name, number=block.number)
    for envelope, code in zip(block.envelopes, block.flags, strict=True):
        shown = made.filtered_transactions.add(tx_validation_code=int(code))
        try:
            header = read_channel_header(read_payload(envelope, WHO), WHO)
        except MessageMalformed:
            continue
        shown.txid, shown.type = identify(Candidate(envelope))[0], header.type
        if header.type != common_pb2.ENDORSER_TRANSACTION:
            continue
        try:
            event = parse_event(parse_transaction(envelope).action.event)
        except MessageMalformed:
            continue
        action = shown.transaction_actions.chaincode_actions.add()
        if event is not None:
            named = chaincode_event_pb2.ChaincodeEvent(
                chaincode_id=event.chaincode, tx_id=event.transaction_id, event_name=event.name
            )
            action.chaincode_event.CopyFrom(named)
    return events_pb2.DeliverResponse(filtered_block=made)
