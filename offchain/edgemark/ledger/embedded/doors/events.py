"""`gateway.Gateway/ChaincodeEvents`: what a chaincode told in transactions that count, by block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import chaincode_event_pb2
from grpc import StatusCode

from edgemark.errors import LedgerUnavailable
from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.channel.sealing import make_mark
from edgemark.ledger.embedded.doors.admission import check_asker
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.doors.serving.refusing import refusal
from edgemark.ledger.embedded.validation.blocks import identify
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.blocks import Block, add_mark, parse_block, read_mark
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.envelopes import Event, parse_event, parse_transaction
from edgemark.ledger.fabric.wire.messages import parse


class ChaincodeEvents:
    """Listens for one organisation's Gateway.

    Args:
        behind: the doors.
        msp_id: of the organisation.
    """

    def __init__(self, behind: Behind, msp_id: str) -> None:
        self._behind = behind
        self._own = msp_id

    async def listen(self, signed: Any) -> AsyncIterator[Any]:
        """Every block with events of that chaincode, for as long as somebody listens."""
        if not signed.request:
            text = "a chaincode events request is required"
            raise refusal(StatusCode.INVALID_ARGUMENT, text)
        kind = gateway_pb2.ChaincodeEventsRequest
        request = parse(kind, signed.request, "chaincode events request")
        channel, member = check_asker(self._behind, request, signed, self._own)
        start, after = find_start(channel, request)
        with self._behind.places_of(self._own).streams.share(member.msp_id):
            check_mark(channel, request)
            async for block in self._behind.ordering_of(channel.name).blocks_from(start):
                events = events_of(_after(block, after))
                after = ""
                told = [each for each in events if each.chaincode == request.chaincode_id]
                if told:
                    yield make_answer(block, told)


def make_answer(block: Block, told: Sequence[Event]) -> Any:
    """`ChaincodeEventsResponse`: events of a block, and its mark."""
    answer = gateway_pb2.ChaincodeEventsResponse(
        block_number=block.number, events=[_message_of(each) for each in told]
    )
    add_mark(answer, make_mark(block))
    return answer


def check_mark(channel: Channel, request: Any) -> None:
    """Check that the block that somebody resumes in is the one whose mark it shows, if any.

    Raises:
        LedgerUnavailable: that one was taken back.
        MessageMalformed: it shows no mark in the field of one.
    """
    mark = read_mark(request)
    if not mark:
        return
    number = request.start_position.specified.number
    raw = channel.block(number)
    if raw is None or make_mark(parse_block(raw)) != mark:
        raise LedgerUnavailable(
            "took blocks back",
            who=f"channel {channel.name}",
            had=f"{channel.height} blocks" if raw is None else f"another block {number}",
            needed=f"block {number} that was told",
            remedy="Begin anew, from a block that is there.",
        )


def find_start(channel: Channel, request: Any) -> tuple[int, str]:
    """Block to begin with, and transaction of it after which events count; none when empty.

    Raises:
        CallRefused: the position is of another kind.
    """
    after = request.after_transaction_id
    found = channel.block_of(after) if after else None
    if found is not None:
        return parse_block(found).number, after
    kind = request.start_position.WhichOneof("Type")
    if kind == "specified":
        return request.start_position.specified.number, ""
    if kind in (None, "next_commit"):
        return channel.height, ""
    raise refusal(StatusCode.INVALID_ARGUMENT, f"invalid start position type: {kind}")


def events_of(block: Block) -> list[Event]:
    """What was told in a block's transactions that count, in their order."""
    found = []
    for envelope, code in zip(block.envelopes, block.flags, strict=True):
        if code is not Code.VALID:
            continue
        try:
            event = parse_event(parse_transaction(envelope).action.event)
        except MessageMalformed:
            continue  # a configuration has no events
        if event is not None:
            found.append(event)
    return found


def _after(block: Block, after: str) -> Block:
    """What of a block stands behind a transaction; all of it when none is named."""
    ids = [_id_of(each) for each in block.envelopes] if after else []
    place = ids.index(after) + 1 if after in ids else 0
    return replace(block, envelopes=block.envelopes[place:], flags=block.flags[place:])


def _id_of(envelope: bytes) -> str:
    """Of its headers alone: one that does not count may hold anything behind them."""
    return identify(Candidate(envelope))[0]


def _message_of(event: Event) -> Any:
    return chaincode_event_pb2.ChaincodeEvent(
        chaincode_id=event.chaincode,
        tx_id=event.transaction_id,
        event_name=event.name,
        payload=event.payload,
    )
