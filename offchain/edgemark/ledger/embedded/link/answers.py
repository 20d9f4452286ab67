"""Messages to a chaincode's process, and what its last one says; pure."""

from __future__ import annotations

from typing import Any

from fabric_protos.peer import chaincode_shim_pb2, proposal_response_pb2

from edgemark.ledger.embedded.link.requests import name_of
from edgemark.ledger.embedded.simulation.calls import Call, Completion
from edgemark.ledger.embedded.simulation.faults import ChaincodeBroke, NotSimulated
from edgemark.ledger.fabric.faults import MessageMalformed
from edgemark.ledger.fabric.wire.envelopes import Event
from edgemark.ledger.fabric.wire.messages import parse

_M = chaincode_shim_pb2.ChaincodeMessage


def response_of(message: Any, payload: bytes) -> Any:
    """RESPONSE to a request."""
    return _M(type=_M.RESPONSE, payload=payload, txid=message.txid, channel_id=message.channel_id)


def error_of(message: Any, why: str) -> Any:
    """ERROR to a request, in the words of a peer."""
    text = f"{name_of(message.type)} failed: transaction ID: {message.txid[:64]}: {why}"
    return _M(
        type=_M.ERROR, payload=text.encode(), txid=message.txid, channel_id=message.channel_id
    )


def completion_of(message: Any, call: Call, who: str) -> Completion:
    """What COMPLETED or ERROR says.

    An event gets the chaincode's name and the transaction's id from here: some shims leave them
    out, and none may say another's.

    Raises:
        NotSimulated: it is ERROR.
        ChaincodeBroke: its payload is no response.
    """
    if message.type == _M.ERROR:
        why = message.payload.decode(errors="replace")
        raise NotSimulated(f"transaction returned with failure: {why}", who=who)
    try:
        response = parse(proposal_response_pb2.Response, message.payload, who)
    except MessageMalformed as error:
        raise ChaincodeBroke("answer is no response", who=who) from error
    event = None
    if message.HasField("chaincode_event"):
        told = message.chaincode_event
        event = Event(call.chaincode, call.transaction_id, told.event_name, told.payload)
    return Completion(response.status, response.message, response.payload, event)
