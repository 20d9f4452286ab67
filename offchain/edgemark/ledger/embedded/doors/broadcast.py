"""`orderer.AtomicBroadcast/Broadcast`: transactions to be ordered, an answer for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2

from edgemark.errors import EdgemarkError, LedgerUnavailable, Overloaded
from edgemark.ledger.embedded.channel.admitting import NotOrdered
from edgemark.ledger.embedded.doors.behind import Behind
from edgemark.ledger.embedded.doors.serving.calls import Method, Passed, Talks
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.identities.signing import parse_identity
from edgemark.ledger.fabric.wire.messages import (
    parse,
    read_channel_header,
    read_payload,
    read_signature_header,
)
from edgemark.logs import about, get_logger

_log = get_logger("ledger.orderer")
WHO = "envelope"


async def order(behind: Behind, envelope: bytes) -> Any:
    """Have an envelope ordered; answers `BroadcastResponse`.

    Raises:
        Overloaded: more wait to be ordered than may.
        LedgerUnavailable: blocks cannot be made for the moment.
    """
    try:
        header = read_channel_header(read_payload(envelope, WHO), WHO)
        channel = behind.channels.get(header.channel_id)
        if channel is None:
            known = ", ".join(sorted(behind.channels))
            text = f"channel {header.channel_id[:64]} is not known; had {known}"
            return _answer(common_pb2.BAD_REQUEST, text)
        channel.check_order(envelope, behind.clock.now())
    except NotOrdered as error:
        _log.info("not ordered", reason=error)
        return _answer(error.status, str(error))
    except MessageMalformed as error:
        return _answer(common_pb2.BAD_REQUEST, str(error))
    with about(transaction=header.tx_id[:64]):
        await behind.orderers[header.channel_id].submit(envelope)
        _log.debug("ordered", channel=header.channel_id)
    return _answer(common_pb2.SUCCESS, "")


def sender_of(envelope: Any) -> str:
    """MSP id of who made an envelope that was taken, so that all of it can be read."""
    payload = parse(common_pb2.Payload, envelope.payload, WHO)
    return parse_identity(read_signature_header(payload, WHO).creator)[0]


class Broadcast:
    """The orderer's door for transactions.

    Args:
        behind: the doors.
    """

    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    def methods(self) -> list[Method]:
        """What it serves."""
        places = self._behind.places_of(None)
        talks = Talks(self.broadcast, places.silent)
        return [Method("Broadcast", common_pb2.Envelope, places.streams, talks)]

    async def broadcast(self, envelopes: AsyncIterator[Any], passed: Passed) -> AsyncIterator[Any]:
        """An answer for each envelope; after one that says no the stream ends, as Fabric's does."""
        async for envelope in envelopes:
            answer = await self._order(envelope.SerializeToString())
            if answer.status == common_pb2.SUCCESS:
                passed(sender_of(envelope))
            yield answer
            if answer.status != common_pb2.SUCCESS:
                return

    async def _order(self, envelope: bytes) -> Any:
        try:
            return await order(self._behind, envelope)
        except (Overloaded, LedgerUnavailable) as error:
            return _answer(common_pb2.SERVICE_UNAVAILABLE, str(error))
        except EdgemarkError as error:
            return _answer(common_pb2.INTERNAL_SERVER_ERROR, str(error))


def _answer(status: int, info: str) -> Any:
    return ab_pb2.BroadcastResponse(status=status, info=info)
